"""The panel put together: its bars, the universe, and the further tables."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

import numpy as np

from engine.market.calendar import Calendar, to_session
from engine.market.checks_panel import check_boards, check_members, warn_half_known
from engine.market.macro import macro_fields
from engine.market.panel import MarketPanel
from engine.market.store.folder import MarketStore, StoreReader
from engine.market.store.panel.built import TICK
from engine.market.store.panel.frame import Frame, frame_of
from engine.market.store.panel.tables import (
    actions_of,
    add_fundamentals,
    indices_of,
    instruments_of,
    macro_of,
    texts_of,
)
from engine.market.store.panel.whole import build_whole
from engine.market.validate import Findings

if TYPE_CHECKING:
    from engine.market.load import LoadedMarket

#: up to so many names are built at once, without compiled code
_WHOLE = 512


def store_panel(
    store: MarketStore,
    universe: str | list[str] | None = None,
    start: date | str | None = None,
    end: date | str | None = None,
    *,
    calendar: Calendar | None = None,
) -> LoadedMarket:
    """Read a panel.

    Parameters
    ----------
    store : MarketStore
    universe : str or list of str or None
        An index whose members the store knows (its panel has every name that was a member within the span), a
        list of symbols, or ``all``. None: the only index the store knows, ``all`` where it knows none.
    start, end : date or text, optional
        Calendar days, inclusive; by default from the first stored session to the last.
    calendar : Calendar, optional
        What is known of the exchange's sessions without the store; by default `xshg`. Those that the store
        has been told of follow.

    Returns
    -------
    LoadedMarket
        What a file with the same rows loads to, and what was found on the way.

    Raises
    ------
    DataError
        If nothing is stored of what was asked for.
    StoreError
        If the store is missing or damaged.
    """
    first, last = (None if day is None else to_session(day).astype(object) for day in (start, end))
    return store.read(lambda reader: _load(reader, frame_of(reader, universe, first, last, calendar)))


def _load(reader: StoreReader, frame: Frame) -> LoadedMarket:
    from engine.market.load import LoadedMarket

    dates, symbols, findings = frame.dates, frame.symbols, Findings()
    membership = frame.members.over(dates, frame.aliases, findings) if frame.members else None
    actions = actions_of(reader, frame, findings)
    instruments, stated = instruments_of(reader, frame)
    if len(symbols) <= _WHOLE:
        built = build_whole(reader, frame, actions, stated, findings)
    else:
        # numba is imported, and its code compiled once, where there is enough to build
        from engine.market.store.panel.parts import build_parts

        built = build_parts(reader, frame, actions, stated, findings)
    fields = built.fields
    if membership is None:
        universe, known = built.inside, np.ones(len(dates), dtype=bool)
    else:
        universe, known = membership.aligned(symbols), membership.known
        check_members(membership, fields["close"], dates, symbols, findings)
    check_boards(instruments, symbols, findings)
    add_fundamentals(reader, frame, fields)
    macro = macro_of(reader, frame)
    fields |= macro_fields(macro, dates, (len(dates), len(symbols)), fields)
    warn_half_known(frame.calendar, dates, findings)
    panel = MarketPanel(
        dates=dates,
        symbols=symbols,
        fields=fields,
        universe=universe,
        universe_known=known,
        instruments=instruments,
        # a listing after the last row is not yet known
        listed=np.where(built.listed <= dates[-1], built.listed, np.datetime64("NaT", "D")),
        calendar=frame.calendar,
        tick=TICK,
        indices=indices_of(reader, frame, findings),
        actions=actions,
        texts=texts_of(reader, frame),
        macro=macro,
        special_sessions=built.special,
        aliases=frame.aliases,
    )
    return LoadedMarket(panel, findings.report())
