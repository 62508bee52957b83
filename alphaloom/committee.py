"""The committee of a configuration, asked once: which seeds it would keep at the close of a day."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np

from alpha_sources.agents import Decision, decide
from alpha_sources.agents.brief import make_brief
from alpha_sources.llm import Door
from alpha_sources.seed import load_seeds
from alpha_sources.woven.settings import WovenSettings
from alphaloom.api import market_of
from alphaloom.config import RunConfig
from engine.errors import DataError
from engine.market.calendar import iso
from engine.market.panel import MarketPanel
from engine.market.view import MarketView


@dataclass(frozen=True, eq=False)
class Sitting:
    """What came of it.

    Parameters
    ----------
    decision : Decision
    seeds : str
        Where they came from.
    """

    decision: Decision
    seeds: str


def sit(
    settings: RunConfig,
    day: date | None,
    *,
    environ: Mapping[str, str],
    seeds: str | None = None,
    panel: MarketPanel | None = None,
) -> Sitting:
    """Let the committee of a configuration sit at the close of a day.

    Parameters
    ----------
    settings : RunConfig
        Its data, its ``llm``, and of ``alpha.params`` what a woven provider takes; other keys are left alone.
    day : date or None
        The last session up to this day; by default that of the data.
    environ : mapping
        Where keys of language models are read.
    seeds : str or None
        A library's name or a file; by default the configuration's.
    panel : MarketPanel, optional
        In place of the configuration's data.

    Raises
    ------
    ConfigError, DataError, LibraryError, LlmError
        If something does not fit; see `alpha_sources.agents.decide`.
    """
    woven = woven_settings(settings.alpha.params)
    source = seeds or (str(woven.seeds_path) if woven.seeds_path else woven.seeds)
    library = load_seeds(source)
    market = market_of(settings).panel if panel is None else panel
    view = view_at(market, day)
    llm = settings.resolved_llm()
    with Door.open(llm, environ=environ, seed=settings.seed) as door:
        asked = None if door.offline else door
        brief = make_brief(
            view,
            index_symbol=woven.index_symbol or settings.index,
            documents=_archive(woven),
            door=asked,
            charts=woven.charts,
        )
        decision = decide(
            view,
            library.entries,
            woven.agents,
            horizon_sessions=woven.horizon_sessions,
            brief=brief,
            door=asked,
            seed=settings.seed,
            start=woven.start,
        )
    return Sitting(decision, source)


def woven_settings(params: Mapping[str, Any]) -> WovenSettings:
    """Return what a configuration says of a woven provider; what its own provider takes is left out."""
    known = WovenSettings.model_fields.keys() - {"llm"}
    return WovenSettings.read({key: value for key, value in params.items() if key in known})


def view_at(panel: MarketPanel, day: date | None) -> MarketView:
    """Return the view of the last session up to a day.

    Raises
    ------
    DataError
        If the data begin later, or end before.
    """
    if day is None:
        return panel.view(len(panel.dates) - 1)
    row = int(np.searchsorted(panel.dates, np.datetime64(day), side="right")) - 1
    covers = f"the data cover {iso(panel.dates[0])}..{iso(panel.dates[-1])}"
    if row < 0:
        raise DataError(f"--date {day} lies before the data: {covers}")
    if np.datetime64(day) > panel.dates[-1]:
        raise DataError(f"--date {day} lies after the data: {covers}")
    return panel.view(row)


def _archive(woven: WovenSettings) -> Any:
    if woven.news_path is None:
        return ()
    from alpha_sources.agents.brief import read_archive

    return read_archive(woven.news_path)
