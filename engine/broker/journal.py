"""The journal of a run: what a result is made of."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

from engine.broker.marks import Marks
from engine.broker.orders import ExDate, Fill, Refusal


class SessionRecord(NamedTuple):
    """The account at the close of one session, in fen."""

    row: int
    cash_fen: int
    value_fen: int
    fees_fen: int
    bought_fen: int
    sold_fen: int


class Holding(NamedTuple):
    """One position at the close of one session."""

    row: int
    symbol: str
    shares: int
    sellable: int
    close_fen: float
    value_fen: int


@dataclass
class Journal:
    """Everything that happened, in order."""

    sessions: list[SessionRecord] = field(default_factory=list)
    marks: list[tuple[int, Marks]] = field(default_factory=list)
    trades: list[tuple[int, Fill | Refusal]] = field(default_factory=list)
    ex_dates: list[tuple[int, ExDate]] = field(default_factory=list)
    ended: dict[str, int] = field(default_factory=dict)
    """Symbols still held after their last row, with that row."""

    @property
    def holdings(self) -> list[Holding]:
        """Positions at the close of every session."""
        return [Holding(row, *position) for row, marks in self.marks for position in zip(*marks, strict=True)]
