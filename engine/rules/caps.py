"""How many shares one order, or one day of buying, may have."""

from __future__ import annotations

from functools import lru_cache

from engine.market.board import Board
from engine.rules.table import shipped


@lru_cache(maxsize=4096)
def order_cap(board: Board, day: int) -> int | None:
    """Most shares in one order; larger orders are sent in pieces. None where no rule is known.

    It is the cap of limit orders: auctions take no others, and a session's vwap or close is worked with them.
    """
    spell = shipped("order_caps", ("board", "kind")).find((board, "limit"), day)
    return int(spell.values["shares"]) if spell else None


@lru_cache(maxsize=4096)
def st_purchase_cap(board: Board, day: int) -> int | None:
    """Most shares of a stock under special treatment that an account may buy in a day; None for no cap."""
    spell = shipped("st_purchases", ("board",)).find((board,), day)
    return int(spell.values["shares"]) if spell else None
