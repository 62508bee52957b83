"""Figures and large heat maps as the small JSON that `static/charts.js` draws."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from engine.errors import ShapeError
from engine.report.section import Band, Figure, HeatMap, Series
from engine.report.values import numbers, printed

_DATE: Final = re.compile(r"\d{4}-\d\d(-\d\d)?")
_HEX: Final = re.compile(r"#[0-9a-fA-F]{3,8}")
_NAMED: Final = frozenset({"accent", "muted", "up", "down"})
_PALETTE: Final = 8
_ZOOM_FROM: Final = 60


@dataclass(frozen=True, slots=True)
class Key:
    """One entry of a legend: `swatch` is a CSS colour, `kind` how the series is drawn."""

    name: str
    swatch: str
    kind: str


@dataclass(frozen=True, slots=True)
class Chart:
    """What the page needs of one chart: `data` for the script, the rest for the template."""

    data: dict[str, Any]
    label: str
    height: int
    keys: Sequence[Key] = ()
    log: bool | None = None
    """None where a logarithmic axis makes no sense, else whether it starts with one."""
    zoom: bool = False


def figure_chart(figure: Figure, axis: int) -> Chart:
    """Return a figure as a chart.

    Parameters
    ----------
    figure : Figure
        What to draw.
    axis : int
        Where the page keeps the labels of this x axis: figures over the same dates share one copy.

    Raises
    ------
    ShapeError
        If a series is not as long as the axis, or a band does not lie on it.
    ValueError
        If a colour is neither a name of ours nor `#rrggbb`.
    """
    tokens = [_colour(figure, series, position) for position, series in enumerate(figure.series)]
    drawn = []
    for series, token in zip(figure.series, tokens, strict=True):
        if len(series.values) != len(figure.x):
            raise ShapeError(
                f"figure {figure.title!r}: series {series.name!r} has {len(series.values)} values "
                f"for {len(figure.x)} points on the x axis"
            )
        values = numbers(series.values)
        drawn.append({"name": series.name, "kind": series.kind, "colour": token, "values": values})
    dates = bool(figure.x) and all(_DATE.fullmatch(x) for x in figure.x) and len(set(map(len, figure.x))) == 1
    if figure.horizontal and any(series.kind != "bar" for series in figure.series):
        raise ValueError(f"figure {figure.title!r}: only bars can be horizontal")
    dates = dates and not figure.horizontal
    zoom = dates and len(figure.x) > _ZOOM_FROM
    log = figure.log if figure.log is not None and _can_be_log(figure, drawn) else None
    data = {
        "kind": "figure",
        "x": axis,
        "dates": dates,
        "zoom": zoom,
        "format": figure.format.value,
        "log": log,
        "stacked": figure.stacked,
        "horizontal": figure.horizontal,
        "series": drawn,
    }
    if figure.bands:
        data["bands"] = [_band(figure, band) for band in figure.bands]
    keys = tuple(
        Key(series.name, token if token.startswith("#") else f"var(--{token})", series.kind)
        for series, token in zip(figure.series, tokens, strict=True)
    )
    return Chart(data, _described(figure, drawn), figure.height, keys, log, zoom)


def heat_chart(heat: HeatMap) -> Chart:
    """Return a heat map too large to print its numbers as a chart of colours."""
    values = [numbers(row) for row in heat.values]
    data = {
        "kind": "heat",
        "format": heat.format.value,
        "rows": list(heat.rows),
        "columns": list(heat.columns),
        "values": values,
    }
    found = [value for row in values for value in row if value is not None]
    span = ""
    if found:
        span = f", from {printed(min(found), heat.format)} to {printed(max(found), heat.format)}"
    label = f"{heat.title}: heat map of {len(heat.rows)} rows by {len(heat.columns)} columns{span}."
    return Chart(data, label, min(720, max(240, 90 + 14 * len(heat.rows))))


def check_heat(heat: HeatMap) -> None:
    """Raise ShapeError unless the grid has a number for every row and column."""
    if len(heat.values) != len(heat.rows) or any(len(row) != len(heat.columns) for row in heat.values):
        raise ShapeError(
            f"heat map {heat.title!r}: the values are not {len(heat.rows)} rows of {len(heat.columns)}"
        )


def _band(figure: Figure, band: Band) -> dict[str, Any]:
    if not 0 <= band.first <= band.last < len(figure.x):
        raise ShapeError(
            f"figure {figure.title!r}: the band {band.label!r} from {band.first} to {band.last} does not lie "
            f"on the {len(figure.x)} points of the x axis"
        )
    colour = _known(figure, f"band {band.label!r}", band.colour)
    return {"first": band.first, "last": band.last, "label": band.label, "colour": colour}


def _colour(figure: Figure, series: Series, position: int) -> str:
    if series.colour is None:
        return f"s{position % _PALETTE + 1}"
    return _known(figure, f"series {series.name!r}", series.colour)


def _known(figure: Figure, what: str, colour: str) -> str:
    if colour in _NAMED or _HEX.fullmatch(colour):
        return colour
    raise ValueError(
        f"figure {figure.title!r}: {what} has the colour {colour!r}; "
        f"use one of {', '.join(sorted(_NAMED))} or #rrggbb"
    )


def _can_be_log(figure: Figure, drawn: Sequence[dict[str, Any]]) -> bool:
    values = [value for series in drawn for value in series["values"] if value is not None]
    lines = all(series["kind"] == "line" for series in drawn)
    return lines and not figure.stacked and bool(values) and min(values) > 0


def _described(figure: Figure, drawn: Sequence[dict[str, Any]]) -> str:
    """Say in words what a reader who cannot see the chart would want first."""
    if not figure.x:
        return f"{figure.title}: no data."
    parts = []
    for series in drawn:
        values = [value for value in series["values"] if value is not None]
        if not values:
            parts.append(f"{series['name']}: no data")
            continue
        low, high, last = (printed(v, figure.format) for v in (min(values), max(values), values[-1]))
        parts.append(f"{series['name']}: last {last}, lowest {low}, highest {high}")
    return f"{figure.title}, {len(figure.x)} points from {figure.x[0]} to {figure.x[-1]}. {'; '.join(parts)}."
