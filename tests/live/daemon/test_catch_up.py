"""A daemon that was away: what it finds when it returns, and what it must not make of it."""

from __future__ import annotations

from datetime import date, datetime
from pathlib import Path
from typing import Any

import fortnight
import numpy as np
import pyarrow as pa
import pytest
from sample_store import cut, edited
from simulation import Time, World, moment, told

from alphaloom.paper.accounts import step
from engine.broker.orders import Fill
from engine.market.store import Kind, MarketStore
from live.errors import LedgerConflict
from live.ledger import ExDated, Ledger, Task, TaskState

#: the daemon is away from the evening of the first to noon of the second
LEFT, BACK = "2023-06-12T20:00", "2023-07-03T12:00"
#: of the names that are bought on the first session
GONE, LAST_TRADED, DELISTED = "601633.SH", "2023-06-15", date(2023, 6, 16)
EX_DATES = {date(2023, 6, 19): "601012.SH", date(2023, 6, 27): "688599.SH"}


@pytest.fixture(scope="module")
def delisting(quiet: MarketStore, tmp_path_factory: pytest.TempPathFactory) -> MarketStore:
    """The sample, in which one of the names that are held is delisted."""
    folder = tmp_path_factory.mktemp("delisting") / "whole"

    def end(bars: Any) -> Any:
        return bars[(bars["symbol"] != GONE) | (bars["session"].astype(str) <= LAST_TRADED)]

    whole = edited(quiet, folder, end)
    with whole.writing(lambda: datetime(2024, 1, 2, 18)) as writer:
        rows = writer.rows(Kind.INSTRUMENTS)
        days = [DELISTED if row["symbol"] == GONE else row["delist_date"] for row in rows.to_pylist()]
        at = rows.schema.get_field_index("delist_date")
        writer.replace(
            Kind.INSTRUMENTS,
            rows.set_column(at, rows.schema.field(at), pa.array(days, rows.schema.field(at).type)),
        )
        writer.commit("delisted")
    return whole


def test_three_weeks_are_settled_and_not_traded(delisting: MarketStore, tmp_path: Path) -> None:
    """With a plan that was made before, two ex-dates and a delisting among them."""
    url = str(tmp_path / "paper.db")
    world = World(
        delisting,
        cut(delisting, tmp_path / "store", date(2023, 6, 9)),
        Time(moment(fortnight.BEGINS)),
        tmp_path,
    )
    settings = world.settings()
    world.run(url, settings, LEFT)
    with Ledger.open(url, read_only=True) as ledger:
        held = ledger.account()
    assert GONE in held.lots
    world.clock.at = moment(BACK)
    world.run(url, settings, "2023-07-03T21:00")
    with Ledger.open(url, read_only=True) as ledger:
        assert ledger.verify().sound
        states = {(task.session, task.task): (task.state, task.error or "") for task in ledger.tasks()}
        marks, trades = dict(ledger.marks()), ledger.trades()
        found = ledger.entries(task=Task.SETTLE, kinds=("ex_date",))
        after = ledger.account()
    away = [day for day in marks if date(2023, 6, 12) < day <= date(2023, 7, 3)]
    assert len(away) == 13
    # nothing is filled that was not sent, whatever its price would have been
    assert {day for day, trade in trades if isinstance(trade, Fill)} == {date(2023, 6, 12)}
    state, why = states[away[0], Task.EXECUTE]
    assert state is TaskState.MISSED
    assert "its time was up at 2023-06-13 09:30" in why or "nobody was there" in why
    assert all(states[day, Task.EXECUTE][0] is TaskState.MISSED for day in away)
    assert all(states[day, Task.SETTLE][0] is TaskState.DONE for day in away)
    # the ex-dates are booked on their days
    assert {day: entry.event.symbol for day, entry in found if isinstance(entry, ExDated)} == EX_DATES
    # every evening is worth what anybody makes of the shares, the closes and the dividends
    panel = world.panel
    dividends = {entry.event.symbol: (day, entry.event) for day, entry in found if isinstance(entry, ExDated)}
    for day in away:
        row, worth = panel.row(day), held.cash_fen / 100
        for symbol in held.lots:
            shares = held.shares(symbol)
            closes = panel.field("close")[: row + 1, panel.column(symbol)]
            worth += shares * closes[~np.isnan(closes)][-1]
            if symbol in dividends and dividends[symbol][0] <= day:
                worth += shares * _cash_a_share(dividends[symbol][1])
        assert marks[day].value_fen / 100 == pytest.approx(worth, abs=0.02)
    assert after.lots.keys() == held.lots.keys()
    # and on the evening of the return there is a plan again
    assert states[date(2023, 7, 4), Task.PLAN][0] is TaskState.DONE
    titles = [each.title for each in told(url)]
    assert len([title for title in titles if " settled: " in title]) == 14
    assert not [title for title in titles if GONE in title and "no prices" in title], "a delisting is no gap"


def _cash_a_share(event: Any) -> float:
    return float(event.terms.split()[1])


def test_a_session_that_a_daemon_missed_is_not_stepped_through_with_hindsight(
    world: World, tmp_path: Path
) -> None:
    url = str(tmp_path / "paper.db")
    world.run(url, world.settings(), LEFT)
    world.sync(world.store, date(2023, 6, 14), lambda: None)
    with pytest.raises(LedgerConflict, match="is traded by a daemon, and what it has missed is not traded"):
        step(url, None, date(2023, 6, 13))
    with Ledger.open(url, read_only=True) as ledger:
        assert not ledger.trades(date(2023, 6, 13))


def test_orders_for_the_close_that_were_not_sent_are_missed_although_the_close_is_known(
    world: World, tmp_path: Path
) -> None:
    """At 15:30, when the prices are stored already, is no time to send what a halt has held back."""
    from live.ledger import Action

    url, settings = str(tmp_path / "paper.db"), world.settings(broker={"cash": 1_000_000, "fill": "close"})
    world.run(url, settings, "2023-06-12T14:00")
    with Ledger.open(url) as ledger:
        ledger.service().control(Action.HALT, "wait", at=world.clock.now())
    with world.daemon(url, settings) as outfit:
        world.drive(outfit, moment("2023-06-12T15:10"))
        world.sync(world.store, date(2023, 6, 12), lambda: None)
        world.clock.at = moment("2023-06-12T15:30")
        outfit.daemon.wake()
        world.drive(outfit, moment("2023-06-12T16:30"))
    with Ledger.open(url, read_only=True) as ledger:
        record = ledger.task(date(2023, 6, 12), Task.EXECUTE)
        assert not [trade for _, trade in ledger.trades() if isinstance(trade, Fill)]
    assert record is not None
    assert record.state is TaskState.MISSED
