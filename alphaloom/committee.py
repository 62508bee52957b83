"""The committee of a configuration, asked once: which seeds it would keep at the close of a day."""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import cast

import numpy as np

from alpha_sources.agents import Decision
from alpha_sources.loading import handed, load_provider
from alpha_sources.seed import load_seeds
from alpha_sources.teaching import first_row
from alpha_sources.woven import WovenProvider
from alpha_sources.woven.settings import WovenSettings
from alphaloom.api import market_of
from alphaloom.config import RunConfig
from alphaloom.tried import Judged, Tried, count_tried, open_ledger
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
    tried : Tried or None
        What was counted in the ledger of trials; None where nothing was.
    """

    decision: Decision
    seeds: str
    tried: Tried | None = None


def sit(
    settings: RunConfig,
    day: date | None,
    *,
    seeds: str | None = None,
    panel: MarketPanel | None = None,
    at: datetime | None = None,
    ledger: Path | None = None,
) -> Sitting:
    """Let the committee of a configuration sit at the close of a day, as at the first refresh of a run.

    Parameters
    ----------
    settings : RunConfig
        Its data, its ``llm``, and its ``alpha.params``: all of them where the provider is ``woven``, and of
        another provider's those that a woven one takes.
    day : date or None
        The last session up to this day; by default that of the data.
    seeds : str or None
        A library's name or a file, every seed of which is judged; by default the configuration's, of a woven
        provider those that it would weave.
    panel : MarketPanel, optional
        In place of the configuration's data.
    at : datetime, optional
        Now, with its time zone: the formulas judged are counted in the ledger of trials, see `count_tried`.
        Without it nothing is counted.
    ledger : Path, optional
        Of trials; by default that of ALPHALOOM_HOME.

    Raises
    ------
    ConfigError, DataError, LibraryError, LlmError, ProviderError
        If something does not fit; see `alpha_sources.agents.decide`.
    DatabaseError
        If the ledger cannot be opened; no model has been asked then.
    """
    own = settings.alpha.provider == "woven"
    known = WovenSettings.model_fields.keys()
    given = {key: value for key, value in settings.alpha.params.items() if own or key in known}
    params = handed(WovenProvider, given, seed=settings.seed, llm=settings.resolved_llm())
    provider = cast(WovenProvider, load_provider("woven", params, settings.base))
    source = seeds or str(provider.settings.seeds_path or provider.settings.seeds)
    entries = None if own and seeds is None else load_seeds(source).entries
    whole = market_of(settings).panel if panel is None else panel
    view = view_at(whole, day)
    if at is not None:
        open_ledger(ledger).close()  # what cannot be counted is found out before a model is paid
    with closing(provider):
        decision = provider.decide(view, entries)
    tried = None
    if at is not None:
        since: date = view.dates[first_row(view, provider.settings)].astype(object)
        tried = count_tried([Judged(decision, since)], settings, whole, at=at, ledger=ledger, seeds=source)
    return Sitting(decision, source, tried)


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
