"""`ScoreTable`: the scores a file holds, whichever way round the file is laid out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from alpha_sources.scores_cells import Cells, read_cells
from engine.errors import DataError
from engine.market.board import parse_symbol
from engine.market.calendar import Dates, Session, iso

_DATE_NAMES = frozenset({"date", "datetime"})
_SYMBOL_NAMES = frozenset({"symbol", "instrument"})


@dataclass(frozen=True, eq=False, slots=True)
class ScoreTable:
    """Scores by session and symbol.

    Parameters
    ----------
    path : Path
        The file they come from.
    sessions : (R,) datetime64[D] array
        Dates in the file, ascending.
    symbols : (S,) str array
        Symbols in the file, house spelling, ascending.
    values : (R, S) float array
        NaN where the file says nothing.
    """

    path: Path
    sessions: Dates
    symbols: NDArray[np.str_]
    values: NDArray[np.float64]

    @classmethod
    def read(cls, path: Path, column: str | None = None) -> ScoreTable:
        """Read a long or a wide file; `column` names the scores in a long one.

        Raises
        ------
        DataError
            Naming the file and the line: a cell that does not parse, a score given twice, no date column,
            or no telling which column the scores are.
        """
        cells = read_cells(path)
        names = list(map(str, cells.frame.columns))
        date = next((name for name in names if name.lower() in _DATE_NAMES), None)
        symbol = next((name for name in names if name.lower() in _SYMBOL_NAMES), None)
        if date is None:
            raise DataError(f"{path} has no column date or datetime; it has {', '.join(names[:8])}")
        others = [name for name in names if name not in (date, symbol)]
        sessions = cells.sessions(date)
        if symbol is None:
            return _wide(cells, sessions, others, column)
        values = cells.numbers(_score_column(cells, others, column))
        return _long(cells, sessions, cells.symbols(symbol), values)

    def at(self, session: Session) -> NDArray[np.float64] | None:
        """(S,) scores dated exactly `session`, or None."""
        row = int(np.searchsorted(self.sessions, session))
        if row == len(self.sessions) or self.sessions[row] != session:
            return None
        found: NDArray[np.float64] = self.values[row]
        return found

    def renamed(self, aliases: Mapping[str, str]) -> ScoreTable:
        """Return the table with stocks whose code changed under the one symbol that the market data have.

        Raises
        ------
        DataError
            If a stock has scores under two of its codes on one session.
        """
        names = np.array([aliases.get(str(symbol), str(symbol)) for symbol in self.symbols], dtype=np.str_)
        symbols, columns = np.unique(names, return_inverse=True)
        if (names == self.symbols).all():
            return self
        values = np.full((len(self.sessions), len(symbols)), np.nan)
        for old, column in enumerate(columns.tolist()):
            given = ~np.isnan(self.values[:, old])
            twice = given & ~np.isnan(values[:, column])
            if twice.any():
                day = iso(self.sessions[twice.argmax()])
                raise DataError(
                    f"{self.path}: {self.symbols[old]} on {day} has a score under another of its codes ("
                    f"{symbols[column]} in the market data); keep one of them"
                )
            values[given, column] = self.values[given, old]
        return ScoreTable(self.path, self.sessions, symbols, values)

    def aligned(self, symbols: NDArray[np.str_]) -> ScoreTable:
        """Return the table with these columns, no more and no less; NaN where it lacks a symbol."""
        columns = np.searchsorted(self.symbols, symbols).clip(max=len(self.symbols) - 1)
        values = np.where(self.symbols[columns] == symbols, self.values[:, columns], np.nan)
        return ScoreTable(self.path, self.sessions, symbols, values)


def _score_column(cells: Cells, others: list[str], column: str | None) -> str:
    if column is not None:
        if column not in others:
            raise DataError(
                f"{cells.path} has no column {column!r}; it has {', '.join(others) or 'no other'}"
            )
        return column
    if "score" in others:
        return "score"
    numeric = others if len(others) == 1 else [name for name in others if cells.is_numeric(name)]
    if len(numeric) != 1:
        listed = f"{len(numeric)} numeric columns ({', '.join(numeric)})" if numeric else "no numeric column"
        raise DataError(f"{cells.path} has {listed} and none called score; set alpha.params.column")
    return numeric[0]


def _long(cells: Cells, dates: Dates, names: NDArray[np.str_], scores: NDArray[np.float64]) -> ScoreTable:
    sessions, rows = np.unique(dates, return_inverse=True)
    symbols, columns = np.unique(names, return_inverse=True)
    slot = rows * len(symbols) + columns
    twice = _first_repeated(slot)
    if twice is not None:
        first, again = twice
        raise DataError(
            f"{cells.place(again)}: {names[again]} on {iso(dates[again])} was scored already in "
            f"{cells.unit} {cells.lines[first]}"
        )
    values = np.full((len(sessions), len(symbols)), np.nan)
    values.reshape(-1)[slot] = scores
    return ScoreTable(cells.path, sessions, symbols, values)


def _wide(cells: Cells, dates: Dates, others: list[str], column: str | None) -> ScoreTable:
    if column is not None:
        raise DataError(f"{cells.path} has one column per symbol: alpha.params.column means nothing there")
    if not others:
        raise DataError(f"{cells.path} has no column besides the date")
    try:
        names = np.array([parse_symbol(name) for name in others], dtype=np.str_)
    except DataError as exc:
        raise DataError(
            f"{cells.path} has neither a column symbol or instrument nor symbols: {exc}"
        ) from None
    for labels, what in ((dates, "rows"), (names, "columns")):
        twice = _first_repeated(labels)
        if twice is not None:
            raise DataError(f"{cells.path} has two {what} for {labels[twice[0]]}")
    values = np.column_stack([cells.numbers(name) for name in others])
    by_date, by_name = np.argsort(dates), np.argsort(names)
    return ScoreTable(cells.path, dates[by_date], names[by_name], values[np.ix_(by_date, by_name)])


def _first_repeated(labels: NDArray[np.generic]) -> tuple[int, int] | None:
    order = np.argsort(labels, kind="stable")
    same = np.flatnonzero(labels[order][1:] == labels[order][:-1])
    if not len(same):
        return None
    again = same[np.argmin(order[same + 1])]
    return int(order[again]), int(order[again + 1])
