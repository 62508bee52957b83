"""The further tables of a store, as a panel holds them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from engine.market.actions import read_actions
from engine.market.calendar import Dates
from engine.market.corporate import CorporateActions
from engine.market.fundamentals import FigureRows
from engine.market.grid import Floats
from engine.market.indices import read_indices
from engine.market.instruments import Instruments
from engine.market.listing import read_instruments
from engine.market.macro import MacroFigure, read_macro_figures
from engine.market.store.folder import StoreReader
from engine.market.store.panel.frame import Frame
from engine.market.store.rows import codes_of, day_numbers, numbers, readable, records
from engine.market.store.schema import Kind
from engine.market.table import Table
from engine.market.text import Text
from engine.market.texts import texts_within
from engine.market.validate import Findings


def actions_of(reader: StoreReader, frame: Frame, findings: Findings) -> CorporateActions:
    """Return the corporate actions of the panel's stocks."""
    table = _table(reader, Kind.ACTIONS, frame.every_code())
    if table is None:
        return CorporateActions.empty()
    return read_actions(table, frame.dates, frame.symbols, findings, frame.aliases)


def instruments_of(reader: StoreReader, frame: Frame) -> tuple[Instruments, Dates]:
    """Return the instruments, and the (N,) first sessions that are stated for them, NaT where none is."""
    table = _table(reader, Kind.INSTRUMENTS)
    if table is None:
        unknown = np.full(len(frame.symbols), np.datetime64("NaT", "D"))
        return Instruments.from_symbols(frame.symbols), unknown
    return read_instruments(table, frame.symbols, frame.aliases)


def indices_of(reader: StoreReader, frame: Frame, findings: Findings) -> Mapping[str, Mapping[str, Floats]]:
    """Return the bars of every stored index."""
    table = _table(reader, Kind.INDEX_BARS, date="session")
    return {} if table is None else read_indices(table, frame.dates, findings)


def macro_of(reader: StoreReader, frame: Frame) -> tuple[MacroFigure, ...]:
    """Return figures of the economy that are known by the last session."""
    table, last = _table(reader, Kind.MACRO), frame.dates[-1].astype(object)
    return () if table is None else tuple(f for f in read_macro_figures(table) if f.visible <= last)


def texts_of(reader: StoreReader, frame: Frame) -> tuple[Text, ...]:
    """Return texts of the panel's days and stocks, in order of publication."""
    first, last = frame.dates[0].astype(object), frame.dates[-1].astype(object)
    rows = records(reader.rows(Kind.TEXTS, first=first, last=last))
    found = []
    for row in sorted(rows, key=lambda row: (row["published_at"], row["id"])):
        words = {name: row[name] or "" for name in ("title", "body", "source", "kind")}
        about = frame.aliases.get(row["symbol"], row["symbol"])
        found.append(Text(row["published_at"], symbol=about, **words))
    return texts_within(found, frame.dates, frame.symbols)


def add_fundamentals(reader: StoreReader, frame: Frame, fields: dict[str, Floats]) -> None:
    """Add a (T, N) field of every stored figure, each value from the session on at which it was known."""
    rows = reader.rows(Kind.FUNDAMENTALS, symbols=frame.every_code())
    if not len(rows):
        return
    place = {symbol: n for n, symbol in enumerate(frame.symbols.tolist())}
    place |= {code: place[symbol] for code, symbol in frame.aliases.items()}
    ordered = np.array(sorted(place), dtype=np.str_)
    # the last entry is that of symbols which the panel lacks
    columns = np.array([*(place[code] for code in ordered.tolist()), -1], dtype=np.intp)
    figures = np.array(sorted(pc.unique(rows["figure"]).to_pylist()), dtype=np.str_)
    which = codes_of(rows["figure"], figures)
    for n, figure in enumerate(figures.tolist()):
        mine = rows.filter(pa.array(which == n))
        period = pc.coalesce(mine["period_end"], mine["visible_date"])
        where = FigureRows.of(
            frame.dates,
            columns[codes_of(mine["symbol"], ordered)],
            day_numbers(mine["visible_date"]).astype("datetime64[D]"),
            day_numbers(period).astype("datetime64[D]"),
            len(frame.symbols),
        )
        dense, own = where.dense(numbers(mine["value"])), fields.get(figure)
        # the bars' own word stands, such as a valuation ratio that came with them
        fields[figure] = dense if own is None else np.where(np.isnan(own), dense, own)


def _table(
    reader: StoreReader, kind: Kind, symbols: Sequence[str] | None = None, *, date: str = ""
) -> Table | None:
    """Rows of a table, or of some symbols, as files have them; `date` is the column that these call so."""
    rows = reader.rows(kind, symbols=symbols)
    if not len(rows):
        return None
    rows = rows.rename_columns(["date" if name == date else name for name in rows.column_names])
    return readable(rows, f"{reader.folder} ({kind})")
