"""Sina: ``var hq_str_sh600519="name,open,…,2026-01-05,09:25:03,00,";``, in GBK, volume in shares."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime

from engine.market.phases import SHANGHAI
from live.feeds.feed import Quotes, WebFeed
from live.feeds.labelled import read_labelled
from live.feeds.quote import LiveQuote, NotAQuote, checked, number, price_fen
from live.feeds.stages import auction_has_begun
from live.feeds.symbols import prefixed
from live.feeds.web import Page

_NAME, _OPEN, _PREVIOUS, _LAST, _HIGH, _LOW, _VOLUME, _AMOUNT = 0, 1, 2, 3, 4, 5, 8, 9
_BOOK = slice(10, 30)
_DAY, _TIME, _STATUS = 30, 31, 32
#: 02 and 03: suspended, 07: paused, -2: not listed yet, -3: delisted. A halt of an hour or so within the
#: session (01, 04, 05) is none: the stock has traded before it.
_HALTED = frozenset({"02", "03", "07", "-2", "-3"})
_STAMP = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2} [0-9]{2}:[0-9]{2}:[0-9]{2}", re.ASCII)
_SOURCE = "sina"


class SinaFeed(WebFeed):
    """``hq.sinajs.cn``: answers only those who come from its pages; states no limits."""

    name, host, batch = _SOURCE, "hq.sinajs.cn", 200

    def _page(self, symbols: Sequence[str]) -> Page:
        query = ",".join(map(prefixed, symbols))
        referer = {"Referer": "https://finance.sina.com.cn/"}
        return Page(f"https://{self.host}/list={query}", "quotes", headers=referer, encoding="gb18030")

    def _read(self, text: str, symbols: Sequence[str]) -> Quotes:
        quotes = parse_sina(text)
        if not quotes and "FORBIDDEN" in text:
            raise self._turned_away(f"it says {text.strip()[:40]!r}")
        if not quotes and "hq_str_" not in text:
            raise self._refuse(f"it begins {text[:40]!r}")
        return quotes


def parse_sina(text: str) -> Quotes:
    """Read the lines of an answer; a symbol that Sina does not know has an empty one, and is left out.

    A line does not say which stock it is, but for its label.
    """
    return read_labelled(text, "hq_str", ",", _SOURCE, _quote, empty_is_unknown=True)


def _quote(fields: list[str], symbol: str) -> LiveQuote:
    if len(fields) <= _TIME:
        raise NotAQuote(f"{len(fields)} fields, at least {_TIME + 1} are needed")
    previous = price_fen(fields[_PREVIOUS], "previous close")
    if previous is None:
        raise NotAQuote("there is no previous close")
    volume, amount = number(fields[_VOLUME], "volume"), number(fields[_AMOUNT], "amount")
    time = _time(fields[_DAY], fields[_TIME])
    halted = len(fields) > _STATUS and fields[_STATUS] in _HALTED
    idle = not volume and not amount and all(not text.strip("0. ") for text in fields[_BOOK])
    low, high = price_fen(fields[_LOW], "low"), price_fen(fields[_HIGH], "high")
    if volume and low and high and not _plausible(volume, amount, low, high):
        raise NotAQuote(f"volume {volume:g} and amount {amount:g} give no average price within the range")
    return checked(
        LiveQuote(
            symbol=symbol,
            name=fields[_NAME],
            time=time,
            previous_close_fen=previous,
            open_fen=price_fen(fields[_OPEN], "open"),
            last_fen=price_fen(fields[_LAST], "last price"),
            high_fen=high,
            low_fen=low,
            volume_shares=round(volume),
            amount_cny=amount,
            up_limit_fen=None,
            down_limit_fen=None,
            suspended=halted or (idle and auction_has_begun(time)),
            source=_SOURCE,
        )
    )


def _plausible(volume: float, amount_cny: float, low: int, high: int) -> bool:
    slack = 100.0 + 1e-4 * 100.0 * amount_cny
    return volume * low - slack <= 100.0 * amount_cny <= volume * high + slack


def _time(day: str, clock: str) -> datetime:
    if not _STAMP.fullmatch(f"{day} {clock}"):
        raise NotAQuote(f"time {f'{day} {clock}'[:24]!r} is not like 2026-01-05 09:25:03")
    try:
        return datetime.fromisoformat(f"{day} {clock}").replace(tzinfo=SHANGHAI)
    except ValueError:
        raise NotAQuote(f"time {day} {clock} does not exist") from None
