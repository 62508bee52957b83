"""The first question's work: what the committee would keep, and under which regime."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import Any

import numpy as np

from alpha_sources.agents import decide
from alpha_sources.agents.config import CommitteeConfig
from alpha_sources.libraries.checking import lacking
from alpha_sources.woven import WovenProvider
from alphaloom.config import RunConfig
from alphaloom.reproduce.experiment import Experiment, SittingJob
from alphaloom.reproduce.folder import WorkFolder
from alphaloom.reproduce.methods import METHODS, settings_of, spans_of
from engine.market import MarketPanel
from engine.market.calendar import iso

#: sessions from one sitting to the next
EVERY = 10
#: sessions of evidence that are enough where the paper's window has no more
_FEW = 40


def sittings(experiment: Experiment, panel: MarketPanel) -> Iterator[SittingJob]:
    """Yield sittings through the training span, as soon as the committee has sessions enough, and the cases.

    Parameters
    ----------
    panel : MarketPanel
        Sealed or not; nothing after the training span is asked for.
    """
    train = spans_of(experiment.base).train
    since = str(train.start)
    first = int(np.searchsorted(panel.dates, np.datetime64(train.start)))
    last = int(np.searchsorted(panel.dates, np.datetime64(train.end), side="right")) - 1
    first += _committee(experiment.base).least_sessions
    for row in range(first, last + 1, EVERY):
        yield SittingJob(iso(panel.dates[row]), since)
    yield from experiment.windows()


def sit_down(job: SittingJob, base: RunConfig, panel: MarketPanel, folder: WorkFolder) -> None:
    """Let the committee sit, by rules, and write down what it kept.

    Raises
    ------
    AlphaloomError
        If it cannot: too few sessions, no seed that can be judged.
    """
    provider = _provider(base)
    config = provider.settings.agents
    if job.window:
        # the window is the regime: all of its sessions count, and there are few of them
        config = config.model_copy(
            update={"regime_conditional": False, "least_sessions": _FEW, "least_alpha_sessions": _FEW}
        )
    row = int(np.searchsorted(panel.dates, np.datetime64(job.day), side="right")) - 1
    view = panel.view(row)
    seeds = [seed for seed in provider.seeds if not lacking(seed.parsed, view)]
    decision = decide(
        view,
        seeds,
        config,
        horizon_sessions=provider.settings.horizon_sessions,
        seed=provider.settings.seed,
        start=date.fromisoformat(job.since),
    )
    categories = {seed.name: str(seed.category) for seed in seeds}
    folder.write(job.place, {"config_hash": base.hash(), **_record(decision, categories)})


def _record(decision: Any, categories: dict[str, str]) -> dict[str, Any]:
    return {
        "as_of": decision.as_of,
        "regime": decision.regime,
        "sessions": decision.sessions,
        "kept": [[name, categories[name]] for name in decision.kept],
    }


def _provider(base: RunConfig) -> WovenProvider:
    """The paper's method, as the experiment has it."""
    settings = settings_of(METHODS[0], base, 0)
    return WovenProvider(**settings.alpha.params)


def _committee(base: RunConfig) -> CommitteeConfig:
    return _provider(base).settings.agents
