"""Orders that live for more than one session: what goes on to the next, and what the market may still do."""

from __future__ import annotations

from collections.abc import Sequence

from engine.broker.match import after
from engine.broker.orders import Fill, OrderRequest, Reason, Refusal, Trade

#: Obstacles that another session may remove.
_PASSING = frozenset(
    {
        Reason.SUSPENDED,
        Reason.LIMIT_UP,
        Reason.LIMIT_DOWN,
        Reason.T_PLUS_1,
        Reason.PARTICIPATION,
        Reason.PRICE_NOT_REACHED,
        Reason.PRICE_OUTSIDE_LIMITS,
        Reason.ST_DAILY_CAP,
        Reason.INSUFFICIENT_CASH,
    }
)


def carried(events: Sequence[Trade]) -> tuple[OrderRequest, ...]:
    """Orders of a session that go on to the next, with what is left of them, in the order of matching."""
    filled: dict[str, int] = {}
    last: dict[str, Trade] = {}
    for event in events:
        if event.request.sessions <= 1:
            continue
        key = event.request.order_id
        last[key] = event
        if isinstance(event, Fill):
            filled[key] = filled.get(key, 0) + event.shares
    out = []
    for key, event in last.items():
        if event.reason not in _PASSING:
            continue
        request = event.request if isinstance(event, Refusal) else after(event)
        left = event.requested - filled.get(key, 0)
        if key in filled and request.target_fen is None:
            request = request._replace(shares=left, value_fen=None)
        out.append(request._replace(sessions=request.sessions - 1))
    return tuple(out)
