"""Tencent: ``v_sh600519="1~…~600519~…";``, one line a symbol, fields separated by ``~``, in GBK."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime

from engine.market.phases import SHANGHAI
from live.feeds.feed import Quotes, WebFeed
from live.feeds.labelled import read_labelled
from live.feeds.quote import LiveQuote, NotAQuote, checked, number, price_fen, shares_of
from live.feeds.stages import auction_has_begun
from live.feeds.symbols import prefixed
from live.feeds.web import Page

_NAME, _CODE, _LAST, _PREVIOUS, _OPEN, _VOLUME = 1, 2, 3, 4, 5, 6
_BOOK = slice(9, 29)
_TIME, _HIGH, _LOW, _TRADES, _AMOUNT, _STATUS, _UP, _DOWN = 30, 33, 34, 35, 37, 40, 47, 48
#: exchange by the number in the first field
_MARKETS = {"1": "SH", "51": "SZ", "62": "BJ"}
#: S: suspended, D: delisted
_HALTED = frozenset({"S", "D"})
_STAMP = re.compile(r"[0-9]{14}", re.ASCII)
_SOURCE = "tencent"


class TencentFeed(WebFeed):
    """``qt.gtimg.cn``: states limits, and the moment of the quote; volume in lots."""

    name, host, batch = _SOURCE, "qt.gtimg.cn", 100

    def _page(self, symbols: Sequence[str]) -> Page:
        query = ",".join(map(prefixed, symbols))
        return Page(f"https://{self.host}/q={query}", "quotes", encoding="gb18030")

    def _read(self, text: str, symbols: Sequence[str]) -> Quotes:
        quotes = parse_tencent(text)
        if not quotes and "v_" not in text:
            raise self._refuse(f"it begins {text[:40]!r}")
        return quotes


def parse_tencent(text: str) -> Quotes:
    """Read the lines of an answer; symbols that Tencent does not know have none."""
    return read_labelled(text, "v", "~", _SOURCE, _quote)


def _quote(fields: list[str], label: str) -> LiveQuote:
    if len(fields) <= _AMOUNT:
        raise NotAQuote(f"{len(fields)} fields, at least {_AMOUNT + 1} are needed")
    previous = price_fen(fields[_PREVIOUS], "previous close")
    if previous is None:
        raise NotAQuote("there is no previous close")
    low, high = price_fen(fields[_LOW], "low"), price_fen(fields[_HIGH], "high")
    amount = _amount_cny(fields)
    volume = shares_of(number(fields[_VOLUME], "volume"), amount, low, high)
    time = _time(fields[_TIME])
    halted = len(fields) > _STATUS and fields[_STATUS].strip() in _HALTED
    idle = not volume and not amount and _nobody_waits(fields[_BOOK])
    return checked(
        LiveQuote(
            symbol=f"{fields[_CODE]}.{_MARKETS.get(fields[0], label[-2:])}",
            name=fields[_NAME],
            time=time,
            previous_close_fen=previous,
            open_fen=price_fen(fields[_OPEN], "open"),
            last_fen=price_fen(fields[_LAST], "last price"),
            high_fen=high,
            low_fen=low,
            volume_shares=volume,
            amount_cny=amount,
            up_limit_fen=_limit(fields, _UP),
            down_limit_fen=_limit(fields, _DOWN),
            suspended=halted or (idle and auction_has_begun(time)),
            source=_SOURCE,
        )
    )


def _amount_cny(fields: list[str]) -> float:
    """The exact amount stands in ``last/volume/amount``; the field of its own is in 10,000 CNY."""
    parts = fields[_TRADES].split("/")
    if len(parts) == 3:
        return number(parts[2], "amount")
    return number(fields[_AMOUNT], "amount") * 1e4


def _limit(fields: list[str], place: int) -> int | None:
    """A limit price; stocks without one, and older answers, have none."""
    text = fields[place] if len(fields) > place else ""
    # -1 where there is no limit
    return price_fen(text, "limit") if text and not text.startswith("-") else None


def _nobody_waits(book: list[str]) -> bool:
    return all(not text.strip("0. ") for text in book)


def _time(text: str) -> datetime:
    if not _STAMP.fullmatch(text):
        raise NotAQuote(f"time {text[:20]!r} is not like 20260105092503")
    try:
        day = int(text[:4]), int(text[4:6]), int(text[6:8])
        return datetime(*day, int(text[8:10]), int(text[10:12]), int(text[12:]), tzinfo=SHANGHAI)
    except ValueError:
        raise NotAQuote(f"time {text} does not exist") from None
