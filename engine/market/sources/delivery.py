"""Daily bars as every source delivers them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from engine.market.calendar import Dates
from engine.market.grid import Bools, Floats, Ints

if TYPE_CHECKING:
    from engine.market.quotes import Quotes


@dataclass(frozen=True, eq=False)
class DailyBars:
    """Daily bars of some names, one row per name and session, ascending by both.

    Parameters
    ----------
    symbols : (N,) str array
        House spelling (``600519.SH``), ascending.
    column : (R,) int array
        Index into `symbols`.
    session : (R,) datetime64[D] array
    values : mapping of str to (R,) float array
        open, high, low, close: raw CNY; preclose: the ex-right reference, CNY; volume: shares; amount: CNY;
        turnover: volume ÷ float shares; trading, is_st: 1 or 0; adj_factor: cumulative and multiplicative,
        rising on ex-dates, on any base that stays the same within the delivery. Any other name is carried as
        a field of its own. NaN where unknown; open, high, low, close and volume are always there.
    """

    symbols: NDArray[np.str_]
    column: Ints
    session: Dates
    values: Mapping[str, Floats]

    @classmethod
    def of_quotes(cls, quotes: Quotes) -> DailyBars:
        """Take rows that were read from a table."""
        return cls(quotes.symbols, quotes.column, quotes.session, quotes.values)

    def __len__(self) -> int:
        return len(self.column)

    def take(self, rows: Bools | Ints) -> DailyBars:
        """Keep some rows (a mask, or ascending positions)."""
        values = {name: column[rows] for name, column in self.values.items()}
        return DailyBars(self.symbols, self.column[rows], self.session[rows], values)

    def number(self, name: str) -> Floats:
        """(R,) values of a column, NaN where the source has none."""
        found = self.values.get(name)
        return np.full(len(self), np.nan) if found is None else found

    def label(self, row: int) -> str:
        """``600519.SH 2023-03-01``."""
        return f"{self.symbols[self.column[row]]} {self.session[row]}"
