"""Drawing a K-line with what was traded under it: from bars to a PNG.

Everything is placed by pixel on a canvas of its own: nothing depends on a style that a user may have set, and
no figure is left behind in any register of the library.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from alpha_sources.agents.charts.bars import Bars
from alpha_sources.agents.charts.errors import ChartError
from alpha_sources.agents.charts.fonts import chinese_font, latin_font
from alpha_sources.agents.charts.ticks import day_ticks, month_ticks, relative_ticks, round_ticks

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Array = NDArray[np.float64]

WIDTH, HEIGHT, DPI = 800, 500, 100
#: Changes whenever the same bars are drawn differently.
STYLE = "kline.v1"

UP, DOWN = "#c8102e", "#00803c"  # red rises and green falls, as Chinese charts have it
_INK, _FAINT, _GRID, _PAPER = "#222222", "#666666", "#e4e4e4", "#ffffff"
_AVERAGES = ((20, "#1f4e9e"), (60, "#b36b00"))
_LEFT, _RIGHT = 72, 728
_PRICE = (188, 424)
_TRADED = (48, 154)
_MARGIN = 0.04
_LONGEST_LABEL = 8
#: A body of fewer pixels has no room for a hole.
_HOLLOW_FROM = 4
_SMALL, _LARGE = 8.5, 11.5
_SCALES = ((1e8, "100 million "), (1e6, "million "), (1.0, ""))


@dataclass(frozen=True, slots=True)
class Caption:
    """What stands on a chart beside its numbers.

    Parameters
    ----------
    label : str
        The code.
    name : str
        Shown after the code where its characters can be drawn.
    level_unit : str
        Of the levels, as in ``index points``.
    sessions : tuple of str
        The day of each bar, ISO 8601.
    relative : bool
        Days are not shown; sessions count back from the last.
    """

    label: str
    name: str
    level_unit: str
    sessions: tuple[str, ...] = field(repr=False)
    relative: bool = False


def draw(bars: Bars, caption: Caption) -> bytes:
    """Return a PNG of 800 × 500 pixels.

    A rising bar (its close is not below its open) is red and, where it is wide enough, hollow; a falling one
    is green and filled, so that they can be told apart without colour too. Levels and what was traded have
    axes of their own with units.

    Parameters
    ----------
    bars : Bars
    caption : Caption
        With a session for each bar.

    Raises
    ------
    ChartError
        If fewer than two bars have a close.
    """
    known = np.isfinite(bars.close) & np.isfinite(bars.open) & np.isfinite(bars.high) & np.isfinite(bars.low)
    if known.sum() < 2:
        raise ChartError(
            f"the chart of {caption.label} has {int(known.sum())} bars with prices; it needs two"
        )
    if len(caption.sessions) != len(bars):
        raise ChartError(f"the chart of {caption.label} has {len(bars)} bars, {len(caption.sessions)} days")
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure((WIDTH / DPI, HEIGHT / DPI), DPI, facecolor=_PAPER, edgecolor=_PAPER, frameon=True)
    figure.patch.set_sketch_params(None)
    figure.set_layout_engine("none")
    canvas = FigureCanvasAgg(figure)
    pen = _Pen(figure)
    scale, word = _scale_of(float(np.abs([bars.low[known], bars.high[known]]).max()))
    bars = replace(
        bars,
        open=bars.open / scale,
        high=bars.high / scale,
        low=bars.low / scale,
        close=bars.close / scale,
    )
    slots = _LEFT + (np.arange(len(bars)) + 0.5) * (_RIGHT - _LEFT) / len(bars)
    _heading(pen, bars, caption, f"{word}{caption.level_unit}")
    _time_axis(pen, slots, caption)
    _price_pane(pen, bars, known, slots)
    _traded_pane(pen, bars, slots)
    out = io.BytesIO()
    # no name and version of the library: what is drawn is all there is in the file
    canvas.print_png(out, metadata={"Software": None})  # type: ignore[no-untyped-call]
    return out.getvalue()


class _Pen:
    """Puts shapes and words on a figure by pixel, from its lower left corner."""

    def __init__(self, figure: Figure) -> None:
        from matplotlib.transforms import IdentityTransform

        self._figure, self._pixels = figure, IdentityTransform()
        self._latin, self._order = latin_font(), 0

    def words(
        self,
        x: float,
        y: float,
        text: str,
        *,
        size: float = _SMALL,
        colour: str = _INK,
        align: Literal["left", "center", "right"] = "left",
        font: Path | None = None,
    ) -> float:
        """Write on a baseline; return the width in pixels."""
        from matplotlib.font_manager import FontProperties
        from matplotlib.text import Text

        artist = Text(
            x,
            y,
            text,
            color=colour,
            fontproperties=FontProperties(fname=str(font or self._latin), size=size),
            horizontalalignment=align,
            verticalalignment="baseline",
            usetex=False,
            parse_math=False,
            antialiased=True,
        )
        self._add(artist)
        return float(artist.get_window_extent(self._figure.canvas.get_renderer()).width)  # type: ignore[attr-defined]

    def boxes(self, boxes: Sequence[tuple[float, float, float, float]], colours: str | list[str]) -> None:
        """Fill boxes (x0, y0, x1, y1) whose edges lie between pixels, so that they are sharp."""
        from matplotlib.collections import PolyCollection

        if not len(boxes):
            return
        corners = [((a, b), (c, b), (c, d), (a, d)) for a, b, c, d in boxes]
        self._add(
            PolyCollection(corners, facecolors=colours, edgecolors="none", linewidths=0, antialiaseds=False)
        )

    def line(self, x: Array, y: Array, colour: str, width: float) -> None:
        """Draw a line; NaN breaks it."""
        from matplotlib.lines import Line2D

        self._add(
            Line2D(
                x,
                y,
                color=colour,
                linewidth=width * 72 / DPI,
                linestyle="-",
                marker="",
                antialiased=True,
                solid_capstyle="butt",
                solid_joinstyle="round",
            )
        )

    def _add(self, artist: Any) -> None:
        artist.set_transform(self._pixels)
        # an artist takes these from the user's style as it is made
        artist.set_sketch_params(None)
        artist.set_path_effects([])
        artist.set_snap(False)
        artist.set_zorder(self._order)  # later ones above earlier ones
        self._order += 1
        self._figure.add_artist(artist, clip=False)


def _heading(pen: _Pen, bars: Bars, caption: Caption, unit: str) -> None:
    x = _LEFT + pen.words(_LEFT, 474, caption.label, size=_LARGE)
    if caption.name:
        font = None if caption.name.isascii() else chinese_font()
        if font is not None or caption.name.isascii():
            x += 8 + pen.words(x + 8, 474, caption.name, size=_LARGE, font=font)
    last = "" if caption.relative else f" to {caption.sessions[-1]}"
    pen.words(x + 12, 474, f"{len(bars)} sessions{last}", colour=_FAINT)
    x = _LEFT
    _candle(pen, x, 452, UP, hollow=_body_width(len(bars)) >= _HOLLOW_FROM)
    x += 14 + pen.words(x + 14, 452, "up (close ≥ open)") + 18
    _candle(pen, x, 452, DOWN, hollow=False)
    x += 14 + pen.words(x + 14, 452, "down") + 18
    for sessions, colour in _AVERAGES:
        if len(bars) > sessions:
            pen.line(np.array([x, x + 18.0]), np.array([456.0, 456.0]), colour, 1.5)
            x += 24 + pen.words(x + 24, 452, f"mean of {sessions} closes") + 18
    _dashes(pen, x, x + 18, 455)
    pen.words(x + 24, 452, "last close")
    pen.words(_LEFT, _PRICE[1] + 7, f"level ({unit})", colour=_FAINT)


def _dashes(pen: _Pen, left: float, right: float, y: float) -> None:
    starts = np.arange(round(left), right, 7).tolist()
    pen.boxes([(x, y, min(x + 4, right), y + 1) for x in starts], _FAINT)


def _candle(pen: _Pen, x: float, y: float, colour: str, *, hollow: bool) -> None:
    pen.boxes([(x + 3, y - 1, x + 4, y + 10), (x, y + 1, x + 7, y + 8)], colour)
    if hollow:
        pen.boxes([(x + 1, y + 2, x + 6, y + 7)], _PAPER)


def _time_axis(pen: _Pen, slots: Array, caption: Caption) -> None:
    count = len(slots)
    unit = "sessions before the last"
    ticks = relative_ticks(count, 8)
    if not caption.relative:
        unit, ticks = "first session of the month", month_ticks(caption.sessions, 8)
        if len(ticks) < 3:
            unit, ticks = "session", day_ticks(caption.sessions, 5)
    for bar, label in ticks:
        x = round(slots[bar])
        pen.boxes([(x, low, x + 1, high) for low, high in (_PRICE, _TRADED)], _GRID)
        pen.words(x, _TRADED[0] - 16, label, align="center")
    pen.words((_LEFT + _RIGHT) / 2, 10, unit, colour=_FAINT, align="center")


def _frame(pen: _Pen, pane: tuple[int, int]) -> None:
    low, high = pane
    edges = [(_LEFT, low, _RIGHT, low + 1), (_LEFT, high - 1, _RIGHT, high)]
    edges += [(_LEFT, low, _LEFT + 1, high), (_RIGHT - 1, low, _RIGHT, high)]
    pen.boxes(edges, "#999999")


def _level_axis(pen: _Pen, pane: tuple[int, int], low: float, high: float, most: int) -> None:
    ticks, decimals = round_ticks(low, high, most)
    for tick in ticks:
        y = pane[0] + (tick - low) / (high - low) * (pane[1] - pane[0])
        if not pane[0] + 3 <= y <= pane[1] - 3 and tick != 0:
            continue
        pen.boxes([(_LEFT, round(y), _RIGHT, round(y) + 1)], _GRID)
        pen.words(_LEFT - 7, round(y) - 4, _label(tick, decimals), align="right")


def _scale_of(largest: float) -> tuple[float, str]:
    return next((pair for pair in _SCALES if largest >= pair[0]), _SCALES[-1])


def _label(value: float, decimals: int) -> str:
    text = f"{value:.{decimals}f}"
    if len(text) > _LONGEST_LABEL:
        text = f"{value:.3g}"
    return text.replace("-", "−")


def _price_pane(pen: _Pen, bars: Bars, known: NDArray[np.bool_], slots: Array) -> None:
    bottom, top = float(bars.low[known].min()), float(bars.high[known].max())
    room = _MARGIN * (top - bottom) or max(abs(top), 1.0) * 0.01
    low, high = bottom - room, top + room
    _level_axis(pen, _PRICE, low, high, 7)

    def height(values: Array) -> Array:
        pixels: Array = _PRICE[0] + (values - low) / (high - low) * (_PRICE[1] - _PRICE[0])
        return pixels

    _candles(pen, bars, known, slots, height)
    for sessions, colour in _AVERAGES:
        if len(bars) > sessions:
            windows = np.lib.stride_tricks.sliding_window_view(bars.close, sessions)
            pen.line(slots[sessions - 1 :], height(windows.mean(axis=1)), colour, 1.5)
    last = float(bars.close[known][-1])
    y = float(height(np.array([last]))[0])
    _dashes(pen, _LEFT, _RIGHT, round(y))
    pen.words(_RIGHT + 6, round(y) - 4, _label(last, round_ticks(low, high, 7)[1] + 1))
    _frame(pen, _PRICE)


def _candles(pen: _Pen, bars: Bars, known: NDArray[np.bool_], slots: Array, height: Any) -> None:
    body = _body_width(len(bars))
    wicks, bodies, holes, colours = [], [], [], []
    for i in np.flatnonzero(known):
        rises = bars.close[i] >= bars.open[i]
        colours.append(UP if rises else DOWN)
        left = round(slots[i] - body / 2)
        middle = left + body // 2
        foot, head = (round(float(y)) for y in height(np.array([bars.low[i], bars.high[i]])))
        ends = sorted(round(float(y)) for y in height(np.array([bars.open[i], bars.close[i]])))
        ends[1] = max(ends[1], ends[0] + 1)
        wicks.append((middle, foot, middle + 1, max(head, foot + 1)))
        bodies.append((left, ends[0], left + body, ends[1]))
        if rises and body >= _HOLLOW_FROM and ends[1] - ends[0] > 2:
            holes.append((left + 1, ends[0] + 1, left + body - 1, ends[1] - 1))
    pen.boxes(wicks, colours)
    pen.boxes(bodies, colours)
    pen.boxes(holes, _PAPER)


def _body_width(count: int) -> int:
    width = max(1, int(0.8 * (_RIGHT - _LEFT) / count))
    # an odd one has its wick in the middle
    return min(width - (width > 5 and width % 2 == 0), 15)


def _traded_pane(pen: _Pen, bars: Bars, slots: Array) -> None:
    known = np.isfinite(bars.traded)
    largest = float(bars.traded[known].max()) if known.any() else 0.0
    if largest <= 0:
        pen.words(_LEFT, _TRADED[1] + 7, "traded: unknown", colour=_FAINT)
        _frame(pen, _TRADED)
        return
    scale, word = _scale_of(largest)
    pen.words(_LEFT, _TRADED[1] + 7, f"traded ({word}{bars.traded_unit})", colour=_FAINT)
    high = largest / scale * (1 + _MARGIN)
    _level_axis(pen, _TRADED, 0.0, high, 4)
    body = _body_width(len(bars))
    boxes, colours = [], []
    for i in np.flatnonzero(known & (bars.traded > 0)):
        left = round(slots[i] - body / 2)
        top = _TRADED[0] + bars.traded[i] / scale / high * (_TRADED[1] - _TRADED[0])
        boxes.append((left, _TRADED[0], left + body, max(round(float(top)), _TRADED[0] + 1)))
        colours.append(DOWN if bars.close[i] < bars.open[i] else UP)
    pen.boxes(boxes, colours)
    _frame(pen, _TRADED)
