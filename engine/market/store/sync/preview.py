"""What a sync would ask for, by what the store knows; nobody is asked and nothing written."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from engine.errors import DataError
from engine.market.sources.remote.fall_back import FallBack
from engine.market.store.folder import MarketStore, StoreWriter
from engine.market.store.manifest import read_manifest
from engine.market.store.reasons import ArrivalRules
from engine.market.store.sessions import store_calendar
from engine.market.store.sync.bars import BarSync
from engine.market.store.sync.context import Context
from engine.market.store.sync.journal import Journal
from engine.market.store.sync.tables import names_of


@dataclass(frozen=True, slots=True)
class Preview:
    """What is missing.

    Parameters
    ----------
    due : date
        The last complete session.
    names : int
        Stocks that are meant, as far as the store knows them.
    missing : dict of str to int
        Sessions that would be asked for, by name.
    """

    due: date
    names: int
    missing: dict[str, int]

    def __str__(self) -> str:
        sessions = sum(self.missing.values())
        names = f"{len(self.missing):,} of {self.names:,} names"
        return f"to {self.due}: {names} would be asked for, {sessions:,} sessions of them"


def preview(
    store: MarketStore, *, universe: str | Sequence[str], since: date, clock: Callable[[], datetime]
) -> Preview:
    """Plan the bars of a sync; see :func:`engine.market.store.sync.run.sync` for the arguments.

    Raises
    ------
    DataError
        If the store does not know which stocks are meant, or is damaged.
    """
    store.refuse_headless()
    writer = StoreWriter(store.folder, read_manifest(store.folder), clock)  # for reading: it never commits
    rules = ArrivalRules(store_calendar(writer), writer.now)
    sessions = rules.calendar.sessions
    due: date = sessions[sessions <= rules.last_complete][-1].astype(object)
    with Journal(store.folder) as journal:
        ctx = Context(writer, journal, FallBack((), lambda _: None), rules, due, since, lambda *_: None)
        try:
            names = names_of(ctx, universe)
        except DataError as problem:
            raise DataError(
                f"{store.folder} does not know yet which stocks {universe} means, and a dry run asks nobody: "
                "leave --dry-run out, or name symbols"
            ) from problem
        planned = dict(BarSync(ctx, names).planned())
    missing = {name: sum(len(span.wanted) for span in spans) for name, spans in planned.items() if spans}
    return Preview(due, len(names), missing)
