"""What the members' accounts say, as they were known at the session."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

import numpy as np
from numpy.typing import NDArray

from alpha_sources.agents.brief.item import BriefItem, ItemKind
from alpha_sources.agents.brief.market_items import session_day
from alpha_sources.agents.brief.trend import percent
from alpha_sources.formula.fields import CATALOGUE, PER_SHARE_FIGURE
from alpha_sources.formula.units import RATIO
from engine.market.view import MarketView

Array = NDArray[np.float64]

_BEFORE, _YEAR = 60, 250
#: They move with the price, so that a change of theirs is no report.
_PRICED = ("pe_ttm", "pb_mrq")
_REPORTED = (
    "eps", "eps_ttm", "bvps", "bvps_mrq", "ocf_per_share", "roe_pct", "roe_ttm", "gross_margin_pct",
    "net_profit", "net_profit_yoy_pct", "revenue", "revenue_yoy_pct",
)  # fmt: skip
#: What is told of a name that reported.
_TOLD = ("eps_ttm", "roe_ttm", "net_profit_yoy_pct", "revenue_yoy_pct")
_MOST_NAMES = 15
#: Relative change below which a figure is the one before: files are written with few digits.
_SAME = 1e-6


def fundamental_items(view: MarketView, reported_sessions: int) -> Iterator[BriefItem]:
    """Yield what is known of the members' accounts, without ids.

    Ratios (pe, pb, return on equity, margins, growth) are told by their median and quartiles, beside the
    median of the same names 60 sessions before; figures in CNY and per share by their median growth over 250
    sessions, per share on today's shares. Fields that the panel lacks, or that no member has, are left out.

    Parameters
    ----------
    view : MarketView
    reported_sessions : int
        Members whose figures changed in so many sessions are named.
    """
    members = view.universe[-1]
    for name in (*_PRICED, *_REPORTED):
        if name not in view.field_names or not np.isfinite(view.field(name)[-1, members]).any():
            continue
        ratio = CATALOGUE[name].unit == RATIO
        item = (_median if ratio else _growth)(view, name, members)
        if item is not None:
            yield item
    fields = [name for name in _REPORTED if name in view.field_names]
    if fields:
        yield _reported(view, fields, reported_sessions, members)


def _median(view: MarketView, name: str, members: NDArray[np.bool_]) -> BriefItem:
    now = view.field(name)[-1]
    known = members & np.isfinite(now)
    low, middle, high = np.percentile(now[known], (25, 50, 75)).tolist()
    values: dict[str, float | None] = {
        "known": float(known.sum()),
        "median": middle,
        "lower_quartile": low,
        "upper_quartile": high,
        "median_60_before": None,
    }
    text = f"{name}: median {middle:.4g} of {int(known.sum())} members, quartiles {low:.4g} and {high:.4g}"
    if view.t >= _BEFORE:
        before = view.field(name)[-1 - _BEFORE]
        both = known & np.isfinite(before)
        if both.any():
            values["median_60_before"] = float(np.median(before[both]))
            values["median_of_the_same"] = float(np.median(now[both]))
            same = "" if both.sum() == known.sum() else f" (the same names now {np.median(now[both]):.4g})"
            text += f"; {_BEFORE} sessions before {values['median_60_before']:.4g}{same}"
    return BriefItem(
        "", ItemKind.FUNDAMENTAL, session_day(view), f"panel field {name}", _signed(text), values
    )


def _growth(view: MarketView, name: str, members: NDArray[np.bool_]) -> BriefItem | None:
    """Tell how a figure grew; None where no name had one a year before."""
    if view.t < _YEAR:
        return None
    now, shares = view.field(name)[-1], _shares(view, name)
    known = members & np.isfinite(now)
    before = view.field(name)[-1 - _YEAR] * shares[-1 - _YEAR] / shares[-1]
    both = known & np.isfinite(before) & (before > 0)
    if not both.any():
        return None
    grown = now[both] / before[both] - 1.0
    values: dict[str, float | None] = {
        "known": float(known.sum()),
        "median_growth_250": float(np.median(grown)),
        "shrank": float((grown < 0).mean()),
    }
    text = (
        f"{name}: known of {int(known.sum())} members; over {_YEAR} sessions median growth "
        f"{percent(values['median_growth_250'])} of {int(both.sum())} that were positive; "
        f"{percent(values['shrank'], sign=False)} shrank"
    )
    return BriefItem("", ItemKind.FUNDAMENTAL, session_day(view), f"panel field {name}", text, values)


def _shares(view: MarketView, name: str) -> Array:
    if CATALOGUE[name].degree == PER_SHARE_FIGURE and "share_factor" in view.field_names:
        return view.field("share_factor")
    return np.ones((len(view), len(view.symbols)))


def _reported(view: MarketView, fields: list[str], sessions: int, members: NDArray[np.bool_]) -> BriefItem:
    first = max(1, view.t + 1 - sessions)
    changed = np.zeros((view.t + 1 - first, len(view.symbols)), dtype=bool)
    for name in fields:
        now, before = view.field(name)[first:], view.field(name)[first - 1 : view.t]
        with np.errstate(invalid="ignore"):
            other = np.abs(now - before) > _SAME * np.abs(before)
        changed |= np.isfinite(now) & (other | ~np.isfinite(before))
    changed &= members
    columns = np.flatnonzero(changed.any(axis=0))
    last = {int(n): first + int(np.flatnonzero(changed[:, n])[-1]) for n in columns}
    order = sorted(columns.tolist(), key=lambda n: (-last[n], str(view.symbols[n])))
    text = f"{len(order)} of {int(members.sum())} members reported new figures in {sessions} sessions"
    if order:
        told = [_told(view, fields, n, first, last[n]) for n in order[:_MOST_NAMES]]
        rest = len(order) - len(told)
        text += f": {'; '.join(told)}{f'; and {rest} more' if rest else ''}"
    newest: date = view.dates[max(last.values(), default=view.t)].astype(object)
    values: dict[str, float | None] = {"reported": float(len(order)), "members": float(members.sum())}
    source = f"changes of panel fields {', '.join(fields)}"
    return BriefItem("", ItemKind.REPORTED, newest, source, _signed(text), values)


def _told(view: MarketView, fields: list[str], n: int, first: int, row: int) -> str:
    parts = []
    for name in _TOLD:
        if name not in fields:
            continue
        now, before = float(view.field(name)[-1, n]), float(view.field(name)[first - 1, n])
        if np.isfinite(now) and np.isfinite(before) and abs(now - before) > _SAME * abs(before):
            parts.append(f"{name} {before:.4g} to {now:.4g}")
    detail = f" ({', '.join(parts)})" if parts else ""
    return f"{view.symbols[n]} on {view.dates[row]}{detail}"


def _signed(text: str) -> str:
    """Write the minus of numbers as one."""
    return text.replace(" -", " −")
