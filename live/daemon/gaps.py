"""Which prices of a stored session are missing, rather than not made."""

from __future__ import annotations

from collections.abc import Collection
from datetime import date

from live.daemon.market import LiveRun


def gaps(live: LiveRun, session: date, names: Collection[str]) -> list[str]:
    """Names without a row in a session that traded in the one before, and of whose suspension nobody knows.

    Parameters
    ----------
    live : LiveRun
        With the session as its last stored one.
    session : date
    names : collection of str
        Holdings and ordered names; others wait for nobody.
    """
    panel, row = live.run.panel, live.run.row(session)
    trading = panel.field("trading")
    missing = []
    for symbol in sorted(set(names) & live.silent):
        column = panel.column(symbol)
        if row and trading[row - 1, column] > 0:
            missing.append(symbol)
    return missing
