"""The phases of a session, by exchange and day: when orders may be sent, taken back, and meet prices.

Source: trading rules of the Shanghai, Shenzhen and Beijing exchanges; the days on which a phase came are
those of the notices. Fixed-price trading after the close is for the boards that have it (see `AFTER_HOURS`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, time
from enum import StrEnum
from types import MappingProxyType
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from engine.market.board import Board


class Phase(StrEnum):
    """What happens at a moment of a session."""

    CLOSED = "closed"
    OPENING_CALL = "opening_call"  # orders are collected, and may be taken back
    OPENING_CALL_FIRM = "opening_call_firm"  # orders are collected, and may not
    OPENING_PAUSE = "opening_pause"  # the opening price is known; orders wait for 9:30
    CONTINUOUS = "continuous"
    LUNCH = "lunch"
    CLOSING_CALL = "closing_call"  # orders are collected, and may not be taken back
    AFTER_HOURS = "after_hours"  # at the closing price

    @property
    def takes_orders(self) -> bool:
        """Whether the exchange takes new orders."""
        return self in _TAKES_ORDERS

    @property
    def takes_cancellations(self) -> bool:
        """Whether orders may be taken back."""
        return self in _TAKES_CANCELLATIONS


_TAKES_ORDERS = frozenset(Phase) - {Phase.CLOSED, Phase.LUNCH, Phase.OPENING_PAUSE}
_TAKES_CANCELLATIONS = frozenset({Phase.OPENING_CALL, Phase.CONTINUOUS, Phase.AFTER_HOURS})

#: The exchanges' clock.
SHANGHAI = ZoneInfo("Asia/Shanghai")

#: The opening auction ends, and its price is known.
OPENING_PRICE = time(9, 25)
OPEN, LUNCH_BEGINS, LUNCH_ENDS = time(9, 30), time(11, 30), time(13)
CLOSING_CALL_BEGINS, CLOSE = time(14, 57), time(15)
AFTER_HOURS_BEGINS, AFTER_HOURS_END = time(15, 5), time(15, 30)

#: First day of the closing auction by exchange; before it the close was an average of the last minute.
CLOSING_CALL: Mapping[str, date] = MappingProxyType(
    {"SZ": date(2006, 7, 1), "SH": date(2018, 8, 20), "BJ": date(2021, 11, 15)}
)
#: First day of fixed-price trading after the close, by board.
AFTER_HOURS: Mapping[Board, date] = MappingProxyType(
    {
        Board.STAR: date(2019, 7, 22),
        Board.CHINEXT: date(2020, 8, 24),
        Board.MAIN: date(2026, 7, 6),
        Board.BSE: date(2026, 7, 6),
    }
)


@dataclass(frozen=True, slots=True)
class PhaseSpan:
    """A phase from `start` to the moment before `end`, wall-clock time in Shanghai."""

    phase: Phase
    start: time
    end: time


def phases(day: date, exchange: str = "SH", board: Board | None = None) -> tuple[PhaseSpan, ...]:
    """Return the phases of a session in order; between and around them the exchange is closed.

    Parameters
    ----------
    day : date
        A session.
    exchange : str
        ``SH``, ``SZ`` or ``BJ``: the end of a symbol.
    board : Board or None
        Whether trading goes on after the close; None leaves that phase out.
    """
    closing = day >= CLOSING_CALL[exchange]
    afternoon_ends = CLOSING_CALL_BEGINS if closing else CLOSE
    out = [
        PhaseSpan(Phase.OPENING_CALL, time(9, 15), time(9, 20)),
        PhaseSpan(Phase.OPENING_CALL_FIRM, time(9, 20), OPENING_PRICE),
        PhaseSpan(Phase.OPENING_PAUSE, OPENING_PRICE, OPEN),
        PhaseSpan(Phase.CONTINUOUS, OPEN, LUNCH_BEGINS),
        PhaseSpan(Phase.LUNCH, LUNCH_BEGINS, LUNCH_ENDS),
        PhaseSpan(Phase.CONTINUOUS, LUNCH_ENDS, afternoon_ends),
    ]
    if closing:
        out.append(PhaseSpan(Phase.CLOSING_CALL, CLOSING_CALL_BEGINS, CLOSE))
    begins = AFTER_HOURS.get(board) if board is not None else None
    if begins is not None and day >= begins:
        out.append(PhaseSpan(Phase.AFTER_HOURS, AFTER_HOURS_BEGINS, AFTER_HOURS_END))
    return tuple(out)


def phase_at(moment: datetime, exchange: str = "SH", board: Board | None = None) -> Phase:
    """Return the phase of a moment of a session; `moment` is naive, in Asia/Shanghai."""
    clock = moment.time()
    for span in phases(moment.date(), exchange, board):
        if span.start <= clock < span.end:
            return span.phase
    return Phase.CLOSED


def minute_ends() -> NDArray[np.int64]:
    """(241,) minutes since midnight at which the bars of a session end.

    The first, 9:30, holds the opening auction; 240 minutes of trading follow.
    """

    def of(moment: time) -> int:
        return 60 * moment.hour + moment.minute

    morning = np.arange(of(OPEN), of(LUNCH_BEGINS) + 1, dtype=np.int64)
    afternoon = np.arange(of(LUNCH_ENDS) + 1, of(CLOSE) + 1, dtype=np.int64)
    return np.concatenate([morning, afternoon])
