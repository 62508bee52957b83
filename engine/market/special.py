"""Sessions of single stocks to which rules of their own apply, and that prices do not tell of."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from engine.errors import DataError
from engine.market.calendar import Dates, iso
from engine.market.codes import NO_ALIASES
from engine.market.fundamentals import symbol_columns
from engine.market.grid import Bools, Floats
from engine.market.validate import EXAMPLES, Findings, counted

if TYPE_CHECKING:
    from engine.market.table import Table


class SpecialKind(StrEnum):
    """Why a session is special: the first of the delisting period, or the first after relisting."""

    DELISTING_PERIOD = "delisting_period"
    RELISTING = "relisting"


class SpecialSession(NamedTuple):
    """One special session: days since 1970-01-01, the panel's column, and why."""

    day: int
    column: int
    kind: SpecialKind


def read_special_sessions(
    table: Table,
    dates: Dates,
    symbols: NDArray[np.str_],
    trading: Floats,
    findings: Findings,
    aliases: Mapping[str, str] = NO_ALIASES,
) -> tuple[SpecialSession, ...]:
    """Read ``symbol, session, kind``, in order of session and column.

    Symbols the panel lacks and days outside it are ignored. A session on which the stock does not trade is
    warned of: it is then not its first.

    Raises
    ------
    DataError
        If a kind is unknown, a day within the panel is no session, or a row repeats.
    """
    table.require(("symbol", "session", "kind"))
    column, days = symbol_columns(table, symbols, aliases), table.dates("session")
    row = np.searchsorted(dates, days)
    out: dict[tuple[int, int], SpecialSession] = {}
    idle = []
    for i, text in enumerate(table.texts("kind")):
        kind = _kind(str(text), i, table)
        t, n = int(row[i]), int(column[i])
        if n < 0 or days[i] < dates[0] or t == len(dates):
            continue
        label = f"{symbols[n]} {iso(days[i])}"
        if dates[t] != days[i]:
            raise DataError(f"{table.where(i)}: {label} is no session; give the first session it applies to")
        if (t, n) in out:
            raise DataError(f"{table.where(i)}: {label} repeats; keep one row of it")
        out[t, n] = SpecialSession(int(days[i].astype(np.int64)), n, kind)
        if not trading[t, n] > 0.0:
            idle.append(label)
    if idle:
        message = (
            f"{counted(len(idle), 'special session')} on which the stock does not trade; is it a later one?"
        )
        findings.warn("special_session_idle", message, len(idle), idle[:EXAMPLES])
    return tuple(sorted(out.values()))


def special_cells(special: tuple[SpecialSession, ...], dates: Dates, symbols: int) -> Bools:
    """(T, N) mask of special sessions."""
    out = np.zeros((len(dates), symbols), dtype=bool)
    for session in special:
        out[np.searchsorted(dates, np.datetime64(session.day, "D")), session.column] = True
    return out


def _kind(text: str, row: int, table: Table) -> SpecialKind:
    try:
        return SpecialKind(text.lower())
    except ValueError:
        raise DataError(
            f"{table.where(row)}, column kind: {text!r} is none of {', '.join(SpecialKind)}"
        ) from None
