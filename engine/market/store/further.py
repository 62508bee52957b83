"""Filling a store with what a source has beside daily bars: sessions, macro figures, texts, minute bars."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from datetime import datetime
from typing import Any

from engine.market.codes import shipped_code_changes
from engine.market.sources.source import Source, further
from engine.market.store.folder import MarketStore, StoreWriter
from engine.market.store.intake import Taken
from engine.market.store.macro import take_macro
from engine.market.store.minutes import take_minutes
from engine.market.store.reasons import ArrivalRules, LimitPercent, Reason
from engine.market.store.schema import Kind
from engine.market.store.sessions import store_calendar, take_sessions
from engine.market.store.texts import take_texts

#: bars are judged by the calendar, and minute bars by the day's
BEFORE_BARS, AFTER_BARS = (Kind.SESSIONS,), (Kind.MACRO, Kind.TEXTS, Kind.MINUTE_BARS)


def fill_further(
    store: MarketStore,
    source: Source,
    kinds: Collection[Kind],
    *,
    clock: Callable[[], datetime],
    limit_percent: LimitPercent | None = None,
    accepted: Collection[Reason] = (),
) -> Taken:
    """Take over some tables of a source that it offers; each delivery is stored before the next is asked for.

    Parameters
    ----------
    store : MarketStore
    source : Source
    kinds : collection of Kind
        In the order in which they are taken: `BEFORE_BARS`, `AFTER_BARS`.
    clock, limit_percent, accepted
        As for :func:`engine.market.store.fill.fill`.

    Raises
    ------
    DataError
        If the source cannot be read, or its tables are wrong as a whole.
    StoreError
        If the store cannot be written.
    """
    taken = Taken()
    if not source.offers.intersection(kinds):
        return taken
    with store.writing(clock) as writer:
        for kind in kinds:
            for step in _steps(writer, source, kind, limit_percent, frozenset(accepted)):
                writer.commit(source.name, accepted=sorted(accepted))
                taken += step
    return taken


def _steps(
    writer: StoreWriter,
    source: Source,
    kind: Kind,
    limit_percent: LimitPercent | None,
    accepted: frozenset[Reason],
) -> Iterator[Taken]:
    vendor: Any = further(source, kind)
    if vendor is None:
        return
    if kind is Kind.SESSIONS:
        yield take_sessions(writer, vendor.calendar(), source=source.name)
    elif kind is Kind.MACRO:
        for table in vendor.macro():
            yield take_macro(writer, table, source=source.name)
    elif kind is Kind.TEXTS:
        for table in vendor.texts(()):
            yield take_texts(writer, table, source=source.name)
    else:
        rules = ArrivalRules(store_calendar(writer), writer.now, limit_percent, accepted)
        changes = shipped_code_changes()
        for table in vendor.minute_bars(()):
            yield take_minutes(writer, table, source=source.name, rules=rules, changes=changes)
