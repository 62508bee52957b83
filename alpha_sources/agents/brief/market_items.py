"""What prices say: regime, indices, breadth, sectors."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

import numpy as np

from alpha_sources.agents.brief.item import BriefItem, ItemKind
from alpha_sources.agents.brief.sectors import Sector, sector_bars
from alpha_sources.agents.brief.trend import REACH, percent, said, trend
from alpha_sources.evaluation.regimes import Regime, RegimeRules
from alpha_sources.market_state import Feature, MarketState
from engine.market.view import MarketView

#: Other indices shown beside the chosen one.
_MOST_INDICES = 8


def session_day(view: MarketView) -> date:
    """Return the view's session as a day."""
    day: date = view.session.astype(object)
    return day


def market_items(
    view: MarketView,
    index_symbol: str | None,
    state: MarketState,
    rules: RegimeRules,
    sectors: tuple[Sector, ...],
) -> Iterator[BriefItem]:
    """Yield what prices say, without ids.

    Parameters
    ----------
    view : MarketView
    index_symbol : str or None
        None stands for the members, equally weighted.
    state : MarketState
        Of the same view.
    rules : RegimeRules
        By which the regimes were found.
    sectors : tuple of Sector
    """
    yield _regime(view, state, rules)
    if index_symbol is None:
        yield _members(view)
    others = [symbol for symbol in view.index_symbols if symbol != index_symbol]
    for symbol in [*([index_symbol] if index_symbol else []), *others[:_MOST_INDICES]]:
        values = trend(view.index(symbol)[-REACH:])
        yield BriefItem(
            "",
            ItemKind.INDEX,
            session_day(view),
            f"closes of {symbol}",
            f"index {symbol}: {said(values)}",
            values,
            symbol,
        )
    yield _breadth(view, state)
    yield from _sectors(view, sectors)


def _regime(view: MarketView, state: MarketState, rules: RegimeRules) -> BriefItem:
    lasted = state.sessions_in_regime
    parts = [f"regime {state.regime.label} for {lasted} {'session' if lasted == 1 else 'sessions'}"]
    if lasted < len(state.regimes):
        parts.append(f"before that {Regime(int(state.regimes[-1 - lasted])).label}")
    year = state.regimes[-252:]
    shares = {
        regime.label: float((year == regime).mean())
        for regime in Regime
        if regime is not Regime.UNKNOWN and (year == regime).any()
    }
    if shares:
        listed = ", ".join(f"{label} {share:.0%}" for label, share in shares.items())
        parts.append(f"of the last {len(year)} sessions: {listed}")
    rule = (
        f"bull and bear by the index's return over {rules.trend_sessions} sessions (beyond "
        f"{rules.trend_threshold:.0%}) and the share of members above their mean of "
        f"{rules.breadth_sessions}; stressed where volatility exceeds {rules.stress_ratio:g} times its "
        f"median of {rules.history_sessions}"
    )
    values: dict[str, float | None] = {"sessions_in_regime": float(lasted), **shares}
    return BriefItem("", ItemKind.REGIME, session_day(view), f"rule: {rule}", "; ".join(parts), values)


def _members(view: MarketView) -> BriefItem:
    bars = sector_bars(view, tuple(range(len(view.symbols))), REACH)
    values = trend(bars.close)
    return BriefItem(
        "",
        ItemKind.INDEX,
        session_day(view),
        "adjusted closes of the members, equally weighted",
        f"the members, equally weighted: {said(values)}",
        values,
    )


def _breadth(view: MarketView, state: MarketState) -> BriefItem:
    close = view.adjusted("close")[-60:]
    members = view.universe[-1] & np.isfinite(close[-1])
    values: dict[str, float | None] = {"members": float(members.sum())}
    parts = [f"{int(members.sum())} members"]
    for h in (20, 60):
        full = members & np.isfinite(close[-h:]).all(axis=0) if len(close) >= h else np.zeros_like(members)
        line = close[-h:, full]
        values[f"above_mean_{h}"] = float((line[-1] > line.mean(axis=0)).mean()) if full.any() else None
        values[f"at_high_{h}"] = float((line[-1] >= line.max(axis=0)).mean()) if full.any() else None
        values[f"at_low_{h}"] = float((line[-1] <= line.min(axis=0)).mean()) if full.any() else None
        if full.any():
            shares = [
                percent(values[f"{name}_{h}"], sign=False) for name in ("above_mean", "at_high", "at_low")
            ]
            parts.append(
                f"{shares[0]} above their mean of {h} sessions, {shares[1]} at the high of {h}, "
                f"{shares[2]} at the low"
            )
    latest = state.latest()
    # the state holds these scaled; here they stand as themselves
    if (spread := latest[Feature.DISPERSION_20]) is not None:
        values["dispersion_20"] = 0.02 * float(np.exp(spread))
        parts.append(f"dispersion of daily returns {percent(values['dispersion_20'], sign=False)}")
    if (shared := latest[Feature.CORRELATION_20]) is not None:
        values["correlation_20"] = (shared + 1.0) / 2.0
        parts.append(f"mean pairwise correlation {values['correlation_20']:.2f}")
    if (ratio := latest[Feature.AMOUNT_RATIO]) is not None:
        values["amount_ratio_5_60"] = float(np.exp(ratio))
        parts.append(f"amount of 5 sessions {values['amount_ratio_5_60']:.2f} times that of 60")
    source = "adjusted closes and amounts of the members"
    return BriefItem("", ItemKind.BREADTH, session_day(view), source, "; ".join(parts), values)


def _sectors(view: MarketView, sectors: tuple[Sector, ...]) -> Iterator[BriefItem]:
    measured = [(sector, trend(sector_bars(view, sector.columns, REACH).close)) for sector in sectors]
    for sector, values in sorted(measured, key=lambda pair: (-_strength(pair[1]), pair[0].code)):
        yield BriefItem(
            "",
            ItemKind.SECTOR,
            session_day(view),
            "adjusted closes of the members, equally weighted by industry as named today",
            f"sector {sector.code} {sector.name} ({sector.members} members): {said(values)}",
            {"members": float(sector.members), **values},
            sector.code,
        )


def _strength(values: dict[str, float | None]) -> float:
    found = values["return_20"]
    return -np.inf if found is None else found
