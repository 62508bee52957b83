"""The session to come: what is decided before it is what a back-test decides that has seen what follows."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime
from pathlib import Path

import numpy as np
import pytest
from sample_store import cut, whole_store

import alphaloom
from alphaloom import paper
from alphaloom.config import RunConfig, load_config
from alphaloom.paper.market import live_market
from alphaloom.paper.runs import live_run
from engine.errors import CalendarError, DataError
from engine.market.calendar import Calendar, xshg
from engine.market.panel import MarketPanel
from engine.market.phases import SHANGHAI
from engine.market.store import MarketStore
from engine.span import SpanConfig
from live.clock import SimulatedClock
from live.coming import carried_over, coming_market
from live.ledger import Ledger, Planned, Task
from live.machine import SessionMachine

FIRST, LAST = date(2023, 1, 3), date(2023, 7, 14)
#: 2023-06-15 has two ex-dates of names of the SSE 50, 2023-06-21 is followed by a holiday
EVES = date(2023, 6, 9), date(2023, 6, 14), date(2023, 6, 21), date(2023, 6, 30)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> MarketStore:
    return whole_store(tmp_path_factory.mktemp("whole") / "store", FIRST, LAST)


@pytest.fixture(scope="module")
def full(whole: MarketStore) -> MarketPanel:
    return whole.panel("sse50").panel


def settings_of(store: MarketStore, start: date, *sets: str) -> RunConfig:
    config = {
        "name": "live",
        "benchmark": "000016.SH",
        "data": {"source": "store", "path": str(store.folder), "universe": "sse50"},
        "span": {"start": start},
        "alpha": {"provider": "reversal", "params": {"lookback": 20}},
        "strategy": {"name": "topk_dropn", "params": {"topk": 13, "n_drop": 5}},
    }
    return load_config(config, sets=list(sets))


def planned(settings: RunConfig, session: date, url: Path) -> Planned:
    """The plan of a session, made on the evening before it, when there are no prices of it."""
    market = live_market(settings, paper_store(settings))
    assert market.session == session
    run = live_run(settings, market)
    at = datetime(2023, 1, 1, tzinfo=SHANGHAI)
    with Ledger.open(str(url), create=True) as ledger, ledger.writer("demo") as writer:
        writer.open(run.cash_fen, settings.hash(), {}, at=at)
        machine = SessionMachine(
            run, ledger, writer, snapshots=url.with_suffix(".snapshots"), clock=SimulatedClock()
        )
        machine.advance(run.row(session), Task.PLAN)
        plan = ledger.plan(session)
    assert plan is not None
    return plan


def paper_store(settings: RunConfig) -> MarketStore:
    path = settings.resolved_data().path
    assert path is not None
    return MarketStore(path)


@pytest.mark.parametrize("eve", EVES, ids=str)
@pytest.mark.parametrize("sets", [(), ("strategy.params.weighting=score", "broker.participation=0.1")])
def test_the_plan_before_a_session_is_the_one_that_later_data_lead_to(
    whole: MarketStore, full: MarketPanel, tmp_path: Path, eve: date, sets: tuple[str, ...]
) -> None:
    session = full.calendar.after(np.datetime64(eve, "D")).astype(object)
    before = cut(whole, tmp_path / "cut", eve)
    # as if the account had been held since the third session before: slots, holdings and T+1 count
    first = full.dates[full.row(session) - 3].astype(object)
    ours = planned(settings_of(before, first, *sets), session, tmp_path / "before.db")
    # the same session, with all that came after it
    later = paper.paper_run(settings_of(whole, first, *sets))
    with Ledger.open(str(tmp_path / "after.db"), create=True) as ledger, ledger.writer("demo") as writer:
        writer.open(later.cash_fen, "0" * 64, {}, at=datetime(2023, 1, 1, tzinfo=SHANGHAI))
        machine = SessionMachine(
            later, ledger, writer, snapshots=tmp_path / "snapshots", clock=SimulatedClock()
        )
        machine.advance(later.row(session), Task.PLAN)
        theirs = ledger.plan(session)
    assert theirs is not None
    assert ours == theirs
    assert ours.basket


def test_the_panel_before_a_session_holds_what_later_data_say_of_that_evening(
    whole: MarketStore, full: MarketPanel, tmp_path: Path
) -> None:
    eve = date(2023, 6, 14)
    market = coming_market(*_cut_panel(whole, tmp_path, eve))
    assert market.session == date(2023, 6, 15)
    row = full.row(eve)
    assert not market.silent
    assert market.panel.truncate(row).data_hash == full.truncate(row).data_hash
    coming, real = market.panel, full
    assert np.isnan(coming.field("close")[-1]).all()
    assert coming.actions.on(coming.dates[-1]) == real.actions.on(real.dates[row + 1])
    known = ~np.isnan(coming.field("preclose")[-1])
    np.testing.assert_array_equal(coming.field("preclose")[-1][known], real.field("preclose")[row + 1][known])


def test_a_stock_without_a_row_tonight_is_what_it_will_be_found_to_have_been(
    whole: MarketStore, tmp_path: Path
) -> None:
    """Suspended stocks have no row until they trade again; later data show them flat, and so must we."""
    eve = date(2023, 6, 16)
    silent = [("601288.SH", date(2023, 6, 12)), ("600519.SH", eve), ("601318.SH", date(2023, 6, 15))]
    gone = {(symbol, day) for symbol, since in silent for day in _sessions(since, eve)}
    store = cut(whole, tmp_path / "gone", LAST, gone)
    later = store.panel("sse50").panel
    ours = coming_market(*_cut_panel(store, tmp_path, eve))
    assert set(ours.silent) == {symbol for symbol, _ in gone}
    row = later.row(eve)
    mine, theirs = ours.panel.truncate(row), later.truncate(row)
    for name in theirs.fields:
        np.testing.assert_array_equal(mine.field(name), theirs.field(name), err_msg=name)
    assert mine.data_hash == theirs.data_hash


def test_an_ex_date_within_a_suspension_moves_the_flat_bar(whole: MarketStore, tmp_path: Path) -> None:
    full = whole.panel("sse50").panel
    session, column = next(
        (s, n) for s, n, _ in full.actions.rows() if full.universe[full.row(s), n] and full.row(s) > 20
    )
    symbol, day = str(full.symbols[column]), session.astype(object)
    eve = full.dates[full.row(session) + 1].astype(object)
    gone = {(symbol, day), (symbol, eve)}
    store = cut(whole, tmp_path / "gone", LAST, gone)
    later = store.panel("sse50").panel
    ours = coming_market(*_cut_panel(store, tmp_path, eve))
    assert ours.silent == (symbol,)
    row = later.row(eve)
    assert ours.panel.truncate(row).data_hash == later.truncate(row).data_hash
    close = later.field("close")[:, column]
    assert close[row] != close[row - 2]


def test_names_outside_the_universe_are_left_alone_unless_they_are_held(
    whole: MarketStore, full: MarketPanel, tmp_path: Path
) -> None:
    eve = date(2023, 6, 14)
    row = full.row(eve)
    stranger = str(full.symbols[np.flatnonzero(~full.universe[row] & (full.field("trading")[row] > 0))[0]])
    store = cut(whole, tmp_path / "gone", LAST, {(stranger, eve)})
    cut_store, panel = _cut_panel(store, tmp_path, eve)
    assert coming_market(cut_store, panel).silent == ()
    assert coming_market(cut_store, panel, [stranger]).silent == (stranger,)


def test_nothing_is_carried_where_every_name_has_its_row(full: MarketPanel) -> None:
    same, silent = carried_over(full, full.symbols[full.universe[-1]].tolist())
    assert same is full
    assert silent == ()


def test_no_session_comes_after_the_calendar(full: MarketPanel, whole: MarketStore) -> None:
    ended = replace(full, calendar=Calendar("xshg", full.dates.copy()))
    with pytest.raises(CalendarError, match="no session after 2023-07-14"):
        coming_market(whole, ended)


def test_a_session_without_prices_is_not_traded_or_settled_by_hand(
    whole: MarketStore, tmp_path: Path
) -> None:
    before = cut(whole, tmp_path / "cut", date(2023, 6, 14))
    session = date(2023, 6, 15)
    settings = settings_of(before, session)
    run = live_run(settings, live_market(settings, before))
    with Ledger.open(str(tmp_path / "a.db"), create=True) as ledger, ledger.writer("demo") as writer:
        writer.open(run.cash_fen, settings.hash(), {}, at=datetime(2023, 1, 1, tzinfo=SHANGHAI))
        machine = SessionMachine(run, ledger, writer, snapshots=tmp_path / "s", clock=SimulatedClock())
        for task in (Task.EXECUTE, Task.SETTLE):
            with pytest.raises(DataError, match="no prices of the session yet"):
                machine.advance(run.row(session), task)
        assert ledger.tasks() == []


def test_settled_with_its_real_row_a_session_equals_its_back_test(whole: MarketStore, tmp_path: Path) -> None:
    """Planned on the coming row, matched by hand on the real one: fills, fees and equity as back-tested."""
    eve, session = date(2023, 6, 14), date(2023, 6, 15)
    settings = settings_of(cut(whole, tmp_path / "cut", eve), session)
    planned(settings, session, tmp_path / "a.db")
    after = settings_of(cut(whole, tmp_path / "after", session), session)
    run = live_run(after, live_market(after, paper_store(after)))
    with Ledger.open(str(tmp_path / "a.db")) as ledger, ledger.writer("demo") as writer:
        clock = SimulatedClock(datetime(2023, 6, 15, 9, 20, tzinfo=SHANGHAI))
        machine = SessionMachine(run, ledger, writer, snapshots=tmp_path / "s", clock=clock)
        machine.advance(run.row(session))
        trades = [trade for _, trade in ledger.trades(session)]
        value = ledger.marks()[-1][1].value_fen
    spanning = settings_of(whole, session).model_copy(update={"span": SpanConfig(start=session, end=session)})
    result = alphaloom.backtest(spanning)
    assert trades == [trade for _, trade in result.journal.trades]
    assert value == result.journal.sessions[-1].value_fen


def _cut_panel(store: MarketStore, folder: Path, eve: date) -> tuple[MarketStore, MarketPanel]:
    cut_store = cut(store, folder / f"cut-{eve}", eve)
    return cut_store, cut_store.panel("sse50").panel


def _sessions(first: date, last: date) -> list[date]:
    days = xshg().between(np.datetime64(first), np.datetime64(last))
    return [day.astype(object) for day in days]
