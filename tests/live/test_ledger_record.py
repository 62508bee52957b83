from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from ledger_edits import execute
from paper_days import CASH_FEN, CONFIG, CONFIG_HASH, PaperDay, at, open_account, write_day

from engine.broker.account import Account
from engine.broker.orders import Basket, Fill, OrderRequest, Side, SlotBuys, order_id
from engine.broker.prices import Quote
from engine.rules.limits import UNLIMITED
from engine.rules.lots import LotRule
from engine.rules.table import day_of
from live.errors import LedgerConflict, LedgerError
from live.ledger import (
    AccountWriter,
    Ledger,
    Note,
    Planned,
    QuotesUsed,
    Refreshed,
    SessionMark,
    Task,
    TaskState,
)

MONDAY, TUESDAY = date(2023, 6, 5), date(2023, 6, 6)
NOW = datetime(2023, 6, 5, 1, 25, tzinfo=UTC)


def a_buy(shares: int = 100, price: int = 1000, session: date = MONDAY, n: int = 1) -> Fill:
    key = order_id(day_of(session) - 1, "600519.SH", Side.BUY, n)
    request = OrderRequest(key, "600519.SH", Side.BUY, day_of(session) - 1, shares)
    return Fill(request, Side.BUY, shares, price, shares * price, 500, 0, 1, shares)


def planned(*fills: Fill) -> Planned:
    return Planned(Basket(tuple(fill.request for fill in fills)))


def after(account: Account, fill: Fill, session: date = MONDAY) -> Account:
    from engine.broker.account import Lot

    spent = fill.amount_fen + fill.fees_fen
    lots = (*account.lots.get("600519.SH", ()), Lot(fill.shares, day_of(session), spent))
    return Account(account.cash_fen - spent, {**account.lots, "600519.SH": lots})


def test_the_account_after_every_session_is_the_brokers(
    ledger: Ledger, writer: AccountWriter, days: list[PaperDay]
) -> None:
    assert sum(len(day.ex_dates) for day in days) > 0
    for day in days:
        write_day(writer, day)
        assert ledger.account("demo") == day.account
        assert list(ledger.account("demo").lots) == list(day.account.lots)
    assert ledger.verify().sound


def test_plans_and_trades_come_back_as_they_were_stored(
    ledger: Ledger, traded: AccountWriter, days: list[PaperDay]
) -> None:
    for day in days[:10]:
        assert ledger.plan(day.session) == day.plan
        assert [trade for _, trade in ledger.trades(day.session)] == list(day.trades)
    assert [mark for _, mark in ledger.marks()] == [day.mark for day in days[:10]]


def test_a_step_that_is_repeated_changes_nothing(
    ledger: Ledger, traded: AccountWriter, days: list[PaperDay]
) -> None:
    head = ledger.epoch().head_hash
    for day in days[:10]:
        assert write_day(traded, day) == [False] * 5
    assert ledger.epoch().head_hash == head


def test_a_task_is_repeated_at_another_moment_all_the_same(writer: AccountWriter) -> None:
    assert writer.record(MONDAY, Task.PREPARE, [Note("a")], at=NOW)
    assert not writer.record(MONDAY, Task.PREPARE, [Note("a")], at=NOW + timedelta(hours=1))


@pytest.mark.parametrize("other", [[Note("b")], [Note("a"), Note("a")], []])
def test_other_content_for_a_task_that_is_done_is_refused(
    ledger: Ledger, writer: AccountWriter, other: list[Note]
) -> None:
    writer.record(MONDAY, Task.PREPARE, [Note("a")], at=NOW)
    with pytest.raises(LedgerConflict, match="prepare of 2023-06-05 is recorded already"):
        writer.record(MONDAY, Task.PREPARE, other, at=NOW)
    assert [entry for _, entry in ledger.entries(MONDAY)] == [Note("a")]


def test_an_order_is_planned_once(writer: AccountWriter) -> None:
    plan = planned(a_buy())
    writer.record(MONDAY, Task.PLAN, [plan], at=NOW)
    with pytest.raises(LedgerError, match="in the ledger already"):
        writer.record(TUESDAY, Task.PLAN, [plan], at=NOW)


