"""Daily price limits by board, ST status, date and days since listing."""

from __future__ import annotations

from enum import StrEnum
from functools import lru_cache
from typing import NamedTuple

import numpy as np

from engine.market.board import Board
from engine.market.panel import MarketPanel
from engine.market.special import SpecialKind
from engine.rules.table import shipped


class LimitState(StrEnum):
    """Whether a stock has a price limit today."""

    LIMITED = "limited"
    UNLIMITED = "unlimited"
    UNKNOWN = "unknown"


class Limits(NamedTuple):
    """Highest and lowest price of a session, in fen; None where there is no limit or none is known."""

    state: LimitState
    up: float | None
    down: float | None


_LIMITED = LimitState.LIMITED
#: a session without a price limit
UNLIMITED = Limits(LimitState.UNLIMITED, None, None)
_UNKNOWN = Limits(LimitState.UNKNOWN, None, None)


def price_limits(
    board: Board, st: bool, reference_fen: float, day: int, listed_day: int | None, sessions_listed: int
) -> Limits:
    """Limits of a session from its ex-right reference price.

    Parameters
    ----------
    board, st
        Board of the stock and whether it is under special treatment on `day`.
    reference_fen
        Ex-right reference price (previous close where nothing went ex). An int lies on the tick and gives
        limits rounded half up to a fen in integers; a float gives them unrounded.
    day, listed_day
        Days since 1970-01-01; `listed_day` is None where the stock was listed before the data begin.
    sessions_listed
        Sessions since listing, 0 on the first.

    Notes
    -----
    ``(reference × (100 ± p) + 50) // 100``, as in the exchanges' trading rules.
    """
    if listed_day is not None:
        fresh = fresh_sessions(board, listed_day)
        if sessions_listed < abs(fresh):
            return UNLIMITED if fresh > 0 else _UNKNOWN
    return limits_around(reference_fen, limit_percent(board, st, day))


def limits_around(reference_fen: float, percent: int | None) -> Limits:
    """Limits `percent` above and below a reference price; unknown where the percentage is."""
    if percent is None:
        return _UNKNOWN
    if isinstance(reference_fen, int):
        up, down = reference_fen * (100 + percent) + 50, reference_fen * (100 - percent) + 50
        # as Limits(...), without the call that a named tuple puts in between: every quote comes by
        return tuple.__new__(Limits, (_LIMITED, up // 100, down // 100))
    return Limits(_LIMITED, reference_fen * (1 + percent / 100), reference_fen * (1 - percent / 100))


@lru_cache(maxsize=65536)
def limit_percent(board: Board, st: bool, day: int) -> int | None:
    """How far a price may move from its reference, for a stock past its first sessions; None: unknown."""
    spell = shipped("price_limits", ("board", "st")).find((board, "yes" if st else "no"), day)
    return int(spell.values["percent"]) if spell else None


@lru_cache(maxsize=65536)
def fresh_sessions(board: Board, listed_day: int) -> int:
    """Sessions without a limit after listing; negative where limits exist but are unknown."""
    spell = shipped("new_listings", ("board",)).find((board,), listed_day)
    return int(spell.values["unlimited_sessions"]) if spell else 0


@lru_cache(maxsize=4096)
def special_is_unlimited(kind: SpecialKind, day: int) -> bool:
    """Whether a special session on `day` has no price limit."""
    spell = shipped("special_sessions", ("kind",)).find((kind,), day)
    return spell is not None and spell.values["limit"] == "none"


def unlimited_cells(panel: MarketPanel) -> frozenset[tuple[int, int]]:
    """(row, column) of a panel's sessions that have no price limit for a reason of their own.

    Those are the first session of a delisting period and the first after relisting, as far as the panel was
    told of them (``data.special_sessions``).
    """
    special = [s for s in panel.special_sessions if special_is_unlimited(s.kind, s.day)]
    days = np.array([s.day for s in special], dtype="datetime64[D]")
    rows = np.searchsorted(panel.dates, days).tolist()
    return frozenset((row, s.column) for row, s in zip(rows, special, strict=True))
