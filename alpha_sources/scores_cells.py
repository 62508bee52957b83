"""The cells of a file of scores, and what each kind of cell may say; a bad one is named by its place."""

from __future__ import annotations

import csv
import re
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from engine.errors import DataError
from engine.market.board import parse_symbol
from engine.market.calendar import Dates

_DATE = re.compile(r"(\d{4})(?:([-/])(\d{1,2})\2(\d{1,2})|(\d\d)(\d\d))([T ].+)?", re.ASCII)
_NO_OPINION = frozenset({"", "nan", "na", "n/a", "null", "none"})


@dataclass(frozen=True, eq=False, slots=True)
class Cells:
    """A file as columns of cells: text from CSV, typed values from Parquet.

    Parameters
    ----------
    path : Path
        The file.
    frame : DataFrame
        The cells; row labels 0, 1, ...
    lines : (R,) int array
        Line (CSV) or row (Parquet) of the file that each row of the frame stands on, from 1.
    unit : str
        What to call that place.
    """

    path: Path
    frame: pd.DataFrame
    lines: NDArray[np.int64]
    unit: Literal["line", "row"]

    def place(self, row: int, column: str | None = None) -> str:
        """Where a cell, or a row, of the file stands: ``scores.csv, line 7, column score``."""
        at = f"{self.path}, {self.unit} {self.lines[row]}"
        return at if column is None else f"{at}, column {column}"

    def sessions(self, column: str) -> Dates:
        """(R,) dates of a column."""
        codes, found = self._distinct(column)
        dates = [self._parsed(_date, value, codes, i, column) for i, value in enumerate(found)]
        return np.array(dates, dtype="datetime64[D]")[codes]

    def symbols(self, column: str) -> NDArray[np.str_]:
        """(R,) symbols of a column, in the house spelling."""
        codes, found = self._distinct(column)
        symbols = [self._parsed(parse_symbol, value, codes, i, column) for i, value in enumerate(found)]
        return np.array(symbols, dtype=np.str_)[codes]

    def numbers(self, column: str) -> NDArray[np.float64]:
        """(R,) numbers of a column; blank is NaN, infinite is refused."""
        cells = self.frame[column]
        if pd.api.types.is_numeric_dtype(cells) and not pd.api.types.is_bool_dtype(cells):
            out = cells.to_numpy(dtype=np.float64, na_value=np.nan)
        else:
            out = np.empty(len(cells))
            for row, cell in enumerate(cells.tolist()):
                try:
                    out[row] = _number(cell)
                except (TypeError, ValueError):
                    raise DataError(f"{self.place(row, column)}: {cell!r} is no number") from None
        if np.isinf(out).any():
            row = int(np.isinf(out).argmax())
            raise DataError(f"{self.place(row, column)}: a score must be finite, or blank for no opinion")
        return out

    def is_numeric(self, column: str) -> bool:
        """Whether every cell of a column is a number or blank."""
        try:
            self.numbers(column)
        except DataError:
            return False
        return True

    def _distinct(self, column: str) -> tuple[NDArray[np.intp], Any]:
        codes, found = pd.factorize(self.frame[column])
        if (codes < 0).any():
            raise DataError(f"{self.place(int((codes < 0).argmax()), column)}: the cell is empty")
        return codes, found

    def _parsed(self, parse: Any, value: Any, codes: NDArray[np.intp], code: int, column: str) -> Any:
        try:
            return parse(value)
        except (DataError, ValueError) as exc:
            raise DataError(f"{self.place(int((codes == code).argmax()), column)}: {exc}") from None


def read_cells(path: Path) -> Cells:
    """Read a ``.csv``, ``.parquet`` or ``.pq`` file; index levels of a pandas frame become columns.

    Raises
    ------
    DataError
        If the file is missing, of another kind, damaged, ragged, or empty.
    """
    if not path.is_file():
        raise DataError(f"there is no scores file {path}")
    readers = {".csv": _read_csv, ".parquet": _read_parquet, ".pq": _read_parquet}
    if path.suffix.lower() not in readers:
        raise DataError(f"{path}: scores are read from .csv or .parquet, not {path.suffix or 'no suffix'}")
    cells = readers[path.suffix.lower()](path)
    if not len(cells.frame):
        raise DataError(f"{path} holds no scores")
    repeated = cells.frame.columns[cells.frame.columns.duplicated()]
    if len(repeated):
        raise DataError(f"{path}: there are two columns {repeated[0]!r}")
    return cells


def _read_csv(path: Path) -> Cells:
    cells: list[str] = []  # row after row: a list per row would keep the garbage collector busy
    lines: list[int] = []
    with path.open(encoding="utf-8-sig", newline="") as file:
        reader = csv.reader(file)
        try:
            header = next(reader, [])
            for row in reader:
                if len(row) != len(header) and row:
                    where = f"{path}, line {reader.line_num}"
                    raise DataError(f"{where}: {len(row)} cells under {len(header)} headings")
                if row:
                    cells.extend(row)
                    lines.append(reader.line_num)
        except UnicodeDecodeError as exc:
            raise DataError(f"{path} is not UTF-8: {exc.reason}; save it as UTF-8") from exc
        except csv.Error as exc:
            raise DataError(f"{path}, line {reader.line_num}: {exc}") from exc
    width = len(header)
    frame = pd.DataFrame({i: pd.Series(cells[i::width], dtype=object) for i in range(width)})
    frame.columns = pd.Index(_named([name.strip() for name in header]))
    return Cells(path, frame, np.array(lines, dtype=np.int64), "line")


def _read_parquet(path: Path) -> Cells:
    try:
        frame = pd.read_parquet(path)
        if not isinstance(frame.index, pd.RangeIndex):
            unnamed = ["" if name is None else str(name) for name in frame.index.names]
            frame = pd.concat([frame.index.to_frame(index=False), frame.reset_index(drop=True)], axis=1)
            frame.columns = pd.Index([*unnamed, *map(str, frame.columns[len(unnamed) :])])
    except (OSError, ValueError) as exc:  # pyarrow's errors are ValueErrors
        raise DataError(f"{path} cannot be read as Parquet: {' '.join(str(exc).split())}") from exc
    frame.columns = pd.Index(_named([str(name) for name in frame.columns]))
    return Cells(path, frame, np.arange(1, len(frame) + 1), "row")


def _named(header: list[str]) -> list[str]:
    # pandas writes an unnamed index under a blank heading: the first is the date, the second the symbol;
    # where the date has a name, a blank heading is but a row number
    known = {name.lower() for name in header}
    blanks = iter(() if known & {"date", "datetime"} else ("date", "symbol"))
    return [name or next(blanks, "(unnamed)") for name in header]


def _date(value: Any) -> np.datetime64:
    text = value.isoformat() if isinstance(value, date) else str(value).strip()
    match = _DATE.fullmatch(text)
    try:
        if match is None:
            raise ValueError
        year, _, month, day, compact_month, compact_day, clock = match.groups()
        moment = pd.Timestamp(f"{year}-{month or compact_month:0>2}-{day or compact_day:0>2}{clock or ''}")
    except ValueError:
        raise ValueError(f"{text!r} is no date; write it like 2023-01-03") from None
    if moment.tz is not None:
        moment = moment.tz_convert("Asia/Shanghai").tz_localize(None)
    return np.datetime64(moment.date(), "D")


def _number(cell: Any) -> float:
    if cell is None:
        return np.nan
    if isinstance(cell, bool):
        raise TypeError
    try:
        return float(cell)
    except ValueError:
        if cell.strip().lower() in _NO_OPINION:
            return np.nan
        raise