def test_nothing_is_traded_that_was_not_planned(ledger: Ledger, writer: AccountWriter) -> None:
    fill = a_buy()
    with pytest.raises(LedgerError, match="is in no plan"):
        writer.record(MONDAY, Task.EXECUTE, [fill], at=NOW, account=after(ledger.account(), fill))
    assert ledger.account() == Account(CASH_FEN)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"shares": 100.5}, "whole fen and whole shares"),
        ({"price_fen": 1000.5}, "whole fen and whole shares"),
        ({"commission_fen": True}, "whole fen and whole shares"),
        ({"amount_fen": 99_999}, "amount"),
        ({"shares": 2_000_000, "amount_fen": 2_000_000_000}, "costs"),
    ],
)
def test_a_fill_that_cannot_be_is_refused(
    ledger: Ledger, writer: AccountWriter, change: dict[str, float], message: str
) -> None:
    fill = a_buy()
    writer.record(MONDAY, Task.PLAN, [planned(fill)], at=NOW)
    with pytest.raises(LedgerError, match=message):
        writer.record(MONDAY, Task.EXECUTE, [fill._replace(**change)], at=NOW, account=Account(0))
    assert ledger.account() == Account(CASH_FEN)
    assert ledger.verify().sound


def test_an_account_that_does_not_follow_from_its_events_is_refused(
    ledger: Ledger, writer: AccountWriter
) -> None:
    fill = a_buy()
    right = after(ledger.account(), fill)
    writer.record(MONDAY, Task.PLAN, [planned(fill)], at=NOW)
    for wrong in (replace(right, cash_fen=right.cash_fen + 1), replace(right, lots={}), None):
        with pytest.raises(LedgerError, match="execute of 2023-06-05"):
            writer.record(MONDAY, Task.EXECUTE, [fill], at=NOW, account=wrong)
    assert writer.record(MONDAY, Task.EXECUTE, [fill], at=NOW, account=right)


def test_shares_bought_today_are_not_sold_today(ledger: Ledger, writer: AccountWriter) -> None:
    bought = a_buy()
    key = order_id(day_of(MONDAY) - 1, "600519.SH", Side.SELL, 1)
    request = OrderRequest(key, "600519.SH", Side.SELL, day_of(MONDAY) - 1, 100)
    sold = Fill(request, Side.SELL, 100, 1000, 100_000, 500, 50, 1, 100, cost_fen=100_501)
    writer.record(MONDAY, Task.PLAN, [planned(bought, sold)], at=NOW)
    with pytest.raises(LedgerError, match="fewer may be sold in 2023-06-05"):
        writer.record(MONDAY, Task.EXECUTE, [bought, sold], at=NOW, account=Account(0))


def test_a_session_that_is_marked_trades_no_more(writer: AccountWriter) -> None:
    mark = SessionMark(CASH_FEN, CASH_FEN, 0, 0, 0)
    fills = a_buy(), a_buy(session=TUESDAY, n=2)
    writer.record(MONDAY, Task.PLAN, [planned(*fills)], at=NOW)
    writer.record(TUESDAY, Task.SETTLE, [mark], at=NOW)
    for session, fill in zip((MONDAY, TUESDAY), fills, strict=True):
        with pytest.raises(LedgerError, match="was marked on 2023-06-06 already"):
            writer.record(session, Task.EXECUTE, [fill], at=NOW, account=Account(0))


@pytest.mark.parametrize("wrong", ["cash_fen", "value_fen", "fees_fen", "bought_fen", "sold_fen"])
def test_a_mark_must_agree_with_the_ledger(writer: AccountWriter, days: list[PaperDay], wrong: str) -> None:
    first = days[0]
    writer.record(first.session, Task.PLAN, [first.plan], at=at(first.session))
    writer.record(first.session, Task.EXECUTE, first.trades, at=at(first.session), account=first.account)
    off = replace(first.mark, **{wrong: getattr(first.mark, wrong) + 1})
    with pytest.raises(LedgerError, match=f"{wrong} = "):
        writer.record(first.session, Task.SETTLE, [off], at=at(first.session))
    assert writer.record(first.session, Task.SETTLE, [first.mark], at=at(first.session))


def test_a_failed_task_is_tried_again_and_a_missed_one_never(ledger: Ledger, writer: AccountWriter) -> None:
    writer.schedule(MONDAY, dict.fromkeys(Task, NOW), at=NOW)
    assert [record.state for record in ledger.tasks(MONDAY)] == [TaskState.WAITING] * 5
    assert writer.start(MONDAY, Task.PREPARE, at=NOW) is TaskState.RUNNING
    assert writer.fail(MONDAY, Task.PREPARE, "no\0 data", at=NOW) is TaskState.FAILED
    assert writer.start(MONDAY, Task.PREPARE, at=NOW) is TaskState.RUNNING
    writer.record(MONDAY, Task.PREPARE, [], at=NOW, note="50 names")
    prepare = ledger.task(MONDAY, Task.PREPARE)
    assert prepare is not None
    assert (prepare.state, prepare.attempts, prepare.note) == (TaskState.DONE, 2, "50 names")
    assert prepare.deadline == NOW
    assert writer.miss(MONDAY, Task.EXECUTE, "too late", at=NOW) is TaskState.MISSED
    assert writer.start(MONDAY, Task.EXECUTE, at=NOW) is TaskState.MISSED
    with pytest.raises(LedgerConflict, match="too late"):
        writer.record(MONDAY, Task.EXECUTE, [], at=NOW)
    assert writer.miss(MONDAY, Task.PREPARE, "late", at=NOW) is TaskState.DONE
    assert not writer.schedule(MONDAY, dict.fromkeys(Task), at=NOW)
    assert ledger.verify().sound


