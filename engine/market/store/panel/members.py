"""The members of an index in a panel from the store, and what is worth saying of how they are known."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import pandas as pd

from engine.errors import DataError
from engine.market.calendar import Dates
from engine.market.store.folder import StoreReader
from engine.market.store.members import MemberSpell, member_spells
from engine.market.store.rows import records
from engine.market.store.schema import Kind
from engine.market.table import Table
from engine.market.universe import INDEX_SIZE, Membership, read_membership
from engine.market.validate import Findings

#: indices change in June and December; members that nobody has looked at for longer may be others by now
_HOLD_DAYS = 200
#: how much later than the bars members may begin before it is said: a year of bars before them is for windows
_LATE_DAYS = 400
_HISTORY = "import their history with alphaloom data import-csv FILE --as membership, or name symbols"


@dataclass(frozen=True, slots=True)
class Members:
    """Spells of an index.

    Parameters
    ----------
    folder : Path
        The store's, for messages.
    universe : str
    spells : tuple of MemberSpell
    seen : tuple of date
        Days on which somebody looked.
    """

    folder: Path
    universe: str
    spells: tuple[MemberSpell, ...]
    seen: tuple[date, ...]

    @classmethod
    def of(cls, reader: StoreReader, universe: str) -> Members:
        """Read them."""
        snapshots = records(reader.rows(Kind.SNAPSHOTS))
        seen = tuple(row["session"] for row in snapshots if row["universe"] == universe)
        return cls(reader.folder, universe, tuple(member_spells(reader, universe)), seen)

    def between(self, start: date | None, end: date | None) -> list[str]:
        """Symbols of all that were a member within a span."""
        held = [s for s in self.spells if not end or s.joined <= end]
        return sorted({s.symbol for s in held if not start or s.left is None or s.left > start})

    def demand(self, last: date | None) -> None:
        """Refuse a panel that ends before anybody looked.

        Raises
        ------
        DataError
            If the first member is known from a day after `last` on.
        """
        known = min((s.joined for s in self.spells), default=None)
        if known is not None and last is not None and known > last:
            raise DataError(
                f"{self.folder}: the members of {self.universe} are known from {known} on, and the "
                f"panel ends {last}; {_HISTORY}"
            )

    def over(self, dates: Dates, aliases: Mapping[str, str], findings: Findings) -> Membership:
        """Return who is a member on which session.

        Raises
        ------
        DataError
            If the panel ends before anybody looked, or the spells contradict each other.
        """
        self.demand(dates[-1].astype(object))
        self._warn_of_late(dates, findings)
        frame = pd.DataFrame(
            [(s.symbol, str(s.joined), "" if s.left is None else str(s.left)) for s in self.spells],
            columns=["symbol", "in_date", "out_date"],
        )
        found = read_membership(
            Table.of_frame(frame, f"{self.folder} (members of {self.universe})"),
            dates,
            self.universe if self.universe in INDEX_SIZE else None,
            strict_symbols=True,
            findings=findings,
            aliases=aliases,
        )
        findings.report().raise_if_errors(str(self.folder))
        self._warn_of_old(dates, findings)
        return found

    def _warn_of_late(self, dates: Dates, findings: Findings) -> None:
        """Say so where members are known from long after the first session on."""
        known, first = min(s.joined for s in self.spells), dates[0].astype(object)
        if (known - first).days > _LATE_DAYS:
            message = (
                f"the members of {self.universe} are known from {known} on, and the data begin {first}: "
                f"until then it has none; {_HISTORY}"
            )
            findings.warn("late_members", message, 1)

    def _warn_of_old(self, dates: Dates, findings: Findings) -> None:
        """Say so where members are taken to be the same long after somebody last looked."""
        told = [day for s in self.spells for day in (s.joined, s.left) if day is not None]
        known_to, last = max([*self.seen, *told]), dates[-1].astype(object)
        if (last - known_to).days > _HOLD_DAYS:
            message = (
                f"the members of {self.universe} are those of {known_to}, and the data end {last}: indices "
                "change twice a year; import a newer list or sync"
            )
            findings.warn("old_members", message, 1)
