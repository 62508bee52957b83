"""What the sources behind a vendor's client share."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date, datetime
from typing import Any, ClassVar, NoReturn

import pandas as pd

from engine.errors import DataError
from engine.market.sources.answers import Answer
from engine.market.sources.delivery import DailyBars
from engine.market.sources.remote.caller import Caller
from engine.market.sources.remote.failure import Trouble, VendorError
from engine.market.store.schema import Kind

#: asked for where no index is named: Shanghai Composite, SSE 50, CSI 300, CSI 500, CSI 1000
USUAL = ("000001.SH", "000016.SH", "000300.SH", "000852.SH", "000905.SH")


def named(symbols: Sequence[str]) -> tuple[str, ...]:
    """The indices asked for, the usual ones where none is."""
    return tuple(symbols) or USUAL


class VendorSource:
    """A vendor that a client asks; each derived class delivers some tables.

    Parameters
    ----------
    call : Caller
        Runs the functions of `package`, usually in a worker process.

    Raises
    ------
    VendorError
        By any call, if the vendor gives no usable answer.
    """

    name: str = ""
    hosts: frozenset[str] = frozenset()
    offers: frozenset[Kind] = frozenset()
    #: where its fetching functions are
    package: ClassVar[str] = "engine.market.sources.akshare.fetch"
    #: seconds that one call may take, all of its requests together
    deadline_s: ClassVar[float] = 60.0

    def __init__(self, call: Caller) -> None:
        self._call = call

    def ask(
        self, function: str, host: str, about: str, *, may_be_empty: bool = False, **asked: Any
    ) -> Answer:
        """Return what a fetching function brings; an empty table only where there may be one.

        Raises
        ------
        VendorError
            As the caller does.
        """
        try:
            frame = self._call(
                f"{self.package}:{function}",
                vendor=self.name,
                host=host,
                about=about,
                deadline_s=self.deadline_s,
                **asked,
            )
        except VendorError as problem:
            # an empty table comes without a detail; with one, something looked empty that should not be
            if not (may_be_empty and problem.trouble is Trouble.EMPTY and not problem.detail):
                parts = (problem.trouble, problem.detail, problem.now, problem.words)
                raise VendorError(self.name, problem.host or host, about, *parts) from problem
            frame = pd.DataFrame()
        return Answer(frame, self.name, host, about)

    def _offers_no(self, table: str) -> NoReturn:
        raise DataError(
            f"{self.name} has no {table}; ask another source (it has {', '.join(sorted(self.offers))})"
        )

    def symbols(self) -> tuple[str, ...]:
        """Every stock it knows."""
        self._offers_no("list of stocks")

    def daily_bars(
        self, symbols: Sequence[str], first: date | None = None, last: date | None = None
    ) -> Iterator[DailyBars]:
        """Daily bars, one delivery a name."""
        self._offers_no("daily bars")

    def actions(
        self, symbols: Sequence[str], first: date | None = None, last: date | None = None
    ) -> Iterator[Any]:
        """Corporate actions."""
        self._offers_no("corporate actions")

    def index_bars(
        self, symbols: Sequence[str], first: date | None = None, last: date | None = None
    ) -> Iterator[Any]:
        """Index bars."""
        self._offers_no("index bars")

    def instruments(self) -> Any:
        """Names, list and delist dates."""
        self._offers_no("instruments")

    def spells(self) -> Any:
        """ST spells and suspensions."""
        self._offers_no("spells")

    def membership(self, universe: str) -> Any:
        """Members of an index."""
        self._offers_no("membership")

    def fundamentals(self, symbols: Sequence[str]) -> Iterator[Any]:
        """Figures of companies."""
        self._offers_no("fundamentals")

    def texts(self, symbols: Sequence[str], since: datetime | None = None) -> Iterator[Any]:
        """News and announcements."""
        self._offers_no("texts")

    def macro(self, since: date | None = None) -> Iterator[Any]:
        """Series of the economy."""
        self._offers_no("macro series")

    def minute_bars(
        self, symbols: Sequence[str], first: date | None = None, last: date | None = None
    ) -> Iterator[Any]:
        """Minute bars."""
        self._offers_no("minute bars")

    def calendar(self) -> Any:
        """Sessions of the exchange."""
        self._offers_no("calendar")
