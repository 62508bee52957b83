"""Filling a store from a source: each delivery is stored before the next is asked for."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from datetime import date, datetime
from typing import Any

from engine.errors import DataError
from engine.market.codes import CodeChanges, shipped_code_changes
from engine.market.sources.delivery import DailyBars
from engine.market.sources.source import Source
from engine.market.store.folder import MarketStore, StoreWriter
from engine.market.store.intake import (
    Taken,
    take_actions,
    take_bars,
    take_fundamentals,
    take_index_bars,
    take_instruments,
)
from engine.market.store.members import MemberSpell, take_snapshot, take_spells
from engine.market.store.reasons import ArrivalRules, LimitPercent, Reason
from engine.market.store.rows import records
from engine.market.store.schema import Kind
from engine.market.store.sessions import store_calendar
from engine.market.store.spells import take_stock_spells

#: told with what is being stored, how much of it is done, and of how much
Progress = Callable[[str, int, int], None]


def fill(
    store: MarketStore,
    source: Source,
    *,
    clock: Callable[[], datetime],
    symbols: Sequence[str] | None = None,
    first: date | None = None,
    last: date | None = None,
    universes: Sequence[str] = (),
    limit_percent: LimitPercent | None = None,
    accepted: Collection[Reason] = (),
    progress: Progress | None = None,
) -> Taken:
    """Take over whatever a source offers.

    It may be interrupted at any moment: what was stored by then stays, and doing it again adds the rest.

    Parameters
    ----------
    store : MarketStore
    source : Source
    clock : callable
        Returns the time, naive, in Asia/Shanghai.
    symbols : sequence of str, optional
        Bars, actions and figures of these; by default of all that the source knows.
    first, last : date, optional
        Bars of these days.
    universes : sequence of str
        The indices whose members the source lists; needed if it offers membership.
    limit_percent : callable, optional
        The dated table of price limits.
    accepted : collection of Reason
        Reasons for which nothing is quarantined.
    progress : callable, optional

    Raises
    ------
    DataError
        If the source cannot be read, or nearly all of its bars are wrong in the same way.
    StoreError
        If the store cannot be written.
    """
    with store.writing(clock) as writer:
        rules = ArrivalRules(store_calendar(writer), writer.now, limit_percent, frozenset(accepted))
        step = _Filling(writer, source, rules, shipped_code_changes(), progress or (lambda *_: None))
        # bars are judged by actions and special sessions, which therefore come first
        step.small_tables(universes, symbols or (), first, last)
        if Kind.BARS in source.offers:
            step.bars(source.symbols() if symbols is None else symbols, first, last)
        return step.taken


class _Filling:
    """One filling on its way."""

    def __init__(
        self,
        writer: StoreWriter,
        source: Source,
        rules: ArrivalRules,
        changes: CodeChanges,
        progress: Progress,
    ) -> None:
        self.writer, self.source, self.rules = writer, source, rules
        self.changes, self.progress = changes, progress
        self.taken = Taken()

    def small_tables(
        self, universes: Sequence[str], symbols: Sequence[str], first: date | None, last: date | None
    ) -> None:
        writer, source, name = self.writer, self.source, self.source.name
        if Kind.SPELLS in source.offers:
            self._keep(take_stock_spells(writer, source.spells(), self.rules.calendar))
        if Kind.INSTRUMENTS in source.offers:
            self._keep(take_instruments(writer, source.instruments()))
        if Kind.ACTIONS in source.offers:
            for table in source.actions(symbols, first, last):
                self._keep(take_actions(writer, table, source=name))
        if Kind.MEMBERSHIP in source.offers:
            self._all_members(universes)
        if Kind.INDEX_BARS in source.offers:
            for table in source.index_bars((), first, last):
                self._keep(take_index_bars(writer, table, source=name, rules=self.rules))
        if Kind.FUNDAMENTALS in source.offers:
            for table in source.fundamentals(symbols):
                self._keep(take_fundamentals(writer, table, source=name))

    def bars(self, symbols: Sequence[str], first: date | None, last: date | None) -> None:
        done = 0
        for bars in self.source.daily_bars(symbols, first, last):
            done += len(bars.symbols)
            self._keep(self._take(bars))
            self.progress("bars", done, len(symbols))

    def _take(self, bars: DailyBars) -> Taken:
        return take_bars(self.writer, bars, source=self.source.name, rules=self.rules, changes=self.changes)

    def _all_members(self, universes: Sequence[str]) -> None:
        if not universes:
            raise DataError(f"{self.source.name}: say whose members the file lists, such as --universe sse50")
        for universe in universes:
            self._members(universe)

    def _members(self, universe: str) -> None:
        table = self.source.membership(universe)
        self._keep(take_members(self.writer, self.rules, universe, table, source=self.source.name))

    def _keep(self, taken: Taken) -> None:
        accepted = sorted(reason.value for reason in self.rules.accepted)
        self.writer.commit(self.source.name, accepted=accepted)
        self.taken += taken


def take_members(
    writer: StoreWriter, rules: ArrivalRules, universe: str, table: Any, *, source: str
) -> Taken:
    """Stage what a source says of an index: spells, or today's list, which is that of the last session.

    Raises
    ------
    DataError
        If the list is no list of the index, or spells overlap.
    """
    rows: list[dict[str, Any]] = records(table)
    if any(row["in_date"] is None for row in rows):
        sessions = rules.calendar.sessions
        session = sessions[sessions <= rules.last_complete][-1].astype(object)
        return take_snapshot(writer, universe, session, {row["symbol"] for row in rows}, source=source)
    spells = [MemberSpell(row["symbol"], row["in_date"], row["out_date"]) for row in rows]
    return take_spells(writer, universe, spells, source=source)
