"""Refreshes of a live account: in their own process, within a deadline; what fails leaves what was there."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import fortnight
import pytest
from simulation import World, moment

from alpha_sources.snapshot import Snapshot
from alphaloom.config import RunConfig
from alphaloom.paper import live_run
from alphaloom.paper_market import live_market
from alphaloom.paper_refresh import RefreshProcess
from engine.span import SpanConfig
from live.clock import SimulatedClock
from live.daemon.loop import Stopping, StopSign
from live.deputy import Deputy, Lesson
from live.ledger import Learned, Ledger, Refreshed, Task, TaskState
from live.machine import SessionMachine
from live.run import PaperRun, Trader

EVE = "2023-06-09"


def settings_of(world: World, **params: list[str]) -> RunConfig:
    provider = f"{Path(__file__).with_name('learning_alpha.py')}:Learning"
    alpha = {"provider": provider, "params": params, "refresh": "every 4"}
    made = world.settings(alpha=alpha)
    return made.model_copy(update={"span": SpanConfig(start=fortnight.FIRST)})


def refreshed(world: World, settings: RunConfig, folder: Path, limit_s: float = 120) -> Lesson:
    view = live_market(settings, world.store).panel.view(date.fromisoformat(EVE))
    return RefreshProcess(settings, folder, limit_s, lambda: None)(view, None)


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
        RefreshProcess(settings, tmp_path, 600, sign.raise_if_set)(view, None)


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
    messages = world.run(url, settings, "2023-06-12T20:00", fortnight.here(settings, tmp_path / "s"))
    failed = [each for each in messages if "plan failed" in each.title]
    assert len(failed) == 1, "the same failure is told once"
    assert "nothing was learned yet" in failed[0].title
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
