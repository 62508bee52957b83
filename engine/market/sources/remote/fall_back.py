"""Several sources as one: who fails is stood in for by the next that shares no host with it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import partial
from typing import Any, TypeVar, cast

from engine.errors import DataError
from engine.market.sources.delivery import DailyBars
from engine.market.sources.remote.failure import NotAskable, Trouble, VendorError
from engine.market.sources.source import (
    FurtherSource,
    KnownActions,
    NewActions,
    PastMembers,
    Source,
    WholeSession,
)
from engine.market.store.schema import Kind

T = TypeVar("T")
#: failures in a row after which a source is asked nothing more; of answers in another shape more are needed,
#: for some clients fail so for a stock that has ended, and several such stocks may follow each other
_ASIDE_AFTER, _STRANGE_ENOUGH = 3, 10
#: independent sources that know nothing of a name: then there is nothing to be known
_EMPTY_ENOUGH = 2


@dataclass
class Tally:
    """What became of the questions to one source.

    Parameters
    ----------
    asked, came : int
        Questions and deliveries.
    failed : Counter of Trouble
    first : str
        The first failure, in words.
    stood_in : Counter of str
        How often it answered in another's place, by that one's name.
    """

    asked: int = 0
    came: int = 0
    failed: Counter[Trouble] = field(default_factory=Counter)
    first: str = ""
    stood_in: Counter[str] = field(default_factory=Counter)


@dataclass
class _Record:
    """What sources have done, shared by all views of them."""

    tallies: dict[str, Tally] = field(default_factory=dict)
    in_a_row: Counter[str] = field(default_factory=Counter)
    strange: Counter[str] = field(default_factory=Counter)
    useless: Counter[str] = field(default_factory=Counter)
    told: set[tuple[str, ...]] = field(default_factory=set)

    def of(self, source: Source) -> Tally:
        return self.tallies.setdefault(source.name, Tally())


class FallBack:
    """A source that asks the first of several, and where that fails the next without a common host.

    Parameters
    ----------
    sources : sequence of Source
        In the order in which they are asked; of each table those that offer it count.
    tell : callable
        Told in one line who failed and why, and who stepped in; once for each source and kind of trouble.

    Raises
    ------
    VendorError
        By any call, if nobody answers: that of the last who was asked.
    NotAskable
        By any call, if this machine cannot ask anybody.
    """

    def __init__(self, sources: Sequence[Source], tell: Callable[[str], None]) -> None:
        self.sources = tuple(sources)
        self._tell = tell
        self._record = _Record()
        #: name of the source whose delivery came last
        self.answered = ""

    @property
    def name(self) -> str:
        """The names of all, in order."""
        return ", ".join(source.name for source in self.sources)

    @property
    def hosts(self) -> frozenset[str]:
        """Every host that may be asked."""
        return frozenset[str]().union(*(source.hosts for source in self.sources))

    @property
    def offers(self) -> frozenset[Kind]:
        """Every table that one of them has."""
        return frozenset[Kind]().union(*(source.offers for source in self.sources))

    @property
    def tallies(self) -> dict[str, Tally]:
        """What became of the questions, by source."""
        return dict(self._record.tallies)

    def beside(self, name: str) -> FallBack:
        """The same without one source, and without those that share a host with it."""
        shunned = frozenset[str]().union(*(s.hosts for s in self.sources if s.name == name))
        rest = FallBack([s for s in self.sources if s.name != name and not (s.hosts & shunned)], self._tell)
        rest._record = self._record
        return rest

    def symbols(self) -> tuple[str, ...]:
        """Every stock that the first who answers knows."""
        return next(self._asked(Kind.INSTRUMENTS, "the list of stocks", lambda s: iter([s.symbols()])))

    def daily_bars(
        self, symbols: Sequence[str], first: date | None = None, last: date | None = None
    ) -> Iterator[DailyBars]:
        """Bars, name by name: each may come from another source, which `answered` names."""
        for symbol in symbols:
            yield from self._asked(Kind.BARS, symbol, partial(_bars, symbol, first, last))

    def actions(
        self,
        symbols: Sequence[str],
        first: date | None = None,
        last: date | None = None,
        known: KnownActions | None = None,
    ) -> Iterator[Any]:
        """Corporate actions; where a source can spare questions about those that are known, it does."""

        def asked(source: Source) -> Iterator[Any]:
            if known and isinstance(source, NewActions):
                return source.new_actions(symbols, first, last, known)
            return source.actions(symbols, first, last)

        return self._asked(Kind.ACTIONS, _about(symbols), asked)

    def index_bars(
        self, symbols: Sequence[str], first: date | None = None, last: date | None = None
    ) -> Iterator[Any]:
        """Index bars, index by index."""
        for symbol in symbols:
            yield from self._asked(Kind.INDEX_BARS, symbol, partial(_index_bars, symbol, first, last))

    def instruments(self) -> Any:
        """Names, list and delist dates."""
        return next(self._asked(Kind.INSTRUMENTS, "instruments", lambda s: iter([s.instruments()])))

    def spells(self) -> Any:
        """ST spells, suspensions and special sessions."""
        return next(self._asked(Kind.SPELLS, "suspensions and ST", lambda s: iter([s.spells()])))

    def membership(self, universe: str) -> Any:
        """Members of an index."""
        about = f"members of {universe}"
        return next(self._asked(Kind.MEMBERSHIP, about, lambda s: iter([s.membership(universe)])))

    def knows_past_members(self, universe: str) -> bool:
        """Whether one of them tells who was a member of an index on days gone by."""
        return any(_knows_past(source, universe) for source in self.sources)

    def members_on(self, universe: str, day: date) -> Any:
        """Members of an index on a day gone by."""
        return self._of(
            [source for source in self.sources if _knows_past(source, universe)],
            Kind.MEMBERSHIP,
            f"members of {universe} on {day}",
            lambda s: iter([s.members_on(universe, day)]),
        )

    def tells_whole_sessions(self) -> bool:
        """Whether one of them, not left out by now, tells the bars of all stocks of a session at once."""
        return any(isinstance(s, WholeSession) and not self._is_aside(s) for s in self.sources)

    def session_bars(self, symbols: Sequence[str], day: date) -> DailyBars:
        """Bars of one session of many names, by one question."""
        bars: DailyBars = self._of(
            [source for source in self.sources if isinstance(source, WholeSession)],
            Kind.BARS,
            f"all bars of {day}",
            lambda s: iter([s.session_bars(symbols, day)]),
        )
        return bars

    def fundamentals(self, symbols: Sequence[str]) -> Iterator[Any]:
        """Figures of companies."""
        return self._asked(Kind.FUNDAMENTALS, _about(symbols), lambda s: s.fundamentals(symbols))

    def texts(self, symbols: Sequence[str], since: datetime | None = None) -> Iterator[Any]:
        """News, announcements and notices."""
        return self._asked(Kind.TEXTS, _about(symbols), lambda s: _further(s).texts(symbols, since))

    def macro(self, since: date | None = None) -> Iterator[Any]:
        """Series of the economy."""
        return self._asked(Kind.MACRO, "macro series", lambda s: _further(s).macro(since))

    def minute_bars(
        self, symbols: Sequence[str], first: date | None = None, last: date | None = None
    ) -> Iterator[Any]:
        """Bars of a minute, name by name."""
        for symbol in symbols:
            yield from self._asked(Kind.MINUTE_BARS, symbol, partial(_minute_bars, symbol, first, last))

    def calendar(self) -> Any:
        """Sessions of the exchange."""
        return next(self._asked(Kind.SESSIONS, "sessions", lambda s: iter([_further(s).calendar()])))

    def failed(self, name: str, about: str, why: str) -> None:
        """Note that what a source delivered was of no use."""
        tally = self._record.tallies.setdefault(name, Tally())
        tally.failed[Trouble.NOT_DATA] += 1
        self._record.useless[name] += 1
        tally.first = tally.first or f"{about}: {why}"
        self._say((name, Trouble.NOT_DATA.value), f"{name}: {about}: {why}")

    def tell_once(self, words: str) -> None:
        """Tell something that nobody needs to hear twice in a run."""
        self._say((words,), words)

    def _of(self, sources: Sequence[Source], kind: Kind, about: str, call: Callable[[Any], Iterator[T]]) -> T:
        """The one delivery that some of the sources have."""
        some = FallBack(sources, self._tell)
        some._record = self._record
        delivery = next(some._asked(kind, about, call))
        self.answered = some.answered
        return delivery

    def _asked(self, kind: Kind, about: str, call: Callable[[Any], Iterator[T]]) -> Iterator[T]:
        failures: list[tuple[Source, VendorError]] = []
        passed: list[str] = []
        shunned: frozenset[str] = frozenset()
        for source in self.sources:
            if kind not in source.offers or source.hosts & shunned:
                continue
            if self._is_aside(source):
                passed.append(source.name)
                continue
            if sum(problem.trouble is Trouble.EMPTY for _, problem in failures) >= _EMPTY_ENOUGH:
                break
            tally = self._record.of(source)
            tally.asked += 1
            came = tally.came
            try:
                for delivery in call(source):
                    if tally.came == came:
                        self._steps_in(source, passed)
                    self.answered = source.name
                    tally.came += 1
                    yield delivery
                if tally.came == came and kind is Kind.BARS:
                    raise VendorError(source.name, "", about, Trouble.EMPTY)
            except VendorError as problem:
                self._note(source, problem)
                failures.append((source, problem))
                passed.append(source.name)
                shunned |= source.hosts
            except NotAskable:
                raise
            except DataError as problem:
                # it cannot be asked at all: its client is not installed
                absent = VendorError(source.name, "", about, Trouble.ABSENT, str(problem))
                self._note(source, absent)
                self._record.in_a_row[source.name] = _ASIDE_AFTER
                failures.append((source, absent))
                passed.append(source.name)
            else:
                self._record.in_a_row[source.name] = self._record.strange[source.name] = 0
                return
        raise self._nobody(kind, about, failures)

    def _is_aside(self, source: Source) -> bool:
        record, name = self._record, source.name
        failed = max(record.in_a_row[name], record.useless[name]) >= _ASIDE_AFTER
        return failed or record.strange[name] >= _STRANGE_ENOUGH

    def _note(self, source: Source, problem: VendorError) -> None:
        tally = self._record.of(source)
        tally.failed[problem.trouble] += 1
        if problem.trouble is Trouble.EMPTY:
            return
        tally.first = tally.first or str(problem)
        self._say((source.name, problem.trouble.value), str(problem))
        strange = problem.trouble is Trouble.COLUMNS
        counted = self._record.strange if strange else self._record.in_a_row
        counted[source.name] += 1
        if self._is_aside(source):
            times = counted[source.name]
            self._say((source.name,), f"{source.name} has failed {times} times in a row: not asked again")

    def _steps_in(self, source: Source, passed: Sequence[str]) -> None:
        for other in passed:
            self._record.of(source).stood_in[other] += 1
            if self._record.tallies[other].first:
                self._say((source.name, "for", other), f"{source.name} steps in for {other}")

    def _say(self, key: tuple[str, ...], words: str) -> None:
        if key not in self._record.told:
            self._record.told.add(key)
            self._tell(words)

    def _nobody(self, kind: Kind, about: str, failures: list[tuple[Source, VendorError]]) -> VendorError:
        if failures:
            real = [problem for _, problem in failures if problem.trouble is not Trouble.EMPTY]
            return real[-1] if real else failures[-1][1]
        able = [source for source in self.sources if kind in source.offers]
        if not able:
            return VendorError(
                self.name or "no source", "", about, Trouble.EMPTY, f"none of them has {_words(kind)}",
                "name a vendor that has",
            )  # fmt: skip
        names, first = ", ".join(source.name for source in able), self._record.of(able[0]).first
        return VendorError(
            names, "", about, Trouble.SERVER, first, "repeat the command later",
            "not asked any more in this run",
        )  # fmt: skip


def _knows_past(source: Source, universe: str) -> bool:
    return isinstance(source, PastMembers) and universe in source.past_universes


def _further(source: Source) -> FurtherSource:
    return cast(FurtherSource, source)


def _bars(symbol: str, first: date | None, last: date | None, source: Source) -> Iterator[DailyBars]:
    return source.daily_bars([symbol], first, last)


def _index_bars(symbol: str, first: date | None, last: date | None, source: Source) -> Iterator[Any]:
    return source.index_bars([symbol], first, last)


def _minute_bars(symbol: str, first: date | None, last: date | None, source: Source) -> Iterator[Any]:
    return _further(source).minute_bars([symbol], first, last)


def _words(kind: Kind) -> str:
    return kind.value.replace("_", " ")


def _about(symbols: Sequence[str]) -> str:
    return symbols[0] if len(symbols) == 1 else f"{symbols[0]} and {len(symbols) - 1} more" if symbols else ""
