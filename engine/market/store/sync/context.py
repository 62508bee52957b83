"""What every part of a sync works with."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import date
from typing import Any

import numpy as np

from engine.market.calendar import Dates
from engine.market.codes import CodeChanges, shipped_code_changes
from engine.market.grid import Ints
from engine.market.sources.remote.fall_back import FallBack
from engine.market.store.fill import Progress
from engine.market.store.folder import StoreWriter
from engine.market.store.reasons import ArrivalRules
from engine.market.store.rows import codes_of, day_numbers
from engine.market.store.schema import Kind
from engine.market.store.sync.intake import Intake, Take
from engine.market.store.sync.journal import Asked, Journal
from engine.market.store.sync.plan import Halt, Span, spans
from engine.market.store.sync.report import SyncReport

#: a whole table, in the journal
_WHOLE = "*"


class Context:
    """A sync's store, vendors and rules.

    Parameters
    ----------
    writer : StoreWriter
    journal : Journal
    vendors : FallBack
    rules : ArrivalRules
    due : date
        The last complete session.
    since : date
        The first day that is wanted.
    progress : callable
    """

    def __init__(
        self,
        writer: StoreWriter,
        journal: Journal,
        vendors: FallBack,
        rules: ArrivalRules,
        due: date,
        since: date,
        progress: Progress,
    ) -> None:
        self.writer, self.journal, self.vendors, self.rules = writer, journal, vendors, rules
        self.due, self.since, self.progress = due, since, progress
        self.report = SyncReport(due)
        self.intake = Intake(writer, journal, self.report)
        self.changes: CodeChanges = shipped_code_changes()

    def code(self, name: str) -> str:
        """Return the code that vendors know a stock by today."""
        return self.changes.code_on(name, np.datetime64(self.due, "D"))

    def plan(
        self, kind: Kind, name: str, have: Dates, first: date, last: date, halts: Sequence[Halt] = ()
    ) -> list[Span]:
        """Return what is to be asked about a name whose stored sessions are `have`."""
        asked = self.journal.of(kind, name)
        return spans(
            self.rules.calendar.sessions,
            stored=have, due=self.due, first=first, last=last, halts=halts, asked=asked,
        )  # fmt: skip

    def wanted(self, kind: Kind, about: str = _WHOLE, since: date | None = None) -> bool:
        """Whether a table is offered, and was not asked for since the last complete session.

        Parameters
        ----------
        kind : Kind
        about : str
            The name whose part of the table is meant; by default the whole.
        since : date, optional
            Rows from this day on, in a table of which a question has a beginning.
        """
        first = since or self.due
        asked = self.journal.of(kind, about)
        return kind in self.vendors.offers and all(q.due < self.due or q.first > first for q in asked)

    def whole(
        self,
        kind: Kind,
        about: str,
        ask: Callable[[FallBack], Iterable[Any]],
        take: Take,
        *,
        since: date | None = None,
        names: Sequence[str] = (_WHOLE,),
    ) -> None:
        """Take a table that is asked for as a whole, once a session; or its part about some names."""
        self.progress(about, 0, 1)
        if self.intake.tables(kind, about, self.vendors, ask, take):
            for name in names:
                self.intake.note(Asked(kind, name, since or self.due, self.due, self.due))
            self.intake.store()


def sessions_by_name(rows: Any, names: Sequence[str]) -> dict[str, Dates]:
    """Return the sessions of the rows of each name, given rows of ``symbol, session``."""
    ordered = np.array(sorted(names), dtype=np.str_)
    column: Ints = codes_of(rows["symbol"], ordered)
    session = day_numbers(rows["session"]).astype("datetime64[D]")
    order = np.argsort(column, kind="stable")
    cuts = np.searchsorted(column[order], np.arange(len(ordered) + 1))
    return {str(n): session[order[i:j]] for n, i, j in zip(ordered, cuts[:-1], cuts[1:], strict=True)}
