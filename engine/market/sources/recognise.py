"""What a file holds, told by its columns."""

from __future__ import annotations

from pathlib import Path

from engine.errors import DataError
from engine.market.board import Board, board_of
from engine.market.config import DataConfig
from engine.market.quotes import house_symbols
from engine.market.store.schema import Kind
from engine.market.table import Table

#: The key of the ``data`` section under which a file of each kind is named.
KEYS: dict[Kind, str] = {
    Kind.BARS: "path",
    Kind.ACTIONS: "actions",
    Kind.INDEX_BARS: "index",
    Kind.INSTRUMENTS: "instruments",
    Kind.MEMBERSHIP: "membership",
    Kind.FUNDAMENTALS: "fundamentals",
    Kind.SPELLS: "special_sessions",
    Kind.TEXTS: "texts",
    Kind.MACRO: "macro",
    Kind.SESSIONS: "calendar_extra",
}
_INSTRUMENTS = frozenset({"name", "sw_industry", "csrc_industry", "board", "list_date", "delist_date"})


def recognised(path: Path, config: DataConfig) -> Kind:
    """Return the kind of a file.

    Parameters
    ----------
    path : Path
    config : DataConfig
        Its `columns` say what a file of bars calls ours.

    Raises
    ------
    DataError
        If the file cannot be read, or its columns are those of no kind.
    """
    table = Table.read(path)
    has = {*table.columns, *(ours for ours, theirs in config.columns.items() if theirs in table)}
    if {"symbol", "ended_at"} <= has:
        return Kind.MINUTE_BARS
    if {"series", "visible_date"} <= has or {"name", "published", "value"} <= has:
        return Kind.MACRO
    if "title" in has and {"published_at", "published"} & has:
        return Kind.TEXTS
    if {"session", "trade_date"} & has and "symbol" not in has:
        return Kind.SESSIONS
    if {"in_date", "out_date"} <= has:
        return Kind.MEMBERSHIP
    if "ex_date" in has:
        return Kind.ACTIONS
    if {"visible_date", "visible_by"} & has:
        return Kind.FUNDAMENTALS
    if {"symbol", "kind"} <= has and {"start", "session"} & has:
        return Kind.SPELLS
    if {"date", "symbol", "close"} <= has:
        return Kind.INDEX_BARS if _indices_alone(table.renamed(config.columns)) else Kind.BARS
    if "symbol" in has and has & _INSTRUMENTS:
        return Kind.INSTRUMENTS
    raise DataError(
        f"{path}: its columns ({', '.join(table.columns)}) are those of no table; name bars' columns with "
        f"--set columns.close=..., or say what it is with --as {'|'.join((*KEYS, Kind.MINUTE_BARS))}"
    )


def _indices_alone(table: Table) -> bool:
    _, spellings = table.distinct("symbol")
    houses, _ = house_symbols(spellings, strict=True)
    return bool(houses) and all(
        (house.split(".")[0][:3] in ("000", "399") and board_of(house) is not Board.MAIN)
        or house.startswith("H")
        for house in houses
    )
