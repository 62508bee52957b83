"""The arithmetic of a plain basket in machine code: `engine.broker.match` is what it must equal.

Whatever is out of the ordinary it does not judge: it says so, and the basket is matched there.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from engine.broker.orders import Reason
from engine.jit import jit

#: What became of an order, by code; 0 is a fill.
OUTCOMES = (
    None,
    Reason.NO_PRICE,
    Reason.SUSPENDED,
    Reason.LIMIT_UP,
    Reason.LIMIT_DOWN,
    Reason.BELOW_ONE_LOT,
)
_NO_PRICE, _SUSPENDED, _LIMIT_UP, _LIMIT_DOWN, _BELOW_ONE_LOT = range(1, 6)
_ODD = -1

#: Columns of the rules: one row a symbol, as they hold in the session. -1 is not known, or none.
PERCENT, PERCENT_ST, SETTLED, LOT, STEP, CAP = range(6)
BUY_FEES, SELL_FEES, RULES = 6, 10, 14
#: The rules of a symbol that is not to be judged here.
UNKNOWN = -1
#: Columns of the outcome of an order.
CODE, PRICE, SHARES, AMOUNT, COMMISSION, STAMP, TRANSFER, ASKED, SLIP, FIELDS = range(10)
#: Places of the fields in the tuple of them.
OPEN, HIGH, LOW, CLOSE, REFERENCE, VWAP, TRADING, ST = range(8)

AT_OPEN, AT_VWAP, AT_CLOSE = range(3)

_BPS = 10**7
_HAIR = 1e-6
_SCALE = 10**9
#: Beyond these, integers might not fit 64 bits, or floats not hold them exactly: fen of one order, a scaled
#: rate or least commission, fen of the account.
LARGEST_AMOUNT, LARGEST_RATE, LARGEST_MONEY = 10**12, 4 * 10**6, 2**53


@jit
def whole_fen(values: Any, row: int, columns: Any) -> tuple[bool, Any]:
    """Values of one row of a (T, N) array in CNY as whole fen, and whether all of them are known."""
    out = np.empty(len(columns), np.int64)
    known = True
    for i, column in enumerate(columns):
        value = values[row, column]
        if np.isnan(value):
            known = False
        else:
            out[i] = np.int64(value * 100 + 0.5)
    return known, out


@jit
def offer(
    fields: Any,
    row: int,
    n: int,
    rule: Any,
    is_buy: bool,
    both_sides: bool,
    at: int,
    milli_bps: int,
    out: Any,
) -> Any:
    """Write what the market offers an order to `out`; return the undisturbed price in fen, or NaN."""
    close, reference = fields[CLOSE][row, n], fields[REFERENCE][row, n]
    if np.isnan(close) or np.isnan(reference):
        out[CODE] = _NO_PRICE
        return np.nan
    st = fields[ST][row, n] > 0
    percent = rule[PERCENT_ST] if st else rule[PERCENT]
    if percent < 0 or row < rule[SETTLED]:
        out[CODE] = _ODD
        return np.nan
    if not fields[TRADING][row, n] > 0:
        out[CODE] = _SUSPENDED
        return np.nan
    cny = fields[OPEN][row, n] if at == AT_OPEN else fields[VWAP][row, n] if at == AT_VWAP else close
    if np.isnan(cny):
        out[CODE] = _NO_PRICE
        return np.nan
    high, low = fields[HIGH][row, n], fields[LOW][row, n]
    if (st and is_buy) or np.isnan(high) or np.isnan(low):
        out[CODE] = _ODD
        return np.nan
    top, bottom = np.int64(high * 100 + 0.5), np.int64(low * 100 + 0.5)
    fen = np.int64(reference * 100 + 0.5)
    up, down = (fen * (100 + percent) + 50) // 100, (fen * (100 - percent) + 50) // 100
    base = cny * 100 if at == AT_VWAP else float(np.int64(cny * 100 + 0.5))
    if (is_buy or both_sides) and (base >= up - _HAIR or bottom >= up):
        out[CODE] = _LIMIT_UP
        return np.nan
    if (both_sides or not is_buy) and (base <= down + _HAIR or top <= down):
        out[CODE] = _LIMIT_DOWN
        return np.nan
    if at == AT_VWAP:
        slip = milli_bps / _BPS
        price = np.int64(
            np.ceil(base * (1 + slip) - _HAIR) if is_buy else np.floor(base * (1 - slip) + _HAIR)
        )
    else:
        moved = np.int64(base) * (_BPS + milli_bps if is_buy else _BPS - milli_bps)
        price = -(-moved // _BPS) if is_buy else moved // _BPS
    price = min(price, top)
    price = max(price, bottom)
    price = min(price, up)
    out[CODE], out[PRICE] = 0, max(price, down)
    return base


@jit
def charge(out: Any, fees: Any, base: float, shares: int) -> Any:
    """Write amount, fees and slip of `shares` at the price offered; return the amount."""
    amount = out[PRICE] * shares
    out[SHARES], out[AMOUNT] = shares, amount
    out[COMMISSION] = max((2 * amount * fees[0] + _SCALE) // (2 * _SCALE), fees[1])
    out[STAMP] = (2 * amount * fees[2] + _SCALE) // (2 * _SCALE)
    out[TRANSFER] = (2 * amount * fees[3] + _SCALE) // (2 * _SCALE)
    undisturbed = np.int64(np.floor(base * shares + 0.5))
    out[SLIP] = amount - undisturbed
    return amount


@jit
def match_plain(
    fields: Any, row: int, columns: Any, rules: Any, held: Any, names_held: int, slots: int, cash: int,
    risk_degree: float, reserve: int, most: int, substitute: bool, both_sides: bool, sell_at: int,
    buy_at: int, milli_bps: int, out: Any,
) -> tuple[int, int]:  # fmt: skip
    """Sell whole positions, then fill slots with equal money.

    Parameters
    ----------
    fields : eight (T, N) float arrays
        Prices in CNY, and the two flags; `row` is the session.
    columns : (k,) int array
        Of the orders: sells first, then candidates.
    rules : (N, RULES) int array
    held : (n_sells,) int array
        Shares to be sold, all of them free.
    names_held, slots : int
    cash, reserve, most : int
        Fen; `most` < 0 is no limit for one slot.
    out : (k, FIELDS) int array
        Receives the outcomes.

    Returns
    -------
    (int, int)
        Candidates tried, and the cash that is left; (-1, 0) where an order is out of the ordinary.
    """
    n_sells = len(held)
    for i in range(n_sells):
        mine, rule = out[i], rules[columns[i]]
        base = offer(fields, row, columns[i], rule, False, both_sides, sell_at, milli_bps, mine)
        if mine[CODE] < 0:
            return -1, 0
        mine[ASKED] = held[i]
        if mine[CODE]:
            continue
        if held[i] > rule[CAP] >= 0 or mine[PRICE] * float(held[i]) > LARGEST_AMOUNT:
            return -1, 0
        amount = charge(mine, rule[SELL_FEES:], base, held[i])
        mine[SLIP] = -mine[SLIP]
        cash += amount - mine[COMMISSION] - mine[STAMP] - mine[TRANSFER]
        if cash < 0:
            return -1, 0
        names_held -= 1
    n_buys = len(columns) - n_sells
    free: Any = min(max(0, slots - names_held), n_buys)
    if not free:
        return 0, cash
    spendable: Any = max(0, min(np.int64(cash * risk_degree), cash - reserve))
    each: Any = np.int64(spendable * 1.0 / free)
    if most >= 0:
        each = min(each, most)
    tried = bought = 0
    while tried < n_buys and (bought if substitute else tried) < free:
        i = n_sells + tried
        tried += 1
        mine, rule = out[i], rules[columns[i]]
        base = offer(fields, row, columns[i], rule, True, both_sides, buy_at, milli_bps, mine)
        mine[ASKED] = 0
        if mine[CODE] < 0:
            return -1, 0
        if mine[CODE]:
            continue
        wanted = np.int64(each / mine[PRICE])
        if wanted < rule[LOT]:
            mine[CODE], mine[ASKED] = _BELOW_ONE_LOT, wanted
            continue
        shares = rule[LOT] + (wanted - rule[LOT]) // rule[STEP] * rule[STEP]
        if shares > rule[CAP] >= 0 or mine[PRICE] * float(shares) > LARGEST_AMOUNT:
            return -1, 0
        mine[ASKED] = shares
        cash -= charge(mine, rule[BUY_FEES:], base, shares)
        cash -= mine[COMMISSION] + mine[STAMP] + mine[TRANSFER]
        if cash < 0:
            return -1, 0
        bought += 1
    return tried, cash
