"""``alphaloom paper run``, ``halt``, ``resume`` and what ``status`` says of a daemon."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from datetime import UTC, date, datetime
from pathlib import Path

import fortnight
import pandas as pd
import pytest
from simulation import World, moment

from alphaloom.paper.status import is_alive, standing
from live.ledger import DaemonState, Heartbeat, Ledger, Task, Told

sys.path.insert(0, str(Path(__file__).parents[2] / "alphaloom"))

from cli_helpers import Cli, commands


@pytest.fixture
def cli(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Cli:
    monkeypatch.chdir(tmp_path)
    return commands(monkeypatch, capsys, ("paper",), ("--db", "paper.db"))


def test_a_person_sees_the_daemon_and_the_halt(cli: Cli, world: World, tmp_path: Path) -> None:
    world.run(str(tmp_path / "paper.db"), world.settings(), "2023-06-12T20:00")
    assert "daemon   stopped at 2023-06-12 20:00:00: the test is over" in cli("status").out
    halted = cli("halt", "--reason", "holiday")
    assert halted.out == "account live halted; no order is sent until alphaloom paper resume\n"
    assert "is halted already" in cli("halt", "--reason", "again").out
    assert ": holiday; alphaloom paper resume lets it trade again" in cli("status").out
    assert cli("resume").out == "account live resumed\n"
    assert "halted" not in cli("status").out
    assert "a halt needs its reason" in cli("halt", "--reason", " ").refused()


def test_a_silent_daemon_is_called_stale(world: World, tmp_path: Path) -> None:
    """After four heartbeats that did not come, as often as the daemon itself says that it beats."""
    url, now = str(tmp_path / "paper.db"), datetime(2023, 6, 12, 12, tzinfo=UTC)
    world.run(url, world.settings(), "2023-06-11T20:00")
    with Ledger.open(url) as ledger:
        service = ledger.service()

        def beats(state: DaemonState, every_s: float | None) -> None:
            service.beat(Heartbeat(now, now, "trader-1", 4711, state, "waits until 15:30", None, every_s))

        def said(minute: int) -> str:
            ((_, line),) = standing(ledger, "live", now.replace(minute=minute))
            return line

        assert not is_alive(ledger, "live", now)
        beats(DaemonState.WAITING, 30.0)
        assert said(1).startswith("waits until 15:30; process 4711 on trader-1 since 2023-06-12 20:00:00")
        assert said(3).startswith("STALE: no heartbeat since 2023-06-12 20:00:00 (3 min); process 4711")
        assert is_alive(ledger, "live", now.replace(minute=1))
        assert not is_alive(ledger, "live", now.replace(minute=3))
        # the clock was set back by an hour, and nobody has beaten since
        assert not is_alive(ledger, "live", now.replace(hour=11))
        beats(DaemonState.WAITING, 600.0)
        assert said(30).startswith("waits until 15:30")
        beats(DaemonState.WAITING, None)
        assert said(3).startswith("STALE"), "a daemon of before did not say how often"
        beats(DaemonState.STOPPED, 30.0)
        assert not is_alive(ledger, "live", now)


def test_status_ends_with_1_where_no_daemon_lives_if_it_is_asked_to(
    cli: Cli, world: World, tmp_path: Path
) -> None:
    world.run(str(tmp_path / "paper.db"), world.settings(), "2023-06-11T15:00")
    assert cli("status").code == 0
    gone = cli("status", "--alive")
    assert (gone.code, "daemon   stopped at" in gone.out) == (1, True)


def test_an_account_without_a_session_says_who_makes_the_first(
    cli: Cli, world: World, tmp_path: Path
) -> None:
    with world.daemon(str(tmp_path / "paper.db"), world.settings(), start=date(2023, 6, 13)) as outfit:
        outfit.daemon.wake()
        shown = cli("status").out
        assert "no session yet; the daemon plans the first one on the evening before it" in shown
        assert "paper step" not in shown
    with Ledger.open(str(tmp_path / "paper.db"), read_only=True) as ledger:
        assert not ledger.tasks()


def test_what_was_learned_is_shown_and_exported(cli: Cli, world: World, tmp_path: Path) -> None:
    url = str(tmp_path / "paper.db")
    settings = fortnight.settings_of(world, fails_on=("2023-06-15",))
    world.run(url, settings, "2023-06-15T20:00", fortnight.here(settings, Path(f"{url}.snapshots")))
    shown = cli("status").out
    assert "learned  the refresh for 2023-06-16 failed: " in shown
    assert "labels: clean" in shown
    assert cli("export", "--out", "out").code == 0
    rows = pd.read_parquet(tmp_path / "out" / "refreshes.parquet").to_dict("records")
    assert [(row["session"], bool(row["failed"])) for row in rows] == [
        ("2023-06-12", False),
        ("2023-06-16", True),
    ]
    assert len(rows[0]["snapshot"]) == 64


def test_what_reached_nobody_is_shown(world: World, tmp_path: Path) -> None:
    url = str(tmp_path / "paper.db")
    world.run(url, world.settings(), "2023-06-11T20:00")
    with Ledger.open(url) as ledger:
        service = ledger.service()
        posted = service.post("k", "trade", date(2023, 6, 12), "sent", "", at=moment("2023-06-12T09:25"))
        assert posted is not None
        assert service.post("k", "trade", None, "sent", "", at=moment("2023-06-12T09:26")) is None
        service.told(posted.number, Told.FAILED, "no route to host")
        lines = dict(standing(ledger, "live", moment("2023-06-12T09:30")))
    assert lines["unheard"] == "1 messages reached nobody, the last: sent (no route to host)"


def test_a_real_daemon_runs_until_it_is_asked_to_stop(world: World, tmp_path: Path) -> None:
    """`alphaloom paper run` itself, with vendors that cannot be reached: it says so, and stops when asked."""
    config = tmp_path / "live.yaml"
    plain = {**world.settings().plain(), "span": {}}
    config.write_text(json.dumps(plain), encoding="utf-8")
    nowhere = dict.fromkeys(("HTTPS_PROXY", "HTTP_PROXY", "https_proxy", "http_proxy"), "http://127.0.0.1:9")
    command = [
        *(sys.executable, "-m", "alphaloom", "paper", "run", str(config)),
        *("--db", str(tmp_path / "real.db"), "--log", str(tmp_path / "real.log")),
    ]
    process = subprocess.Popen(
        command, env={**os.environ, **nowhere}, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline().startswith("account live runs; its first session is ")
    second = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
    assert second.returncode == 2
    assert second.stderr.startswith("error: account 'live' of ledger ")
    assert "in use by process" in second.stderr
    time.sleep(1)
    process.send_signal(signal.SIGTERM)
    assert process.wait(60) == 0, process.communicate()
    with Ledger.open(str(tmp_path / "real.db"), read_only=True) as ledger:
        beat, titles = ledger.service().heartbeat(), [each.title for each in ledger.service().messages()]
        assert ledger.verify().sound
        assert not [task for task in ledger.tasks() if task.task is Task.EXECUTE and task.state == "done"]
    assert beat is not None
    assert beat.state is DaemonState.STOPPED
    assert titles[0] == "daemon started"
    assert titles[-1] == "daemon stopped: asked to by SIGTERM"
    assert "daemon stopped: asked to by SIGTERM" in (tmp_path / "real.log").read_text(encoding="utf-8")
