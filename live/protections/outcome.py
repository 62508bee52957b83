"""What protections know of an account, and what they did to its orders."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import NamedTuple

from engine.broker.orders import Basket, Side


class Protection(StrEnum):
    """Which limit an order met."""

    KILL_SWITCH = "kill_switch"
    BLOCK_LIST = "block_list"
    STALE_DATA = "stale_data"
    DAILY_LOSS = "daily_loss"
    MAX_WEIGHT = "max_weight"
    TURNOVER = "turnover"


class Action(StrEnum):
    """What became of the order."""

    CUT = "cut"
    DROPPED = "dropped"


class Cut(NamedTuple):
    """An order that is smaller than it was, or gone; ``why`` is a sentence with the numbers."""

    order_id: str
    symbol: str
    side: Side
    protection: Protection
    action: Action
    why: str

    def __str__(self) -> str:
        return f"{self.side.value} of {self.symbol} {self.action.value} ({self.protection.value}): {self.why}"


@dataclass(frozen=True, slots=True)
class ProtectionState:
    """What limits are held against, besides account and prices.

    Parameters
    ----------
    previous_equity_fen : int or None
        Value of the account at the last settled close; None before the first.
    equity_before_fen : int or None
        Value of the account when the session of that close began: at the close before it, or when opened.
    traded_fen : int
        What the session has bought and sold already.
    sessions_behind : int
        Sessions by which what is decided on lags behind what is due: prices, or what a provider has learned.
    killed : str or None
        What the kill switch says, see `read_kill_switch`; None where there is none.
    marks_fen : mapping of str to int
        Last closes of what is held, for names that have no price now.
    """

    previous_equity_fen: int | None = None
    equity_before_fen: int | None = None
    traded_fen: int = 0
    sessions_behind: int = 0
    killed: str | None = None
    marks_fen: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Protected:
    """A basket within its limits.

    `equity_fen` is the value that weights were counted from; `unpriced` names what is held and has no price.
    """

    basket: Basket
    cuts: tuple[Cut, ...]
    equity_fen: int
    unpriced: tuple[str, ...] = ()

    @property
    def reasons(self) -> dict[str, str]:
        """By order id, why it was cut or dropped and by which limit: ``... (turnover); ... (max_weight)``."""
        said: dict[str, list[str]] = {}
        for cut in self.cuts:
            said.setdefault(cut.order_id, []).append(f"{cut.why} ({cut.protection.value})")
        return {order_id: "; ".join(lines) for order_id, lines in said.items()}


def read_kill_switch(path: Path | None) -> str | None:
    """First line of the kill switch; None if the file is not there.

    A file that cannot be read is there: better to stop once too often.
    """
    if path is None:
        return None
    try:
        text = path.read_text(encoding="utf-8", errors="replace")
    except FileNotFoundError:
        return None
    except OSError as problem:
        return f"{path} cannot be read: {problem.strerror}"
    lines = text.strip().splitlines()
    return lines[0][:200] if lines else f"{path} is there"
