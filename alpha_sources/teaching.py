"""Which sessions of a view teach: those with members, in the span of the settings, with a realised label."""

from __future__ import annotations

from datetime import date
from typing import Protocol

import numpy as np

from engine.errors import ProviderError
from engine.market.calendar import iso, to_session
from engine.market.view import MarketView


class TeachingSpan(Protocol):
    """What settings say of the sessions to learn from."""

    @property
    def horizon_sessions(self) -> int:
        """h: labels run from the fill at t+1 to the fill at t+1+h."""

    @property
    def start(self) -> date | None:
        """Nothing before this day is learned from."""

    @property
    def window_sessions(self) -> int | None:
        """Rolling window of the last so many realised sessions; None is everything so far."""

    @property
    def min_sessions(self) -> int:
        """Realised sessions with members that are needed at least."""


def first_row(view: MarketView, span: TeachingSpan) -> int:
    """First row of a view that is learned from.

    Raises
    ------
    ProviderError
        If too few sessions lie between it and the view's own.
    """
    known = np.flatnonzero(view.universe.any(axis=1))
    first = int(known[0]) if len(known) else len(view)
    if span.start is not None:
        first = max(first, int(np.searchsorted(view.dates, to_session(span.start))))
    # a label needs h + 1 sessions to be realised
    last = len(view) - 1 - span.horizon_sessions
    if span.window_sessions is not None:
        first = max(first, last - span.window_sessions)
    if last - first < span.min_sessions:
        raise ProviderError(
            f"{max(last - first, 0)} sessions with members and a realised label to learn from at "
            f"{iso(view.session)}, and alpha.params.min_sessions is {span.min_sessions}: begin the "
            "run later, load more history, or ask for fewer"
        )
    return first
