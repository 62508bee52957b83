"""Corporate actions aligned with a panel: who goes ex on which session, and on what terms."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, NamedTuple

import numpy as np

from engine.market.calendar import Session


class CorporateAction(NamedTuple):
    """Announced terms per old share. Source of the ex-right formula: the exchanges' trading rules.

    ``cash`` is CNY before tax, ``bonus`` and ``rights`` are new shares per old share, ``rights_price`` CNY.
    ``pay_day`` is when the cash comes (days since 1970-01-01), None where that is not known: on the ex-date.
    """

    cash: float
    bonus: float
    rights: float
    rights_price: float
    pay_day: int | None = None

    def reference(self, previous_close: float) -> float:
        """Ex-right reference price (CNY, not rounded) after a close at `previous_close`."""
        return (previous_close - self.cash + self.rights * self.rights_price) / (
            1.0 + self.bonus + self.rights
        )


@dataclass(frozen=True, eq=False, slots=True)
class CorporateActions:
    """The table: ``by_session[session][column]`` is the action of that symbol column on its ex-date."""

    by_session: Mapping[Session, Mapping[int, CorporateAction]]

    @classmethod
    def of(cls, by_session: Mapping[Session, Mapping[int, CorporateAction]]) -> CorporateActions:
        """Freeze a table given as plain dicts."""
        frozen = {session: MappingProxyType(dict(day)) for session, day in by_session.items()}
        return cls(MappingProxyType(frozen))

    def __reduce__(self) -> tuple[Any, ...]:
        # read-only mappings do not pickle
        return CorporateActions.of, ({session: dict(day) for session, day in self.by_session.items()},)

    @classmethod
    def empty(cls) -> CorporateActions:
        """No table: ex-dates are then read off the adjustment factor."""
        return cls(MappingProxyType({}))

    def __bool__(self) -> bool:
        return bool(self.by_session)

    def on(self, session: Session) -> Mapping[int, CorporateAction]:
        """Actions whose ex-date is `session`, by symbol column."""
        return self.by_session.get(session, _NONE)

    def rows(self) -> Iterator[tuple[Session, int, CorporateAction]]:
        """Every action in order of ex-date and column."""
        for session in sorted(self.by_session):
            for column in sorted(self.by_session[session]):
                yield session, column, self.by_session[session][column]

    def until(self, session: Session) -> CorporateActions:
        """Only what has gone ex by `session`."""
        kept = {s: a for s, a in self.by_session.items() if s <= session}
        return CorporateActions(MappingProxyType(kept))

    def share_factor(self, sessions: np.ndarray, symbols: int) -> np.ndarray:
        """(T, N) cumulative product of ``1 + bonus + rights`` up to each session."""
        out = np.ones((len(sessions), symbols))
        for session, column, action in self.rows():
            row = int(np.searchsorted(sessions, session))
            out[row:, column] *= 1.0 + action.bonus + action.rights
        return out


_NONE: Mapping[int, CorporateAction] = MappingProxyType({})
