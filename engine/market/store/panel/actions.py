"""Corporate actions by column, for a panel that is built a few columns at a time."""

from __future__ import annotations

from dataclasses import dataclass
from operator import itemgetter

import numpy as np

from engine.market.calendar import Dates, Session
from engine.market.cells import Growth
from engine.market.corporate import CorporateAction, CorporateActions
from engine.market.grid import Bools


@dataclass(frozen=True, eq=False, slots=True)
class ColumnActions:
    """The table of actions, cut by columns.

    Parameters
    ----------
    growth : Growth
        New shares per old of every action.
    rows : tuple
        ``(column, row, session, action)`` in the same order: by column and session.
    """

    growth: Growth
    rows: tuple[tuple[int, int, Session, CorporateAction], ...]

    @classmethod
    def of(cls, actions: CorporateActions, dates: Dates, names: int) -> ColumnActions:
        """Sort a table by column.

        Parameters
        ----------
        actions : CorporateActions
        dates : (T,) datetime64[D] array
        names : int
        """
        sessions = sorted(actions.by_session)
        rows = [
            (column, row, session, action)
            for session, row in zip(sessions, np.searchsorted(dates, sessions).tolist(), strict=True)
            for column, action in actions.by_session[session].items()
        ]
        # by session within each column
        rows.sort(key=itemgetter(0))
        columns = np.array([column for column, *_ in rows], dtype=np.int64)
        growth = Growth(
            np.searchsorted(columns, np.arange(names + 1)).astype(np.int64),
            np.array([row for _, row, _, _ in rows], dtype=np.int64),
            np.array([1.0 + action.bonus + action.rights for *_, action in rows], dtype=np.float64),
        )
        return cls(growth, tuple(rows))

    def within(self, lo: int, hi: int) -> CorporateActions:
        """Actions of the columns ``lo..hi - 1``, which are counted from `lo`."""
        by_session: dict[Session, dict[int, CorporateAction]] = {}
        for column, _, session, action in self._between(lo, hi):
            by_session.setdefault(session, {})[column - lo] = action
        return CorporateActions.of(by_session)

    def suspended(self, lo: int, traded: Bools, inside: Bools) -> dict[tuple[int, int], CorporateAction]:
        """Actions by cell that fall into a suspension of one of the (T, W) columns from `lo` on."""
        out = {}
        for column, t, _, action in self._between(lo, lo + traded.shape[1]):
            n = column - lo
            if 0 < t < len(traded) and not traded[t, n] and inside[t, n] and inside[t - 1, n]:
                out[t, n] = action
        return out

    def _between(self, lo: int, hi: int) -> tuple[tuple[int, int, Session, CorporateAction], ...]:
        return self.rows[self.growth.first[lo] : self.growth.first[hi]]
