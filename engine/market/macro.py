"""Figures of the economy: what is measured, and from which day on it was known."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import date
from types import MappingProxyType
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from engine.errors import DataError
from engine.market.calendar import Dates
from engine.market.grid import Floats
from engine.market.table import Table

_NAME = re.compile(r"[a-z][a-z0-9_]{0,47}")
_KEYS = ("series", "visible_date", "period_end", "value")


class MacroFigure(NamedTuple):
    """One publication of a series.

    Parameters
    ----------
    visible : date
        First day whose close could reflect it.
    series : str
        As formulas name it: ``cpi_yoy``.
    period : date
        Last day of what it is about.
    value : float
    source : str
    """

    visible: date
    series: str
    period: date
    value: float
    source: str


#: Unit and meaning of the series that our sources deliver.
MACRO_SERIES: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "pmi_manufacturing": ("points", "index of purchasing managers, manufacturing; 50 is no change"),
        "cpi_yoy": ("%", "consumer prices on the year"),
        "m2_yoy": ("%", "money supply M2 on the year"),
        "shibor_overnight": ("% a year", "Shanghai interbank offered rate, overnight"),
        "bond_yield_10y": ("% a year", "yield of Chinese government bonds of ten years"),
        "usd_cny": ("CNY per USD", "central parity of the renminbi against the US dollar"),
    }
)


def series_name(text: str, where: str) -> str:
    """Return the name of a series, which formulas must be able to write.

    Raises
    ------
    DataError
        If they could not.
    """
    if not _NAME.fullmatch(text):
        raise DataError(
            f"{where}: {text!r} is no name of a series; write it in small letters, digits and underscores, "
            f"such as {', '.join(MACRO_SERIES)}"
        )
    return text


def read_macro_figures(table: Table) -> tuple[MacroFigure, ...]:
    """Read ``series, visible_date, value`` and, where known, ``period_end`` and ``source``, in order of days.

    Without a period a figure is about the day on which it was known. Cells without a value are left out.

    Raises
    ------
    DataError
        If a column is missing, a cell does not parse, or a name is none that a formula can write.
    """
    table.require(("series", "visible_date", "value"))
    codes, names = table.distinct("series")
    for place, name in enumerate(names):
        series_name(name, table.where(int(np.argmax(codes == place))))
    visible, values = table.dates("visible_date"), table.numbers("value")
    period = table.dates("period_end", blank=True) if "period_end" in table else visible
    period = np.where(np.isnat(period), visible, period)
    sources = table.texts("source") if "source" in table else np.full(len(table), table.source)
    found = [
        MacroFigure(
            visible[row].astype(object),
            names[codes[row]],
            period[row].astype(object),
            float(values[row]),
            str(sources[row]),
        )
        for row in np.flatnonzero(~np.isnan(values)).tolist()
    ]
    return tuple(sorted(found, key=lambda f: (f.visible, f.series, f.period)))


def macro_fields(
    figures: Iterable[MacroFigure], dates: Dates, shape: tuple[int, int], taken: Iterable[str]
) -> dict[str, Floats]:
    """Return a (T, N) field for each series, the same for every name, as an index is.

    A figure holds from the first session on or after its day until one about a later period, or the same one
    again, is known; one about an older period that comes late replaces nothing newer. The fields take the
    memory of one column each and are read-only.

    Parameters
    ----------
    figures : iterable of MacroFigure
        In order of days.
    dates : (T,) datetime64[D] array
    shape : tuple
        (T, N).
    taken : iterable of str
        Names of the panel's other fields.

    Raises
    ------
    DataError
        If a series has the name of another field.
    """
    columns: dict[str, NDArray[np.float64]] = {}
    newest: dict[str, date] = {}
    others = set(taken)
    for figure in figures:
        if figure.series in others:
            raise DataError(
                f"{figure.source}: the panel has a field {figure.series} already; give the macro series "
                "another name"
            )
        row = int(np.searchsorted(dates, np.datetime64(figure.visible, "D")))
        if figure.period < newest.get(figure.series, figure.period):
            continue
        newest[figure.series] = figure.period
        column = columns.setdefault(figure.series, np.full(len(dates), np.nan))
        # those of later days overwrite what follows
        column[row:] = figure.value
    return {name: np.broadcast_to(column[:, None], shape) for name, column in sorted(columns.items())}
