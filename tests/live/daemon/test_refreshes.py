"""Refreshes of a live account: in their own process, within a deadline; what fails leaves what was there."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import fortnight
import numpy as np
import pytest
from simulation import Time, World, moment

from alpha_sources.snapshot import Snapshot
from alphaloom.config import RunConfig
from alphaloom.paper.market import live_market
from alphaloom.paper.refresh import RefreshLimit, RefreshProcess
from alphaloom.paper.runs import live_run
from engine.broker.account import Account
from engine.broker.config import BrokerConfig
from engine.broker.orders import Side
from engine.market.calendar import Calendar, xshg
from engine.market.view import MarketView
from engine.span import SpanConfig
from live.broker import all_requests
from live.clock import SimulatedClock
from live.config import LiveConfig
from live.daemon.loop import Stopping, StopSign
from live.deputy import Deputy, Lesson
from live.ledger import Learned, Ledger, Refreshed, Sent, Task, TaskState
from live.machine import SessionMachine
from live.past import PastSession, sessions_without_learning
from live.run import PaperRun, Trader
from live.timetable import Timetable

EVE = "2023-06-09"


def settings_of(world: World, **params: list[str]) -> RunConfig:
    provider = f"{Path(__file__).with_name('learning_alpha.py')}:Learning"
    alpha = {"provider": provider, "params": params, "refresh": "every 4"}
    made = world.settings(alpha=alpha)
    return made.model_copy(update={"span": SpanConfig(start=fortnight.FIRST)})


def refreshed(world: World, settings: RunConfig, folder: Path, limit_s: float = 120) -> Lesson:
    view = live_market(settings, world.store).panel.view(date.fromisoformat(EVE))
    return RefreshProcess(settings, folder, lambda session: limit_s, lambda: None)(view, None)


def test_what_is_learned_in_a_process_comes_back_and_is_kept(world: World, tmp_path: Path) -> None:
    settings = settings_of(world)
    lesson = refreshed(world, settings, tmp_path / "kept")
    assert not lesson.failed
    assert lesson.snapshot is not None
    assert lesson.snapshot.payload["learned_on"] == EVE
    assert lesson.snapshot.as_of == EVE
    assert Snapshot.load(tmp_path / "kept" / lesson.snapshot.hash) == lesson.snapshot
    # the same as in a back-test that refreshes there
    here = fortnight.here(settings, tmp_path / "here")
    view = live_market(settings, world.store).panel.view(date.fromisoformat(EVE))
    assert here(view, None).snapshot == lesson.snapshot


@pytest.mark.parametrize(
    ("params", "limit_s", "why"),
    [
        ({"fails_on": [EVE]}, 120, "the model's host does not answer"),
        ({"hangs_on": [EVE]}, 12, "it took longer than 0.2 min and was stopped"),
        ({"dies_on": [EVE]}, 120, "its process ended with exit code 3"),
        ({"out_of_money_on": [EVE]}, 120, "budget"),
    ],
)
def test_what_goes_wrong_in_it_is_a_lesson_too(
    world: World, tmp_path: Path, params: dict[str, list[str]], limit_s: float, why: str
) -> None:
    lesson = refreshed(world, settings_of(world, **params), tmp_path / "kept", limit_s)
    assert lesson.snapshot is None
    assert why in lesson.failed


def test_a_refresh_gives_way_when_the_daemon_is_to_end(world: World, tmp_path: Path) -> None:
    settings, sign = settings_of(world, hangs_on=[EVE]), StopSign()
    sign.put("asked to")
    view = live_market(settings, world.store).panel.view(date.fromisoformat(EVE))
    with pytest.raises(Stopping, match="asked to"):
        RefreshProcess(settings, tmp_path, lambda session: 600.0, sign.raise_if_set)(view, None)


def test_after_a_failed_refresh_the_session_is_planned_on_what_was_learned_before(
    world: World, tmp_path: Path
) -> None:
    url = str(tmp_path / "paper.db")
    settings = settings_of(world, fails_on=["2023-06-15"])
    snapshots = Path(f"{url}.snapshots")
    world.run(url, settings, "2023-06-16T20:00", fortnight.here(settings, snapshots))
    with Ledger.open(url, read_only=True) as ledger:
        assert ledger.verify().sound
        record = ledger.task(date(2023, 6, 16), Task.REFRESH)
        found = ledger.entries(kinds=("refresh",))
        refreshes = [(day, each.snapshot_hash) for day, each in found if isinstance(each, Refreshed)]
        learned = {day: e for day, e in ledger.entries(kinds=("learned",)) if isinstance(e, Learned)}
        plans = {day: ledger.plan(day) for day in (date(2023, 6, 16), date(2023, 6, 19))}
    assert record is not None
    assert record.state is TaskState.DONE
    assert "failed: " in (record.note or "")
    assert "stays in force" in (record.note or "")
    assert learned[date(2023, 6, 16)].failed
    assert learned[fortnight.FIRST].labels == ("clean",)
    assert all(plan is not None and plan.scores for plan in plans.values())
    # every fourth session: what failed is due again on the next evening, and succeeds there
    assert [day for day, _ in refreshes] == [fortnight.FIRST, date(2023, 6, 19)]
    assert refreshes[0][1] != refreshes[1][1]


def test_the_first_refresh_has_nothing_to_fall_back_on_and_is_tried_until_it_is_too_late(
    world: World, tmp_path: Path
) -> None:
    url = str(tmp_path / "paper.db")
    settings = settings_of(world, fails_on=[EVE])
    seldom = settings.live.model_copy(update={"retry_minutes": 120.0})
    settings = settings.model_copy(update={"live": seldom})
    messages = world.run(url, settings, "2023-06-12T20:00", fortnight.here(settings, tmp_path / "s"))
    failed = [each for each in messages if "plan failed" in each.title]
    assert len(failed) == 1, "the same failure is told once"
    assert "nothing is learned yet, for the refresh failed" in failed[0].title
    with Ledger.open(url, read_only=True) as ledger:
        plan = ledger.task(fortnight.FIRST, Task.PLAN)
        assert plan is not None
        assert plan.state is TaskState.MISSED
        assert "after it had failed" in (plan.error or "")
        later = ledger.task(date(2023, 6, 13), Task.PLAN)
    assert later is not None
    assert later.state is TaskState.DONE


def test_providers_are_closed_after_every_use(world: World, tmp_path: Path) -> None:
    settings = settings_of(world)
    learn = fortnight.here(settings, tmp_path / "s")
    run = live_run(settings, live_market(settings, world.store), learn)
    made: list[Deputy] = []
    closed: list[Deputy] = []

    class Watched(Deputy):
        def close(self) -> None:
            closed.append(self)
            super().close()

    real = run.trader

    def trader() -> Trader:
        one = real()
        assert one.signal is not None
        made.append(Watched(one.signal.provider, learn))
        one.signal.provider = made[-1]
        return one

    watched = PaperRun(run.panel, trader, run.broker, run.benchmark, run.span, run.coming)
    with Ledger.open(str(tmp_path / "a.db"), create=True) as ledger, ledger.writer("live") as writer:
        writer.open(watched.cash_fen, "0" * 64, {}, at=moment("2023-01-01T00:00"))
        machine = SessionMachine(watched, ledger, writer, snapshots=tmp_path / "s", clock=SimulatedClock())
        machine.advance(watched.row(fortnight.FIRST), Task.PLAN)
    assert made
    assert closed == made


def test_a_refresh_leaves_the_plan_its_time(world: World) -> None:
    """Begun on a morning after a night that was slept through, it may not cost the session its plan."""
    clock = Time(moment("2023-06-09T17:00"))
    limit = RefreshLimit(LiveConfig(refresh_minutes=60), Timetable.of(BrokerConfig()), xshg, clock.now)
    eve = date(2023, 6, 9)
    assert limit(eve) == 3600
    clock.at = moment("2023-06-12T09:04")
    assert limit(eve) == 600
    clock.at = moment("2023-06-12T09:14:30")
    assert limit(eve) <= 0
    # the last session that is known of: nothing is planned after it
    ends = Calendar("xshg", xshg().sessions[xshg().sessions <= np.datetime64(eve)].copy())
    assert RefreshLimit(LiveConfig(), Timetable.of(BrokerConfig()), lambda: ends, clock.now)(eve) == 3600


def test_without_time_for_a_refresh_none_is_begun(world: World, tmp_path: Path) -> None:
    lesson = refreshed(world, settings_of(world, hangs_on=[EVE]), tmp_path / "kept", limit_s=-1)
    assert lesson.failed == "no time is left for it before the plan must be made"
    assert lesson.snapshot is None


def monthly(world: World, *failing: str, **sections: Any) -> RunConfig:
    """Learns at the end of each month, and at the first decision."""
    provider = f"{Path(__file__).with_name('learning_alpha.py')}:Learning"
    alpha = {"provider": provider, "params": {"fails_on": list(failing)}, "refresh": "month_end"}
    return world.settings(alpha=alpha, **sections)


def test_a_refresh_at_the_end_of_a_month_that_failed_is_made_up_for_on_the_next_evening(
    world: World, tmp_path: Path
) -> None:
    """On what was known at the month's end, as a back-test would have; not a month later."""
    url, tries = str(tmp_path / "paper.db"), list[str]()
    settings = monthly(world)
    real = fortnight.here(settings, Path(f"{url}.snapshots"))

    def learn(view: MarketView, previous: Snapshot | None) -> Lesson:
        tries.append(str(view.session))
        # the host is away on the evening of the month's end, and on the one after it
        if moment("2023-06-30T12:00") < world.clock.at < moment("2023-07-04T12:00"):
            return Lesson(failed="the model's host does not answer")
        return real(view, previous)

    world.clock.at = moment("2023-06-28T12:00")
    world.sync(world.store, date(2023, 6, 27), lambda: None)
    world.run(url, settings, "2023-07-06T20:00", learn)
    assert tries == ["2023-06-28", "2023-06-30", "2023-06-30", "2023-06-30"]
    with Ledger.open(url, read_only=True) as ledger:
        assert ledger.verify().sound
        found = ledger.entries(kinds=("refresh",))
        refreshes = [(day, each.as_of) for day, each in found if isinstance(each, Refreshed)]
        plans = [ledger.plan(day) for day in (date(2023, 7, 3), date(2023, 7, 4), date(2023, 7, 5))]
    assert refreshes == [
        (date(2023, 6, 29), date(2023, 6, 28)),
        (date(2023, 7, 5), date(2023, 6, 30)),
    ]
    assert all(plan is not None and plan.scores for plan in plans)


