"""K-lines as the small JSON that `static/candles.js` draws: every bar in about nine characters.

A bar is five whole numbers in base 32, one or two characters each: the close and the open minus the close
before, the high above the higher of open and close, the lower of both above the low, all in ticks, and the
volume in a unit that leaves three digits. Signed numbers are folded: 0, -1, 1, -2 become 0, 1, 2, 3.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Final

import numpy as np

from engine.errors import ShapeError
from engine.report.chart import Chart
from engine.report.section import Bars, Candles

DIGITS: Final = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
"""The upper half continues a number, the lower half ends it."""

_VOLUME_DIGITS: Final = 3


def candles_chart(candles: Candles, axis: int) -> Chart:
    """Return a K-line as a chart.

    Parameters
    ----------
    candles : Candles
        What to draw.
    axis : int
        Where the page keeps the sessions.

    Raises
    ------
    ShapeError
        If the bars of a name differ in number, or leave the axis, or a mark stands off it.
    """
    data = {
        "kind": "candles",
        "x": axis,
        "zoom": True,
        "decimals": candles.decimals,
        "names": [_packed(candles, bars) for bars in candles.names],
    }
    trades = sum(len(bars.trades) for bars in candles.names)
    label = f"{candles.title}: daily bars of {len(candles.names)} names with {trades} trades."
    return Chart(data, label, candles.height, zoom=True)


def encoded(numbers: Iterable[int]) -> str:
    """Whole numbers ≥ 0 as text: five bits a character, lowest first."""
    return "".join([_SHORT[n] if n < len(_SHORT) else _digits(n) for n in numbers])


def _digits(number: int) -> str:
    out = ""
    while number > 31:
        out += DIGITS[32 + (number & 31)]
        number >>= 5
    return out + DIGITS[number]


_SHORT: Final = tuple(map(_digits, range(1024)))


def folded(numbers: np.ndarray) -> np.ndarray:
    """0, -1, 1, -2, 2 as 0, 1, 2, 3, 4: small numbers of either sign stay short."""
    return np.where(numbers >= 0, 2 * numbers, -2 * numbers - 1)


def _packed(candles: Candles, bars: Bars) -> dict[str, Any]:
    _check(candles, bars)
    scale = 10**candles.decimals
    o, h, low, c = (_ticks(values, scale) for values in (bars.open, bars.high, bars.low, bars.close))
    top, bottom = np.maximum(o, c), np.minimum(o, c)
    before = np.concatenate(([0], c[:-1])) if len(c) else c
    unit = _unit(bars.volume)
    volume = np.rint(np.nan_to_num(np.asarray(bars.volume, dtype=np.float64)) / unit).astype(np.int64)
    columns = (folded(c - before), folded(o - before), np.maximum(h - top, 0), np.maximum(bottom - low, 0))
    numbers = np.column_stack((*columns, volume)).ravel().tolist()
    packed: dict[str, Any] = {
        "symbol": bars.symbol,
        "name": bars.name,
        "start": bars.start,
        "unit": unit,
        "bars": encoded(numbers),
        "trades": encoded(_trades(bars, scale)),
        "held": encoded(_stretches(bars)),
    }
    if bars.remark:
        packed["remark"] = bars.remark
    if bars.events:
        packed["events"] = [[at, text] for at, text in bars.events]
    return packed


def _trades(bars: Bars, scale: int) -> Iterable[int]:
    """Session after the one before, side and shares in one number, price in ticks."""
    at = 0
    for trade in sorted(bars.trades, key=lambda one: one.at):
        yield trade.at - at
        yield 2 * round(trade.shares) + (trade.side == "sell")
        yield round(trade.price * scale)
        at = trade.at


def _stretches(bars: Bars) -> Iterable[int]:
    """Sessions since the stretch before, then sessions from first to last."""
    at = 0
    for first, last in bars.held:
        yield first - at
        yield last - first
        at = last


def _ticks(values: Sequence[float], scale: int) -> np.ndarray:
    return np.rint(np.asarray(values, dtype=np.float64) * scale).astype(np.int64)


def _unit(volume: Sequence[float]) -> int:
    """A power of ten that leaves the usual volume three digits."""
    traded = [float(v) for v in volume if v > 0]
    if not traded:
        return 1
    digits = len(str(int(np.median(traded))))
    return int(10 ** max(0, digits - _VOLUME_DIGITS))


def _check(candles: Candles, bars: Bars) -> None:
    columns = (bars.open, bars.high, bars.low, bars.close, bars.volume)
    lengths = {len(column) for column in columns}
    where = f"K-line {candles.title!r}: {bars.symbol}"
    if len(lengths) > 1:
        raise ShapeError(f"{where}: open, high, low, close and volume differ in length")
    end = bars.start + lengths.pop()
    if bars.start < 0 or end > len(candles.x):
        raise ShapeError(f"{where}: bars {bars.start}..{end - 1} on an axis of {len(candles.x)} sessions")
    if not all(np.isfinite(np.asarray(column, dtype=np.float64)).all() for column in columns[:4]):
        raise ShapeError(f"{where}: a price is missing within the bars")
    marks = [trade.at for trade in bars.trades] + [at for at, _ in bars.events]
    marks += [at for stretch in bars.held for at in stretch]
    off = [at for at in marks if not bars.start <= at < end]
    if off:
        raise ShapeError(f"{where}: a mark stands at {off[0]}, the bars at {bars.start}..{end - 1}")
