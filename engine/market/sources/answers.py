"""Answers of vendors' clients looked at column by column, before anything is made of them.

A client such as akshare names a vendor's columns by their place, and turns what it cannot read into missing
values. So a column more, a column less, or two that changed places may pass through it unnoticed; they stop
here.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, NoReturn

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from engine.errors import DataError
from engine.market.board import Board, board_of, parse_symbol
from engine.market.calendar import Dates
from engine.market.grid import Bools, Floats
from engine.market.sources.delivery import DailyBars
from engine.market.sources.remote.failure import Trouble, VendorError

_DAY_S = "datetime64[D]"


@dataclass(frozen=True, slots=True)
class Answer:
    """One table as a client returned it, and what was asked.

    Parameters
    ----------
    frame : pandas.DataFrame
    vendor, host, about : str
        For messages.

    Raises
    ------
    VendorError
        By any call, if the table is not what it is said to be; its trouble is ``columns``.
    """

    frame: pd.DataFrame
    vendor: str
    host: str
    about: str

    def __len__(self) -> int:
        return len(self.frame)

    def refuse(self, detail: str) -> NoReturn:
        """Raise the error that says what is wrong with the answer."""
        raise VendorError(self.vendor, self.host, self.about, Trouble.COLUMNS, detail)

    def has_exactly(self, columns: Collection[str]) -> Answer:
        """Return the answer if these are its columns, in any order."""
        there = [str(name) for name in self.frame.columns]
        if sorted(there) != sorted(columns):
            missing = ", ".join(name for name in columns if name not in there)
            besides = ", ".join(name for name in there if name not in columns)
            parts = [f"without {missing}" if missing else "", f"with {besides} besides" if besides else ""]
            self.refuse(" and ".join(part for part in parts if part) or "with a column twice")
        return self

    def numbers(self, name: str, *, mostly: bool = False) -> Floats:
        """(R,) floats; with `mostly`, a column of which half or more is missing is no such column."""
        column = self.frame[name]
        values = pd.to_numeric(column, errors="coerce")
        unread = values.isna() & column.notna() & ~column.astype(str).str.strip().isin(["", "-", "--", "nan"])
        if unread.any():
            self.refuse(f"{name} is {str(column[unread].iloc[0])!r} in a row, which is no number")
        out = np.asarray(values, dtype=np.float64)
        if mostly and len(out) and np.isnan(out).mean() >= 0.5:
            self.refuse(f"{name} has no numbers")
        return out

    def days(self, name: str, *, blank: bool = False) -> Dates:
        """(R,) days; with `blank`, missing ones are NaT."""
        column = self.frame[name]
        values = pd.to_datetime(column, errors="coerce", format="mixed")
        unread = values.isna() & column.notna() & ~column.astype(str).str.strip().isin(["", "-", "NaT"])
        if unread.any():
            self.refuse(f"{name} is {str(column[unread].iloc[0])!r} in a row, which is no day")
        if not blank and values.isna().any():
            self.refuse(f"{name} is missing in {int(values.isna().sum())} of {len(column)} rows")
        return np.asarray(values.to_numpy().astype(_DAY_S))

    def texts(self, name: str) -> list[str]:
        """(R,) texts, stripped; missing ones are empty."""
        return [
            "" if cell is None or cell is pd.NA or cell != cell else str(cell).strip()
            for cell in self.frame[name]
        ]

    def is_about(self, name: str, wanted: str) -> Answer:
        """Return the answer if a column holds nothing but what was asked for."""
        others = sorted({text for text in self.texts(name) if text != wanted})
        if others:
            self.refuse(f"{name} is {others[0]}, not {wanted}")
        return self

    def is_mostly_about(self, name: str, wanted: str) -> Answer:
        """Return the answer if at least half of a column is what was asked for.

        An announcement about several stocks comes under the code of any of them.
        """
        told = self.texts(name)
        if 2 * sum(text == wanted for text in told) < len(told):
            self.refuse(f"{name} is {next(text for text in told if text != wanted)}, not {wanted}")
        return self

    def stocks(self, name: str) -> tuple[list[str], Bools]:
        """(R,) house symbols of bare codes, and which of them are A-shares; others are empty."""
        symbols = []
        for text in self.texts(name):
            try:
                symbol = parse_symbol(text)
            except DataError:
                symbol = ""
            symbols.append(symbol if symbol and board_of(symbol) is not Board.UNKNOWN else "")
        kept = np.array([bool(symbol) for symbol in symbols], dtype=bool)
        if len(symbols) and not kept.any():
            self.refuse(f"{name} has no code of an A-share")
        return symbols, kept

    def is_bars(self, open_: Floats, high: Floats, low: Floats, close: Floats) -> Answer:
        """Return the answer if most rows have their high on top and their low at the bottom."""
        with np.errstate(invalid="ignore"):
            wrong = (np.fmax(open_, close) > high + 1e-9) | (np.fmin(open_, close) < low - 1e-9)
        if len(wrong) and wrong.mean() >= 0.5:
            self.refuse("open, high, low and close make no bars: the columns are not what they are called")
        return self


def rows(*columns: tuple[str, Sequence[Any]]) -> Iterator[dict[str, Any]]:
    """Rows as dicts from named columns of one length."""
    names = [name for name, _ in columns]
    for cells in zip(*(values for _, values in columns), strict=True):
        yield dict(zip(names, cells, strict=True))


def plain_days(days: Dates) -> list[date | None]:
    """Days as plain dates; NaT is None."""
    found: list[date | None] = days.astype(_DAY_S).astype(object).tolist()
    return found


def compact(day: date | None, otherwise: str) -> str:
    """``20230103``; `otherwise` for no day."""
    return otherwise if day is None else day.strftime("%Y%m%d")


def within(session: Dates, first: date | None, last: date | None) -> NDArray[np.bool_]:
    """(R,) days between two, inclusive; None is no bound."""
    kept = np.ones(len(session), dtype=bool)
    if first is not None:
        kept &= session >= np.datetime64(first, "D")
    if last is not None:
        kept &= session <= np.datetime64(last, "D")
    return kept


def of_one_stock(
    symbol: str, session: Dates, values: Mapping[str, Floats], first: date | None, last: date | None
) -> DailyBars:
    """Rows of one stock between two days, in order of their days; a day told twice stays twice."""
    order = np.argsort(session, kind="stable")
    order = order[within(session[order], first, last)]
    column = np.zeros(len(order), dtype=np.intp)
    kept = {name: column_[order] for name, column_ in values.items()}
    return DailyBars(np.array([symbol]), column, session[order], kept)
