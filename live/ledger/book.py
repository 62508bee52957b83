"""The account as events make it. Recording and verifying go through the same bookkeeping."""

from __future__ import annotations

from collections import defaultdict
from datetime import date
from typing import NamedTuple

from engine.broker.account import Account, Lot, Lots, Receivable, take_first_in_first_out
from engine.broker.orders import ExDate, Fill, Refusal, Side
from engine.rules.table import day_of
from live.errors import LedgerError
from live.ledger.entries import HeldMark, SessionMark


class Flows(NamedTuple):
    """What trades of one session moved."""

    fees_fen: int = 0
    bought_fen: int = 0
    sold_fen: int = 0

    def and_then(self, fill: Fill) -> Flows:
        """Add a fill."""
        buys = fill.side is Side.BUY
        return Flows(
            self.fees_fen + fill.fees_fen,
            self.bought_fen + (fill.amount_fen if buys else 0),
            self.sold_fen + (0 if buys else fill.amount_fen),
        )


class Book:
    """Cash, lots, known orders and the turnover of sessions.

    Notes
    -----
    `opened` has the number of the event with which a position began: holdings are listed in that order,
    as the broker lists them.
    """

    def __init__(
        self,
        cash_fen: int,
        lots: dict[str, Lots] | None = None,
        receivables: tuple[Receivable, ...] = (),
    ) -> None:
        self.cash_fen = cash_fen
        #: dividends to come
        self.receivables = receivables
        self.lots: dict[str, Lots] = {} if lots is None else lots
        self.opened: dict[str, int] = {}
        self.orders: dict[str, tuple[str, str]] = {}
        self.flows: defaultdict[str, Flows] = defaultdict(Flows)
        #: symbols whose lots have changed
        self.touched: set[str] = set()

    @property
    def account(self) -> Account:
        """The account as the broker takes it."""
        return Account(self.cash_fen, dict(self.lots), self.receivables)

    def order(self, order_id: str, symbol: str, side: str) -> None:
        """Enter an order; no id is used twice."""
        if order_id in self.orders:
            raise LedgerError(f"order {order_id} is in the ledger already; an order is planned once")
        self.orders[order_id] = symbol, side

    def refuse(self, refusal: Refusal) -> None:
        """Check that a refused order is one that was planned."""
        self._must_know(refusal)

    def fill(self, seq: int, session: str, fill: Fill) -> None:
        """Book a fill: money, lots, T+1, first in first out."""
        self._must_know(fill)
        name = f"the fill of {fill.request.order_id}"
        if fill.amount_fen != fill.price_fen * fill.shares:
            raise LedgerError(
                f"{name} has an amount of {fill.amount_fen} fen, but {fill.shares} × {fill.price_fen} "
                f"is {fill.price_fen * fill.shares}"
            )
        symbol, day = fill.request.symbol, day_of(date.fromisoformat(session))
        if fill.side is Side.BUY:
            spent = fill.amount_fen + fill.fees_fen
            self._pay(-spent, name)
            self._set(symbol, (*self.lots.get(symbol, ()), Lot(fill.shares, day, spent)), seq)
        else:
            taken, left = take_first_in_first_out(self.lots.get(symbol, ()), fill.shares)
            sold = [lot for lot in taken if lot.day < day]
            if sum(lot.shares for lot in sold) != fill.shares:
                raise LedgerError(f"{name} sells {fill.shares} shares; fewer may be sold in {session}")
            cost = sum(lot.cost_fen for lot in taken)
            if cost != fill.cost_fen:
                raise LedgerError(f"{name} says the shares cost {fill.cost_fen} fen; their lots say {cost}")
            self._pay(fill.amount_fen - fill.fees_fen - fill.tax_fen, name)
            self._set(symbol, left, seq)
        self.flows[session] = self.flows[session].and_then(fill)

    def go_ex(self, seq: int, event: ExDate, lots: Lots) -> None:
        """Book an ex-date: its cash, what is paid later, and the lots it left."""
        name = f"the ex-date of {event.symbol}"
        held = sum(lot.shares for lot in self.lots.get(event.symbol, ()))
        if held != event.shares_before or not held:
            raise LedgerError(f"{name} says {event.shares_before} shares were held; the ledger has {held}")
        after = sum(lot.shares for lot in lots)
        if after != event.shares_after:
            raise LedgerError(f"{name} leaves {event.shares_after} shares, its lots hold {after}")
        if (event.pay_day is None) != (event.receivable_fen == 0):
            raise LedgerError(f"{name} has a dividend to come without a day of payment, or a day without one")
        self._pay(event.paid_fen, name)
        if event.pay_day is not None:
            due = Receivable(event.pay_day, event.symbol, event.receivable_fen)
            self.receivables = (*self.receivables, due)
        self._set(event.symbol, lots, seq)

    def receive(self, session: str, paid: Receivable) -> None:
        """Book a dividend that is paid after its ex-date."""
        name = f"the dividend of {paid.symbol}"
        if paid not in self.receivables:
            raise LedgerError(f"{name}, {paid.cash_fen} fen, is none that the account waits for")
        if paid.pay_day > day_of(date.fromisoformat(session)):
            raise LedgerError(f"{name} is paid in {session}, before its day")
        left = list(self.receivables)
        left.remove(paid)
        self.receivables = tuple(left)
        self._pay(paid.cash_fen, name)

    def check_mark(self, session: str, mark: SessionMark) -> None:
        """Compare a mark with what is held and was traded."""
        day = day_of(date.fromisoformat(session))
        held = [
            HeldMark(symbol, sum(x.shares for x in lots), sum(x.shares for x in lots if x.day < day), 0, 0)
            for symbol, lots in self.lots.items()
        ]
        if [each[:3] for each in mark.holdings] != [each[:3] for each in held]:
            raise LedgerError(
                f"the mark of {session} has other holdings than the ledger, or in another order"
            )
        for each in mark.holdings:
            if each.value_fen != each.shares * each.close_fen:
                raise LedgerError(f"the mark of {session}: the value of {each.symbol} is not shares × close")
        value = self.account.receivable_fen + self.cash_fen + sum(each.value_fen for each in mark.holdings)
        expected = {"cash_fen": self.cash_fen, "value_fen": value, **self.flows[session]._asdict()}
        for name, each in expected.items():
            if getattr(mark, name) != each:
                raise LedgerError(
                    f"the mark of {session} has {name} = {getattr(mark, name)}; the ledger says {each}"
                )

    def _must_know(self, trade: Fill | Refusal) -> None:
        order_id, symbol, side = trade.request[:3]
        if self.orders.get(order_id) != (symbol, side.value) or trade.side is not side:
            raise LedgerError(f"order {order_id} ({side.value} {symbol}) is in no plan of this epoch")

    def _pay(self, fen: int, what: str) -> None:
        if self.cash_fen + fen < 0:
            raise LedgerError(f"{what} costs {-fen} fen; the account has {self.cash_fen}")
        self.cash_fen += fen

    def _set(self, symbol: str, lots: Lots, seq: int) -> None:
        self.touched.add(symbol)
        if lots:
            if symbol not in self.lots:
                self.opened[symbol] = seq
            self.lots[symbol] = lots
        else:
            del self.lots[symbol], self.opened[symbol]
