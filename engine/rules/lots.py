"""Lots: how many shares an order may have."""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

from engine.market.board import Board
from engine.rules.caps import order_cap, st_purchase_cap
from engine.rules.table import shipped


class LotRule(NamedTuple):
    """Buys: at least `minimum` shares, then in steps of `step`.

    Larger orders than `order_cap` are sent in pieces; no more than `st_daily_cap` are bought in a day.
    """

    minimum: int
    step: int
    order_cap: int | None = None
    st_daily_cap: int | None = None

    def buyable(self, shares: int) -> int:
        """The largest allowed buy of at most `shares`; 0 where not even the minimum fits."""
        if shares < self.minimum:
            return 0
        return self.minimum + (shares - self.minimum) // self.step * self.step

    def sellable(self, shares: int, held: int, free: int) -> int:
        """The largest allowed sale of at most `shares`, of which `free` may be sold today out of `held`.

        The part of a holding that is no full lot is sold whole, alone or together with full lots.
        """
        cap = min(shares, free)
        if cap >= held:
            return held
        full = self.buyable(cap)
        odd = held % self.step
        if 0 < odd <= cap:
            return max(full, (cap - odd) // self.step * self.step + odd)
        return full


@lru_cache(maxsize=4096)
def lot_rule(board: Board, day: int, st: bool = False) -> LotRule:
    """Lot rule of a board on `day`; boards without a row trade in lots of 100."""
    spell = shipped("lots", ("board",)).find((board,), day)
    minimum, step = (100, 100) if spell is None else (int(spell.values[k]) for k in ("minimum", "step"))
    return LotRule(minimum, step, order_cap(board, day), st_purchase_cap(board, day) if st else None)
