"""What each row of quotes must satisfy before anything is built from it."""

from __future__ import annotations

import numpy as np

from engine.market.calendar import EXTEND, Calendar, iso
from engine.market.grid import Bools, Floats, to_tick
from engine.market.quotes import PRICES, Quotes, Units
from engine.market.validate import Findings, counted

#: A factor step this small is rounding noise of the vendor; above it an ex-date.
FACTOR_STEP = 1e-5
_FACTOR_FALL = 1e-4
_OFF_TICK = 1e-3
_RELATIVE = 1e-6


def check_quotes(
    q: Quotes, *, calendar: Calendar, tick: float | None, units: Units, findings: Findings
) -> None:
    """Run every check on rows; each adds at most one finding of its kind."""
    _duplicates(q, findings)
    _sessions(q, calendar, findings)
    _prices(q, findings)
    _bars(q, tick, findings)
    _signs(q, findings)
    _factors(q, findings)
    _vwap(q, tick, units, findings)
    _amounts(q, findings)
    _trading(q, findings)
    _grid(q, tick, findings)


def _duplicates(q: Quotes, findings: Findings) -> None:
    bad = np.zeros(len(q.column), dtype=bool)
    bad[1:] = q.follows()[1:] & (q.session[1:] == q.session[:-1])
    if n := int(bad.sum()):
        message = f"{counted(n, 'row')} repeating a symbol and date; keep one of each"
        findings.error("duplicate", message, n, q.labels(bad))


def _sessions(q: Quotes, calendar: Calendar, findings: Findings) -> None:
    days = np.unique(q.session)
    off = days[~np.isin(days, calendar.sessions)]
    if len(off):
        bad = np.isin(q.session, off)
        late = calendar.name == "xshg" and bool((off > calendar.last).any())
        remedy = EXTEND if late else "drop them, or set data.calendar: data for synthetic dates"
        message = (
            f"{counted(int(bad.sum()), 'row')} on {counted(len(off), 'day')} that "
            f"{'is' if len(off) == 1 else 'are'} no session of the {calendar.name} calendar "
            f"({iso(calendar.first)}..{iso(calendar.last)}); {remedy}"
        )
        findings.error("off_calendar", message, int(bad.sum()), q.labels(bad))


def _prices(q: Quotes, findings: Findings) -> None:
    # vendors write 0 for open, high and low of a suspended session: only its sign can be wrong there
    traded = (q.values["volume"] > 0.0) & ~np.isnan(q.values["close"])
    if "trading" in q.values:
        traded &= q.values["trading"] != 0.0
    bad = np.zeros(len(q.column), dtype=bool)
    for name in PRICES:
        if name in q.values:
            price = q.values[name]
            bad |= price < 0.0
            if name != "preclose":
                bad |= traded & (price == 0.0)
    if n := int(bad.sum()):
        detail = " (open {open:g}, high {high:g}, low {low:g}, close {close:g})"
        message = f"{counted(n, 'row')} with a price of zero or below; correct or drop them"
        findings.error("bad_price", message, n, q.labels(bad, detail))


def _bars(q: Quotes, tick: float | None, findings: Findings) -> None:
    v = q.values
    slack: float | Floats = tick / 2 if tick else _RELATIVE * np.abs(v["close"])
    relations = {
        "high {high:.2f} < low {low:.2f}": v["high"] < v["low"] - slack,
        "high {high:.2f} < open {open:.2f}": v["high"] < v["open"] - slack,
        "high {high:.2f} < close {close:.2f}": v["high"] < v["close"] - slack,
        "low {low:.2f} > open {open:.2f}": v["low"] > v["open"] + slack,
        "low {low:.2f} > close {close:.2f}": v["low"] > v["close"] + slack,
        "open {open:.2f}, high {high:.2f}, low {low:.2f}": (
            np.isnan(v["open"]) | np.isnan(v["high"]) | np.isnan(v["low"])
        ),
    }
    bad = np.logical_or.reduce(list(relations.values())) & q.traded
    if n := int(bad.sum()):
        examples = []
        for row in np.flatnonzero(bad)[:3]:
            only = np.arange(len(bad)) == row
            words = next(text for text, holds in relations.items() if holds[row])
            examples += q.labels(only, f" ({words})")
        message = f"{counted(n, 'row')} whose open, high, low and close make no bar; correct or drop them"
        findings.error("bad_ohlc", message, n, examples)


def _signs(q: Quotes, findings: Findings) -> None:
    for name in ("volume", "amount"):
        if name in q.values and (n := int((q.values[name] < 0.0).sum())):
            bad = q.values[name] < 0.0
            message = f"{counted(n, 'row')} with {name} below zero; correct or drop them"
            findings.error(f"bad_{name}", message, n, q.labels(bad, f" ({{{name}:g}})"))


