"""A table from a file or a user's frame, whose cells are converted column by column.

Files are read whole, CSV cells as text, so that a cell that does not convert can be named by file, line,
column and content. This is the one place of the market package that knows pandas.
"""

from __future__ import annotations

import codecs
import csv
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import numpy as np
from numpy.typing import NDArray

from engine.errors import DataError
from engine.market.calendar import Dates
from engine.market.grid import Floats, Ints

if TYPE_CHECKING:
    import pandas as pd

_BLANK = ("", "nan", "na", "n/a", "null", "none", "nat", "<na>", "-", "--")
_DAY = re.compile(r"^(\d{4})([-/.]?)(\d{1,2})\2(\d{1,2})(?:[ T].*)?$")
#: other tools' names of our two keys (qlib; an unnamed two-level index)
_KEYS = {"datetime": "date", "level_0": "date", "instrument": "symbol", "level_1": "symbol"}


@dataclass(frozen=True, eq=False)
class Table:
    """Columns of cells with the place each row came from.

    Parameters
    ----------
    frame : pandas.DataFrame
        One row per record.
    source : str
        The file, or what the frame is called in messages.
    lines : (R,) int array or None
        Line of each row in an editor (a CSV file); None counts rows from 0.
    """

    frame: pd.DataFrame
    source: str
    lines: Ints | None = None

    @classmethod
    def of_frame(cls, frame: pd.DataFrame, source: str) -> Table:
        """Wrap a user's frame; index levels with names become columns."""
        import pandas as pd

        if isinstance(frame.index, pd.MultiIndex) or frame.index.name is not None:
            frame = frame.reset_index()
        renames = {old: new for old, new in _KEYS.items() if old in frame and new not in frame}
        table = cls(frame.rename(columns=renames), source)
        return table._checked()

    @classmethod
    def read(cls, path: Path) -> Table:
        """Read a ``.parquet`` or ``.csv`` file (UTF-8, or GB 18030 as Chinese tools write it)."""
        import pandas as pd

        if not path.is_file():
            raise DataError(f"{path}: no such file; check the path (relative paths start at the config file)")
        suffix = path.suffix.lower()
        try:
            if suffix == ".parquet":
                return cls.of_frame(pd.read_parquet(path), str(path))
            if suffix == ".csv":
                return _read_csv(path)._checked()
        except (OSError, ValueError) as error:
            reason = str(error).strip().splitlines()[0].rstrip(".")
            raise DataError(f"{path} cannot be read: {reason}; is it a whole {suffix} file?") from error
        raise DataError(
            f"{path}: files are read as .parquet or .csv, not {suffix or 'without a suffix'}; convert it"
        )

    def __len__(self) -> int:
        return len(self.frame)

    def __contains__(self, column: str) -> bool:
        return column in self.frame.columns

    @property
    def columns(self) -> list[str]:
        """Names of the columns."""
        return [str(name) for name in self.frame.columns]

    def where(self, row: int) -> str:
        """``FILE, line 7`` (a CSV file) or ``FILE, row 5`` (counted from 0)."""
        place = f"row {row}" if self.lines is None else f"line {self.lines[row]}"
        return f"{self.source}, {place}"

    def renamed(self, columns: Mapping[str, str]) -> Table:
        """Rename columns, given as our name to the file's."""
        absent = sorted(theirs for theirs in columns.values() if theirs not in self)
        if absent:
            raise DataError(
                f"{self.source} has no column {', '.join(absent)} that data.columns names; "
                f"it has {', '.join(self.columns)}"
            )
        shadowed = [ours for ours, theirs in columns.items() if ours in self and ours != theirs]
        frame = self.frame.drop(columns=shadowed)
        return replace(self, frame=frame.rename(columns={theirs: ours for ours, theirs in columns.items()}))

    def require(self, names: Iterable[str], *, remedy: str = "rename the file's columns") -> None:
        """Raise `DataError` unless every named column is there."""
        absent = [name for name in names if name not in self]
        if absent:
            raise DataError(
                f"{self.source} lacks the column {', '.join(absent)}; it has {', '.join(self.columns)}; "
                f"{remedy}"
            )

    def refuse_empty(self) -> None:
        """Raise `DataError` unless there is at least one row."""
        if not len(self.frame):
            raise DataError(f"{self.source} holds no rows; give at least one")

    def numbers(self, column: str) -> Floats:
        """(R,) finite floats, NaN where blank.

        Raises
        ------
        DataError
            If a cell is no number; names its place, column and content.
        """
        import pandas as pd

        cells = self.frame[column]
        if not pd.api.types.is_numeric_dtype(cells.dtype):
            parsed = pd.to_numeric(cells.astype("str"), errors="coerce")
            values = parsed.to_numpy(dtype=np.float64, na_value=np.nan)
            for row in np.flatnonzero(np.isnan(values)):
                if not _is_blank(cells.iloc[row]):
                    self._refuse(int(row), column, "is no number; correct the cell or leave it empty")
        else:
            values = cells.to_numpy(dtype=np.float64, na_value=np.nan)
        for row in np.flatnonzero(np.isinf(values)):
            self._refuse(int(row), column, "is not finite; correct the cell or leave it empty")
        return values

    def is_numeric(self, column: str) -> bool:
        """Whether a column holds numbers: by its type, or for text by its first cell that is not blank."""
        import pandas as pd

        cells = self.frame[column]
        if pd.api.types.is_numeric_dtype(cells.dtype):
            return True
        if pd.api.types.is_datetime64_any_dtype(cells.dtype):
            return False
        first = next((cell for cell in cells if not _is_blank(cell)), None)
        return first is not None and not np.isnan(pd.to_numeric(str(first), errors="coerce"))

    def dates(self, column: str, *, blank: bool = False) -> Dates:
        """(R,) datetime64[D]; with `blank`, empty cells are NaT, else they are refused."""
        import pandas as pd

        cells = self.frame[column]
        if isinstance(cells.dtype, pd.DatetimeTZDtype):
            cells = cells.dt.tz_convert("Asia/Shanghai").dt.tz_localize(None)
        if pd.api.types.is_datetime64_any_dtype(cells.dtype):
            days = cells.to_numpy().astype("datetime64[D]")
        else:
            codes, texts = pd.factorize(cells.astype("str"), use_na_sentinel=False)
            days = np.array([_day(text) for text in texts], dtype="datetime64[D]")[codes]
        for row in np.flatnonzero(np.isnat(days)):
            if not (blank and _is_blank(cells.iloc[row])):
                self._refuse(int(row), column, "is no date; write it like 2023-01-03")
        return days

    def distinct(self, column: str) -> tuple[Ints, list[str]]:
        """Codes of a column of names and its distinct texts, in order of appearance."""
        import pandas as pd

        cells = self.frame[column]
        codes, texts = pd.factorize(cells.astype("str"), use_na_sentinel=False)
        if pd.api.types.is_integer_dtype(cells.dtype):
            # 000001 read as the number 1 by whoever made the frame
            return codes, [str(text).zfill(6) for text in texts]
        return codes, ["" if _is_blank(text) else str(text).strip() for text in texts]

    def texts(self, column: str) -> NDArray[np.str_]:
        """(R,) stripped text, empty where blank."""
        codes, texts = self.distinct(column)
        return np.array(texts, dtype=np.str_)[codes]

    def _refuse(self, row: int, column: str, why: str) -> NoReturn:
        raise DataError(f"{self.where(row)}, column {column}: {str(self.frame[column].iloc[row])!r} {why}")

    def _checked(self) -> Table:
        twice = self.frame.columns[self.frame.columns.duplicated()]
        if len(twice):
            raise DataError(f"{self.source} has two columns named {twice[0]}; drop one")
        return self


