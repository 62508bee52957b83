"""What a quote says, whoever sent it: one stock at one moment of one session."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, replace
from datetime import datetime
from typing import NamedTuple

from engine.market.phases import OPENING_PRICE, SHANGHAI

#: ASCII digits only: what looks like a number elsewhere in Unicode is no price
_PRICE = re.compile(r"[0-9]{1,7}(?:\.[0-9]{1,6})?", re.ASCII)
_COUNT = re.compile(r"[0-9]{1,15}(?:\.[0-9]{1,6})?", re.ASCII)


@dataclass(frozen=True, slots=True)
class LiveQuote:
    """One stock as a vendor quotes it.

    Parameters
    ----------
    symbol : str
        House spelling, of the stock that the vendor says it is.
    name : str
        As the vendor writes it; ``XD`` and the like come and go in it.
    time : datetime
        When the exchange's data behind it are from, in Asia/Shanghai.
    previous_close_fen : int
        What the exchange counts the session's change and limits from: on an ex-date the ex-right reference.
    open_fen, last_fen, high_fen, low_fen : int or None
        Prices traded at in the session; None as long as nothing has traded (the indicative prices of an
        auction are none).
    volume_shares : int
        Shares traded in the session.
    amount_cny : float
        Money they changed hands for, CNY.
    up_limit_fen, down_limit_fen : int or None
        Limits as the vendor states them; None where it states none.
    suspended : bool
        The vendor says so, or nothing has traded and nobody bids or asks once the auction has begun.
    source : str
        The vendor.
    """

    symbol: str
    name: str
    time: datetime
    previous_close_fen: int
    open_fen: int | None
    last_fen: int | None
    high_fen: int | None
    low_fen: int | None
    volume_shares: int
    amount_cny: float
    up_limit_fen: int | None
    down_limit_fen: int | None
    suspended: bool
    source: str

    @property
    def traded(self) -> bool:
        """Whether anything has traded in the session."""
        return self.open_fen is not None


class Unreadable(NamedTuple):
    """A line that is labelled with a symbol and is no quote."""

    symbol: str
    why: str
    source: str


class NotAQuote(ValueError):  # noqa: N818 - says what it is
    """A line, or a field of one, that cannot be a quote; the message says why."""


def price_fen(text: str, what: str) -> int | None:
    """Fen of a price in CNY, exactly; None for zero, by which vendors say that there is none.

    Raises
    ------
    NotAQuote
        If the text is no price, or lies off the tick of a fen.
    """
    if not _PRICE.fullmatch(text):
        raise NotAQuote(f"{what} {text[:20]!r} is no price")
    whole, _, fraction = text.partition(".")
    if fraction[2:].strip("0"):
        raise NotAQuote(f"{what} {text} lies off the tick")
    return int(whole) * 100 + int(fraction[:2].ljust(2, "0")) or None


def number(text: str, what: str) -> float:
    """A quantity that is not negative.

    Raises
    ------
    NotAQuote
        If the text is none.
    """
    if not _COUNT.fullmatch(text):
        raise NotAQuote(f"{what} {text[:20]!r} is no quantity")
    return float(text)


def shares_of(volume: float, amount_cny: float, low_fen: int | None, high_fen: int | None) -> int:
    """Shares traded, where a vendor may count in lots or in shares: what money changed hands tells which.

    Parameters
    ----------
    volume : float
        As written; a vendor that counts in lots has rounded it to one.
    amount_cny : float
    low_fen, high_fen : int or None
        The average price lies between them.

    Raises
    ------
    NotAQuote
        If neither gives an average price within the day's range.
    """
    if not volume and not amount_cny:
        return 0
    if low_fen is None or high_fen is None:
        raise NotAQuote("there is volume, but no range of prices")
    fen = 100.0 * amount_cny
    # amounts are cut to 1 CNY, or to 0.01 % of themselves where they are written in units of 10,000 CNY
    slack = max(100.0, 1e-4 * fen)
    if (volume - 1) * 100 * low_fen - slack <= fen <= (volume + 1) * 100 * high_fen + slack:
        return round(volume * 100) or max(1, round(fen / high_fen))
    if volume * low_fen - slack <= fen <= volume * high_fen + slack:
        return round(volume)
    raise NotAQuote(
        f"volume {volume:g} and amount {amount_cny:g} give no average price within "
        f"{low_fen / 100:.2f}..{high_fen / 100:.2f}"
    )


def checked(quote: LiveQuote) -> LiveQuote:
    """Drop prices of a session in which nothing has traded; refuse a quote that contradicts itself.

    Before the opening auction ends nothing has: prices and volumes of then, whatever fields they stand in,
    are those at which it would end.

    Raises
    ------
    NotAQuote
        If prices do not lie within the day's range, or there is trade without a price.
    """
    in_auction = quote.time.astimezone(SHANGHAI).time() < OPENING_PRICE
    if in_auction or (not quote.volume_shares and not quote.amount_cny):
        # what is shown before the first trade is an indication, or the last close
        quote = replace(quote, open_fen=None, last_fen=None, high_fen=None, low_fen=None)
        return replace(quote, volume_shares=0, amount_cny=0.0)
    prices = quote.open_fen, quote.last_fen, quote.high_fen, quote.low_fen
    if None in prices:
        raise NotAQuote("there is volume, but not all of open, last, high and low")
    opened, last, high, low = (price or 0 for price in prices)
    if not (low <= opened <= high and low <= last <= high):
        raise NotAQuote(
            f"open {opened / 100:.2f} or last {last / 100:.2f} lies outside the day's range "
            f"{low / 100:.2f}..{high / 100:.2f}"
        )
    if not math.isfinite(quote.amount_cny):
        raise NotAQuote("the amount is not finite")
    return quote
