"""What holds for a symbol on a day, and by which notice."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import NamedTuple

from engine.market.board import board_of
from engine.rules.table import DatedTable, Spell, date_of, day_of, shipped


class Holds(NamedTuple):
    """One rule in force: what it is, its value in words, since when, and the source."""

    rule: str
    value: str
    since: str
    source: str


def explain(symbol: str, day: date) -> list[Holds]:
    """Every rule in force for a symbol on a day, in the order a trade meets them."""
    board, number = board_of(symbol), day_of(day)
    exchange = symbol[-2:]
    out = [Holds("board", board.value, "", "from the code")]
    limits = shipped("price_limits", ("board", "st"))
    out += _row("price limit", limits, (board, "no"), number, lambda s: f"±{s.values['percent']} %")
    out += _row("price limit, ST", limits, (board, "yes"), number, lambda s: f"±{s.values['percent']} %")
    out += _row("new listings", shipped("new_listings", ("board",)), (board,), number, _fresh)
    out += _row("lot, buys", shipped("lots", ("board",)), (board,), number, _lot)
    caps = shipped("order_caps", ("board", "kind"))
    for kind in ("limit", "market"):
        out += _row(f"largest {kind} order", caps, (board, kind), number, _shares)
    out += _row("ST purchases a day", shipped("st_purchases", ("board",)), (board,), number, _shares)
    for rule, name in (("transfer fee, both sides", "transfer_fee"), ("handling fee", "handling_fee")):
        out += _row(rule, shipped(name, ("exchange",)), (exchange,), number, _percent)
    out += _row("stamp duty, sales", shipped("stamp_duty", ("side",)), ("sell",), number, _percent)
    tax = shipped("dividend_tax", ("holding",))
    for holding, words in (("month", "up to a month"), ("year", "up to a year"), ("longer", "over a year")):
        out += _row(f"dividend tax, held {words}", tax, (holding,), number, _percent)
    return out


def _row(
    rule: str, table: DatedTable, key: tuple[str, ...], day: int, say: Callable[[Spell], str]
) -> list[Holds]:
    spell = table.find(key, day)
    if spell is not None:
        return [Holds(rule, say(spell), str(date_of(spell.start)), spell.source)]
    # that a limit is unknown matters; a cap or a fee that does not exist is simply not there
    return [Holds(rule, "unknown: not tested", "", "no row in the table")] if rule == "price limit" else []


def _percent(spell: Spell) -> str:
    return f"{spell.values['percent']} %"


def _shares(spell: Spell) -> str:
    return f"{int(spell.values['shares']):,} shares"


def _lot(spell: Spell) -> str:
    return f"at least {spell.values['minimum']}, in steps of {spell.values['step']}"


def _fresh(spell: Spell) -> str:
    sessions = int(spell.values["unlimited_sessions"])
    if sessions < 0:
        return f"first {-sessions} session: limit unknown"
    return f"first {sessions} session{'s' if sessions > 1 else ''} unlimited"
