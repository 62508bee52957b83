"""The tables of a store: their columns, their keys, and how they are cut into partitions."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import pyarrow as pa


class Kind(StrEnum):
    """The tables of a store."""

    BARS = "bars"
    FACTORS = "factors"
    ACTIONS = "actions"
    INDEX_BARS = "index_bars"
    INSTRUMENTS = "instruments"
    SPELLS = "spells"
    MEMBERSHIP = "membership"
    SNAPSHOTS = "snapshots"
    FUNDAMENTALS = "fundamentals"
    TEXTS = "texts"
    MACRO = "macro"
    MINUTE_BARS = "minute_bars"
    SESSIONS = "sessions"
    QUARANTINE = "quarantine"


class Spell(StrEnum):
    """What a spell of a stock is; a delisting period and a relisting begin on a session without a limit."""

    ST = "st"
    SUSPENSION = "suspension"
    DELISTING_PERIOD = "delisting_period"
    RELISTING = "relisting"


class TextKind(StrEnum):
    """What a text is: of the press, of a company, of the exchange, of users, of analysts."""

    NEWS = "news"
    ANNOUNCEMENT = "announcement"
    NOTICE = "notice"
    POST = "post"
    REPORT = "report"


@dataclass(frozen=True, slots=True)
class TableSchema:
    """One table.

    Parameters
    ----------
    columns : pyarrow.Schema
        The columns every row has, in order.
    key : tuple of str
        Columns by which rows are sorted within a file and of which no two rows of a table agree.
    day : str or None
        Column of days by whose year the table is cut; None: one partition.
    extras : bool
        Whether further columns of float64 may follow.
    """

    columns: Any
    key: tuple[str, ...]
    day: str | None = None
    extras: bool = False


_TEXT, _DAY, _FLOAT = pa.string(), pa.date32(), pa.float64()
#: wall-clock time in Shanghai, without a zone
_TIME = pa.timestamp("ms")
#: values in a vocabulary: read and compared as small integers
_WORD = pa.dictionary(pa.int32(), pa.string())

#: Columns of numbers of a daily bar that every row has, NaN where unknown. Prices are raw CNY, preclose is
#: the ex-right reference, volume counts shares, amount CNY; turnover is volume ÷ float shares; trading and
#: is_st are 1 or 0.
BAR_VALUES = (
    "open", "high", "low", "close", "preclose", "volume", "amount", "turnover", "trading", "is_st",
)  # fmt: skip
INDEX_VALUES = ("open", "high", "low", "close", "volume")
#: Announced terms: CNY per share before tax, new shares per old, CNY per new share.
TERMS = ("cash_per_share", "bonus_ratio", "rights_ratio", "rights_price")
#: Columns of numbers of a minute bar: raw CNY, shares, CNY; NaN where unknown.
MINUTE_VALUES = ("open", "high", "low", "close", "volume", "amount")
_BAR_COLUMNS = [("symbol", _WORD), ("session", _DAY), *((name, _FLOAT) for name in BAR_VALUES)]

SCHEMAS: dict[Kind, TableSchema] = {
    Kind.BARS: TableSchema(pa.schema(_BAR_COLUMNS), ("symbol", "session"), day="session", extras=True),
    # the factor in force from a session on: a row wherever it changes
    Kind.FACTORS: TableSchema(
        pa.schema([("symbol", _WORD), ("session", _DAY), ("adj_factor", _FLOAT), ("source", _TEXT)]),
        ("symbol", "session"),
    ),
    Kind.ACTIONS: TableSchema(
        pa.schema(
            [
                ("symbol", _WORD),
                ("ex_date", _DAY),
                *((name, _FLOAT) for name in TERMS),
                ("pay_date", _DAY),
                ("source", _TEXT),
            ]
        ),
        ("symbol", "ex_date"),
    ),
    Kind.INDEX_BARS: TableSchema(
        pa.schema([("symbol", _WORD), ("session", _DAY), *((name, _FLOAT) for name in INDEX_VALUES)]),
        ("symbol", "session"),
        day="session",
    ),
    Kind.INSTRUMENTS: TableSchema(
        pa.schema(
            [
                ("symbol", _WORD),
                ("name", _TEXT),
                ("csrc_industry", _TEXT),
                ("sw_industry", _TEXT),
                ("board", _TEXT),
                ("list_date", _DAY),
                ("delist_date", _DAY),
            ]
        ),
        ("symbol",),
    ),
    Kind.SPELLS: TableSchema(
        pa.schema([("symbol", _WORD), ("kind", _TEXT), ("start", _DAY), ("end", _DAY)]),
        ("symbol", "kind", "start"),
    ),
    Kind.MEMBERSHIP: TableSchema(
        pa.schema([("universe", _TEXT), ("symbol", _WORD), ("in_date", _DAY), ("out_date", _DAY)]),
        ("universe", "symbol", "in_date"),
    ),
    # lists of members as they were seen, from which the spells of membership grow
    Kind.SNAPSHOTS: TableSchema(
        pa.schema([("universe", _TEXT), ("session", _DAY), ("members", pa.int32()), ("source", _TEXT)]),
        ("universe", "session"),
    ),
    Kind.FUNDAMENTALS: TableSchema(
        pa.schema(
            [
                ("figure", _WORD),
                ("symbol", _WORD),
                ("visible_date", _DAY),
                ("period_end", _DAY),
                ("value", _FLOAT),
                ("first_seen", _TIME),
                ("source", _TEXT),
            ]
        ),
        ("figure", "symbol", "visible_date", "period_end"),
    ),
    # id is the sha256 of source, published_at and title; source is an address; kind is a `TextKind`
    Kind.TEXTS: TableSchema(
        pa.schema(
            [
                ("day", _DAY),
                ("id", _TEXT),
                ("published_at", _TIME),
                ("symbol", _WORD),
                ("kind", _TEXT),
                ("title", _TEXT),
                ("body", _TEXT),
                ("source", _TEXT),
                ("first_seen", _TIME),
            ]
        ),
        ("day", "id"),
        day="day",
    ),
    # visible_date is the first day whose close could reflect the figure
    Kind.MACRO: TableSchema(
        pa.schema(
            [
                ("series", _WORD),
                ("visible_date", _DAY),
                ("period_end", _DAY),
                ("value", _FLOAT),
                ("first_seen", _TIME),
                ("source", _TEXT),
            ]
        ),
        ("series", "visible_date", "period_end"),
    ),
    # a bar stands at the minute at whose end it was known
    Kind.MINUTE_BARS: TableSchema(
        pa.schema(
            [
                ("symbol", _WORD),
                ("session", _DAY),
                ("ended_at", _TIME),
                *((name, _FLOAT) for name in MINUTE_VALUES),
            ]
        ),
        ("symbol", "ended_at"),
        day="session",
    ),
    # sessions of the exchange beyond what is known of old
    Kind.SESSIONS: TableSchema(
        pa.schema([("session", _DAY), ("source", _TEXT), ("first_seen", _TIME)]),
        ("session",),
    ),
    Kind.QUARANTINE: TableSchema(
        pa.schema(
            [
                *_BAR_COLUMNS,
                ("adj_factor", _FLOAT),
                ("reason", _TEXT),
                ("detail", _TEXT),
                ("source", _TEXT),
                ("fetched_at", _TIME),
            ]
        ),
        ("symbol", "session", "reason", "source"),
    ),
}


def empty(kind: Kind) -> Any:
    """Return a table of a kind without rows."""
    return SCHEMAS[kind].columns.empty_table()
