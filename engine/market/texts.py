"""Texts read from a table: news, announcements, reports, a row each."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, time
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from engine.errors import DataError
from engine.market.calendar import Dates
from engine.market.codes import NO_ALIASES
from engine.market.quotes import house_symbols
from engine.market.text import CLOSE, Text

if TYPE_CHECKING:
    from engine.market.table import Table

#: The last moment of a day: when a text that names a day alone is sure to be out.
END_OF_DAY = time(23, 59, 59)
_DAY_ALONE = len("2023-05-12")
_SHANGHAI = ZoneInfo("Asia/Shanghai")
_BLANK = frozenset({"", "nan", "nat", "none", "null", "<na>"})


def text_rows(table: Table) -> list[dict[str, Any]]:
    """Read texts; ``body``, ``source``, ``symbol`` and ``kind`` may be missing beside moment and ``title``.

    The moment is the column ``published_at`` (or ``published``): a date and a time in Shanghai; one with a
    time zone is brought there. A day alone stands for its end, so that the text counts from the next session
    on. Without a kind it is ``news``.

    Returns
    -------
    list of dict
        In the table's order; ``published_at`` is None where the cell is empty, ``symbol`` for the market,
        ``source`` is empty where there is none.

    Raises
    ------
    DataError
        If a column is missing, a moment cannot be read, or a symbol is none.
    """
    name = "published_at" if "published_at" in table else "published"
    table.require((name, "title"))
    cells = {n: table.texts(n).tolist() for n in ("title", "body", "source", "kind") if n in table}
    symbols = _symbols(table) if "symbol" in table else [None] * len(table)
    found = []
    for row, moment in enumerate(table.frame[name].tolist()):
        words = {n: column[row] for n, column in cells.items()}
        found.append(
            {
                "published_at": _moment(moment, f"{table.where(row)}, column {name}"),
                "title": words["title"],
                "body": words.get("body", ""),
                "source": words.get("source", ""),
                "kind": words.get("kind", "").lower() or "news",
                "symbol": symbols[row],
            }
        )
    return found


def read_texts(table: Table, aliases: Mapping[str, str] = NO_ALIASES) -> tuple[Text, ...]:
    """Return the texts of a table in order of publication.

    Parameters
    ----------
    table : Table
        As for `text_rows`.
    aliases : mapping of str to str
        Other codes of stocks, to the symbols that the texts are to have.

    Raises
    ------
    DataError
        As `text_rows`, and if a text does not say when it was published.
    """
    found = []
    for row, fields in enumerate(text_rows(table)):
        if fields["published_at"] is None:
            raise DataError(
                f"{table.where(row)}: the text {fields['title'][:60]!r} does not say when it was published; "
                "fill in the moment, or drop the row"
            )
        symbol = fields["symbol"]
        source = fields["source"] or table.source
        found.append(Text(**{**fields, "source": source, "symbol": aliases.get(symbol, symbol)}))
    return tuple(sorted(found, key=lambda text: text.published_at))


def texts_within(texts: Iterable[Text], dates: Dates, symbols: NDArray[np.str_]) -> tuple[Text, ...]:
    """Return the texts of a panel's span, about the market or one of its names, that a view may show."""
    begin = datetime.combine(dates[0].astype(object), time.min)
    end = datetime.combine(dates[-1].astype(object), CLOSE)
    known = {None, *symbols.tolist()}
    return tuple(text for text in texts if begin <= text.published_at <= end and text.symbol in known)


def moments(table: Table, column: str) -> NDArray[np.datetime64]:
    """(R,) datetime64[s] of a column of moments in Shanghai.

    Raises
    ------
    DataError
        If a cell is empty or no moment.
    """
    codes, texts = table.distinct(column)
    rows = np.zeros(len(texts), dtype=np.intp)
    rows[codes[::-1]] = np.arange(len(codes))[::-1]
    found = np.empty(len(texts), dtype="datetime64[s]")
    for place, text in enumerate(texts):
        where = f"{table.where(int(rows[place]))}, column {column}"
        moment = _moment(text, where, whole_day=time.min)
        if moment is None:
            raise DataError(f"{where}: is empty; fill in the moment, or drop the row")
        found[place] = np.datetime64(moment, "s")
    return np.asarray(found[codes])


def _symbols(table: Table) -> list[str | None]:
    codes, spellings = table.distinct("symbol")
    places = [place for place, text in enumerate(spellings) if text]
    houses, unreadable = house_symbols([spellings[place] for place in places], strict=True)
    if unreadable:
        bad = places[unreadable[0]]
        row = codes.tolist().index(bad)
        raise DataError(
            f"{table.where(row)}, column symbol: {spellings[bad]!r} is no A-share symbol; correct it, or "
            "leave it empty for the market"
        )
    known: list[str | None] = [None] * len(spellings)
    for place, house in zip(places, houses, strict=True):
        known[place] = house
    return [known[code] for code in codes.tolist()]


def _moment(cell: object, where: str, whole_day: time = END_OF_DAY) -> datetime | None:
    text = str(cell).strip()
    if text.lower() in _BLANK:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise DataError(f"{where}: {text!r} is no moment; write it like 2023-05-12 16:00") from None
    if moment.tzinfo is not None:
        return moment.astimezone(_SHANGHAI).replace(tzinfo=None)
    return datetime.combine(moment, whole_day) if len(text) <= _DAY_ALONE else moment