def test_nothing_is_bought_on_what_was_learned_too_long_ago(world: World, tmp_path: Path) -> None:
    """`stale_data_stop: 2` bears two sessions without a refresh that was due; sales go on all the while."""
    url = str(tmp_path / "paper.db")
    settings = monthly(world, "2023-06-30", protections={"stale_data_stop": 2})
    world.clock.at = moment("2023-06-21T12:00")
    world.sync(world.store, date(2023, 6, 20), lambda: None)
    learn = fortnight.here(settings, Path(f"{url}.snapshots"))
    messages = world.run(url, settings, "2023-07-07T20:00", learn)
    with Ledger.open(url, read_only=True) as ledger:
        assert ledger.verify().sound
        sent = {day: e.reasons for day, e in ledger.entries(kinds=("sent",)) if isinstance(e, Sent)}
        orders = {day: plan.basket for day in (date(2023, 7, d) for d in (3, 4, 5, 6, 7))
                  if (plan := ledger.plan(day)) is not None}  # fmt: skip
    buys = {day: sum(r.side is Side.BUY for r in all_requests(basket)) for day, basket in orders.items()}
    # decided without the refresh of the month's end: for the 3rd, the 4th, and from then on too often
    stopped = {day: len(reasons) for day, reasons in sent.items()}
    assert stopped == {day: n for day, n in buys.items() if day >= date(2023, 7, 5) and n}
    assert stopped, "there was something to buy"
    assert all("3 sessions" in why or "4 sessions" in why or "5 sessions" in why
               for reasons in sent.values() for why in reasons.values())  # fmt: skip
    assert any(each.kind == "protection" for each in messages)


@pytest.mark.parametrize(
    ("went", "last", "sessions"),
    [
        ("", 4, 0),
        (".....", 4, 0),
        ("L....", 4, 0),
        ("L..F.", 4, 2),
        ("L..F.", 3, 1),
        ("L..F.", 2, 0),
        ("L.FFF", 4, 3),
        ("LF.FL", 4, 0),
        ("F.F..", 4, 5),
    ],
)
def test_sessions_are_counted_from_the_first_refresh_that_failed(went: str, last: int, sessions: int) -> None:
    days = [date(2023, 6, 12 + n) for n in range(5)]
    learned = {"L": Learned(), "F": Learned(failed="no network"), ".": None}
    past = [
        PastSession(day, Account(100), learned=learned[letter])
        for day, letter in zip(days, went, strict=False)
    ]
    assert sessions_without_learning(past, days[last]) == sessions
