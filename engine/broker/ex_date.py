"""What an ex-date does to a holding: dividends, bonus shares, rights."""

from __future__ import annotations

import math
from enum import StrEnum

from engine.broker.account import Account, Lot, Lots, Receivable
from engine.broker.orders import ExDate
from engine.market.corporate import CorporateAction


class RightsPolicy(StrEnum):
    """What to do with rights to buy new shares below the market."""

    SUBSCRIBE = "subscribe"
    LAPSE = "lapse"
    SELL_AT_REFERENCE = "sell_at_reference"


def preserve_value(
    account: Account, symbol: str, previous_close: float, reference: float
) -> tuple[Account, ExDate]:
    """Without announced terms: the fall from last close to reference comes back as cash, to the fen."""
    shares = account.shares(symbol)
    cash = _fen(shares * (previous_close - reference))
    event = ExDate(symbol, shares, shares, cash, 0, 0, terms="read off the adjustment factor")
    return Account(account.cash_fen + cash, account.lots, account.receivables), event


def apply_terms(
    account: Account,
    symbol: str,
    action: CorporateAction,
    previous_close: float,
    reference: float,
    day: int,
    policy: RightsPolicy,
) -> tuple[Account, ExDate]:
    """Apply announced terms: cash and whole new shares; fractions are paid at the reference price.

    A dividend that is paid on a later day is a receivable until then. New bonus shares join the lots they
    come from. Subscribed rights are a lot of their own, bought on the ex-date. Rights lapse where cash does
    not suffice.

    Notes
    -----
    Prices are fen. The tolerance is half a tick × (1 + bonus + rights) + 0.2 % of the last close, a share.
    """
    lots = account.lots[symbol]
    held = sum(lot.shares for lot in lots)
    dividend = _fen(held * action.cash * 100)
    exact = held * action.bonus
    bonus = math.floor(exact + 1e-6)
    fraction = _fen(max(0.0, exact - bonus) * reference)
    later = action.pay_day is not None and action.pay_day > day and dividend > 0
    due = (Receivable(action.pay_day, symbol, dividend),) if later and action.pay_day is not None else ()
    cash = account.cash_fen + fraction + (0 if later else dividend)
    lots = _spread(lots, bonus, dividend)

    rights = math.floor(held * action.rights + 1e-6)
    rights_cost = _fen(rights * action.rights_price * 100)
    in_the_money = _fen(rights * reference) - rights_cost
    new_shares, rights_cash, lapsed = 0, 0, 0
    if rights and policy is RightsPolicy.SUBSCRIBE and rights_cost <= cash:
        new_shares, rights_cash = rights, -rights_cost
        lots = (*lots, Lot(rights, day, rights_cost))
    elif rights and policy is RightsPolicy.SELL_AT_REFERENCE:
        rights_cash, lapsed = max(0, in_the_money), min(0, in_the_money)
    elif rights:
        lapsed = in_the_money
    cash += rights_cash

    after = held + bonus + new_shares
    rounding = (
        _fen(after * reference) + dividend + fraction + rights_cash + lapsed - _fen(held * previous_close)
    )
    tolerance = held * (0.5 * (1 + action.bonus + action.rights) + 0.002 * previous_close) + reference
    event = ExDate(
        symbol,
        held,
        after,
        dividend + fraction + max(0, rights_cash),
        max(0, -rights_cash),
        rounding,
        abs(rounding) > tolerance,
        _words(action, rights, new_shares, policy),
        dividend if later else 0,
        action.pay_day if later else None,
    )
    return Account(cash, {**account.lots, symbol: lots}, (*account.receivables, *due)), event


def _spread(lots: Lots, bonus: int, dividend: int) -> Lots:
    """Hand bonus shares and dividends to the lots pro rata, so that the totals are exact."""
    held = sum(lot.shares for lot in lots)
    out: list[Lot] = []
    seen = given_shares = given_cash = 0
    for lot in lots:
        seen += lot.shares
        upto_shares, upto_cash = bonus * seen // held, dividend * seen // held
        out.append(
            Lot(
                lot.shares + upto_shares - given_shares,
                lot.day,
                lot.cost_fen,
                lot.dividends_fen + upto_cash - given_cash,
            )
        )
        given_shares, given_cash = upto_shares, upto_cash
    return tuple(out)


def _words(action: CorporateAction, rights: int, taken: int, policy: RightsPolicy) -> str:
    parts = []
    if action.cash:
        parts.append(f"cash {action.cash:g} a share")
    if action.bonus:
        parts.append(f"bonus {action.bonus:g}")
    if action.rights:
        fate = (
            "subscribed"
            if taken
            else "sold at reference"
            if policy is RightsPolicy.SELL_AT_REFERENCE
            else "lapsed"
        )
        parts.append(f"rights {action.rights:g} at {action.rights_price:g}, {fate if rights else 'none due'}")
    return ", ".join(parts)


def _fen(value: float) -> int:
    # a millionth, since 0.145 * 100 is 14.499999999999998
    return value if isinstance(value, int) else math.floor(value + 0.5 + 1e-6)
