"""The three services of live quotes, in the shapes of their recorded answers, from a market that is told.

::

    services = QuoteServices(Market.sample(names), clock)     # clock() -> datetime with a zone
    with VendorServer(chain(services.routes, ...)) as server: ...
    services.faults.append(Fault(Kind.HTML, vendor="sina"))

A day of the market is played from its daily bar: nothing before 9:15 but the session before, nothing traded
until 9:25, the opening price until 9:30, from there by way of low and high to the close. A day that the
market has no rows for is no session: the last one's quotes stand. A row of volume 0 is a suspension.
"""

from __future__ import annotations

import json
from bisect import bisect_left
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from enum import StrEnum
from functools import cached_property
from typing import Any
from zoneinfo import ZoneInfo

from vendors.market import Market
from vendors.server import Answer, Request

SHANGHAI = ZoneInfo("Asia/Shanghai")
_PERCENT = {"688": 20, "689": 20, "300": 20, "301": 20, "302": 20}
_DAY_SECONDS = 4 * 3600


@dataclass(frozen=True)
class Tape:
    """What an exchange shows of a stock at a moment; prices in fen, 0 where there is none."""

    symbol: str
    name: str
    at: datetime
    previous: int
    open: int = 0
    last: int = 0
    high: int = 0
    low: int = 0
    volume: int = 0  # shares
    amount: int = 0  # CNY
    up: int = 0
    down: int = 0
    suspended: bool = False
    bid: int = 0
    ask: int = 0


Tell = Callable[[str, datetime], Tape | None]


class Kind(StrEnum):
    """How a vendor fails."""

    REFUSE = "refuse"  # status 403
    SERVER = "server"  # status 502
    HTML = "html"  # a captcha with status 200
    SLOW = "slow"  # a minute before the first byte
    DRIP = "drip"  # a piece a second
    CUT = "cut"  # the connection ends in the middle
    GARBAGE = "garbage"
    ABSENT = "absent"  # the named symbols are left out
    HALF_LINE = "half_line"
    OTHER_SYMBOL = "other_symbol"  # the line of another stock under the label asked for
    STALE = "stale"  # as it was `by` ago
    SKEW = "skew"  # times moved by `by`, prices as they are
    PRICE = "price"  # all prices of the session `fen` higher
    NOT_SUSPENDED = "not_suspended"


@dataclass(frozen=True)
class Fault:
    """A failure of one vendor (all, where not named), for some symbols (all), between two moments."""

    kind: Kind
    vendor: str = ""
    symbols: tuple[str, ...] = ()
    since: datetime | None = None
    until: datetime | None = None
    by: timedelta = timedelta(days=1)
    fen: int = 5

    def holds(self, vendor: str, now: datetime) -> bool:
        return (
            self.vendor in ("", vendor)
            and (self.since is None or now >= self.since)
            and (self.until is None or now < self.until)
        )

    def concerns(self, symbol: str) -> bool:
        return not self.symbols or symbol in self.symbols