def _read_csv(path: Path) -> Table:
    """Read every cell as text; refuse lines of the wrong length, leave blank lines out but count them."""
    import pandas as pd
    import pyarrow
    from pyarrow import csv as arrow_csv

    encoding = _encoding(path)
    with path.open(encoding=encoding, newline="") as file:
        header = next(csv.reader(file), [])
        if header and next(file, None) is None:
            return Table(pd.DataFrame(columns=header, dtype="str"), str(path))
    uneven: list[Any] = []

    def note(row: Any) -> str:
        uneven.append(row)
        return "skip"

    cells = arrow_csv.read_csv(
        path,
        # one thread, since only then a bad row knows its line
        arrow_csv.ReadOptions(encoding=encoding, use_threads=False),
        arrow_csv.ParseOptions(ignore_empty_lines=False, invalid_row_handler=note),
        arrow_csv.ConvertOptions(column_types=dict.fromkeys(header, pyarrow.string())),
    )
    if uneven:
        row = uneven[0]
        raise DataError(
            f"{path}, line {row.number}: {row.actual_columns} cells, but line 1 names {row.expected_columns} "
            f"columns: {row.text[:80]!r}; complete or drop the line"
        )
    frame = cells.to_pandas()
    frame.columns = [name.strip() for name in header]
    written = (frame != "").to_numpy().any(axis=1)
    lines = np.arange(2, len(frame) + 2, dtype=np.intp)
    return Table(frame[written].reset_index(drop=True), str(path), lines[written])


def _encoding(path: Path) -> str:
    decoder = codecs.getincrementaldecoder("utf-8")()
    try:
        with path.open("rb") as file:
            if file.read(2) in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE):
                return "utf-16"
            file.seek(0)
            while chunk := file.read(1 << 20):
                decoder.decode(chunk)
    except UnicodeDecodeError:
        return "gb18030"
    return "utf-8-sig"


def _is_blank(cell: Any) -> bool:
    return str(cell).strip().lower() in _BLANK


def _day(text: Any) -> Any:
    match = _DAY.match(str(text).strip())
    if match is None:
        return np.datetime64("NaT", "D")
    year, separator, month, day = match.groups()
    if not separator and len(month + day) != 4:
        return np.datetime64("NaT", "D")
    try:
        return np.datetime64(f"{year}-{month:0>2}-{day:0>2}", "D")
    except ValueError:
        return np.datetime64("NaT", "D")
