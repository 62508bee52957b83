"""`ScoresFileProvider`: scores that somebody else computed, from a CSV or Parquet file."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from alpha_sources.provider import AlphaProvider
from alpha_sources.scores_table import ScoreTable
from alpha_sources.snapshot import Snapshot
from engine.errors import ConfigError, DataError
from engine.market.calendar import iso
from engine.market.view import MarketView

_REMEDY = "to leave them out, set alpha.params.unknown: ignore"


class ScoresFileProvider(AlphaProvider):
    """Reads each session's scores from a file.

    A row dated t holds what was known at the close of t; it decides the orders that fill in session t+1.
    A file whose dates are the days of trading must therefore be shifted back by one session first, or it
    looks ahead.

    Parameters
    ----------
    path : path
        ``.csv`` or ``.parquet``, in one of three layouts: long (``date`` or ``datetime``, ``symbol`` or
        ``instrument``, and a number), wide (``date`` or an index of dates, and one column per symbol), or a
        pandas frame indexed by (datetime, instrument). Symbols in any common spelling.
    column : str, optional
        Column of the scores in a long file; default ``score``, else the only column of numbers.
    unknown : {"error", "ignore"}
        What to do with symbols that the panel lacks and dates that are no sessions.

    Notes
    -----
    Read on first use. A session the file lacks has no scores (NaN), nor has a symbol it lacks.
    """

    def __init__(
        self, path: str | Path, column: str | None = None, unknown: Literal["error", "ignore"] = "error"
    ) -> None:
        if unknown not in ("error", "ignore"):
            raise ConfigError(f"alpha.params.unknown: {unknown!r} is neither error nor ignore")
        self.path = Path(path)
        self.column = column
        self.unknown = unknown
        self._table: ScoreTable | None = None
        self._symbols: NDArray[np.str_] | None = None

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_table": None, "_symbols": None}

    def scores(self, view: MarketView, snapshot: Snapshot | None) -> NDArray[Any]:
        """Scores dated exactly the view's session, (N,)."""
        if self._table is None or self._symbols is not view.symbols:
            table = ScoreTable.read(self.path, self.column).renamed(view.aliases)
            self._check(table, view)
            self._table, self._symbols = table.aligned(view.symbols), view.symbols
        row = self._table.at(view.session)
        return np.full(len(view.symbols), np.nan) if row is None else row.copy()

    def _check(self, table: ScoreTable, view: MarketView) -> None:
        first, last = table.sessions[0], table.sessions[-1]
        if last < view.dates[0] or first > view.calendar.last:
            raise DataError(
                f"{table.path} has scores for {iso(first)}..{iso(last)}, none of it within the market data, "
                f"which begin {iso(view.dates[0])}"
            )
        if not np.isin(table.symbols, view.symbols).any():
            raise DataError(
                f"{table.path}: none of its {len(table.symbols)} symbols is in the market data, "
                f"for instance {table.symbols[0]}; is data.path the file they were made from?"
            )
        if self.unknown == "ignore":
            return
        strangers = table.symbols[~np.isin(table.symbols, view.symbols)]
        if len(strangers):
            raise DataError(
                f"{table.path}: "
                f"{_some([str(s) for s in strangers], 'symbol', 'not in the market data')}; {_REMEDY}"
            )
        within = (table.sessions >= view.dates[0]) & (table.sessions <= view.calendar.last)
        closed = [iso(day) for day in table.sessions[within] if not view.calendar.is_session(day)]
        if closed:
            raise DataError(
                f"{table.path}: {_some(closed, 'date', 'no session')}, and only a session's close can "
                f"decide; date scores by sessions, or {_REMEDY}"
            )


def _some(items: list[str], noun: str, what: str) -> str:
    listed = ", ".join(items[:5]) + (", ..." if len(items) > 5 else "")
    return f"{len(items)} {noun}{'s are' if len(items) > 1 else ' is'} {what} ({listed})"
