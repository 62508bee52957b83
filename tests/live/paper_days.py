"""Days of real trading for the ledger: a back-test on the bundled sample, seen session by session."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import partial
from typing import Any
from unittest.mock import patch

import alphaloom
from engine.broker.account import Account
from engine.broker.orders import Basket, Trade
from engine.broker.shell import AShareBroker
from engine.market.calendar import iso
from engine.result import Result
from engine.runner import run_strategy
from live.ledger import AccountWriter, ExDated, Note, Planned, Refreshed, SessionMark, Task

CASH_FEN = 1_000_000_000
CONFIG = {"name": "reversal"}
CONFIG_HASH = "c" * 64


@dataclass(frozen=True)
class PaperDay:
    session: date
    plan: Planned
    ex_dates: tuple[ExDated, ...]
    trades: tuple[Trade, ...]
    account: Account
    mark: SessionMark


class WatchedBroker(AShareBroker):
    """Keeps what the ledger wants and the journal does not have: baskets, lots after ex-dates, accounts."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.baskets: dict[int, Basket] = {}
        self.went_ex: defaultdict[int, list[ExDated]] = defaultdict(list)
        self.accounts: dict[int, Account] = {}

    def send(self, owner: Any, basket: Basket) -> None:
        self.baskets[self.row] = basket
        super().send(owner, basket)

    def _go_ex(self, columns: tuple[int, ...]) -> None:
        for column in columns:
            before = len(self.journal.ex_dates)
            super()._go_ex((column,))
            for _, event in self.journal.ex_dates[before:]:
                self.went_ex[self.row].append(ExDated(event, self.account.lots[event.symbol]))

    def next(self) -> None:
        super().next()
        self.accounts[self.row] = self.account


def days_of_a_back_test(start: str, end: str) -> tuple[list[PaperDay], Result]:
    brokers: list[WatchedBroker] = []

    def broker(*args: Any, **kwargs: Any) -> WatchedBroker:
        brokers.append(WatchedBroker(*args, **kwargs))
        return brokers[-1]

    with patch("alphaloom.api.run_strategy", partial(run_strategy, make_broker=broker)):
        result = alphaloom.backtest("reversal", sets=[f"span.start={start}", f"span.end={end}"])
    watched, span = brokers[0], result.span
    trades, held = defaultdict(list), defaultdict(list)
    for row, trade in result.journal.trades:
        trades[row].append(trade)
    for holding in result.journal.marks:
        held[holding.row].append(holding)
    days = []
    for record in result.journal.sessions:
        row = record.row
        if row < span.start:
            continue
        basket = watched.baskets.get(row - 1, Basket())
        level = None if result.benchmark is None else float(result.benchmark[row - span.start + 1])
        reasons = {request.order_id: "ranked last" for request in basket.orders}
        days.append(
            PaperDay(
                date.fromisoformat(iso(result.panel.dates[row])),
                Planned(basket, reasons, target=("600519.SH",), scores={"600519.SH": 0.5}),
                tuple(watched.went_ex[row]),
                tuple(trades[row]),
                watched.accounts[row],
                SessionMark.of(record, held[row], level),
            )
        )
    return days, result


def at(session: date, hour: int = 9, minute: int = 25) -> datetime:
    return datetime(session.year, session.month, session.day, hour, minute, tzinfo=UTC) - timedelta(hours=8)


def open_account(writer: AccountWriter) -> bool:
    return writer.open(CASH_FEN, CONFIG_HASH, CONFIG, at=datetime(2023, 1, 1, tzinfo=UTC))


def write_day(writer: AccountWriter, day: PaperDay, *, starts: bool = True) -> list[bool]:
    """All five tasks of a session; which of them were new."""
    entries: dict[Task, list[Any]] = {
        Task.PREPARE: [Note("universe of 50")],
        Task.REFRESH: [Refreshed("reversal", None, None, changed=False)],
        Task.PLAN: [day.plan],
        Task.EXECUTE: [*day.ex_dates, *day.trades],
        Task.SETTLE: [day.mark],
    }
    new = []
    for hour, (task, own) in enumerate(entries.items(), start=9):
        if starts:
            writer.start(day.session, task, at=at(day.session, hour), deadline=at(day.session, hour, 59))
        account = day.account if task is Task.EXECUTE else None
        new.append(writer.record(day.session, task, own, at=at(day.session, hour, 30), account=account))
    return new
