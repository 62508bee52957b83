"""What holds for a symbol on a day, and by which notice."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import NamedTuple

import numpy as np

from engine.market.board import board_of
from engine.market.calendar import iso
from engine.market.codes import CodeChanges, shipped_code_changes
from engine.market.special import SpecialKind
from engine.rules.table import DatedTable, Spell, date_of, day_of, shipped


class Holds(NamedTuple):
    """One rule in force: what it is, its value in words, since when, and the source."""

    rule: str
    value: str
    since: str
    source: str


def explain(symbol: str, day: date) -> list[Holds]:
    """Every rule in force for a symbol on a day, in the order a trade meets them.

    Of a stock whose code changed, any of its codes may be given; the rules are those of the code that it had
    on the day.
    """
    number, changes = day_of(day), shipped_code_changes()
    out = _code(symbol, day, changes)
    symbol = changes.code_on(symbol, np.datetime64(day, "D"))
    board, exchange = board_of(symbol), symbol[-2:]
    out.append(Holds("board", board.value, "", "from the code"))
    limits = shipped("price_limits", ("board", "st"))
    out += _row("price limit", limits, (board, "no"), number, lambda s: f"±{s.values['percent']} %")
    out += _row("price limit, ST", limits, (board, "yes"), number, lambda s: f"±{s.values['percent']} %")
    out += _row("new listings", shipped("new_listings", ("board",)), (board,), number, _fresh)
    special = shipped("special_sessions", ("kind",))
    for event in SpecialKind:
        out += _row(
            event.replace("_", " "), special, (event,), number, lambda spell: "first session unlimited"
        )
    out += _row("after-hours trading", shipped("after_hours", ("board",)), (board,), number, _after_hours)
    lots = shipped("lots", ("board",))
    out += _row("lot, buys", lots, (board,), number, _lot)
    out += _row("lot, sales", lots, (board,), number, _odd_lot)
    caps = shipped("order_caps", ("board", "kind"))
    for kind in ("limit", "market"):
        out += _row(f"largest {kind} order", caps, (board, kind), number, _shares)
    out += _row("ST purchases a day", shipped("st_purchases", ("board",)), (board,), number, _shares)
    stocks = ("a_share",)
    out += _row("settlement", shipped("settlement", ("security",)), stocks, number, _settlement)
    out += _row("commission", shipped("commission", ("security",)), stocks, number, _commission)
    for rule, name in (("transfer fee, both sides", "transfer_fee"), ("handling fee", "handling_fee")):
        out += _row(rule, shipped(name, ("exchange",)), (exchange,), number, _percent)
    out += _row("stamp duty, sales", shipped("stamp_duty", ("side",)), ("sell",), number, _percent)
    tax = shipped("dividend_tax", ("holding",))
    for holding, words in (("month", "up to a month"), ("year", "up to a year"), ("longer", "over a year")):
        out += _row(f"dividend tax, held {words}", tax, (holding,), number, _percent)
    return out


def _code(symbol: str, day: date, changes: CodeChanges) -> list[Holds]:
    """The code that a stock has on a day, where it is not the only one it has had."""
    session = np.datetime64(day, "D")
    known = changes.chain(symbol)
    if known:
        code = changes.code_on(symbol, session)
        change = changes.by_new.get(code) or known[0]
        began = change.new == code
        words = f"{code} ({change.old} before)" if began else f"{code} ({change.new} from {iso(change.day)})"
        return [Holds("code", words, iso(change.day) if began else "", change.source)]
    moved = np.datetime64("2025-10-09", "D")
    if symbol.endswith(".BJ") and not symbol.startswith("920") and session >= moved:
        notice = "BSE notice of 2025-09-12: all listed companies trade under 920 codes"
        return [Holds("code", "replaced by a 920 code, see data.code_changes", iso(moved), notice)]
    return []


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


def _odd_lot(spell: Spell) -> str:
    minimum, step = int(spell.values["minimum"]), int(spell.values["step"])
    steps = f"in steps of {step}" if step > 1 else f"at least {minimum}, in steps of 1"
    return f"{steps}; a remainder below {minimum} is sold whole"


def _after_hours(spell: Spell) -> str:
    return f"{spell.values['hours']} at the close; not simulated"


def _settlement(spell: Spell) -> str:
    return f"T+{spell.values['sessions']}: sellable from the next session"


def _commission(spell: Spell) -> str:
    return f"at most {spell.values['percent_at_most']} %, least {spell.values['minimum_cny']} CNY an order"


def _fresh(spell: Spell) -> str:
    sessions = int(spell.values["unlimited_sessions"])
    if sessions < 0:
        return f"first {-sessions} session: limit unknown"
    return f"first {sessions} session{'s' if sessions > 1 else ''} unlimited"
