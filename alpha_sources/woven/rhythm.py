"""When alphas are chosen anew: slower than weights, and asked at their refreshes only."""

from __future__ import annotations

import numpy as np

from alpha_sources.refresh import Recurrence, RefreshRule
from engine.market.calendar import to_session
from engine.market.view import MarketView


def alphas_are_due(rule: RefreshRule, chosen: str | None, view: MarketView) -> bool:
    """Whether to choose alphas at the session of a view.

    Parameters
    ----------
    rule : RefreshRule
        Of the alphas.
    chosen : str or None
        ISO date of the session at which they were last chosen; None if never.
    view : MarketView

    Returns
    -------
    bool
        True if the rule was due at this session or at any since the last choice. The run asks at the
        refreshes of the weights alone, so that a quarter's end between two of them would pass unseen
        otherwise.
    """
    if chosen is None:
        return True
    if rule.recurrence in (Recurrence.NEVER, Recurrence.ONCE):
        return False
    since = int(np.searchsorted(view.dates, to_session(chosen), side="right"))
    passed = view.dates[since:]
    if rule.recurrence is Recurrence.EVERY:
        return len(passed) >= rule.sessions
    return any(rule.is_due(session, 1, view.calendar) for session in passed)
