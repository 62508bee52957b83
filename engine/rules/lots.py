"""Lots: how many shares an order may have."""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

from engine.market.board import Board
from engine.rules.table import shipped


class LotRule(NamedTuple):
    """Buys: at least `minimum` shares, then in steps of `step`."""

    minimum: int
    step: int

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
def lot_rule(board: Board, day: int) -> LotRule:
    """Lot rule of a board on `day`; boards without a row trade in lots of 100."""
    spell = shipped("lots", ("board",)).find((board,), day)
    if spell is None:
        return LotRule(100, 100)
    return LotRule(int(spell.values["minimum"]), int(spell.values["step"]))
