"""What the market showed at the moment at which orders were to be sent, and what was made of the orders."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple

from engine.broker.account import Account
from engine.broker.orders import Basket
from engine.broker.prices import Quote, SessionPrices


@dataclass(frozen=True)
class Moment:
    """Quotes that are trusted.

    Parameters
    ----------
    prices : SessionPrices
        Of the names that were asked for.
    source : str
        Who quoted.
    quoted_at : datetime
        When the answers were in.
    unquoted : mapping of str to str
        Names whose quotes are not trusted, and why: their orders meet no price.
    notes : tuple of str
        What else was odd.
    passing : tuple of str
        Those of `unquoted` whose next quote may well be trusted: a vendor is late.
    """

    prices: SessionPrices
    source: str
    quoted_at: datetime
    unquoted: Mapping[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    passing: tuple[str, ...] = ()


class Guarded(NamedTuple):
    """A basket as the protections leave it, and why by order id; `notes` are of no one order."""

    basket: Basket
    reasons: Mapping[str, str]
    notes: tuple[str, ...] = ()


#: Cuts a basket down to what may be sent, given the account after its ex-dates and the prices of the moment.
Guard = Callable[[Basket, Account, SessionPrices], Guarded]


def unguarded(basket: Basket, account: Account, prices: SessionPrices) -> Guarded:
    """Let every order pass."""
    return Guarded(basket, {})


class Unquoted:
    """Prices without those of names that nobody quoted in time: they trade, but not for us.

    Parameters
    ----------
    prices : SessionPrices
    names : mapping of str to str
        Names without a price.
    """

    def __init__(self, prices: SessionPrices, names: Mapping[str, str]) -> None:
        self._prices, self._names = prices, names

    @property
    def day(self) -> int:
        """The session, in days since 1970-01-01."""
        return self._prices.day

    def quote(self, symbol: str) -> Quote | None:
        """Prices of a stock; one that was not quoted has none."""
        return None if symbol in self._names else self._prices.quote(symbol)
