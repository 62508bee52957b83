"""What a random strategy asked for, written down by itself: the auditor believes nobody else."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from engine.broker.orders import Side


@dataclass(frozen=True)
class Asked:
    """One order as the strategy meant it; `amount` is shares or fen, `row` that of the decision."""

    row: int
    symbol: str
    side: Side
    how: Literal["shares", "value", "target"]
    amount: int
    sessions: int
    limit: int | None = None
    of_slot: bool = False


@dataclass(frozen=True)
class SlotsAsked:
    """Slot buys: order ids of the candidates, best first, and the money they may take."""

    candidates: tuple[str, ...]
    slots: int
    risk_degree: float
    substitute: bool
    weights: tuple[float, ...] | None
    most: int | None
    reserve: int


@dataclass
class Record:
    """Everything asked in a run, by order id; slot buys and cancellations by the row of the decision."""

    asked: dict[str, Asked] = field(default_factory=dict)
    slots: dict[int, SlotsAsked] = field(default_factory=dict)
    cancelled: dict[str, int] = field(default_factory=dict)
