"""The packed series of Sina's charts, written so that the script which akshare runs can read them.

Both forms are streams of bits, lowest first, six to a character of base 64. Derived from the reading script
(`akshare.stock.cons.hk_js_decode`): every row states its day and the widths of its numbers, which the
vendor's own files do only where they change.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, timedelta

_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
_DAY_ONE = date(1990, 12, 19)


class _Bits:
    def __init__(self) -> None:
        self.bits: list[int] = []

    def put(self, value: int, width: int) -> None:
        """A number in two's complement, lowest bit first."""
        self.bits += [(value >> place) & 1 for place in range(width)]

    def flag(self, *values: int) -> None:
        self.bits += values

    def step(self, value: int) -> None:
        """A number other than zero: its sign, then ones, then a zero."""
        self.bits += [int(value > 0), *([1] * (abs(value) - 1)), 0]

    def text(self) -> str:
        padded = self.bits + [0] * (-len(self.bits) % 6)
        values = (sum(b << i for i, b in enumerate(padded[at : at + 6])) for at in range(0, len(padded), 6))
        return "".join(_LETTERS[value] for value in values)


def _number(day: date) -> int:
    return (day - _DAY_ONE).days


def _width(value: int, signed: bool) -> int:
    """Bits that a number needs, in the steps of three that the form allows."""
    needed = (value if value >= 0 else ~value).bit_length() + signed
    return -(-needed // 3)


def stock_series(rows: Iterable[tuple[date, int, int, int, int, int, int]]) -> str:
    """Pack (day, open, high, low, close in fen, volume in shares, amount in CNY), ascending (form 3466)."""
    out = _Bits()
    out.put(3466, 12)
    out.put(63, 6)
    widths = [3, 3, 3, 3, 5, 5]
    close = volume = amount = 0
    for row, (day, o, h, low, c, v, a) in enumerate(rows):
        values = (o - close, h - o, o - low, c - o, v - volume, a - amount)
        close, volume, amount = c, v, a
        out.flag(1, 1)
        if row == 0:
            # amounts stand for themselves instead of as what differs from price × volume
            out.flag(1, 1, 1, 0, 0, 0, 0, 0, 0, 0)
        else:
            out.flag(0)
        out.flag(1)
        for place, signed in enumerate((True, False, False, True, True, True)):
            needed = _width(values[place], signed)
            out.flag(int(needed != widths[place]))
            if needed != widths[place]:
                out.step(needed - widths[place])
                widths[place] = needed
        out.flag(1)  # the day
        out.put(1, 3)
        out.put(_number(day), 18)
        out.flag(0)  # no previous close
        for value, width in zip(values, widths, strict=True):
            out.put(value, 3 * width)
    out.flag(1, 1, 0, 0, 0)
    return out.text()


def index_series(rows: Iterable[tuple[date, int, int, int, int, int]], digits: int = 3) -> str:
    """Pack (day, open, high, low, close in 10^-digits, volume in shares), ascending (form 1479)."""
    out = _Bits()
    out.put(1479, 12)
    out.put(63, 6)
    out.put(digits, 6)
    out.put(1, 18)
    out.put(2, 3)
    out.put(7, 3)
    close = volume = 0
    for day, o, h, low, c, v in rows:
        out.put(32, 6)
        out.put(17, 6)
        out.put(_number(day), 18)
        out.put(47, 6)
        out.put(7, 3)
        out.put(7, 3)
        for value in (o - close, h - o, o - low, c - o):
            out.put(value, 27)
        out.put(v - volume, 42)
        close, volume = c, v
    return out.text()


def sessions(days: Sequence[date]) -> str:
    """Pack trading days, ascending (form 139): how many weekdays in a row trade, then one that does not."""
    out = _Bits()
    out.put(139, 12)
    out.put(63, 6)
    week = _weekdays(days[0], days[-1])
    out.put(_number(days[0]), 18)
    out.put(_number(days[-1]), 18)
    trading, width, place = set(days), 0, 0
    while place < len(week):
        run = place
        while run < len(week) and week[run] in trading:
            run += 1
        length = run - place
        needed = -(-max(length.bit_length(), 1) // 3)
        out.flag(int(needed != width))
        if needed != width:
            out.step(needed - width)
            width = needed
        out.put(length, 3 * width)
        place = run + 1
    return out.text()


def _weekdays(first: date, last: date) -> list[date]:
    span = (first + timedelta(days=n) for n in range((last - first).days + 1))
    return [day for day in span if day.weekday() < 5]
