"""Macro figures: a number of the economy, and when it was published."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, time
from pathlib import Path

from alpha_sources.agents.brief.errors import BriefError
from alpha_sources.agents.brief.published import Published, checked_moment
from alpha_sources.agents.brief.tables import read_rows
from engine.market.macro import MACRO_SERIES
from engine.market.view import MarketView


@dataclass(frozen=True, slots=True)
class MacroFigure(Published):
    """A figure as it was published.

    Parameters
    ----------
    published_at : datetime
        In Shanghai, naive; a day alone stands for its first moment.
    name : str
        What is measured: figures of one name are one series.
    value : float
    period : str
        What it is about, as in ``2022-02``.
    unit, source : str

    Raises
    ------
    BriefError
        If it has no date or its value is no finite number.
    """

    published_at: datetime
    name: str
    value: float
    period: str = ""
    unit: str = ""
    source: str = ""

    def __post_init__(self) -> None:
        object.__setattr__(self, "published_at", checked_moment(self.published_at, self.called))
        if isinstance(self.value, bool) or not math.isfinite(self.value):
            raise BriefError(f"{self.called} of {self.day} is {self.value!r}, which is no finite number")

    @property
    def called(self) -> str:
        """By its name."""
        return f"the macro figure {self.name!r}"


def read_macro(path: Path | str, name: str = "") -> tuple[MacroFigure, ...]:
    """Read macro figures from a CSV file.

    Parameters
    ----------
    path : Path or str
        With the columns ``published`` (2022-03-11, or 2022-03-11 16:00, in Shanghai), ``name`` and ``value``;
        ``period``, ``unit`` and ``source`` if you like. A figure that was revised has a line for each time it
        was published.
    name : str
        What the file is called in messages; empty is its path.

    Returns
    -------
    tuple of MacroFigure
        In order of publication.

    Raises
    ------
    BriefError
        With the line at fault.
    """
    called = name or str(path)
    found = []
    for row in read_rows(Path(path), called, ("name", "value"), ("period", "unit", "source")):
        try:
            value = float(row.cells["value"])
        except ValueError:
            raise BriefError(f"{row.place}: {row.cells['value']!r} is no number; correct the cell") from None
        if not math.isfinite(value):
            raise BriefError(f"{row.place}: {row.cells['value']!r} is not finite; correct the cell")
        more = {key: row.cells.get(key, "") for key in ("period", "unit")}
        source = row.cells.get("source", called)
        found.append(MacroFigure(row.published_at, row.cells["name"], value, source=source, **more))
    return tuple(sorted(found, key=_order))


def figures_of(view: MarketView) -> tuple[MacroFigure, ...]:
    """Return the macro figures of a market that were known at the close of the view's session.

    They are dated by the first day whose close could reflect them.
    """
    return tuple(
        MacroFigure(
            published_at=datetime.combine(one.visible, time.min),
            name=one.series,
            value=one.value,
            period=one.period.isoformat(),
            unit=MACRO_SERIES.get(one.series, ("", ""))[0],
            source=one.source,
        )
        for one in view.macro
    )


def newest(figures: Iterable[MacroFigure]) -> list[tuple[MacroFigure, MacroFigure | None]]:
    """Return the last figure of each name and the one of the period before it, the newest names first.

    Of several figures of one period the last one published counts.
    """
    series: dict[str, dict[str, MacroFigure]] = {}
    for figure in sorted(figures, key=_order):
        # without a period each publication is one of its own
        key = figure.period or figure.published_at.isoformat()
        known = series.setdefault(figure.name, {})
        known.pop(key, None)
        known[key] = figure
    found = []
    for name in sorted(series):
        kept = list(series[name].values())
        last = max(kept, key=lambda one: (one.period, one.published_at))
        before = [one for one in kept if one is not last]
        previous = max(before, key=lambda one: (one.period, one.published_at), default=None)
        found.append((last, previous))
    # names are in order already, and sorting keeps it among equals
    return sorted(found, key=lambda pair: pair[0].published_at, reverse=True)


def _order(figure: MacroFigure) -> tuple[datetime, str, str, float]:
    return figure.published_at, figure.name, figure.period, figure.value
