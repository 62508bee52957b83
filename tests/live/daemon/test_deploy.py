"""The examples in deploy/: units that systemd takes, commands that there are."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import tomllib
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from simulation import World
from typer.main import get_command

from alphaloom.cli.paper import paper_app
from live.ledger import DaemonState, Heartbeat, Ledger

DEPLOY = Path(__file__).parents[3] / "deploy"
UNIT = DEPLOY / "alphaloom-paper@.service"


def parse(words: list[str]) -> dict[str, Any]:
    """What ``alphaloom`` makes of its words, short of doing it; what it does not understand is an error."""
    assert words[:1] == ["paper"]
    command = get_command(paper_app).commands[words[1]]  # type: ignore[attr-defined]
    parsed: dict[str, Any] = command.make_context(words[1], words[2:]).params
    return parsed


def dockerfile(instruction: str) -> str:
    """An instruction of the Dockerfile, its lines joined."""
    text = (DEPLOY / "Dockerfile").read_text().replace("\\\n", " ")
    found = re.search(rf"^{instruction} (.*)$", text, re.MULTILINE)
    assert found is not None
    return found[1]


def test_the_unit_starts_a_command_that_there_is() -> None:
    start = re.search(r"^ExecStart=\S*alphaloom (.*)$", UNIT.read_text(), re.MULTILINE)
    assert start is not None
    parsed = parse(shlex.split(start[1].replace("%i", "mine")))
    assert (parsed["config"], parsed["account"]) == ("/etc/alphaloom/mine.yaml", "mine")


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd is not installed")
def test_systemd_takes_the_unit(tmp_path: Path) -> None:
    unit = tmp_path / UNIT.name
    unit.write_text(UNIT.read_text().replace("/opt/alphaloom/bin/alphaloom", shutil.which("true") or ""))
    ran = subprocess.run(
        ["systemd-analyze", "verify", str(unit)], capture_output=True, text=True, check=False, timeout=60
    )
    assert not [line for line in ran.stderr.splitlines() if unit.stem.partition("@")[0] in line], ran.stderr


def test_the_container_runs_commands_that_there_are() -> None:
    entry, command = json.loads(dockerfile("ENTRYPOINT")), json.loads(dockerfile("CMD"))
    assert entry[0] == "alphaloom"
    parsed = parse([*entry[1:], *command])
    assert (parsed["config"], parsed["quiet"]) == ("/config/live.yaml", True)


def test_the_container_installs_extras_that_there_are() -> None:
    asked = re.search(r'"\.\[([a-z,]+)\]"', dockerfile("RUN"))
    assert asked is not None
    project = tomllib.loads((DEPLOY.parent / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert set(asked[1].split(",")) <= project["optional-dependencies"].keys()


def test_the_health_check_knows_a_daemon_that_lives(world: World, tmp_path: Path) -> None:
    """As a shell runs it, with `alphaloom` on its path and the volume as its home."""
    home, programs = tmp_path / "data", tmp_path / "bin"
    for folder in (home, programs):
        folder.mkdir()
    program = programs / "alphaloom"
    program.write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} -m alphaloom "$@"\n')
    program.chmod(0o755)
    check = dockerfile("HEALTHCHECK").partition(" CMD ")[2]
    environment = {
        **os.environ,
        "PATH": f"{programs}:{os.environ['PATH']}",
        "PYTHONPATH": str(DEPLOY.parent),
        "ALPHALOOM_HOME": str(home),
    }

    def health() -> int:
        return subprocess.run(
            ["/bin/sh", "-c", check], env=environment, capture_output=True, check=False
        ).returncode

    # 2 is kept for docker itself
    assert health() == 1
    world.run(str(home / "paper.db"), world.settings(), "2023-06-11T20:00")
    with Ledger.open(str(home / "paper.db")) as ledger:
        now = datetime.now(UTC)
        ledger.service().beat(Heartbeat(now, now, "here", 1, DaemonState.WAITING, "waits", None, 300.0))
    assert health() == 0
