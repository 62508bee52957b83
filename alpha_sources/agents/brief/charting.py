"""Which charts a brief holds."""

from __future__ import annotations

import numpy as np

from alpha_sources.agents.brief.config import BriefConfig
from alpha_sources.agents.brief.market_items import session_day
from alpha_sources.agents.brief.sectors import Sector, index_bars, sector_bars
from alpha_sources.agents.brief.sentiment import TextMask
from alpha_sources.agents.brief.trend import trend
from alpha_sources.agents.charts import Bars, Caption, Chart, rebased
from engine.market.view import MarketView

_STRENGTH_SESSIONS = 20


def brief_charts(
    view: MarketView,
    index_symbol: str | None,
    sectors: tuple[Sector, ...],
    config: BriefConfig,
    mask: TextMask | None = None,
) -> tuple[Chart, ...]:
    """Return the charts of the index and of the sectors that moved most over 20 sessions.

    A chart without two bars is left out. With a mask charts show the index's alias, the codes of sectors, and
    neither days nor levels.
    """
    masked = mask is not None
    label, name = "members", "equally weighted"
    if index_symbol is not None:
        label, name = mask.apply(index_symbol) if mask else index_symbol, ""
    own = "index points" if index_symbol else "100 before the first bar"
    drawn: list[tuple[str, str, str, str, str, Bars]] = [
        (
            f"index {index_symbol}" if index_symbol else "the members, equally weighted",
            f"bars of {index_symbol}" if index_symbol else "adjusted prices of the members",
            label,
            name,
            own,
            index_bars(view, index_symbol, config.chart_sessions),
        )
    ]
    for sector in _that_moved_most(view, sectors, config.chart_sectors):
        drawn.append(
            (
                f"sector {sector.code} {sector.name}, {sector.members} members, equally weighted",
                "adjusted prices of the members, by industry as named today",
                sector.code,
                "" if masked else sector.name,
                "100 before the first bar",
                sector_bars(view, sector.columns, config.chart_sessions),
            )
        )
    charts: list[Chart] = []
    for title, source, label, name, unit, bars in drawn:
        if int(np.isfinite(bars.close + bars.open).sum()) < 2:
            continue
        days = tuple(map(str, view.dates[len(view) - len(bars) :]))
        caption = Caption(label, name, "first close = 100" if masked else unit, days, masked)
        charts.append(
            Chart(
                id=f"C{len(charts) + 1}",
                title=f"K-line and what was traded of {title}, {len(bars)} sessions",
                date=session_day(view),
                source=source,
                bars=rebased(bars) if masked else bars,
                caption=caption,
            )
        )
    return tuple(charts)


def _that_moved_most(view: MarketView, sectors: tuple[Sector, ...], most: int) -> list[Sector]:
    """The strongest, the weakest, the second strongest and so on; in the order of strength."""

    def strength(sector: Sector) -> float:
        found = trend(sector_bars(view, sector.columns, _STRENGTH_SESSIONS + 1).close)["return_20"]
        return -np.inf if found is None else found

    ordered = sorted(sectors, key=lambda one: (-strength(one), one.code))
    kept = min(most, len(ordered))
    weakest = kept // 2
    return ordered[: kept - weakest] + ordered[len(ordered) - weakest :]
