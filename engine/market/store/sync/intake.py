"""Deliveries on their way into the store: gathered, taken together, stored in small steps."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from engine.errors import AlphaloomError, DataError
from engine.market.sources.remote.failure import NotAskable, Trouble, VendorError
from engine.market.sources.remote.fall_back import FallBack
from engine.market.store.files import StoreError
from engine.market.store.folder import StoreWriter
from engine.market.store.intake import Taken, UselessDelivery
from engine.market.store.schema import Kind
from engine.market.store.segments import together
from engine.market.store.sync.journal import Asked, Journal
from engine.market.store.sync.report import SyncReport

#: deliveries stored in one step: few enough that little is lost when the process is killed
BATCH = 10
Take = Callable[[Any, str], Taken]


class Intake:
    """Stores what comes, and notes what was asked once that is stored.

    Parameters
    ----------
    writer : StoreWriter
    journal : Journal
    report : SyncReport
        Grows with what is taken.
    """

    def __init__(self, writer: StoreWriter, journal: Journal, report: SyncReport) -> None:
        self.writer, self.journal, self.report = writer, journal, report
        self._source = ""
        self._steps = 0
        self._questions: list[Asked] = []

    def keep(self, taken: Taken, source: str) -> None:
        """Count what was staged; stored with the next step."""
        self.report.taken += taken
        self._source = source
        self._steps += 1

    def note(self, question: Asked) -> None:
        """Note a question with the next step."""
        self._questions.append(question)

    def full(self) -> bool:
        """Whether it is time for a step."""
        return self._steps >= BATCH

    def store(self) -> None:
        """Store what was staged, then note what was asked for it.

        Raises
        ------
        StoreError
            If the disk refuses; the store is as it was after the last step.
        """
        if self._source:
            self.writer.commit(self._source)
        self.journal.note(self._questions)
        self._questions, self._steps, self._source = [], 0, ""

    def tables(
        self, kind: Kind, about: str, vendors: FallBack, ask: Callable[[FallBack], Iterable[Any]], take: Take
    ) -> bool:
        """Take a table, or a part of it, from the first vendor whose answer is of use.

        Parameters
        ----------
        kind : Kind
        about : str
            For messages.
        vendors : FallBack
        ask : callable
            Returns the deliveries of the vendors it is given.
        take : callable
            Stages a delivery of a source.

        Returns
        -------
        bool
            Whether there was an answer, be it an empty one; else the report names what failed.

        Raises
        ------
        DataError
            If a vendor cannot be asked at all.
        """
        while True:
            vendors.answered = ""
            try:
                for table, source in _together(kind, ask(vendors), vendors):
                    self.keep(take(table, source), source)
                    self.store()
                return True
            except VendorError as problem:
                if problem.trouble is Trouble.EMPTY and kind in vendors.offers:
                    return True
                self.report.failed[about] = str(problem)
                return False
            except (StoreError, NotAskable):
                raise
            except AlphaloomError as problem:
                # it came, but the store does not take it: another vendor may tell it right
                useless = vendors.answered
                if not useless:
                    raise
                what = problem.what if isinstance(problem, UselessDelivery) else str(problem)
                vendors.failed(useless, about, f"{what}; it was not stored")
                vendors = vendors.beside(useless)
                if kind not in vendors.offers:
                    words = f"{useless} [{about}]: {what}; it was not stored: ask another vendor, or later"
                    self.report.failed[about] = words
                    return False


def _together(kind: Kind, tables: Iterable[Any], vendors: FallBack) -> Iterator[tuple[Any, str]]:
    """Tables of one source, several at a time; what came before a failure comes first."""
    held: list[Any] = []
    source = ""
    try:
        for table in tables:
            if held and (len(held) >= BATCH or source != vendors.answered):
                yield together(kind, held), source
                held = []
            source = vendors.answered
            held.append(table)
    except DataError:
        if held:
            yield together(kind, held), source
        raise
    if held:
        yield together(kind, held), source
