"""The second question's work: rank ICs of libraries, session by session, and what they come to."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from alpha_sources.agents.confidence import standard_error
from alpha_sources.evaluation import judge
from alpha_sources.evaluation.trials import Origin, Scope, Trial, TrialLedger
from alpha_sources.formula import Formula
from alpha_sources.libraries import load_library
from alphaloom.config import RunConfig
from alphaloom.reproduce.experiment import RANDOM_FORMULAS, ForesightJob, Half
from alphaloom.reproduce.folder import WorkFolder
from alphaloom.reproduce.methods import spans_of
from engine.market import MarketPanel
from engine.market.view import MarketView
from engine.spans import PeriodConfig

Array = NDArray[np.float64]

_RANDOM_COUNT, _RANDOM_DEPTH = 100, 3
#: two-sided 95 % of a normal
_WIDTH = 1.959963984540054
#: lags of the Newey-West t are chosen from the number of sessions
_AUTOMATIC = -1


@dataclass(frozen=True, slots=True)
class MeanIc:
    """The rank IC of a group of formulas: the mean over its formulas of every session, over sessions.

    Parameters
    ----------
    formulas, sessions : int
    mean, t : float
        NaN where undefined.
    low, high : float
        Of the 95 % confidence interval of the mean.
    """

    formulas: int
    sessions: int
    mean: float
    t: float
    low: float
    high: float

    @classmethod
    def of(cls, ics: Array) -> MeanIc:
        """Sum a group up.

        Parameters
        ----------
        ics : (T, A) float array
            Rank IC of every session and formula, NaN where there is none.

        Notes
        -----
        Formulas of a session look at the same returns, so that they are averaged first: the error is that
        of the average over sessions, with Newey and West's (1987) correction for sessions that resemble
        their neighbours.
        """
        return cls.of_sessions(mean_of(ics), int(np.isfinite(ics).any(axis=0).sum()))

    @classmethod
    def of_sessions(cls, daily: Array, formulas: int = 1) -> MeanIc:
        """Sum one value for each session up, (T,); NaN ones are left out."""
        known = daily[np.isfinite(daily)]
        if not len(known):
            return cls(formulas, 0, math.nan, math.nan, math.nan, math.nan)
        mean, error = float(known.mean()), standard_error(known, _AUTOMATIC)
        t = mean / error if error > 0 else math.nan
        return cls(formulas, len(known), mean, t, mean - _WIDTH * error, mean + _WIDTH * error)


@dataclass(frozen=True, eq=False, slots=True)
class Judgement:
    """Rank ICs of a library on a span.

    Parameters
    ----------
    days : (T,) str array
        Sessions of the span.
    names, categories : (A,) str array
    ics : (T, A) float array
    """

    days: NDArray[np.str_]
    names: NDArray[np.str_]
    categories: NDArray[np.str_]
    ics: Array

    def of_category(self, category: str) -> MeanIc:
        """Sum one category up."""
        return MeanIc.of(self.ics[:, self.categories == category])

    def of_names(self, names: Sequence[str]) -> MeanIc:
        """Sum some formulas up."""
        return MeanIc.of(self.ics[:, np.isin(self.names, list(names))])


def formulas_of(library: str, view: MarketView) -> tuple[dict[str, Formula], dict[str, str]]:
    """Return the formulas of a library that can be computed, and their categories.

    The random ones are drawn from a fixed seed out of the fields of the market: they are the same in every
    experiment on it.
    """
    if library == RANDOM_FORMULAS:
        from alpha_sources.baselines.grammar import Grammar

        drawn = Grammar.of(view).formulas(np.random.default_rng(0), _RANDOM_COUNT, _RANDOM_DEPTH)
        named = {f"random_{i + 1}": formula for i, formula in enumerate(drawn)}
        return named, dict.fromkeys(named, "random")
    entries = [entry for entry in load_library(library) if entry.computable]
    return {e.name: e.parsed for e in entries}, {e.name: str(e.category) for e in entries}


def count_trials(
    job: ForesightJob, base: RunConfig, panel: MarketPanel, ledger: Path, at: datetime | None = None
) -> None:
    """Write down, before anything can be seen, that the formulas of a library are tried on a span.

    Raises
    ------
    DatabaseError
        If the ledger cannot be written.
    """
    period = _period(base, job.half)
    universe = base.resolved_data().universe
    called = universe if isinstance(universe, str) else f"{len(universe or ())} names"
    origin = Origin.RANDOM if job.library == RANDOM_FORMULAS else Origin.LIBRARY
    formulas, _ = formulas_of(job.library, _view(panel, period))
    batch = [Trial(f.text, f.canonical, origin) for f in formulas.values()]
    with TrialLedger.open(ledger, create=True) as trials:
        scope = Scope(period.start, period.end, called, panel.data_hash, 1)
        trials.record(base.name, scope, batch, at=at or datetime.now(UTC))


def judge_library(job: ForesightJob, base: RunConfig, panel: MarketPanel, folder: WorkFolder) -> None:
    """Judge a library on a span, and keep the rank IC of every session and formula.

    Raises
    ------
    AlphaloomError
        As `alpha_sources.evaluation.judge`.
    """
    period = _period(base, job.half)
    view = _view(panel, period)
    formulas, categories = formulas_of(job.library, view)
    found = judge(formulas, view, start=period.start, end=period.end)
    ics = found.rank_ic()
    days = ics.index.to_numpy().astype("datetime64[D]")
    inside = (days >= np.datetime64(period.start)) & (days <= np.datetime64(period.end))
    folder.write_arrays(
        job.place,
        {
            "days": np.datetime_as_string(days[inside], unit="D"),
            "names": np.array(list(found.names)),
            "categories": np.array([categories[name] for name in found.names]),
            "ics": ics.to_numpy(dtype=np.float64)[inside],
            "config_hash": np.array(base.hash()),
        },
    )


def read_judgement(job: ForesightJob, base: RunConfig, folder: WorkFolder) -> Judgement | None:
    """Return what was found of a library on a span; None where it is not there."""
    arrays = folder.read_arrays(job.place)
    if arrays is None or str(arrays["config_hash"]) != base.hash():
        return None
    return Judgement(arrays["days"], arrays["names"], arrays["categories"], arrays["ics"])


def kept_in_force(judged: Judgement, kept: Sequence[Mapping[str, object]]) -> tuple[Array, int]:
    """Mean rank IC of every session over the seeds that a committee had in force, and how many it ever had.

    Parameters
    ----------
    kept : sequence of {"as_of", "names"}
        Selections in order; each is in force from its session on.

    Returns
    -------
    daily : (T,) float array
        NaN before the first selection.
    formulas : int
    """
    daily = np.full(len(judged.days), np.nan)
    ever: set[str] = set()
    for position, one in enumerate(kept):
        later = kept[position + 1 :]
        until = str(later[0]["as_of"]) if later else "9999"
        names = [str(name) for name in one["names"]]  # type: ignore[attr-defined]
        rows = (judged.days >= str(one["as_of"])) & (judged.days < until)
        chosen = judged.ics[rows][:, np.isin(judged.names, names)]
        daily[rows] = mean_of(chosen)
        if rows.any():
            ever.update(names)
    return daily, len(ever)


def mean_of(ics: Array) -> Array:
    """Mean over formulas of every session, NaN where none has a value, (T,)."""
    known = np.isfinite(ics)
    counts = known.sum(axis=1)
    sums = np.where(known, ics, 0.0).sum(axis=1)
    return np.where(counts > 0, sums / np.maximum(counts, 1), np.nan)


def _view(panel: MarketPanel, period: PeriodConfig) -> MarketView:
    """What is known at the end of a span."""
    return panel.view(int(np.searchsorted(panel.dates, np.datetime64(period.end), side="right")) - 1)


def _period(base: RunConfig, half: Half) -> PeriodConfig:
    spans = spans_of(base)
    return spans.train if half is Half.TRAIN else spans.test
