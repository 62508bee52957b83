"""CSV and Parquet files as a source: whatever ``data.source: file`` takes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from engine.errors import DataError
from engine.market.board import parse_symbol
from engine.market.calendar import Dates, read_sessions
from engine.market.codes import CodeChanges
from engine.market.config import DataConfig
from engine.market.grid import Floats
from engine.market.macro import read_macro_figures
from engine.market.quotes import SHARES_PER_LOT, house_symbols, read_quotes
from engine.market.sources.delivery import DailyBars
from engine.market.store.rows import days, table_of
from engine.market.store.schema import INDEX_VALUES, MINUTE_VALUES, TERMS, Kind, Spell
from engine.market.table import Table
from engine.market.text import CLOSE
from engine.market.texts import moments, text_rows
from engine.market.validate import Findings

#: names in one delivery
_BLOCK = 500
_FIGURE_KEYS = frozenset({"symbol", "visible_date", "visible_by", "period_end"})
_INSTRUMENT_TEXTS = ("name", "csrc_industry", "sw_industry", "board")


@dataclass(frozen=True, eq=False)
class TableSource:
    """The files that a ``data`` section names.

    Parameters
    ----------
    config : DataConfig
        Only its files, `columns` and `units` count.
    name : str
        What the store's manifest calls them.
    minutes : Path or None
        A file of minute bars, which no panel holds and no ``data`` section names.

    Raises
    ------
    DataError
        By any call, if a file is missing, lacks columns, or has a cell that does not parse.
    """

    config: DataConfig
    name: str
    hosts: frozenset[str] = frozenset()
    minutes: Path | None = None

    @property
    def offers(self) -> frozenset[Kind]:
        """The tables that a file is named for."""
        c = self.config
        given = {
            Kind.BARS: c.path, Kind.ACTIONS: c.actions, Kind.INDEX_BARS: c.index,
            Kind.SPELLS: c.special_sessions, Kind.INSTRUMENTS: c.instruments,
            Kind.MEMBERSHIP: c.membership, Kind.FUNDAMENTALS: c.fundamentals, Kind.TEXTS: c.texts,
            Kind.MACRO: c.macro, Kind.SESSIONS: c.calendar_extra, Kind.MINUTE_BARS: self.minutes,
        }  # fmt: skip
        return frozenset(kind for kind, path in given.items() if path)

    @cached_property
    def _bars(self) -> DailyBars:
        if self.config.calendar != "xshg":
            raise DataError(
                f"{self.config.path}: the store holds sessions of the exchange only; synthetic dates "
                "(data.calendar: data) are for files"
            )
        findings, table = Findings(), _read(self.config.path).renamed(self.config.columns)
        quotes = read_quotes(
            table, units=self.config.units, strict_symbols=True, findings=findings, changes=CodeChanges.none()
        )
        findings.report().raise_if_errors(table.source)
        return DailyBars.of_quotes(quotes)

    def symbols(self) -> tuple[str, ...]:
        """Every symbol that the file of bars has."""
        return tuple(self._bars.symbols.tolist())

    def daily_bars(
        self, symbols: Sequence[str], first: date | None = None, last: date | None = None
    ) -> Iterator[DailyBars]:
        """Bars in deliveries of 500 names."""
        bars = self._bars
        wanted = np.flatnonzero(np.isin(bars.symbols, list(symbols)))
        for at in range(0, len(wanted), _BLOCK):
            names = wanted[at : at + _BLOCK]
            kept = np.isin(bars.column, names)
            if first is not None:
                kept &= bars.session >= np.datetime64(first, "D")
            if last is not None:
                kept &= bars.session <= np.datetime64(last, "D")
            part = bars.take(kept)
            column = np.searchsorted(names, part.column)
            yield DailyBars(bars.symbols[names], column, part.session, part.values)

    def actions(
        self, symbols: Sequence[str], first: date | None = None, last: date | None = None
    ) -> Iterator[Any]:
        """Corporate actions of any symbols; ``pay_date`` where the file has it."""
        table = _read(self.config.actions)
        table.require(("symbol", "ex_date"))
        if not any(name in table for name in TERMS[:3]):
            table.require(TERMS[:1])
        terms = {n: np.nan_to_num(table.numbers(n)) if n in table else _none(table) for n in TERMS}
        for name, values in terms.items():
            if (values < 0.0).any():
                row = int(np.flatnonzero(values < 0.0)[0])
                raise DataError(f"{table.where(row)}, column {name}: terms of an action are not negative")
        pay = table.dates("pay_date", blank=True) if "pay_date" in table else _never(table)
        columns = {"symbol": _symbols(table), "ex_date": table.dates("ex_date"), **terms, "pay_date": pay}
        yield _table(Kind.ACTIONS, columns, source=self.name)

    def index_bars(
        self, symbols: Sequence[str], first: date | None = None, last: date | None = None
    ) -> Iterator[Any]:
        """Every index of the file."""
        table = _read(self.config.index)
        table.require(("symbol", "date", "close"))
        codes, spellings = table.distinct("symbol")
        names = np.array([_index_symbol(text) for text in spellings], dtype=np.str_)[codes]
        values = {n: table.numbers(n) if n in table else np.full(len(table), np.nan) for n in INDEX_VALUES}
        yield _table(Kind.INDEX_BARS, {"symbol": names, "session": table.dates("date"), **values})

    def instruments(self) -> Any:
        """Names, industries, boards, list and delist dates, as far as the file has them."""
        table = _read(self.config.instruments)
        table.require(("symbol",))
        texts = {n: _blank_as_none(table.texts(n)) for n in _INSTRUMENT_TEXTS if n in table}
        dated = {n: table.dates(n, blank=True) for n in ("list_date", "delist_date") if n in table}
        return _table(Kind.INSTRUMENTS, {"symbol": _symbols(table), **texts, **dated})

    def spells(self) -> Any:
        """``symbol, kind, start, end``, or special sessions: ``symbol, session, kind``."""
        table = _read(self.config.special_sessions)
        start = "start" if "start" in table else "session"
        table.require(("symbol", "kind", start))
        kinds = np.char.lower(table.texts("kind"))
        for row in np.flatnonzero(~np.isin(kinds, list(Spell))):
            raise DataError(
                f"{table.where(int(row))}, column kind: {kinds[row]!r} is none of {', '.join(Spell)}"
            )
        end = table.dates("end", blank=True) if "end" in table else _never(table)
        columns = {"symbol": _symbols(table), "kind": kinds, "start": table.dates(start), "end": end}
        return _table(Kind.SPELLS, columns)

    def membership(self, universe: str) -> Any:
        """Spells of membership; an empty out_date is still a member."""
        table = _read(self.config.membership)
        table.require(("symbol", "in_date", "out_date"))
        table.refuse_empty()
        joined, left = table.dates("in_date"), table.dates("out_date", blank=True)
        for row in np.flatnonzero(left <= joined):
            raise DataError(
                f"{table.where(int(row))}: out_date {left[row]} is not after in_date {joined[row]}"
            )
        columns = {"symbol": _symbols(table), "in_date": joined, "out_date": left}
        return _table(Kind.MEMBERSHIP, columns, universe=universe)

    def fundamentals(self, symbols: Sequence[str]) -> Iterator[Any]:
        """Figures of any symbols, one table for each column of numbers."""
        for path in self.config.fundamentals_files:
            table = _read(path)
            table.require(("symbol",))
            rule = next((n for n in ("visible_date", "visible_by") if n in table), None)
            if rule is None:
                raise DataError(
                    f"{path} has neither visible_date nor visible_by, which say when a figure was known"
                )
            visible = table.dates(rule)
            if rule == "visible_by":
                # usable from the first session after it, which is the first from the next day on
                visible = visible + np.timedelta64(1, "D")
            period = table.dates("period_end", blank=True) if "period_end" in table else _never(table)
            for figure in (c for c in table.columns if c not in _FIGURE_KEYS and table.is_numeric(c)):
                values = table.numbers(figure)
                kept = ~np.isnan(values)
                columns = {
                    "symbol": _symbols(table)[kept],
                    "visible_date": visible[kept],
                    "period_end": period[kept],
                    "value": values[kept],
                }
                yield _table(Kind.FUNDAMENTALS, columns, figure=figure)

    def texts(self, symbols: Sequence[str], since: datetime | None = None) -> Iterator[Any]:
        """Texts about any symbol and about the market."""
        rows = text_rows(_read(self.config.texts))
        late = [
            row for row in rows if since is None or not row["published_at"] or row["published_at"] >= since
        ]
        yield table_of(Kind.TEXTS, late)

    def macro(self, since: date | None = None) -> Iterator[Any]:
        """Figures of the economy: with ``series`` and ``visible_date``, or as briefs take them.

        A brief's file has ``name`` and ``published``; what was published after 15:00, or on a day without a
        time, counts from the next day on.
        """
        table = _read(self.config.macro)
        if "series" not in table and {"name", "published"} <= set(table.columns):
            table = _dated_by_publication(table)
        figures = [f for f in read_macro_figures(table) if since is None or f.visible >= since]
        names = ("visible_date", "series", "period_end", "value")
        yield table_of(Kind.MACRO, [dict(zip(names, figure, strict=False)) for figure in figures])

    def minute_bars(
        self, symbols: Sequence[str], first: date | None = None, last: date | None = None
    ) -> Iterator[Any]:
        """Minute bars of any symbols, stamped at their end; ``amount`` where the file has it."""
        table = _read(self.minutes).renamed(self.config.columns)
        table.require(("symbol", "ended_at", *MINUTE_VALUES[:5]))
        values = {n: table.numbers(n) if n in table else np.full(len(table), np.nan) for n in MINUTE_VALUES}
        if self.config.units == "lots":
            values["volume"] = values["volume"] * SHARES_PER_LOT
        ended_at = moments(table, "ended_at")
        day = ended_at.astype("datetime64[D]")
        kept = np.ones(len(day), dtype=bool)
        if first is not None:
            kept &= day >= np.datetime64(first, "D")
        if last is not None:
            kept &= day <= np.datetime64(last, "D")
        rows = _table(Kind.MINUTE_BARS, {"symbol": _symbols(table), "session": day, **values})
        stamps = pa.array(ended_at.astype("datetime64[ms]"), pa.timestamp("ms"))
        place = rows.column_names.index("ended_at")
        yield rows.set_column(place, "ended_at", stamps).filter(pa.array(kept))

    def calendar(self) -> Any:
        """Sessions of the exchange."""
        sessions = read_sessions(_read(self.config.calendar_extra))
        return table_of(Kind.SESSIONS, [{"session": day} for day in sessions.astype(object).tolist()])


def _dated_by_publication(table: Table) -> Table:
    published = moments(table, "published")
    day = published.astype("datetime64[D]")
    clock = (published - day).astype("timedelta64[s]").astype(np.int64)
    closing = CLOSE.hour * 3600 + CLOSE.minute * 60
    told = np.array([len(str(cell).strip()) > len("2022-03-11") for cell in table.frame["published"]])
    late = ~told | (clock > closing)
    frame = table.frame.assign(visible_date=[str(d) for d in day + late.astype("timedelta64[D]")])
    # what a brief calls a period may be any words; the day of publication stands for it
    return replace(table, frame=frame.rename(columns={"name": "series"}))


def _read(path: Path | None) -> Table:
    if path is None:
        raise DataError("no file is named for this table")
    return Table.read(path)


def _symbols(table: Table) -> NDArray[np.str_]:
    codes, spellings = table.distinct("symbol")
    houses, unreadable = house_symbols(spellings, strict=True)
    if unreadable:
        row = int(np.flatnonzero(np.isin(codes, unreadable))[0])
        raise DataError(f"{table.where(row)}, column symbol: {spellings[codes[row]]!r} is no A-share symbol")
    return np.array(houses, dtype=np.str_)[codes]


def _table(kind: Kind, columns: dict[str, Any], **constants: str) -> Any:
    count = len(columns["symbol"])
    rows = {name: _cells(values) for name, values in columns.items()}
    rows |= {name: pa.array([text] * count, pa.string()) for name, text in constants.items()}
    target = table_of(kind, ()).schema
    given = [rows.get(f.name, pa.nulls(count)) for f in target]
    return pa.table({f.name: _typed(v, f.type) for f, v in zip(target, given, strict=True)}, schema=target)


def _typed(values: Any, kind: Any) -> Any:
    if pa.types.is_dictionary(kind):
        return values.cast(pa.string()).dictionary_encode().cast(kind)
    return values.cast(kind)


def _cells(values: Any) -> Any:
    if isinstance(values, np.ndarray) and values.dtype.kind == "M":
        return days(values)
    return pa.array(values.tolist() if values.dtype.kind in "UO" else values)


def _blank_as_none(texts: NDArray[np.str_]) -> NDArray[Any]:
    return np.array([text or None for text in texts.tolist()], dtype=object)


def _index_symbol(text: str) -> str:
    """House spelling of an index; a bare 000300 is Shanghai's, as stocks of that code would not be."""
    if len(text) == 6 and text.isdigit():
        return f"{text}.{'SZ' if text.startswith('399') else 'SH'}"
    try:
        return parse_symbol(text)
    except DataError:
        return text


def _none(table: Table) -> Floats:
    return np.zeros(len(table))


def _never(table: Table) -> Dates:
    return np.full(len(table), np.datetime64("NaT", "D"))
