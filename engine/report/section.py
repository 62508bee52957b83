"""`Section`: one part of a report, as data. Whoever knows the numbers writes it; `engine.report` draws it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Literal


class Format(StrEnum):
    """How a column or an axis prints its numbers."""

    TEXT = "text"
    INTEGER = "integer"
    NUMBER = "number"  # 2 decimals
    PRECISE = "precise"  # 4 decimals
    PERCENT = "percent"  # 0.1234 -> 12.34 %
    MONEY = "money"  # CNY with thousands separators
    DATE = "date"


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a table: heading, format, and the values (None prints as an em dash)."""

    title: str
    values: Sequence[Any]
    format: Format = Format.TEXT
    tint: bool = False
    """Colour the cells by sign and size (for returns)."""
    links: Sequence[str] | None = None
    """Where each cell leads: paths relative to the page, one per value; an empty one is no link."""


@dataclass(frozen=True, slots=True)
class Table:
    """A titled table; long ones are shown page by page (`page` rows) and can be filtered in the browser."""

    title: str
    columns: Sequence[Column]
    note: str = ""
    page: int = 25


@dataclass(frozen=True, slots=True)
class Row:
    """One row of a matrix: every value in the same format; `better` names the value to emphasise."""

    title: str
    values: Sequence[Any]
    format: Format = Format.NUMBER
    better: Literal["high", "low"] | None = None


@dataclass(frozen=True, slots=True)
class Matrix:
    """Measures down, runs across: what is compared stands side by side, each row in a format of its own.

    Printed whole and in the order given.
    """

    title: str
    columns: Sequence[str]
    rows: Sequence[Row]
    note: str = ""


@dataclass(frozen=True, slots=True)
class Series:
    """One line, area or set of bars: `values` align with the figure's `x` (None and NaN are gaps)."""

    name: str
    values: Sequence[float | None]
    kind: Literal["line", "area", "bar"] = "line"
    colour: str | None = None
    """`accent`, `muted`, `up` or `down`, which follow the light and dark themes, or `#rrggbb`."""


@dataclass(frozen=True, slots=True)
class Band:
    """A stretch of a figure that is shaded, from one position on its `x` to another, both inclusive."""

    first: int
    last: int
    label: str = ""
    colour: str = "muted"
    """As of a `Series`."""


@dataclass(frozen=True, slots=True)
class Figure:
    """A chart over a shared x axis (dates as ISO text, or categories).

    Figures of one section over the same dates zoom and point together. `log` starts on a logarithmic axis;
    where every value is a positive line the reader can switch, unless `log` is None; elsewhere the axis
    stays linear.
    """

    title: str
    x: Sequence[str]
    series: Sequence[Series]
    format: Format = Format.NUMBER
    log: bool | None = False
    stacked: bool = False
    horizontal: bool = False
    """Bars that run to the right, one line for each category: for names too long to stand under a bar."""
    note: str = ""
    height: int = 320
    width: Literal["full", "half"] = "full"
    """Two `half` figures in a row stand side by side where the page is wide enough."""
    bands: Sequence[Band] = ()
    """Shaded behind the series; their labels stand at the top."""


@dataclass(frozen=True, slots=True)
class Image:
    """A picture that was drawn elsewhere: it is put into the page as it is.

    `png` are the bytes of a PNG file; `text` says in words what it shows, for those who cannot see it.
    """

    title: str
    png: bytes
    text: str
    note: str = ""
    width: Literal["full", "half"] = "full"


@dataclass(frozen=True, slots=True)
class HeatMap:
    """A grid of numbers with row and column labels, coloured about zero (None is left blank).

    A small one is printed with its numbers; a large one (a correlation matrix) is drawn as colours only.
    """

    title: str
    rows: Sequence[str]
    columns: Sequence[str]
    values: Sequence[Sequence[float | None]]
    format: Format = Format.PERCENT
    note: str = ""
    totals: int = 0
    """The last so many columns are totals: set apart, and coloured on a scale of their own."""


@dataclass(frozen=True, slots=True)
class Trade:
    """A fill, marked on the bar of its session: `at` is a position on the chart's `x`."""

    at: int
    side: Literal["buy", "sell"]
    shares: int
    price: float


@dataclass(frozen=True, slots=True)
class Bars:
    """The daily bars of one name and what was traded of it.

    The bars stand at `start`, `start` + 1, ... on the chart's `x`. Prices are raw CNY, volume in shares.
    """

    symbol: str
    start: int
    open: Sequence[float]
    high: Sequence[float]
    low: Sequence[float]
    close: Sequence[float]
    volume: Sequence[float]
    trades: Sequence[Trade] = ()
    held: Sequence[tuple[int, int]] = ()
    """Stretches (first, last) of closes with shares held, ascending; they are shaded."""
    events: Sequence[tuple[int, str]] = ()
    """(position, what happened), such as the terms of an ex-date."""
    name: str = ""
    remark: str = ""
    """A few words for the list of names, such as the profit made."""


@dataclass(frozen=True, slots=True)
class Candles:
    """A K-line with volume and trades, of one name at a time; the reader chooses among `names`.

    `x` are sessions as ISO text; the first of `names` is shown first. Red rises and green falls, as on
    mainland Chinese exchanges. `decimals` is what the prices' tick needs.
    """

    title: str
    x: Sequence[str]
    names: Sequence[Bars]
    note: str = ""
    height: int = 520
    decimals: int = 2


@dataclass(frozen=True, slots=True)
class Section:
    """One part of the report. Sections are shown by `order`, then by title."""

    title: str
    order: int
    notes: Sequence[str] = ()
    figures: Sequence[Figure | HeatMap | Candles | Image] = ()
    tables: Sequence[Table | Matrix] = ()
    cards: Sequence[tuple[str, Any, Format]] = field(default_factory=tuple)
    """Headline numbers: (label, value, format)."""
    alarms: Sequence[str] = ()
    """What a reader must not overlook: shown first, in red."""
