"""Entries as JSON and back. Money and shares are whole numbers here, or the entry is refused."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import date, datetime
from typing import Any

from engine.broker.account import Lot, Lots, Receivable
from engine.broker.orders import Basket, ExDate, Fill, OrderRequest, Reason, Refusal, Side, SlotBuys
from engine.rules.table import date_of, day_of
from live.errors import LedgerError
from live.ledger.entries import (
    Entry,
    ExDated,
    HeldMark,
    Learned,
    Note,
    Planned,
    QuotesUsed,
    QuoteUsed,
    Refreshed,
    Sent,
    SessionMark,
)

Payload = dict[str, Any]

_WORDS = frozenset({"order_id", "symbol", "side", "decided_day", "reason", "terms", "beyond_tolerance"})
_FRACTIONS = frozenset({"vwap", "trading"})


def whole_number(value: Any, what: str) -> int:
    """Return `value` as an int; a price such as 1012.0 is one, 1012.5 is not.

    Raises
    ------
    LedgerError
        If it is not a whole number.
    """
    if type(value) is int:
        return value
    if isinstance(value, float) and value.is_integer():
        return int(value)
    raise LedgerError(
        f"{what} is {value!r}; the ledger holds whole fen and whole shares "
        "(prices off the tick and compat: qlib cannot be paper-traded)"
    )


def encode(entry: Entry) -> tuple[str, Payload]:
    """Kind and payload of an entry.

    Raises
    ------
    LedgerError
        If it is no entry, or holds money or shares that are not whole.
    """
    try:
        kind, write = _WRITERS[type(entry)]
    except KeyError:
        raise LedgerError(f"{type(entry).__name__} cannot be stored in a ledger: {entry!r}") from None
    return kind, write(entry)


def decode(kind: str, payload: Payload) -> Entry:
    """Return the entry again that `encode` wrote."""
    return _READERS[kind](payload)


def is_entry(kind: str) -> bool:
    """Whether an event of this kind holds an entry."""
    return kind in _READERS


def moment(at: datetime) -> str:
    """ISO 8601 with the offset; a moment without one is refused."""
    if at.tzinfo is None:
        raise LedgerError(f"the moment {at} has no time zone")
    return at.isoformat()


def plain_text(text: str) -> str:
    """Text that every database can store: no NUL, no broken surrogates."""
    return text.replace("\0", "").encode("utf-8", "replace").decode()


def encode_lots(lots: Lots) -> list[list[Any]]:
    """Lots as ``[shares, bought on, cost, dividends]``."""
    return [
        [
            whole_number(lot.shares, "shares of a lot"),
            date_of(lot.day).isoformat(),
            whole_number(lot.cost_fen, "cost of a lot"),
            whole_number(lot.dividends_fen, "dividends of a lot"),
        ]
        for lot in lots
    ]


def decode_lots(lots: Iterable[Iterable[Any]]) -> Lots:
    """Lots from their JSON."""
    return tuple(
        Lot(shares, day_of(date.fromisoformat(on)), cost, dividends) for shares, on, cost, dividends in lots
    )


def _fields(value: Any, skip: Iterable[str] = ()) -> Payload:
    """Fields of a named tuple; all numbers whole, but for those that are fractions by nature."""
    out: Payload = {}
    for name in value._fields:
        if name in skip:
            continue
        each = getattr(value, name)
        if each is not None and name not in _WORDS and name not in _FRACTIONS:
            each = whole_number(each, f"{name} of {getattr(value, 'symbol', type(value).__name__)}")
        out[name] = each
    return out


def encode_request(request: OrderRequest) -> Payload:
    """Return an order as JSON; its days are ISO dates."""
    out = _fields(request)
    return out | {"side": request.side.value, "decided_day": date_of(request.decided_day).isoformat()}


def _read_request(payload: Payload) -> OrderRequest:
    day = day_of(date.fromisoformat(payload["decided_day"]))
    return OrderRequest(**(payload | {"side": Side(payload["side"]), "decided_day": day}))


def _write_trade(trade: Fill | Refusal) -> Payload:
    out = _fields(trade, skip=("request", "side", "reason"))
    reason = None if trade.reason is None else trade.reason.value
    return out | {"request": encode_request(trade.request), "side": trade.side.value, "reason": reason}


def _read_trade(payload: Payload) -> dict[str, Any]:
    reason = payload["reason"]
    return payload | {
        "request": _read_request(payload["request"]),
        "side": Side(payload["side"]),
        "reason": None if reason is None else Reason(reason),
    }


def _write_basket(basket: Basket) -> Payload:
    slots = basket.slot_buys
    return {
        "orders": [encode_request(request) for request in basket.orders],
        "both_sides_at_limit": basket.both_sides_at_limit,
        "slot_buys": None
        if slots is None
        else {
            **slots._asdict(),
            "candidates": [encode_request(request) for request in slots.candidates],
            "weights": None if slots.weights is None else list(slots.weights),
        },
    }


def _read_basket(payload: Payload) -> Basket:
    slots = payload["slot_buys"]
    if slots is not None:
        weights = slots["weights"]
        slots = SlotBuys(
            **(
                slots
                | {
                    "candidates": tuple(map(_read_request, slots["candidates"])),
                    "weights": None if weights is None else tuple(weights),
                }
            )
        )
    return Basket(tuple(map(_read_request, payload["orders"])), slots, payload["both_sides_at_limit"])


def _write_plan(plan: Planned) -> Payload:
    return {
        **_write_basket(plan.basket),
        "reasons": dict(plan.reasons),
        "target": list(plan.target),
        "scores": dict(plan.scores),
    }


def _read_plan(payload: Payload) -> Planned:
    return Planned(_read_basket(payload), payload["reasons"], tuple(payload["target"]), payload["scores"])


def encode_receivable(due: Receivable) -> Payload:
    """Return a dividend to come as JSON; its day is an ISO date."""
    return _fields(due) | {"pay_day": date_of(due.pay_day).isoformat()}


def decode_receivable(payload: Payload) -> Receivable:
    """Return it again."""
    return Receivable(**(payload | {"pay_day": day_of(date.fromisoformat(payload["pay_day"]))}))


def _write_ex_date(entry: ExDated) -> Payload:
    event = entry.event
    out = _fields(event, skip=("receivable_fen", "pay_day")) | {"lots": encode_lots(entry.lots)}
    if event.pay_day is not None:
        due = Receivable(event.pay_day, event.symbol, event.receivable_fen)
        out["receivable"] = encode_receivable(due)
    return out


def _read_ex_date(payload: Payload) -> ExDated:
    event = {name: value for name, value in payload.items() if name not in ("lots", "receivable")}
    if "receivable" in payload:
        due = decode_receivable(payload["receivable"])
        event |= {"receivable_fen": due.cash_fen, "pay_day": due.pay_day}
    return ExDated(ExDate(**event), decode_lots(payload["lots"]))


def _write_quotes(entry: QuotesUsed) -> Payload:
    quotes = [_fields(quote) for quote in entry.quotes]
    return {"source": entry.source, "quoted_at": moment(entry.quoted_at), "quotes": quotes}


def _read_quotes(payload: Payload) -> QuotesUsed:
    quotes = tuple(QuoteUsed(**quote) for quote in payload["quotes"])
    return QuotesUsed(payload["source"], datetime.fromisoformat(payload["quoted_at"]), quotes)


def _write_refresh(entry: Refreshed) -> Payload:
    as_of = None if entry.as_of is None else entry.as_of.isoformat()
    return {
        "provider": entry.provider,
        "snapshot_hash": entry.snapshot_hash,
        "as_of": as_of,
        "changed": entry.changed,
    }


def _read_refresh(payload: Payload) -> Refreshed:
    as_of = payload["as_of"]
    as_of = None if as_of is None else date.fromisoformat(as_of)
    return Refreshed(payload["provider"], payload["snapshot_hash"], as_of, payload["changed"])


def _write_sent(entry: Sent) -> Payload:
    return {
        **_write_basket(entry.basket),
        "unquoted": dict(entry.unquoted),
        "reasons": dict(entry.reasons),
    }


def _read_sent(payload: Payload) -> Sent:
    return Sent(_read_basket(payload), payload["unquoted"], payload["reasons"])


def _write_learned(entry: Learned) -> Payload:
    return {
        "costs": dict(entry.costs),
        "labels": list(entry.labels),
        "notes": list(entry.notes),
        "failed": entry.failed,
    }


def _read_learned(payload: Payload) -> Learned:
    words = tuple(payload["labels"]), tuple(payload["notes"])
    return Learned(payload["costs"], *words, payload["failed"])


def _write_mark(mark: SessionMark) -> Payload:
    money = ("cash_fen", "value_fen", "fees_fen", "bought_fen", "sold_fen")
    return {
        **{name: whole_number(getattr(mark, name), f"{name} of the mark") for name in money},
        "benchmark": None if mark.benchmark is None else float(mark.benchmark),
        "holdings": [_fields(held) for held in mark.holdings],
    }


def _read_mark(payload: Payload) -> SessionMark:
    return SessionMark(**(payload | {"holdings": tuple(HeldMark(**held) for held in payload["holdings"])}))


_WRITERS: Mapping[type, tuple[str, Callable[[Any], Payload]]] = {
    Note: ("note", lambda note: {"text": note.text}),
    Planned: ("plan", _write_plan),
    ExDated: ("ex_date", _write_ex_date),
    Receivable: ("dividend", encode_receivable),
    QuotesUsed: ("quotes", _write_quotes),
    Sent: ("sent", _write_sent),
    Learned: ("learned", _write_learned),
    Refreshed: ("refresh", _write_refresh),
    SessionMark: ("mark", _write_mark),
    Fill: ("fill", _write_trade),
    Refusal: ("refusal", _write_trade),
}
_READERS: Mapping[str, Callable[[Payload], Entry]] = {
    "note": lambda payload: Note(payload["text"]),
    "plan": _read_plan,
    "ex_date": _read_ex_date,
    "dividend": decode_receivable,
    "quotes": _read_quotes,
    "sent": _read_sent,
    "learned": _read_learned,
    "refresh": _read_refresh,
    "mark": _read_mark,
    "fill": lambda payload: Fill(**_read_trade(payload)),
    "refusal": lambda payload: Refusal(**_read_trade(payload)),
}
