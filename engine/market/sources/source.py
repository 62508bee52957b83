"""What a source of market data is, and the units in which it delivers.

Every source states everything in the same units, whatever its vendor writes: prices in CNY as they were
traded, volume in shares, amount in CNY, turnover as a ratio, days as calendar days in Shanghai. What it does
not know is NaN, and whole tables that it does not have are missing from `Source.offers`. A source does not
judge: what it delivers is checked when it arrives at the store.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime
from typing import Any, NamedTuple, Protocol, cast, runtime_checkable

from engine.market.sources.delivery import DailyBars
from engine.market.store.schema import Kind


class Source(Protocol):
    """One vendor, folder or file.

    A call may raise `engine.errors.DataError`; its message names the source, the symbol and what now.
    """

    @property
    def name(self) -> str:
        """What the store's manifest calls it: ``akshare/eastmoney``, ``qlib:FOLDER``."""

    @property
    def hosts(self) -> frozenset[str]:
        """Hosts that it asks; of two sources without a common host, one may stand in for the other."""

    @property
    def offers(self) -> frozenset[Kind]:
        """The tables it can deliver; a call for another is a defect of the caller."""

    def symbols(self) -> tuple[str, ...]:
        """Every stock it knows, delisted ones included where it can, ascending."""

    def daily_bars(
        self, symbols: Sequence[str], first: date | None = None, last: date | None = None
    ) -> Iterator[DailyBars]:
        """Bars of some of its symbols in deliveries of its own size, each of whole names.

        A vendor that answers name by name yields one delivery for each, so that what has arrived is kept when
        the next call fails.
        """

    def actions(
        self, symbols: Sequence[str], first: date | None = None, last: date | None = None
    ) -> Iterator[Any]:
        """Corporate actions by ex-date, as `pyarrow.Table` with the columns of ``Kind.ACTIONS``."""

    def index_bars(
        self, symbols: Sequence[str], first: date | None = None, last: date | None = None
    ) -> Iterator[Any]:
        """Index bars: CNY-free points, volume in shares; the columns of ``Kind.INDEX_BARS``."""

    def instruments(self) -> Any:
        """Names, list and delist dates; the columns of ``Kind.INSTRUMENTS``."""

    def spells(self) -> Any:
        """ST spells, suspensions and special sessions; ``end`` is the first session no longer."""

    def membership(self, universe: str) -> Any:
        """Spells of membership, or today's list: the columns of ``Kind.MEMBERSHIP``.

        Today's list alone is given with `in_date` null, and grows spells day by day.
        """

    def fundamentals(self, symbols: Sequence[str]) -> Iterator[Any]:
        """Figures with the first day whose close could reflect them: the columns of ``Kind.FUNDAMENTALS``.

        `first_seen` is null: it is the store that sees.
        """


class FurtherSource(Source, Protocol):
    """A source that has tables beyond daily bars; each call exists only where its table is offered."""

    def texts(self, symbols: Sequence[str], since: datetime | None = None) -> Iterator[Any]:
        """News, announcements and notices, each with the time it was published; ``Kind.TEXTS``.

        `id` and `first_seen` are null: the store makes the one and sees the other. Texts about no symbol come
        too, with `symbol` null. A vendor that lists name by name yields one table for each.
        """

    def macro(self, since: date | None = None) -> Iterator[Any]:
        """Series of the economy with the first day whose close could reflect each value; ``Kind.MACRO``."""

    def minute_bars(
        self, symbols: Sequence[str], first: date | None = None, last: date | None = None
    ) -> Iterator[Any]:
        """Bars of a minute, stamped at their end in Shanghai's time; ``Kind.MINUTE_BARS``."""

    def calendar(self) -> Any:
        """Sessions of the exchange, as far as they are announced; ``Kind.SESSIONS``."""


@runtime_checkable
class PastMembers(Protocol):
    """A source that also knows who was a member of an index on a day gone by."""

    @property
    def past_universes(self) -> frozenset[str]:
        """The indices that it knows this of."""

    def members_on(self, universe: str, day: date) -> Any:
        """Return the list that was in force at the close of a day, `in_date` being null; ``Kind.MEMBERSHIP``.

        Raises
        ------
        VendorError
            Its trouble is ``empty`` for a day before the first list.
        """


@runtime_checkable
class WholeSession(Protocol):
    """A source that also tells the bars of all stocks of one session by a single question."""

    def session_bars(self, symbols: Sequence[str], day: date) -> DailyBars:
        """Return the bars of one session of those of the symbols that it tells of, with their precloses."""


class KnownAction(NamedTuple):
    """Terms that the store has of a stock's ex-date: CNY and new shares per share, and the pay date."""

    cash_per_share: float
    bonus_ratio: float
    pay_date: date | None


#: by symbol and ex-date
KnownActions = Mapping[tuple[str, date], KnownAction]


@runtime_checkable
class NewActions(Protocol):
    """A source that spares questions about corporate actions that are known already."""

    def new_actions(
        self, symbols: Sequence[str], first: date | None, last: date | None, known: KnownActions
    ) -> Iterator[Any]:
        """Deliver as ``actions`` does; stocks about which nothing is news may be left out."""


#: tables whose calls are in `FurtherSource`
FURTHER = frozenset({Kind.TEXTS, Kind.MACRO, Kind.MINUTE_BARS, Kind.SESSIONS})


def further(source: Source, kind: Kind) -> FurtherSource | None:
    """Return the source with the call for a table beyond daily bars, or None where it does not offer it."""
    return cast(FurtherSource, source) if kind in FURTHER & source.offers else None
