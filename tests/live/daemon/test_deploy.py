"""The examples in deploy/: units that systemd takes, commands that there are."""

from __future__ import annotations

import json
import re
import shlex
import shutil
import subprocess
from pathlib import Path

import pytest
from typer.main import get_command

from alphaloom.cli.paper import paper_app

DEPLOY = Path(__file__).parents[3] / "deploy"
UNIT = DEPLOY / "alphaloom-paper@.service"


def known_options(command: str) -> set[str]:
    """Options of a command of ``alphaloom paper``."""
    commands = get_command(paper_app).commands  # type: ignore[attr-defined]
    return {option for parameter in commands[command].params for option in parameter.opts}


def refused(words: list[str]) -> set[str]:
    assert words[0] == "paper"
    return {word for word in words[2:] if word.startswith("-")} - known_options(words[1])


def test_the_unit_starts_a_command_that_there_is() -> None:
    start = re.search(r"^ExecStart=\S*alphaloom (.*)$", UNIT.read_text(), re.MULTILINE)
    assert start is not None
    assert not refused(shlex.split(start[1]))


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd is not installed")
def test_systemd_takes_the_unit(tmp_path: Path) -> None:
    unit = tmp_path / UNIT.name
    unit.write_text(UNIT.read_text().replace("/opt/alphaloom/bin/alphaloom", shutil.which("true") or ""))
    ran = subprocess.run(
        ["systemd-analyze", "verify", str(unit)], capture_output=True, text=True, check=False, timeout=60
    )
    assert not [line for line in ran.stderr.splitlines() if unit.stem.partition("@")[0] in line], ran.stderr


def test_the_container_runs_commands_that_there_are() -> None:
    text = (DEPLOY / "Dockerfile").read_text()
    entry, command = (json.loads(re.search(rf"^{name} (\[.*\])$", text, re.MULTILINE)[1])  # type: ignore[index]
                      for name in ("ENTRYPOINT", "CMD"))  # fmt: skip
    assert entry[0] == "alphaloom"
    assert not refused([*entry[1:], *command])
