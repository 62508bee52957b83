"""The account as a value: cash in fen, lots with the session they were bought on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple


class Lot(NamedTuple):
    """Shares bought together.

    ``day`` is the session of the purchase (days since 1970-01-01), ``cost_fen`` what they cost with fees,
    ``dividends_fen`` the gross cash dividends they have received, on which tax may fall at the sale.
    """

    shares: int
    day: int
    cost_fen: int
    dividends_fen: int = 0


Lots = tuple[Lot, ...]


class Receivable(NamedTuple):
    """A dividend between its ex-date and the day on which it is paid (days since 1970-01-01)."""

    pay_day: int
    symbol: str
    cash_fen: int


@dataclass(frozen=True, slots=True)
class Account:
    """Everything a broker must remember between two sessions.

    Parameters
    ----------
    cash_fen : int
        Cash; never negative.
    lots : mapping of symbol to tuple of Lot
        Holdings, oldest lot first. A symbol with no shares has no entry.
    receivables : tuple of Receivable
        Dividends to come, in the order of their ex-dates; part of the account's value, not of its cash.
    """

    cash_fen: int
    lots: Mapping[str, Lots] = field(default_factory=dict)
    receivables: tuple[Receivable, ...] = ()

    @property
    def receivable_fen(self) -> int:
        """Dividends to come."""
        return sum(each.cash_fen for each in self.receivables)

    def paid(self, day: int) -> tuple[Account, tuple[Receivable, ...]]:
        """The account once the dividends due on `day` have come, and these."""
        due = tuple(each for each in self.receivables if each.pay_day <= day)
        if not due:
            return self, ()
        left = tuple(each for each in self.receivables if each.pay_day > day)
        return Account(self.cash_fen + sum(each.cash_fen for each in due), self.lots, left), due

    def shares(self, symbol: str) -> int:
        """Shares held of a symbol."""
        return sum(lot.shares for lot in self.lots.get(symbol, ()))

    def sellable(self, symbol: str, day: int) -> int:
        """Shares that may be sold on `day`: those bought before it (T+1)."""
        return sum(lot.shares for lot in self.lots.get(symbol, ()) if lot.day < day)

    def cost_fen(self, symbol: str) -> int:
        """What the shares held cost, fees included."""
        return sum(lot.cost_fen for lot in self.lots.get(symbol, ()))

    def bought_on(self, symbol: str) -> int | None:
        """Day of the oldest lot still held."""
        lots = self.lots.get(symbol)
        return lots[0].day if lots else None


def take_first_in_first_out(lots: Lots, shares: int) -> tuple[Lots, Lots]:
    """Split lots into (taken, left), oldest first; a cut lot splits its cost and dividends pro rata."""
    if len(lots) == 1 and lots[0].shares == shares:
        return lots, ()
    taken: list[Lot] = []
    for i, lot in enumerate(lots):
        if lot.shares > shares:
            cost = lot.cost_fen * shares // lot.shares
            dividends = lot.dividends_fen * shares // lot.shares
            if shares:
                taken.append(Lot(shares, lot.day, cost, dividends))
            rest = Lot(lot.shares - shares, lot.day, lot.cost_fen - cost, lot.dividends_fen - dividends)
            return tuple(taken), (rest, *lots[i + 1 :])
        taken.append(lot)
        shares -= lot.shares
    return tuple(taken), ()
