"""Clocks that are set, and machines that stand elsewhere: sessions end named, and nothing is done twice."""

from __future__ import annotations

import threading
import time
from datetime import date, datetime, timedelta
from pathlib import Path

from simulation import World, moment, states, told

from engine.broker.orders import Fill
from engine.market.phases import SHANGHAI
from live.daemon.alarm import Alarm
from live.ledger import Ledger, Task, TaskState

FIRST, SECOND = date(2023, 6, 12), date(2023, 6, 13)


def test_a_clock_that_leaps_a_day_ahead_costs_a_session_and_no_more(world: World, tmp_path: Path) -> None:
    """What it takes for missed is not sent when the clock is right again: who knows what else was wrong."""
    url = str(tmp_path / "paper.db")
    with world.daemon(url, world.settings()) as outfit:
        world.drive(outfit, moment("2023-06-12T20:00"))
        leapt = world.clock.at + timedelta(days=1)
        real, world.clock.at = world.clock.at, leapt
        world.no_data = {SECOND: moment("2023-06-13T16:00"), FIRST: moment("2023-06-12T16:00")}
        outfit.daemon.wake()
        world.clock.at = real + timedelta(minutes=5)
        world.drive(outfit, moment("2023-06-14T20:00"))
    assert states(url, SECOND)[Task.EXECUTE] is TaskState.MISSED
    assert states(url, SECOND)[Task.SETTLE] is TaskState.DONE
    assert set(states(url, date(2023, 6, 14)).values()) == {TaskState.DONE}
    assert any(f"{SECOND} execute missed" in each.title for each in told(url))


def test_a_clock_that_is_set_back_repeats_nothing(world: World, tmp_path: Path) -> None:
    url = str(tmp_path / "paper.db")
    with world.daemon(url, world.settings()) as outfit:
        world.drive(outfit, moment("2023-06-12T09:26"))
        for back in ("2023-06-12T09:20", "2023-06-11T17:30"):
            world.clock.at = moment(back)
            outfit.daemon.wake()
            world.drive(outfit, moment("2023-06-12T09:40"))
        world.drive(outfit, moment("2023-06-12T21:00"))
        world.clock.at = moment("2023-06-12T15:00")
        world.drive(outfit, moment("2023-06-12T21:00"))
    assert set(states(url, FIRST).values()) == {TaskState.DONE}
    with Ledger.open(url, read_only=True) as ledger:
        assert len([trade for _, trade in ledger.trades() if isinstance(trade, Fill)]) == 5
    keys = [each.key for each in told(url)]
    assert len(keys) == len(set(keys))


def test_a_sleeper_wakes_when_its_moment_has_come_by_a_clock_that_was_set() -> None:
    """Or after a night in which the machine slept, and the scheduler's timers with it."""
    offset = [timedelta()]

    def now() -> datetime:
        return datetime.now(SHANGHAI) + offset[0]

    def set_ahead() -> None:
        offset[0] = timedelta(hours=2)

    beats = list[datetime]()
    with Alarm(now, lambda: beats.append(now()), 0.1) as alarm:
        threading.Timer(0.5, set_ahead).start()
        begun = time.monotonic()
        alarm.sleep_until(now() + timedelta(hours=1), lambda: None)
        assert 0.4 < time.monotonic() - begun < 60
    # the heart counts its own seconds, and beat all the while
    assert len(beats) >= 3
    assert min(beats) + timedelta(hours=1) < now()
