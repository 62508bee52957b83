"""Macro figures on arrival."""

from __future__ import annotations

from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from engine.market.macro import series_name
from engine.market.store.folder import StoreWriter
from engine.market.store.intake import Taken, take_figures
from engine.market.store.schema import Kind


def take_macro(writer: StoreWriter, table: Any, *, source: str) -> Taken:
    """Add figures of the economy; what was seen first stands, a restatement is a later row.

    Parameters
    ----------
    writer : StoreWriter
    table : pyarrow.Table
        ``series``, ``visible_date`` (first day whose close could reflect the figure), ``period_end`` (null:
        the same day) and ``value``.
    source : str

    Raises
    ------
    DataError
        If a series has a name that no formula can write.
    """
    for name in sorted(pc.unique(table["series"].cast(pa.string())).to_pylist()):
        series_name(name, source)
    period = pc.coalesce(table["period_end"], table["visible_date"])
    table = table.set_column(table.column_names.index("period_end"), "period_end", period)
    stored = writer.rows(Kind.MACRO)
    return take_figures(writer, Kind.MACRO, table, stored, ("series",), source=source, ends_before=True)
