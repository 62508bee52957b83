"""Tables that a user keeps for briefs: rows of texts, each with its place and the moment it was published."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from alpha_sources.agents.brief.errors import BriefError
from alpha_sources.agents.brief.published import checked_moment

#: Larger than years of headlines.
_MOST_BYTES = 64 * 1024 * 1024
_MOST_CELL = 1_000_000


@dataclass(frozen=True, slots=True)
class Row:
    """A row of a table.

    Parameters
    ----------
    place : str
        As in ``macro.csv, line 3``.
    published_at : datetime
        In Shanghai, naive.
    cells : mapping of str to str
        By column; empty cells are left out.
    """

    place: str
    published_at: datetime
    cells: Mapping[str, str]


def read_rows(path: Path, name: str, required: tuple[str, ...], optional: tuple[str, ...]) -> Iterator[Row]:
    """Yield the rows of a CSV file (UTF-8, or GB 18030) whose column ``published`` dates them.

    Parameters
    ----------
    path : Path
    name : str
        What the file is called in messages.
    required, optional : tuple of str
        Columns besides ``published``; no others may be there.

    Raises
    ------
    BriefError
        If the file cannot be read, a column is missing or unknown, or a row has no date, an unreadable one,
        or an empty cell where one is required; with the line.
    """
    reader = csv.reader(io.StringIO(_text(path, name), newline=""), strict=True)
    known = ("published", *required, *optional)
    header: list[str] = []
    try:
        for cells in reader:
            if not any(cell.strip() for cell in cells):
                continue
            if not header:
                header = _checked_header(cells, name, known, ("published", *required))
                continue
            place = f"{name}, line {reader.line_num}"
            if len(cells) > len(header):
                raise BriefError(
                    f"{place}: {len(cells)} cells under {len(header)} columns; quote what has commas"
                )
            found = {key: cell.strip() for key, cell in zip(header, cells, strict=False) if cell.strip()}
            for key in required:
                if key not in found:
                    raise BriefError(f"{place}: the cell under {key!r} is empty; fill it in or drop the line")
            yield Row(place, _moment(found.pop("published", ""), f"{place}: {found[required[0]]!r}"), found)
    except csv.Error as error:
        raise BriefError(f"{name}, line {reader.line_num}: {error}; correct the line") from None
    if not header:
        raise BriefError(f"{name} is empty: its first line names the columns, {', '.join(known)}")


def _text(path: Path, name: str) -> str:
    try:
        if path.stat().st_size > _MOST_BYTES:
            raise BriefError(f"{name} is larger than {_MOST_BYTES:,} bytes; split it")
        data = path.read_bytes()
    except OSError as error:
        raise BriefError(f"{name} cannot be read: {error.strerror}") from None
    for encoding in ("utf-8-sig", "gb18030"):
        try:
            return data.decode(encoding)
        except UnicodeDecodeError:
            continue
    raise BriefError(f"{name} is neither UTF-8 nor GB 18030; save it as UTF-8")


def _checked_header(
    cells: list[str], name: str, known: tuple[str, ...], needed: tuple[str, ...]
) -> list[str]:
    header = [cell.strip().lower() for cell in cells]
    for key in needed:
        if key not in header:
            raise BriefError(f"{name} lacks the column {key!r}; it takes {', '.join(known)}")
    for key in header:
        if key not in known:
            raise BriefError(f"{name} has a column {key!r} that nothing reads; it takes {', '.join(known)}")
        if header.count(key) > 1:
            raise BriefError(f"{name} has two columns named {key!r}; drop one")
    return header


def _moment(text: str, what: str) -> datetime:
    if not text:
        return checked_moment(None, what)
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise BriefError(
            f"{what}: {text!r} is no date; write it like 2023-05-12 or 2023-05-12 16:00"
        ) from None
    return checked_moment(moment, what)