def test_an_account_is_opened_once_and_a_changed_configuration_is_refused(writer: AccountWriter) -> None:
    assert not open_account(writer)
    with pytest.raises(LedgerConflict, match="alphaloom paper reset"):
        writer.open(CASH_FEN, "d" * 64, CONFIG, at=NOW)
    with pytest.raises(LedgerConflict):
        writer.open(CASH_FEN + 1, CONFIG_HASH, CONFIG, at=NOW)


def test_a_reset_archives_the_epoch_and_begins_another(
    ledger: Ledger, traded: AccountWriter, days: list[PaperDay]
) -> None:
    assert traded.reset(5_000, "d" * 64, {}, at=NOW, reason="new idea") == 2
    first, second = ledger.epochs("demo")
    assert (first.state, second.state) == ("archived", "open")
    assert ledger.account(epoch=1) == days[9].account
    assert ledger.account() == Account(5_000)
    assert ledger.tasks() == []
    assert ledger.verify().epochs == 2
    assert ledger.verify().sound


def test_accounts_of_one_ledger_do_not_mix(
    ledger: Ledger, traded: AccountWriter, days: list[PaperDay]
) -> None:
    with ledger.writer("other") as other:
        open_account(other)
        write_day(other, days[0])
        assert ledger.accounts() == ["demo", "other"]
        assert ledger.account("other") == days[0].account
        with pytest.raises(LedgerError, match="name one of: demo, other"):
            ledger.account()
    assert ledger.verify().sound


def test_quotes_and_snapshots_come_back(ledger: Ledger, writer: AccountWriter) -> None:
    quote = Quote(True, 1000, 990, 1001, None, 1001.25, 1010, 980, UNLIMITED, LotRule(100, 100))
    quotes = QuotesUsed.of("replay", NOW, {"600519.SH": quote})
    refresh = Refreshed("reversal", "f" * 64, TUESDAY)
    writer.record(MONDAY, Task.REFRESH, [refresh], at=NOW)
    writer.record(MONDAY, Task.EXECUTE, [quotes], at=NOW, note="nothing was planned")
    assert ledger.last_refresh() == (MONDAY, refresh)
    assert ledger.entries(task=Task.EXECUTE) == [(MONDAY, quotes)]
    assert ledger.last_done(Task.EXECUTE) == MONDAY
    assert ledger.verify().sound


def test_slot_buys_come_back_with_their_weights(ledger: Ledger, writer: AccountWriter) -> None:
    requests = tuple(a_buy(n=n).request for n in (1, 2, 3))
    slots = SlotBuys(requests, 2, 2, 0.95, (0.5, 0.3, 0.2), 10_000, 7, True)
    plan = Planned(Basket((), slots, both_sides_at_limit=True), {requests[0].order_id: "best"})
    writer.record(MONDAY, Task.PLAN, [plan], at=NOW)
    assert ledger.plan(MONDAY) == plan


def test_the_database_itself_refuses_half_a_fen(ledger: Ledger, traded: AccountWriter, url: str) -> None:
    if url.startswith("sqlite"):
        with pytest.raises(Exception, match="CHECK constraint failed"):
            execute(url, "UPDATE fills SET price_fen = price_fen + 0.5")
    else:
        execute(url, "UPDATE fills SET tax_fen = 0.2")
        assert execute(url, "SELECT tax_fen FROM fills LIMIT 1") == [(0,)]


def test_a_moment_without_time_zone_is_refused(writer: AccountWriter) -> None:
    with pytest.raises(LedgerError, match="no time zone"):
        writer.record(MONDAY, Task.PREPARE, [], at=datetime(2023, 6, 5))


def test_what_is_no_json_is_refused(writer: AccountWriter) -> None:
    plan = Planned(Basket(), scores={"600519.SH": float("nan")})
    with pytest.raises(LedgerError, match="stored as JSON"):
        writer.record(MONDAY, Task.PLAN, [plan], at=NOW)
