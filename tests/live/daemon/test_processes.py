"""Daemons as processes: killed, asked to stop, started twice, in other zones."""

from __future__ import annotations

import os
import random
import select
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from datetime import date
from pathlib import Path

import daemon_worker
import fortnight
import pytest
from sample_store import cut, whole_store
from simulation import World

from engine.market.store import MarketStore
from live.ledger import DaemonState, Heartbeat, Ledger, Task, TaskState

WORKER = Path(daemon_worker.__file__)
#: ``ALPHALOOM_KILLS=100`` kills more of them
KILLS = int(os.environ.get("ALPHALOOM_KILLS", "4"))


@pytest.fixture
def folder(quiet: MarketStore, tmp_path: Path) -> Path:
    (tmp_path / "whole").symlink_to(quiet.folder)
    cut(quiet, tmp_path / "store", date(2023, 6, 9))
    return tmp_path


@pytest.fixture
def lives(url: str, folder: Path) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(
        [sys.executable, str(WORKER), "lives", url, str(folder)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    yield process
    process.communicate(timeout=60)


def test_a_daemon_killed_at_any_moment_ends_as_one_that_was_not(
    lives: subprocess.Popen[str], url: str, world: World, folder: Path
) -> None:
    began = time.monotonic()
    world.run(str(folder / "whole.db"), world.settings(), daemon_worker.UNTIL)
    # long enough to do something, too short to be through
    longest_s = (time.monotonic() - began) / 3
    with Ledger.open(str(folder / "whole.db")) as ledger:
        head, marks, trades = ledger.epoch().head_hash, ledger.marks(), ledger.trades()
    # the other one begins with the store as it was
    daemon_folder_again(world, folder)
    chance, heads, finished = random.Random(14), set(), False
    for life in range(KILLS + 8):
        if life >= KILLS and len(heads) > 1:
            break
        before = len(heads)
        finished = one_life(lives, chance.uniform(0.1, longest_s))
        with Ledger.open(url, create=True) as ledger:
            if ledger.accounts():
                assert ledger.verify().sound
                heads.add(ledger.epoch().head_hash)
        if finished:
            break
        longest_s = longest_s * 0.9 if len(heads) > before else min(12.0, longest_s * 1.3)
    while not finished:
        finished = one_life(lives, 120)
    assert len(heads) > 1, "the daemons were killed before they did anything"
    with Ledger.open(url) as ledger:
        assert ledger.verify().sound
        assert (ledger.marks(), ledger.trades()) == (marks, trades)
        # no task was recorded twice, none at another time
        assert ledger.epoch().head_hash == head
        keys = [each.key for each in ledger.service().messages() if each.kind != "daemon"]
    assert len(keys) == len(set(keys)), "nobody is told twice"


def one_life(lives: subprocess.Popen[str], seconds: float) -> bool:
    """Start a daemon and kill it after a while; whether it had finished before."""
    assert lives.stdin is not None
    assert lives.stdout is not None
    lives.stdin.write("go\n")
    lives.stdin.flush()
    pid = int(lives.stdout.readline())
    done, _, _ = select.select([lives.stdout], [], [], seconds)
    if not done:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    status = int(lives.stdout.readline())
    assert status in (0, 9), f"the daemon failed with status {status}"
    return status == 0


def daemon_folder_again(world: World, folder: Path) -> None:
    shutil.rmtree(folder / "store")
    cut(world.whole, folder / "store", date(2023, 6, 9))


def test_woken_by_the_alarm_it_sends_its_orders_and_stops_when_asked(folder: Path, tmp_path: Path) -> None:
    """The real scheduler, real signals and a clock that runs: from 9:24:52 to the auction and a little on."""
    url = str(tmp_path / "paper.db")
    world = daemon_worker.known(folder, fortnight.BEGINS)
    world.run(url, world.settings(), "2023-06-12T09:10")
    command = [sys.executable, str(WORKER), "wall", url, str(folder), "2023-06-12T09:24:52"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    until = time.monotonic() + 90
    while executed(url) is not TaskState.DONE and time.monotonic() < until:
        time.sleep(0.2)
    first = heartbeat(url)
    second = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert "in use by process" in second.stderr
    time.sleep(2.5)
    later = heartbeat(url)
    assert later.at > first.at, "the heart beats while the daemon waits"
    assert later.state is DaemonState.WAITING
    process.send_signal(signal.SIGTERM)
    assert process.wait(20) == 0
    assert process.stdout.read() == "ended\n"
    with Ledger.open(url, read_only=True) as ledger:
        assert ledger.verify().sound
        beat, last = ledger.service().heartbeat(), ledger.service().messages()[-1]
    assert beat is not None
    assert beat.state is DaemonState.STOPPED
    assert last.title == "daemon stopped: asked to by SIGTERM"
    assert executed(url) is TaskState.DONE


def executed(url: str) -> TaskState | None:
    with suppress(Exception), Ledger.open(url, read_only=True) as ledger:
        record = ledger.task(date(2023, 6, 12), Task.EXECUTE)
        return None if record is None else record.state
    return None


def heartbeat(url: str) -> Heartbeat:
    with Ledger.open(url, read_only=True) as ledger:
        beat = ledger.service().heartbeat()
    assert beat is not None
    return beat


@pytest.fixture(scope="module")
def autumn(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Days around 2023-10-29 and 2023-11-05, when clocks in London and New York were set back."""
    folder = tmp_path_factory.mktemp("autumn")
    whole_store(folder / "whole", date(2023, 8, 1), date(2023, 11, 10))
    return folder


def lived_in(zone: str, autumn: Path, folder: Path, store_ends: date, begins: str, until: str) -> list[str]:
    """Names of the zone, and what a daemon told people there."""
    folder.mkdir()
    (folder / "whole").symlink_to(autumn / "whole")
    cut(MarketStore(autumn / "whole"), folder / "store", store_ends)
    ran = subprocess.run(
        [sys.executable, str(WORKER), "zone", str(folder / "paper.db"), str(folder), begins, until],
        env={**os.environ, "TZ": zone},
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert not ran.returncode, ran.stderr
    names, _, said = ran.stdout.partition("\n")
    return [names, said]


@pytest.mark.parametrize(
    ("zone", "summer", "store_ends", "days", "monday"),
    [
        ("America/New_York", "EDT", date(2023, 11, 1), ("2023-11-02T08:00", "2023-11-07T20:00"), "11-06"),
        ("Europe/London", "BST", date(2023, 10, 25), ("2023-10-26T08:00", "2023-10-31T20:00"), "10-30"),
    ],
)
def test_the_zone_of_the_machine_changes_nothing(
    autumn: Path,
    tmp_path: Path,
    zone: str,
    summer: str,
    store_ends: date,
    days: tuple[str, str],
    monday: str,
) -> None:
    """Neither its distance, nor that its clocks are set back in the night before a session."""
    names, said = lived_in(zone, autumn, tmp_path / "there", store_ends, *days)
    _, at_home = lived_in("Asia/Shanghai", autumn, tmp_path / "here", store_ends, *days)
    assert summer in names
    assert said == at_home
    assert f"{monday} 09:25:05 [trade] 2023-{monday} sent: at the opening price" in at_home
