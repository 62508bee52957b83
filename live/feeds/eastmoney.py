"""Eastmoney: JSON of numbered fields, prices in fen as integers, volume in lots, time in seconds.

Field numbers as akshare's `stock_bid_ask_em` (one stock) and `stock_zh_a_spot_em` (a list) read them.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from engine.market.phases import SHANGHAI
from live.feeds.feed import Quotes, WebFeed
from live.feeds.quote import LiveQuote, NotAQuote, Unreadable, checked, shares_of
from live.feeds.stages import auction_has_begun
from live.feeds.symbols import eastmoney_id
from live.feeds.web import Page

_SOURCE = "eastmoney"


@dataclass(frozen=True, slots=True)
class _Numbers:
    """Which field holds what."""

    code: str
    name: str
    decimals: str
    last: str
    high: str
    low: str
    open: str
    previous: str
    volume: str
    amount: str
    time: str
    up: str
    down: str
    #: orders waiting: best bid and best ask
    bid: str
    ask: str
    market: str = ""

    @property
    def asked_for(self) -> str:
        return ",".join(getattr(self, name) for name in self.__slots__ if getattr(self, name))


_LIST = _Numbers(
    code="f12", name="f14", decimals="f1", last="f2", high="f15", low="f16", open="f17", previous="f18",
    volume="f5", amount="f6", time="f124", up="f350", down="f351", bid="f31", ask="f32", market="f13",
)  # fmt: skip
_STOCK = _Numbers(
    code="f57", name="f58", decimals="f59", last="f43", high="f44", low="f45", open="f46", previous="f60",
    volume="f47", amount="f48", time="f86", up="f51", down="f52", bid="f19", ask="f39",
)  # fmt: skip


class EastmoneyFeed(WebFeed):
    """``push2.eastmoney.com``: one request for a hundred names; bans addresses that ask often."""

    name, host, batch = _SOURCE, "push2.eastmoney.com", 100

    def _page(self, symbols: Sequence[str]) -> Page:
        root, scaled = f"https://{self.host}/api/qt", {"fltt": "1", "invt": "2"}
        if len(symbols) == 1:
            one = {"secid": eastmoney_id(symbols[0]), "fields": _STOCK.asked_for, **scaled}
            return Page(f"{root}/stock/get", "quotes", one)
        many = {"secids": ",".join(map(eastmoney_id, symbols)), "fields": _LIST.asked_for, **scaled}
        return Page(f"{root}/ulist.np/get", "quotes", many)

    def _read(self, text: str, symbols: Sequence[str]) -> Quotes:
        try:
            return parse_eastmoney(text, symbols)
        except NotAQuote as problem:
            raise self._refuse(str(problem)) from None


def parse_eastmoney(text: str, symbols: Sequence[str]) -> Quotes:
    """Read an answer of ``stock/get`` or ``ulist.np/get``.

    Parameters
    ----------
    text : str
    symbols : sequence of str
        Those asked for. The answer's codes lack the exchange (Shenzhen and Beijing are one market there), so
        it is taken from the symbol asked for that has the code.

    Raises
    ------
    NotAQuote
        If the whole is not of that form.
    """
    try:
        answer = json.loads(text)
    except (ValueError, RecursionError):
        raise NotAQuote(f"no JSON: {text[:40]!r}") from None
    if not isinstance(answer, dict) or "data" not in answer:
        raise NotAQuote("no field 'data'")
    data = answer["data"]
    if data is None:
        return {}  # how it says that it knows none of them
    if not isinstance(data, dict):
        raise NotAQuote("'data' is no object")
    rows: list[Any]
    if "diff" not in data:
        rows, numbers = [data], _STOCK
    else:
        diff, numbers = data["diff"], _LIST
        rows = list(diff.values()) if isinstance(diff, dict) else diff if isinstance(diff, list) else []
    exchanges = {symbol.partition(".")[0]: symbol for symbol in symbols}
    out: dict[str, LiveQuote | Unreadable] = {}
    for row in rows:
        if not isinstance(row, dict) or not isinstance(row.get(numbers.code), str):
            continue
        symbol = exchanges.get(row[numbers.code], f"{row[numbers.code][:12]}.")
        try:
            out[symbol] = _quote(row, symbol, numbers)
        except NotAQuote as problem:
            out[symbol] = Unreadable(symbol, str(problem), _SOURCE)
    return out


def _quote(row: Mapping[str, Any], symbol: str, n: _Numbers) -> LiveQuote:
    market = row.get(n.market) if n.market else None
    if market is not None and market != (1 if symbol.endswith(".SH") else 0):
        symbol = f"{symbol[:6]}.{'SH' if market == 1 else 'SZ'}"
    decimals = row.get(n.decimals, 2)
    if decimals != 2:
        raise NotAQuote(f"prices have {decimals!r} decimals, those of stocks have 2")
    time = _time(row.get(n.time))
    previous = _price(row, n.previous, "previous close")
    if previous is None:
        raise NotAQuote("there is no previous close")
    low, high = _price(row, n.low, "low"), _price(row, n.high, "high")
    amount = _quantity(row, n.amount, "amount")
    volume = shares_of(_quantity(row, n.volume, "volume"), amount, low, high)
    # no bid and no ask: neither field is there, or both say so
    waiting = [row[field] for field in (n.bid, n.ask) if field in row]
    idle = not volume and not amount and bool(waiting) and all(x in ("-", 0) for x in waiting)
    return checked(
        LiveQuote(
            symbol=symbol,
            name=str(row.get(n.name, "")),
            time=time,
            previous_close_fen=previous,
            open_fen=_price(row, n.open, "open"),
            last_fen=_price(row, n.last, "last price"),
            high_fen=high,
            low_fen=low,
            volume_shares=volume,
            amount_cny=amount,
            up_limit_fen=_price(row, n.up, "limit", absent=True),
            down_limit_fen=_price(row, n.down, "limit", absent=True),
            suspended=idle and auction_has_begun(time),
            source=_SOURCE,
        )
    )


def _price(row: Mapping[str, Any], field: str, what: str, *, absent: bool = False) -> int | None:
    value = row.get(field, "-" if absent else None)
    if value == "-":
        return None  # its sign for what is not there
    if isinstance(value, bool) or not isinstance(value, int) or abs(value) > 10**9:
        raise NotAQuote(f"{what} {str(value)[:20]!r} ({field}) is no whole number of fen")
    if value < 0 and not absent:
        raise NotAQuote(f"{what} {value} ({field}) is negative")
    return value if value > 0 else None


def _quantity(row: Mapping[str, Any], field: str, what: str) -> float:
    value = row.get(field)
    if value == "-":
        return 0.0
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise NotAQuote(f"{what} {str(value)[:20]!r} ({field}) is no quantity")
    if not (math.isfinite(value) and 0 <= value < 1e15):
        raise NotAQuote(f"{what} {value} ({field}) is no quantity")
    return float(value)


def _time(value: Any) -> datetime:
    if isinstance(value, bool) or not isinstance(value, int) or not 0 < value < 2**32:
        raise NotAQuote("it does not say when it is from")
    return datetime.fromtimestamp(value, UTC).astimezone(SHANGHAI)
