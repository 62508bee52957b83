"""The values of one formula on some sessions and stocks, to be shown or written."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from alpha_sources.formula import Formula, evaluate
from alpha_sources.formula.evaluator import check_output
from alphaloom.whole_file import check_new_file, write_whole
from engine.errors import DataError, OutputError
from engine.market import MarketPanel
from engine.market.board import parse_symbol
from engine.market.calendar import iso
from engine.plugins import nearest

#: with more sessions than this, they run down and the stocks across
_ACROSS = 8


@dataclass(frozen=True, eq=False, slots=True)
class Values:
    """What a formula is worth.

    Parameters
    ----------
    dates : (T,) datetime64 array
        Sessions, ascending.
    symbols, names : (N,) str arrays
        Stocks, from the highest value of the last session to the lowest unless they were chosen.
    values : (T, N) float array
        NaN where there is none, or where the stock is no member and was not asked for.
    """

    dates: NDArray[np.datetime64]
    symbols: NDArray[np.str_]
    names: NDArray[np.str_]
    values: NDArray[np.float64]

    def rows(self) -> list[list[str]]:
        """Return the cells of a table, headings first."""
        days = [iso(day) for day in self.dates]
        if len(days) > _ACROSS:
            down = zip(days, self.values, strict=True)
            return [["", *map(str, self.symbols)], *([day, *map(_cell, row)] for day, row in down)]
        heading = ["", *days, ""] if self.names.astype(bool).any() else ["", *days]
        rows = [heading]
        for column, symbol in enumerate(self.symbols):
            cells = [str(symbol), *map(_cell, self.values[:, column]), str(self.names[column])]
            rows.append(cells[: len(heading)])
        return rows

    def table(self) -> pd.DataFrame:
        """Return date, symbol, score, as the provider ``scores_file`` reads them; without empty rows."""
        row, column = np.nonzero(np.isfinite(self.values))
        return pd.DataFrame(
            {
                "date": self.dates[row].astype("datetime64[ns]"),
                "symbol": self.symbols[column],
                "score": self.values[row, column],
            }
        )


def formula_values(
    formula: Formula,
    panel: MarketPanel,
    *,
    date: str | None = None,
    last: int = 1,
    symbols: Sequence[str] = (),
) -> Values:
    """Compute a formula on the last sessions up to a date.

    Parameters
    ----------
    formula : Formula
        See `alpha_sources.formula.parse`.
    panel : MarketPanel
        The market.
    date : str or None
        A session; the panel's last if None.
    last : int
        Sessions up to it, as far as there are so many.
    symbols : sequence of str
        Stocks in any spelling; the members of each session if empty.

    Raises
    ------
    CalendarError, DataError
        If the panel has no such session or stock.
    FormulaError
        If it lacks a field, or the formula has no value at all or the same everywhere.
    """
    view = panel.view(len(panel.dates) - 1 if date is None else date)
    columns = np.array([_column(panel, symbol) for symbol in symbols], dtype=np.int64)
    values = evaluate(formula, view)[0]
    check_output(formula, values, view.universe if view.universe.any() else None)
    rows = slice(max(0, view.t + 1 - last), None)
    shown = values[rows].copy()
    if not symbols:
        shown[~view.universe[rows]] = np.nan
        members = np.flatnonzero(view.universe[rows].any(axis=0))
        # what has no value comes last
        columns = members[np.argsort(-shown[-1, members], kind="stable")]
    return Values(
        view.dates[rows], panel.symbols[columns], panel.instruments.names[columns], shown[:, columns]
    )


def check_table(path: Path) -> None:
    """Refuse a file that cannot be written, before anything is computed."""
    if path.suffix.lower() not in (".csv", ".parquet"):
        raise OutputError(f"{path}: values are written as .csv or .parquet")
    check_new_file(path)


def write_table(path: Path, values: Values) -> None:
    """Write the table of `values`, whole or not at all."""
    buffer = io.BytesIO()
    if path.suffix.lower() == ".csv":
        values.table().to_csv(buffer, index=False)
    else:
        values.table().to_parquet(buffer, index=False)
    write_whole(path, buffer.getvalue())


def _column(panel: MarketPanel, symbol: str) -> int:
    known = [str(one) for one in panel.symbols]
    house = symbol if symbol in known else parse_symbol(symbol)
    house = panel.aliases.get(house, house)
    if house not in known:
        raise DataError(f"{symbol} is not in the market data{nearest(house, known)}")
    return known.index(house)


def _cell(value: float) -> str:
    return "" if np.isnan(value) else f"{value:.6g}"
