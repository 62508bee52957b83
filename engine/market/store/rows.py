"""Between the tables of a store and columns of numbers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from engine.market.calendar import Dates
from engine.market.codes import CodeChanges
from engine.market.grid import Floats, Ints
from engine.market.sources.delivery import DailyBars
from engine.market.store.schema import BAR_VALUES, SCHEMAS, Kind
from engine.market.table import Table


def bars_table(bars: DailyBars) -> Any:
    """Return bars as rows of ``Kind.BARS``, without their factor; extra columns follow."""
    extras = sorted(set(bars.values) - {*BAR_VALUES, "adj_factor"})
    columns = {"symbol": words(bars.symbols, bars.column), "session": days(bars.session)}
    columns |= {name: pa.array(bars.number(name), pa.float64()) for name in (*BAR_VALUES, *extras)}
    return pa.table(columns)


def words(vocabulary: NDArray[np.str_], codes: Ints) -> Any:
    """Return a column of a few texts, each given by its place."""
    return pa.DictionaryArray.from_arrays(
        pa.array(codes.astype(np.int32)), pa.array(vocabulary.tolist(), pa.string())
    )


def days(dates: Dates) -> Any:
    """Return a column of days; NaT is null."""
    return pa.array(dates.astype("datetime64[D]"), pa.date32())


def bars_of(table: Any, symbols: NDArray[np.str_]) -> DailyBars:
    """Rows of ``Kind.BARS`` of the given symbols (ascending), sorted; rows of others are left out."""
    column = codes_of(table["symbol"], symbols)
    session = day_numbers(table["session"])
    order = np.argsort((column << 32) + session, kind="stable")
    order = order[np.searchsorted(column[order], 0) :]
    in_order = len(order) == len(column) and bool((order[1:] > order[:-1]).all())
    if not in_order:
        column, session = column[order], session[order]
    # a column at a time: rows that lie beside the wanted ones are many times theirs where names are few
    names = [name for name in table.column_names if name not in ("symbol", "session")]
    values = {name: numbers(table[name]) if in_order else numbers(table[name])[order] for name in names}
    return DailyBars(symbols, column, session.astype("datetime64[D]"), values)


def codes_of(column: Any, symbols: NDArray[np.str_]) -> Ints:
    """(R,) place of each row's symbol among ascending ones, -1 where it is not among them."""
    if not len(column):
        return np.empty(0, dtype=np.intp)
    if not pa.types.is_dictionary(column.type):
        column = column.dictionary_encode()
    # every group of rows in a file has a vocabulary of its own: one look-up instead of thousands
    column = column.unify_dictionaries()
    texts = np.array(column.chunk(0).dictionary.to_pylist(), dtype=np.str_)
    place = np.minimum(np.searchsorted(symbols, texts), max(len(symbols) - 1, 0))
    found = np.where(symbols[place] == texts, place, -1) if len(symbols) else np.full(len(texts), -1)
    codes = pa.chunked_array([chunk.indices for chunk in column.chunks]).to_numpy()
    return np.asarray(found.astype(np.intp)[codes])


def day_numbers(column: Any) -> NDArray[np.int64]:
    """(R,) days since 1970-01-01 of a column of days without nulls."""
    return np.asarray(column.cast(pa.int32()).to_numpy(), dtype=np.int64)


def numbers(column: Any) -> Floats:
    """(R,) floats of a column, NaN where null."""
    return np.asarray(column.to_numpy(), dtype=np.float64)


def records(table: Any) -> list[dict[str, Any]]:
    """Rows of a small table as dicts of plain values."""
    out: list[dict[str, Any]] = table.to_pylist()
    return out


def table_of(kind: Kind, rows: Iterable[Mapping[str, Any]]) -> Any:
    """Return rows given as dicts as a table; missing columns are null."""
    schema, given = SCHEMAS[kind].columns, list(rows)
    return pa.table(
        {
            field.name: pa.array([row.get(field.name) for row in given], _plain(field.type)).cast(field.type)
            for field in schema
        },
        schema=schema,
    )


def readable(table: Any, source: str, names: Sequence[str] | None = None) -> Table:
    """Return rows as the `Table` that the readers of files take; columns without any value are left out."""
    kept = {
        name: table[name].cast(_plain(table[name].type))
        for name in names or table.column_names
        if table[name].null_count < len(table) or not len(table)
    }
    return Table.of_frame(pa.table(kept).to_pandas(), source)


def with_newest_codes(bars: DailyBars, changes: CodeChanges) -> DailyBars:
    """Put rows under the last code of each stock, whatever code they came under."""
    return renamed(bars, {str(s): newest_code(str(s), changes) for s in bars.symbols})


def renamed(bars: DailyBars, names: Mapping[str, str]) -> DailyBars:
    """Put rows under other symbols; several may become one."""
    given = np.array([names[str(s)] for s in bars.symbols], dtype=np.str_)
    if (given == bars.symbols).all():
        return bars
    symbols, place = np.unique(given, return_inverse=True)
    column = place.astype(np.intp)[bars.column]
    order = np.argsort((column << 32) + bars.session.astype(np.int64), kind="stable")
    values = {name: cells[order] for name, cells in bars.values.items()}
    return DailyBars(symbols, column[order], bars.session[order], values)


def newest_code(symbol: str, changes: CodeChanges) -> str:
    """Return the last code that a stock is known to get: the one it is stored under."""
    chain = changes.chain(symbol)
    return chain[-1].new if chain else symbol


def _plain(kind: Any) -> Any:
    return pa.string() if pa.types.is_dictionary(kind) else kind
