"""Point-in-time membership: who belongs to the universe on which session."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from engine.errors import DataError
from engine.market.calendar import Dates, iso
from engine.market.codes import NO_ALIASES
from engine.market.grid import Bools
from engine.market.quotes import house_symbols
from engine.market.validate import EXAMPLES, Findings, counted

if TYPE_CHECKING:
    from engine.market.table import Table

#: Members that the index provider promises (CSI index methodology: SSE 50, CSI 300).
INDEX_SIZE = {"sse50": 50, "csi300": 300}


@dataclass(frozen=True, eq=False)
class Membership:
    """Membership of every name the file lists, whether or not it has quotes.

    Parameters
    ----------
    symbols : (M,) str array
        Ascending.
    member : (T, M) bool array
    known : (T,) bool array
        From the first session on which the list is complete.
    """

    symbols: NDArray[np.str_]
    member: Bools
    known: Bools

    def aligned(self, symbols: NDArray[np.str_]) -> Bools:
        """(T, N) membership of the symbols of a panel."""
        out = np.zeros((len(self.member), len(symbols)), dtype=bool)
        _, ours, theirs = np.intersect1d(symbols, self.symbols, return_indices=True)
        out[:, ours] = self.member[:, theirs]
        return out


def read_membership(
    table: Table,
    dates: Dates,
    universe: str | None,
    *,
    strict_symbols: bool,
    findings: Findings,
    aliases: Mapping[str, str] = NO_ALIASES,
) -> Membership:
    """Read ``symbol, in_date, out_date``: a member from in_date to the session before out_date.

    An empty out_date means still a member. When `universe` is an index of known size, membership is known
    from the first session on which the count is right, and a wrong count after it is an error. `aliases` are
    other codes of the panel's symbols: a stock whose code changed is one member.
    """
    table.require(("symbol", "in_date", "out_date"))
    table.refuse_empty()
    codes, spellings = table.distinct("symbol")
    houses, unreadable = house_symbols(spellings, strict=strict_symbols)
    if unreadable:
        row = int(np.flatnonzero(np.isin(codes, unreadable))[0])
        raise DataError(f"{table.where(row)}, column symbol: {spellings[codes[row]]!r} is no A-share symbol")
    joined, left = table.dates("in_date"), table.dates("out_date", blank=True)
    backwards = np.flatnonzero(left <= joined)
    if len(backwards):
        row = int(backwards[0])
        raise DataError(
            f"{table.where(row)}: out_date {iso(left[row])} is not after in_date {iso(joined[row])}"
        )
    houses = [aliases.get(house, house) for house in houses]
    symbols, positions = np.unique(np.array(houses, dtype=np.str_), return_inverse=True)
    member = np.zeros((len(dates), len(symbols)), dtype=bool)
    starts = np.searchsorted(dates, joined)
    ends = np.where(np.isnat(left), len(dates), np.searchsorted(dates, left))
    for column, start, end in zip(positions[codes], starts, ends, strict=True):
        member[start:end, column] = True
    return Membership(symbols, member, _known(member, dates, universe, findings))


def _known(member: Bools, dates: Dates, universe: str | None, findings: Findings) -> Bools:
    counts = member.sum(axis=1)
    size = INDEX_SIZE.get(universe or "")
    complete = counts > 0 if size is None else counts == size
    known = np.maximum.accumulate(complete)
    if size is None:
        return known
    wrong = np.flatnonzero(known & ~complete)
    if not known.any():
        largest = int(np.argmax(counts))
        message = (
            f"{universe} has {size} members, but the membership file never lists as many "
            f"(at most {counts[largest]}, on {iso(dates[largest])}); complete it, or leave data.universe out"
        )
        findings.error("membership_count", message, len(dates))
    elif len(wrong):
        message = (
            f"{universe} has {size} members, but not so on {counted(len(wrong), 'session')}; correct the file"
        )
        examples = [f"{iso(dates[row])} ({counts[row]} members)" for row in wrong[:EXAMPLES]]
        findings.error("membership_count", message, len(wrong), examples)
    return known


def listed_universe(
    wanted: list[str],
    symbols: NDArray[np.str_],
    *,
    strict_symbols: bool,
    aliases: Mapping[str, str] = NO_ALIASES,
) -> Bools:
    """(N,) mask of the symbols a configuration names; one that the quotes lack is a `DataError`."""
    houses, unreadable = house_symbols(wanted, strict=strict_symbols)
    if unreadable:
        raise DataError(f"data.universe: {wanted[unreadable[0]]!r} is no A-share symbol")
    houses = [aliases.get(house, house) for house in houses]
    absent = sorted(set(houses) - set(symbols.tolist()))
    if absent or not houses:
        raise DataError(
            f"data.universe names {', '.join(absent[:EXAMPLES]) or 'nothing'}, which the quotes lack "
            f"({len(symbols)} symbols, {symbols[0]}..{symbols[-1]})"
        )
    mask: Bools = np.isin(symbols, houses)
    return mask
