"""Scripted vendors for the tests of syncs."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time
from pathlib import Path
from typing import Any

import numpy as np
from store_helpers import without

from engine.market.sources.delivery import DailyBars
from engine.market.sources.remote.failure import Trouble, VendorError
from engine.market.store import Kind, MarketStore
from engine.market.store.rows import table_of
from engine.market.store.sync import SyncReport, sync
from engine.rules.limits import limit_percent

Tables = Mapping[Kind, list[dict[str, Any]]]


@dataclass
class Told:
    """A vendor that tells of some bars, and of other tables given by their rows.

    `twist` changes what it delivers of a name, `trouble` says of which names it delivers nothing.
    """

    name: str
    bars: Mapping[str, DailyBars]
    tables: Tables = field(default_factory=dict)
    twist: Callable[[str, DailyBars], DailyBars] = lambda _, bars: bars
    trouble: Callable[[str], Trouble | None] = lambda _: None
    asked: list[tuple[str, date | None, date | None]] = field(default_factory=list)

    @property
    def hosts(self) -> frozenset[str]:
        return frozenset({f"{self.name}.cn"})

    @property
    def offers(self) -> frozenset[Kind]:
        return frozenset({Kind.BARS, *self.tables})

    def symbols(self) -> tuple[str, ...]:
        return tuple(sorted(self.bars))

    def daily_bars(
        self, symbols: Sequence[str], first: date | None = None, last: date | None = None
    ) -> Iterator[DailyBars]:
        for symbol in symbols:
            self.asked.append((symbol, first, last))
            self._fail(symbol)
            found = self.bars.get(symbol)
            if found is not None:
                found = self.twist(symbol, found)
                found = found.take(
                    (found.session >= np.datetime64(first)) & (found.session <= np.datetime64(last))
                )
            if found is None or not len(found):
                raise VendorError(self.name, f"{self.name}.cn", symbol, Trouble.EMPTY)
            # what a vendor usually tells
            yield without(found, "adj_factor", "preclose")

    def _fail(self, about: str) -> None:
        trouble = self.trouble(about)
        if trouble is not None:
            raise VendorError(self.name, f"{self.name}.cn", about, trouble)

    def _table(self, kind: Kind) -> Any:
        self.asked.append((kind.value, None, None))
        self._fail(kind.value)
        return table_of(kind, self.tables[kind])

    def actions(self, symbols: Sequence[str], first: Any = None, last: Any = None) -> Iterator[Any]:
        yield self._table(Kind.ACTIONS)

    def index_bars(self, symbols: Sequence[str], first: Any = None, last: Any = None) -> Iterator[Any]:
        yield self._table(Kind.INDEX_BARS)

    def instruments(self) -> Any:
        return self._table(Kind.INSTRUMENTS)

    def spells(self) -> Any:
        return self._table(Kind.SPELLS)

    def membership(self, universe: str) -> Any:
        return self._table(Kind.MEMBERSHIP)

    def fundamentals(self, symbols: Sequence[str]) -> Iterator[Any]:
        yield self._table(Kind.FUNDAMENTALS)

    def macro(self, since: Any = None) -> Iterator[Any]:
        yield self._table(Kind.MACRO)

    @property
    def names(self) -> list[str]:
        """Names whose bars were asked for."""
        return [about for about, first, _ in self.asked if first is not None]


def at(day: date | np.datetime64, hour: int = 17, minute: int = 0) -> Callable[[], datetime]:
    """A clock that stands still."""
    moment = datetime.combine(np.datetime64(day, "D").astype(object), time(hour, minute))
    return lambda: moment


def synced(
    store: MarketStore | Path,
    *vendors: Any,
    names: Any,
    since: date,
    clock: Callable[[], datetime],
    **more: Any,
) -> tuple[SyncReport, list[str]]:
    """Sync, with what was told meanwhile."""
    told: list[str] = []
    place = store if isinstance(store, MarketStore) else MarketStore(store)
    more = {"crosscheck_names": 0, "limit_percent": limit_percent, **more}
    report = sync(place, vendors, universe=names, since=since, clock=clock, tell=told.append, **more)
    return report, told
