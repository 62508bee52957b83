"""What a person is told of a fortnight in which everything happens once, message by message."""

from __future__ import annotations

import re
import shutil
import signal
import subprocess
import sys
from datetime import date
from pathlib import Path

import daemon_worker
import fortnight
import pytest
from sample_store import cut
from simulation import World, as_text, moment, told

import alphaloom
from engine.market.store import MarketStore
from engine.span import SpanConfig
from live.ledger import Ledger, Task, TaskState

GOLDEN = Path(__file__).with_suffix(".txt")


def normal(text: str) -> str:
    """Without what differs from folder to folder: paths, and hashes of what has paths in it."""
    text = re.sub(r"[^\s(]*/(learning_alpha\.py)(:\d+)?", r"\1", text)
    return re.sub(r"\b[0-9a-f]{12}\b", "<snapshot>", text)


def test_what_a_person_is_told_of_an_eventful_fortnight(
    eventful: MarketStore, url: str, tmp_path: Path
) -> None:
    """Two processes: the first is killed in the middle of it, the second is given nothing but the folders."""
    (tmp_path / "whole").symlink_to(eventful.folder)
    first = life(url, tmp_path, fortnight.BEGINS, fortnight.CRASH, "die")
    assert first.stdout is not None
    assert first.stdout.readline() == "there\n", first.communicate()
    first.kill()  # and not another word
    assert first.wait(60) == -signal.SIGKILL
    second = life(url, tmp_path, fortnight.AGAIN, fortnight.ENDS, "close")
    assert second.wait(300) == 0
    assert normal(as_text(told(url))) == GOLDEN.read_text(encoding="utf-8")
    with Ledger.open(url, read_only=True) as ledger:
        assert ledger.verify().sound
        tasks = ledger.tasks()
        settled = [record.session for record in tasks if record.task is Task.SETTLE]
        ended = [task for task in tasks if task.session <= date(2023, 6, 28)]
    # every session ends in a named state, and none is left out but the holiday
    assert {task.state for task in ended} == {TaskState.DONE, TaskState.MISSED}
    assert date(2023, 6, 22) not in settled
    assert len([day for day in settled if day <= date(2023, 6, 28)]) == 11


def life(url: str, folder: Path, begins: str, until: str, end: str) -> subprocess.Popen[str]:
    """A daemon in a process of its own, whose simulated clock runs from one moment to another."""
    command = [sys.executable, daemon_worker.__file__, "fortnight", url, str(folder), begins, until, end]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def test_a_fortnight_without_trouble_equals_its_back_test(world: World, tmp_path: Path) -> None:
    url = str(tmp_path / "paper.db")
    settings = world.settings()
    messages = world.run(url, settings, fortnight.ENDS)
    assert not [each for each in messages if "differences" in each.body]
    days = SpanConfig(start=fortnight.FIRST, end=date(2023, 6, 28))
    data = settings.data.model_copy(update={"path": world.whole.folder})
    result = alphaloom.backtest(settings.model_copy(update={"span": days, "data": data}))
    with Ledger.open(url, read_only=True) as ledger:
        trades = [trade for _, trade in ledger.trades()]
        values = [mark.value_fen for _, mark in ledger.marks()]
        levels = [mark.benchmark for _, mark in ledger.marks()]
    assert trades == [trade for _, trade in result.journal.trades]
    assert values == [record.value_fen for record in result.journal.sessions[1:]]
    assert result.benchmark is not None
    assert levels == result.benchmark[1:].tolist()
    # vendors were asked for orders and holdings alone, once a session
    asked = world.feeds[0].asked
    assert len(asked) == 11
    assert max(count for _, count in asked) < 60


@pytest.mark.parametrize("moments", [("2023-06-13T17:30", "2023-06-19T10:00", "2023-06-19T16:30")])
def test_a_daemon_that_dies_and_returns_ends_where_one_that_lived_does(
    world: World, tmp_path: Path, moments: tuple[str, ...]
) -> None:
    whole, torn = str(tmp_path / "whole.db"), str(tmp_path / "torn.db")
    settings = world.settings()
    for at in moments:
        with world.daemon(torn, settings) as outfit:
            world.drive(outfit, moment(at))
    world.run(torn, settings, "2023-06-21T20:00")
    with Ledger.open(torn, read_only=True) as ledger:
        marks, trades, head = ledger.marks(), ledger.trades(), ledger.epoch().head_hash
    world.clock.at = moment(fortnight.BEGINS)
    _start_over(world, tmp_path)
    world.run(whole, settings, "2023-06-21T20:00")
    with Ledger.open(whole, read_only=True) as ledger:
        assert (ledger.marks(), ledger.trades(), ledger.epoch().head_hash) == (marks, trades, head)


def _start_over(world: World, folder: Path) -> None:
    shutil.rmtree(world.store.folder)
    cut(world.whole, world.store.folder, date(2023, 6, 9))