class QuoteServices:
    """qt.gtimg.cn, hq.sinajs.cn and push2.eastmoney.com.

    Parameters
    ----------
    market : Market or callable
        Daily bars to play; or what tells the tape of a symbol at a moment, None for what it does not know.
    clock : callable
        What time it is at the exchange, with a zone.
    faults : sequence of Fault
        May be changed at any time.
    """

    def __init__(self, market: Market | Tell, clock: Callable[[], datetime], faults: Sequence[Fault] = ()):
        self.tell: Tell = Days(market).tape if isinstance(market, Market) else market
        self.clock = clock
        self.faults = list(faults)

    def routes(self, request: Request) -> Answer | None:
        now = self.clock().astimezone(SHANGHAI)
        host, path = request.host, request.path
        if host == "qt.gtimg.cn" and path.startswith("/q="):
            labels = path[3:].split(",")
            lines = [self._tencent(label, now) for label in labels]
            body = "".join(lines) or 'v_pv_none_match="1";\n'
            return self._answer("tencent", now, body.encode("gb18030"), "text/html; charset=GBK")
        if host == "hq.sinajs.cn" and path.startswith("/list="):
            if "sina.com.cn" not in request.headers.get("referer", ""):
                return Answer("Forbidden", status=403, content_type="text/plain")
            lines = [self._sina(label, now) for label in path[6:].split(",")]
            kind = "application/javascript; charset=GB18030"
            return self._answer("sina", now, "".join(lines).encode("gb18030"), kind)
        if host == "push2.eastmoney.com" and path == "/api/qt/ulist.np/get":
            asked = request.query["secids"].split(",")
            rows = [row for row in (self._eastmoney(each, now, listed=True) for each in asked) if row]
            fields = request.query["fields"].split(",")
            diff = [{field: row[field] for field in fields if field in row} for row in rows]
            data = {"total": len(diff), "diff": diff} if diff else None
            return self._json(now, data)
        if host == "push2.eastmoney.com" and path == "/api/qt/stock/get":
            row = self._eastmoney(request.query["secid"], now, listed=False)
            fields = request.query["fields"].split(",")
            return self._json(now, row and {field: row[field] for field in fields if field in row})
        return None

    # -- failures

    def _holding(self, vendor: str, now: datetime) -> list[Fault]:
        return [fault for fault in self.faults if fault.holds(vendor, now)]

    def _answer(self, vendor: str, now: datetime, body: bytes, kind: str) -> Answer:
        answer = Answer(body, content_type=kind)
        for fault in self._holding(vendor, now):
            match fault.kind:
                case Kind.REFUSE:
                    return Answer("Forbidden", status=403, content_type="text/html")
                case Kind.SERVER:
                    return Answer("Bad gateway", status=502, content_type="text/html")
                case Kind.HTML:
                    return Answer.html()
                case Kind.GARBAGE:
                    return replace(answer, body=bytes(range(256)) * 4)
                case Kind.SLOW:
                    answer = replace(answer, delay_s=60.0)
                case Kind.DRIP:
                    answer = replace(answer, drip_s=1.0)
                case Kind.CUT:
                    answer = replace(answer, cut_at=len(body) // 2)
                case _:
                    pass
        return answer

    def _json(self, now: datetime, data: Any) -> Answer:
        said = {"rc": 0, "rt": 11, "svr": 181669449, "lt": 1, "full": 1, "dlmkts": "", "data": data}
        kind = "application/json; charset=UTF-8"
        return self._answer("eastmoney", now, json.dumps(said, ensure_ascii=False).encode(), kind)

    def _tape(self, vendor: str, symbol: str, now: datetime) -> Tape | None:
        faults = [fault for fault in self._holding(vendor, now) if fault.concerns(symbol)]
        ago = sum((fault.by for fault in faults if fault.kind is Kind.STALE), timedelta())
        tape = self.tell(symbol, now - ago)
        for fault in faults:
            if tape is None or (fault.kind is Kind.ABSENT and fault.symbols):
                return None
            if fault.kind is Kind.SKEW:
                tape = replace(tape, at=tape.at + fault.by)
            elif fault.kind is Kind.PRICE:
                moved = {n: getattr(tape, n) + fault.fen for n in ("open", "last", "high", "low")}
                tape = replace(tape, **{n: v for n, v in moved.items() if getattr(tape, n)})
            elif fault.kind is Kind.NOT_SUSPENDED and tape.suspended:
                shares, price = 1000, tape.previous
                money = shares * price // 100
                tape = replace(
                    tape, suspended=False, open=price, last=price, high=price, low=price, volume=shares,
                    amount=money, bid=price, ask=price + 1,
                )  # fmt: skip
        return tape

    def _has(self, kind: Kind, vendor: str, symbol: str, now: datetime) -> bool:
        return any(f.kind is kind and f.concerns(symbol) for f in self._holding(vendor, now))

    # -- shapes

    def _tencent(self, label: str, now: datetime) -> str:
        symbol = f"{label[2:]}.{label[:2].upper()}"
        tape = self._tape("tencent", symbol, now)
        if tape is None:
            return ""
        line = _tencent_line(tape)
        if self._has(Kind.OTHER_SYMBOL, "tencent", symbol, now):
            line = line.replace(f"~{symbol[:6]}~", "~600000~")
        if self._has(Kind.HALF_LINE, "tencent", symbol, now):
            return f'v_{label}="{line[: len(line) // 2]}\n'
        return f'v_{label}="{line}";\n'

    def _sina(self, label: str, now: datetime) -> str:
        symbol = f"{label[2:]}.{label[:2].upper()}"
        tape = self._tape("sina", symbol, now)
        if tape is None:
            return f'var hq_str_{label}="";\n'
        line = _sina_line(tape)
        if self._has(Kind.HALF_LINE, "sina", symbol, now):
            return f'var hq_str_{label}="{line[: len(line) // 2]}\n'
        return f'var hq_str_{label}="{line}";\n'

    def _eastmoney(self, secid: str, now: datetime, *, listed: bool) -> dict[str, Any] | None:
        market, _, code = secid.partition(".")
        symbol = f"{code}.{'SH' if market == '1' else 'BJ' if code[0] in '489' else 'SZ'}"
        tape = self._tape("eastmoney", symbol, now)
        if tape is None:
            return None
        if self._has(Kind.OTHER_SYMBOL, "eastmoney", symbol, now):
            code = "600000"
        row = (_eastmoney_row if listed else _eastmoney_stock)(tape, code, int(market))
        if self._has(Kind.HALF_LINE, "eastmoney", symbol, now):
            row = dict(list(row.items())[: len(row) // 2])
        return row


def _yuan(fen: int) -> str:
    return f"{fen / 100:.2f}"


def _tencent_line(t: Tape) -> str:
    market = {"SH": "1", "SZ": "51", "BJ": "62"}[t.symbol[-2:]]
    lots, last = round(t.volume / 100), t.last or t.previous
    change = last - t.previous
    book: list[str] = []
    for price in (t.bid, t.ask):
        for level in range(5):
            book += [_yuan(price) if price and not level else "0.00", "12" if price and not level else "0"]
    f = [
        market, t.name, t.symbol[:6], _yuan(last), _yuan(t.previous), _yuan(t.open), str(lots),
        str(lots // 2), str(lots - lots // 2), *book, "", f"{t.at:%Y%m%d%H%M%S}", _yuan(change),
        f"{100 * change / t.previous:.2f}", _yuan(t.high), _yuan(t.low),
        f"{_yuan(last)}/{lots}/{t.amount}", str(lots), f"{t.amount / 1e4:.0f}", "0.17", "20.31",
        "S" if t.suspended else "", _yuan(t.high), _yuan(t.low), "0.88", "18281.64", "18281.64", "8.05",
        _yuan(t.up) if t.up else "-1", _yuan(t.down) if t.down else "-1", "0.61", "-101", "0.00", "21.22",
        "21.20", "", "", "0.52", f"{t.amount / 1e4:.4f}", "0.0000", "0", " ", "GP-A", "6.01",
    ]  # fmt: skip
    return "~".join(f)


def _sina_line(t: Tape) -> str:
    def price(fen: int) -> str:
        return f"{fen / 100:.3f}"

    bids = ["1200" if t.bid else "0", price(t.bid), *["0", "0.000"] * 4]
    asks = ["1200" if t.ask else "0", price(t.ask), *["0", "0.000"] * 4]
    f = [
        t.name, price(t.open), price(t.previous), price(t.last), price(t.high), price(t.low), price(t.bid),
        price(t.ask), str(t.volume), f"{t.amount:.3f}", *bids, *asks, f"{t.at:%Y-%m-%d}", f"{t.at:%H:%M:%S}",
        "03" if t.suspended else "00", "",
    ]  # fmt: skip
    return ",".join(f)


def _eastmoney_row(t: Tape, code: str, market: int) -> dict[str, Any]:
    return {
        "f1": 2, "f2": t.last or "-", "f5": round(t.volume / 100) or "-", "f6": float(t.amount) or "-",
        "f12": code, "f13": market, "f14": t.name, "f15": t.high or "-", "f16": t.low or "-",
        "f17": t.open or "-", "f18": t.previous, "f31": t.bid or "-", "f32": t.ask or "-",
        "f124": int(t.at.timestamp()), "f350": t.up or "-", "f351": t.down or "-",
    }  # fmt: skip


def _eastmoney_stock(t: Tape, code: str, market: int) -> dict[str, Any]:
    return {
        "f43": t.last or "-", "f44": t.high or "-", "f45": t.low or "-", "f46": t.open or "-",
        "f47": round(t.volume / 100) or "-", "f48": float(t.amount) or "-", "f51": t.up or "-",
        "f52": t.down or "-", "f57": code, "f58": t.name, "f59": 2, "f60": t.previous, "f19": t.bid or "-",
        "f39": t.ask or "-", "f86": int(t.at.timestamp()), "f107": market,
    }  # fmt: skip


class Days:
    """Tapes of a market's daily bars."""

    def __init__(self, market: Market) -> None:
        self.market = market

    @cached_property
    def _bars(self) -> Mapping[str, dict[date, dict[str, float]]]:
        """By symbol and day, the days in order."""
        columns = ["open", "high", "low", "close", "preclose", "volume", "amount"]
        bars = self.market.bars.sort_values("date")
        out: dict[str, dict[date, dict[str, float]]] = {}
        values = zip(*(bars[name].tolist() for name in columns), strict=True)
        for symbol, stamp, row in zip(bars["symbol"], bars["date"], values, strict=True):
            out.setdefault(str(symbol), {})[stamp.date()] = dict(zip(columns, row, strict=True))
        return out

    @cached_property
    def _names(self) -> dict[str, str]:
        return {symbol: self.market.name(symbol) for symbol in self._bars}

    @cached_property
    def _sessions(self) -> list[date]:
        return sorted({day for days in self._bars.values() for day in days})

    def tape(self, symbol: str, now: datetime) -> Tape | None:
        """What the exchange shows at a moment."""
        rows = self._bars.get(symbol)
        if rows is None:
            return None
        today = now.date()
        if now.time() >= time(9, 15) and today in self._session_set:
            day, clock = today, now
        else:
            place = bisect_left(self._sessions, today)
            if not place:
                return None
            day = self._sessions[place - 1]
            clock = datetime.combine(day, time(16), SHANGHAI)
        bar = rows.get(day)
        if bar is None:
            before = [each for each in rows if each < day]
            if not before or max(rows) < day:
                return None  # not listed yet, or not any more
            return self._named(symbol, clock, _fen(rows[before[-1]]["close"]), suspended=True)
        previous = _fen(bar["preclose"])
        if not bar["volume"] > 0:
            return self._named(symbol, clock, previous, suspended=True)
        return self._moment(symbol, bar, previous, clock)

    @cached_property
    def _session_set(self) -> frozenset[date]:
        return frozenset(self._sessions)

    def _named(self, symbol: str, clock: datetime, previous: int, **more: Any) -> Tape:
        name = self._names[symbol]
        percent = 30 if symbol.endswith("BJ") else _PERCENT.get(symbol[:3], 5 if "ST" in name else 10)
        return Tape(
            symbol=symbol,
            name=name,
            at=_shown_at(clock),
            previous=previous,
            up=(previous * (100 + percent) + 50) // 100,
            down=(previous * (100 - percent) + 50) // 100,
            **more,
        )

    def _moment(self, symbol: str, bar: Any, previous: int, clock: datetime) -> Tape:
        opened, high, low, close = (_fen(bar[name]) for name in ("open", "high", "low", "close"))
        if clock.time() < time(9, 25):
            return self._named(symbol, clock, previous, bid=opened, ask=opened)
        gone = _gone(clock)
        if gone >= 1.0:
            last, top, bottom = close, high, low
            volume, amount = int(bar["volume"]), round(bar["amount"])
        else:
            # by way of low and high to the close
            stops, part = (opened, low, high, close), gone * 3
            leg = min(int(part), 2)
            last = round(stops[leg] + (stops[leg + 1] - stops[leg]) * (part - leg))
            seen = [opened, last, *stops[1 : leg + 1]]
            top, bottom = max(seen), min(seen)
            volume = max(100, int(bar["volume"] * (0.01 + 0.99 * gone)) // 100 * 100)
            amount = round(volume * (top + bottom) / 200)
        sealed_up = last == (previous * 110 + 50) // 100
        return self._named(
            symbol, clock, previous, open=opened, last=last, high=top, low=bottom, volume=volume,
            amount=amount, bid=last, ask=0 if sealed_up else last + 1,
        )  # fmt: skip


def _fen(price: float) -> int:
    return int(price * 100 + 0.5)


def _gone(clock: datetime) -> float:
    """Share of a session's continuous trading that is over."""
    seconds = 0.0
    for begin, end in ((time(9, 30), time(11, 30)), (time(13), time(15))):
        start, stop = (datetime.combine(clock.date(), each, SHANGHAI) for each in (begin, end))
        seconds += max(0.0, (min(clock, stop) - start).total_seconds())
    return seconds / _DAY_SECONDS


def _shown_at(clock: datetime) -> datetime:
    """Vendors' clocks stand still where nothing happens."""
    stops = ((time(9, 25), time(9, 30), 3), (time(11, 30), time(13), 2), (time(15), time(23, 59), 1))
    for begin, end, seconds in stops:
        if begin <= clock.time() < end:
            rest = datetime.combine(clock.date(), begin, SHANGHAI) + timedelta(seconds=seconds)
            return min(rest, clock).replace(microsecond=0)
    return (clock - timedelta(seconds=clock.second % 3)).replace(microsecond=0)
