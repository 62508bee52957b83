"""What a plan says beside its orders: why each is there, what should be held, why there are none."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.broker.account import Account
from engine.broker.orders import Basket, Fill, OrderRequest, Refusal, Side, Trade
from live.ledger.entries import Planned

Scores = Mapping[str, float]


def scores_by_name(symbols: list[str], scores: NDArray[np.float64] | None) -> dict[str, float]:
    """Return a row of scores as a mapping; names without a score are left out."""
    if scores is None:
        return {}
    return {symbols[n]: float(scores[n]) for n in np.flatnonzero(scores == scores).tolist()}


def make_plan(basket: Basket, account: Account, scores: Scores) -> Planned:
    """Add to a basket the reasons of its orders and the names that should be held after it."""
    ranked = sorted(scores, key=lambda symbol: (-scores[symbol], symbol))
    rank = {symbol: n for n, symbol in enumerate(ranked, start=1)}
    reasons = {request.order_id: _why(request, rank, account) for request in basket.orders}
    target = {symbol for symbol in account.lots if not _sold_out(basket, symbol)}
    target |= {request.symbol for request in basket.orders if request.side is Side.BUY}
    slots = basket.slot_buys
    if slots is not None:
        for n, request in enumerate(slots.candidates):
            stands_by = "" if n < slots.wanted else ", in reserve should a sale fail"
            reasons[request.order_id] = _why(request, rank, account) + stands_by
        target |= {request.symbol for request in slots.candidates[: slots.wanted]}
    last = len(rank) + 1
    return Planned(basket, reasons, tuple(sorted(target, key=lambda s: (rank.get(s, last), s))), scores)


def _why(request: OrderRequest, rank: Mapping[str, int], account: Account) -> str:
    symbol = request.symbol
    if not rank:
        return "decided without a signal"
    place = f"ranked {rank[symbol]} of {len(rank)}" if symbol in rank else f"not among the {len(rank)} scored"
    if request.side is Side.SELL:
        return f"{place}, gives way"
    return f"{place}, {'held already' if symbol in account.lots else 'not held'}"


def _sold_out(basket: Basket, symbol: str) -> bool:
    return any(
        request.side is Side.SELL and request.symbol == symbol and request.target_fen == 0
        for request in basket.orders
    )


def what_is_planned(basket: Basket, names_held: int, carried: int = 0) -> str:
    """Count the orders of a basket in words; empty for an empty one."""
    sells = sum(request.side is Side.SELL for request in basket.orders)
    buys = len(basket.orders) - sells
    slots = basket.slot_buys
    if slots is not None:
        free = slots.slots - (names_held - sells)
        buys += min(len(slots.candidates), max(slots.wanted, free))
    parts = [_count(sells, "sale"), _count(buys, "buy")] if sells or buys else []
    if carried:
        parts.append(_count(carried, "order") + " of earlier sessions")
    return ", ".join(parts)


def why_nothing_planned(
    strategy: Any, row: int, scores: NDArray[np.float64] | None, members: int, *, ended: bool = False
) -> str:
    """Say why a decision at the close of a row brought no order; `ended` if the strategy asks for no more."""
    if ended:
        return f"{type(strategy).__name__} has ended its run, with runstop()"
    is_due = getattr(strategy, "is_due", None)
    if is_due is not None and not is_due(row):
        return f"not a day to decide: rebalance is {strategy.config.rebalance}"
    if scores is None:
        return f"{type(strategy).__name__} sent no order and asked for no scores"
    scored = int((scores == scores).sum())
    if not scored:
        return f"the provider scored none of the {members} names of the universe, which is no decision"
    return f"{type(strategy).__name__} keeps what it holds: {scored} of {members} names have a score"


def not_sent(basket: Basket) -> list[OrderRequest]:
    """Orders of a basket that would have been tried, had it been sent."""
    slots = basket.slot_buys
    return [*basket.orders, *(() if slots is None else slots.candidates[: slots.wanted])]


def what_happened(trades: Sequence[Trade]) -> str:
    """Count fills and refusals in words; the latter by their reasons."""
    fills = sum(isinstance(trade, Fill) for trade in trades)
    counts: dict[str, int] = {}
    for trade in trades:
        if isinstance(trade, Refusal):
            counts[trade.reason.value] = counts.get(trade.reason.value, 0) + 1
    parts = [_count(fills, "fill")] if fills else []
    parts += [f"{n} refused ({reason})" for reason, n in counts.items()]
    return ", ".join(parts)


def _count(n: int, word: str) -> str:
    return f"{n} {word}{'' if n == 1 else 's'}"