def _factors(q: Quotes, findings: Findings) -> None:
    if "adj_factor" not in q.values:
        return
    known = q.take(~np.isnan(q.values["adj_factor"]))
    factor, follows = known.values["adj_factor"], known.follows()
    bad = factor <= 0.0
    bad[1:] |= follows[1:] & (factor[1:] < factor[:-1] * (1.0 - _FACTOR_FALL))
    if n := int(bad.sum()):
        message = (
            f"{counted(n, 'row')} where the adjustment factor falls or is not above zero; "
            "give the cumulative backward factor (adjusted = raw × factor, rising on ex-dates)"
        )
        findings.error("bad_factor", message, n, known.labels(bad, " ({adj_factor:g})"))
    begun = q.take(q.priced | ~np.isnan(q.values["adj_factor"]))
    unknown = ~begun.follows() & np.isnan(begun.values["adj_factor"])
    if n := int(unknown.sum()):
        message = (
            f"{counted(n, 'name')} whose first price has no adj_factor; fill it in, or leave the column out"
        )
        findings.error("no_factor", message, n, begun.labels(unknown))


def _vwap(q: Quotes, tick: float | None, units: Units, findings: Findings) -> None:
    if "amount" not in q.values:
        return
    q = q.take(q.traded & (q.values["amount"] > 0.0))
    if not len(q.column):
        return
    v = q.values
    vwap = v["amount"] / v["volume"]
    scale = float(np.median(vwap / v["close"]))
    if not 0.5 < scale < 2.0:
        message = (
            f"amount ÷ volume is {scale:.4g} times the close on most rows; {_units_remedy(scale, units)}"
        )
        detail = " (amount {amount:g}, volume {volume:g}, close {close:g})"
        findings.error("units", message, len(vwap), q.labels(vwap > 0.0, detail))
        return
    slack: float | Floats = tick / 2 if tick else _RELATIVE * v["close"]
    outside = (vwap > v["high"] + slack) | (vwap < v["low"] - slack)
    if n := int(outside.sum()):
        v["vwap"] = vwap
        message = (
            f"{counted(n, 'row')} whose amount ÷ volume lies outside low..high; fills at vwap are clipped"
        )
        detail = " (vwap {vwap:.2f}, {low:.2f}..{high:.2f})"
        findings.warn("vwap_outside", message, n, q.labels(outside, detail))


def _units_remedy(scale: float, units: Units) -> str:
    if 50.0 < scale < 200.0 and units == "shares":
        return "the volume looks like lots of 100 shares: set data.units: lots"
    if 0.005 < scale < 0.02 and units == "lots":
        return "the volume looks like shares: set data.units: shares"
    return "give volume in shares (or set data.units: lots) and amount in CNY"


def _amounts(q: Quotes, findings: Findings) -> None:
    if "amount" not in q.values:
        if "vwap" not in q.values:
            message = "no column amount: the vwap is unknown and fills at vwap are refused"
            findings.warn("no_amount", message, int(q.traded.sum()))
        return
    missing = q.traded & np.isnan(q.values["amount"])
    if n := int(missing.sum()):
        names = len(np.unique(q.column[missing]))
        message = (
            f"amount missing on {counted(n, 'traded row')} of {counted(names, 'name')}; "
            "fills at vwap are refused there"
        )
        findings.warn("missing_amount", message, n, _first_of_each(q, missing))


def _trading(q: Quotes, findings: Findings) -> None:
    volume = q.values["volume"] > 0.0
    odd = volume & np.isnan(q.values["close"])
    if "trading" in q.values:
        trading = q.values["trading"]
        odd |= (volume & (trading == 0.0)) | (~volume & (trading == 1.0))
    if n := int(odd.sum()):
        message = f"{counted(n, 'row')} whose volume contradicts its price or trading flag; read as suspended"
        findings.warn("trading_conflict", message, n, q.labels(odd, " (volume {volume:g}, close {close:g})"))


def _grid(q: Quotes, tick: float | None, findings: Findings) -> None:
    if tick is None:
        return
    off = np.zeros(len(q.column), dtype=bool)
    for name in PRICES:
        if name in q.values:
            price = q.values[name]
            off |= q.traded & (np.abs(price - to_tick(price, tick)) > _OFF_TICK * tick)
    if n := int(off.sum()):
        message = (
            f"{counted(n, 'traded row')} of {len(off):,} with prices off the tick of {tick:g}, rounded; set "
            "data.tick: none if they are meant (adjusted prices are not: give raw ones)"
        )
        findings.warn("off_tick", message, n, q.labels(off, " (open {open:.6g}, close {close:.6g})"))


def _first_of_each(q: Quotes, mask: Bools) -> list[str]:
    """Label the first masked row of each name."""
    rows = np.flatnonzero(mask)
    _, first = np.unique(q.column[rows], return_index=True)
    return [q.label(int(rows[i])) for i in first[:3]]
