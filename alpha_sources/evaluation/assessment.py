"""`assess`: an evaluation, made honest: how many were tried, what chance does, what repeats what."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from alpha_sources.evaluation.batch import judge_stream
from alpha_sources.evaluation.controls import control_percentile, random_controls
from alpha_sources.evaluation.duplicates import Candidate, DuplicateOf, KeptSet
from alpha_sources.evaluation.duplicates_ranks import ranked
from alpha_sources.evaluation.evaluation import Evaluation
from alpha_sources.evaluation.ground import prepare
from alpha_sources.evaluation.measures import measure_names
from alpha_sources.evaluation.overfitting import Overfitting, overfitting
from alpha_sources.evaluation.significance import effective_trials, false_discovery_q, needed_t
from alpha_sources.evaluation.significance_errors import SignificanceError
from alpha_sources.evaluation.significance_sharpe import deflated_sharpe, sharpe_moments
from alpha_sources.evaluation.significance_verdict import Judgement, Levels, Verdict, judgement
from alpha_sources.formula import Formula, evaluate_stream
from engine.market.view import MarketView

#: alphas of which the correlations are worth a picture
_PICTURED = 60
#: into how many blocks a span is cut to be halved in all ways; short ones into fewer
_BLOCKS = (16, 8, 4)


@dataclass(frozen=True, eq=False)
class Assessment:
    """An evaluation with what may be believed of it.

    Parameters
    ----------
    evaluation : Evaluation
    trials : int
        Formulas ever tried, these included.
    frame : DataFrame
        The evaluation's frame and, per alpha, ``q`` (false discovery rate), ``control`` (share of random
        controls beaten, NaN where not asked), ``deflated_sharpe`` (probability that the long-short Sharpe
        ratio before costs is more than the best of all trials shows by chance), ``verdict``, ``sentence``,
        ``needed_t`` (what its |t| would have to be, given its sessions), ``published_ic`` (as its source
        prints it, NaN where none does), ``twin`` (what it repeats).
    needed_t : float
        What |t| would have to be after so many trials, for an alpha with the most sessions of the batch.
    overfitting : Overfitting or None
        Of choosing the best of the batch; None where there is too little to compare.
    correlations : DataFrame
        Mean rank correlation of the first alphas with each other.
    effective : float
        How many independent alphas the batch is worth.
    """

    evaluation: Evaluation
    trials: int
    frame: pd.DataFrame
    needed_t: float
    overfitting: Overfitting | None
    correlations: pd.DataFrame
    effective: float

    @property
    def distinct(self) -> list[str]:
        """Alphas that are told apart from noise."""
        return [str(name) for name in self.frame.index[self.frame["verdict"] == Verdict.DISTINCT]]


def assess(
    evaluation: Evaluation,
    view: MarketView,
    *,
    trials: int,
    formulas: Mapping[str, Formula | NDArray[Any]],
    controls: int = 40,
    seed: int = 0,
    threshold: float = 0.95,
    levels: Levels | None = None,
    published: Mapping[str, float] | None = None,
    on_step: Callable[[str], None] | None = None,
) -> Assessment:
    """Say what may be believed of an evaluation.

    Parameters
    ----------
    evaluation : Evaluation
        With its series, as `judge` makes it.
    view : MarketView
        What it was made on.
    trials : int
        N: distinct formulas ever tried, from the trial ledger, these included.
    formulas : mapping
        The alphas by the evaluation's names: formulas, or (T, N) values.
    controls : int
        Random controls of each alpha whose p-value is below the discovery level; 0 for none. With fewer than
        19 of them no alpha beats 95 %.
    seed : int
        Of the controls.
    threshold : float
        Mean rank correlation from which an alpha repeats another.
    levels : Levels, optional
    published : mapping of alpha to float, optional
        Mean ICs that a source prints, to stand beside ours.
    on_step : callable, optional
        Called with what is being done.

    Raises
    ------
    SignificanceError
        If fewer trials are counted than the batch has formulas.
    """
    levels = levels or Levels()
    say = on_step or (lambda _: None)
    frame = evaluation.frame.copy()
    if trials < 1:
        raise SignificanceError(f"{trials} trials; those of the batch itself count")
    different = len({one.canonical or one.key for one in evaluation.judged} - {""})
    if trials < different:
        raise SignificanceError(
            f"{trials} trials are fewer than the {different} different alphas of the batch"
        )
    t, p = frame["rank_ic_t"].to_numpy(), frame["rank_ic_p"].to_numpy()
    q = np.full(len(frame), np.nan)
    known = ~np.isnan(p)
    if known.any():
        q[known] = false_discovery_q(p[known])
    beaten = np.full(len(frame), np.nan)
    say("random controls")
    wanted = [name for name, small in zip(frame.index, p < levels.discovery, strict=True) if small]
    for name, percentile in _controls(evaluation, view, formulas, wanted, controls, seed):
        beaten[frame.index.get_loc(name)] = percentile
    said = [
        _judged(t[i], trials, q[i], beaten[i], frame["rank_ic_sessions"].iloc[i], levels)
        for i in range(len(frame))
    ]
    say("duplicates")
    twins, correlations = _twins(view, formulas, evaluation, threshold)
    frame["q"], frame["control"] = q, beaten
    frame["deflated_sharpe"] = _deflated(evaluation, trials)
    frame["needed_t"] = [one.needed_t for one in said]
    frame["verdict"] = [str(one.verdict) for one in said]
    frame["sentence"] = [one.sentence for one in said]
    frame["published_ic"] = [(published or {}).get(str(name), np.nan) for name in frame.index]
    frame["twin"] = [twins.get(str(name), "") for name in frame.index]
    say("overfitting")
    ics = evaluation.rank_ic().to_numpy()
    return Assessment(
        evaluation,
        trials,
        frame,
        needed_t(trials, level=levels.family, degrees_of_freedom=_degrees(frame["rank_ic_sessions"].max())),
        _overfitting(ics, evaluation.settings.horizon_sessions),
        correlations,
        _effective(ics),
    )


def _judged(t: float, trials: int, q: float, control: float, sessions: float, levels: Levels) -> Judgement:
    return judgement(
        t,
        trials,
        q=None if np.isnan(q) else float(q),
        control=None if np.isnan(control) else float(control),
        degrees_of_freedom=_degrees(sessions),
        levels=levels,
    )


def _degrees(sessions: float) -> float | None:
    return None if np.isnan(sessions) or sessions < 3 else float(sessions - 1)


def _controls(
    evaluation: Evaluation,
    view: MarketView,
    formulas: Mapping[str, Formula | NDArray[Any]],
    wanted: Sequence[str],
    count: int,
    seed: int,
) -> Iterator[tuple[str, float]]:
    """Share of its random controls that each alpha beats, by the size of the t value."""
    if not count or not wanted:
        return
    ground = prepare(view, replace(evaluation.settings, decay_sessions=1, ranges=()))
    at = measure_names(evaluation.settings.quantiles).index("rank_ic_t")
    for name, values in _values(view, {name: formulas[name] for name in wanted}):
        dealt = random_controls(values, view.universe[: len(values)], count=count, seed=seed)
        judged = judge_stream(((str(i), control) for i, control in enumerate(dealt)), ground)
        sizes = [one.measured.measures[0, at] for one in judged]
        own = float(evaluation.frame["rank_ic_t"].to_numpy()[evaluation.names.index(name)])
        yield name, control_percentile(own, sizes)


def _twins(
    view: MarketView,
    formulas: Mapping[str, Formula | NDArray[Any]],
    evaluation: Evaluation,
    threshold: float,
) -> tuple[dict[str, str], pd.DataFrame]:
    """What repeats what, in the order given, and how the first alphas go together."""
    settings, frame = evaluation.settings, evaluation.frame
    inside = _span(view, settings.start, settings.end)
    universe = view.universe[inside]
    usable = [name for name in evaluation.names if frame.at[name, "status"] == "ok" and name in formulas]
    kept = KeptSet(
        universe, threshold=threshold, min_names=settings.min_names, references=_references(view, inside)
    )
    pictured: list[NDArray[np.float64]] = []

    def candidates() -> Iterator[Candidate]:
        for name, values in _values(view, {name: formulas[name] for name in usable}):
            given = formulas[name]
            if len(pictured) < _PICTURED:
                pictured.append(values[inside])
            yield Candidate(name, values[inside], given if isinstance(given, Formula) else None)

    found: dict[str, DuplicateOf] = {}
    for name, twin in zip(usable, kept.sift(candidates()), strict=True):
        if twin is not None:
            found[name] = twin
    names = usable[: len(pictured)]
    if not names:
        return {}, pd.DataFrame()
    total, pairs = np.zeros((2, len(names), len(names)))
    for session in ranked(pictured, universe, settings.min_names).scores:
        scores = session.astype(np.float64)
        both = scores @ scores.T
        known = (both.diagonal() > 0).astype(np.float64)
        total += both
        pairs += np.outer(known, known)
    matrix = pd.DataFrame(total / np.maximum(pairs, 1.0), index=names, columns=names)
    return {name: _say(twin) for name, twin in found.items()}, matrix


def _say(twin: DuplicateOf) -> str:
    if twin.kept is None:
        return twin.how.value
    return f"{twin.kept} ({twin.how.value.replace('_', ' ')}, {twin.signed:+.2f})"


def _references(view: MarketView, inside: NDArray[np.bool_]) -> dict[str, NDArray[np.float64]]:
    out = {"the price": view.field("close")[inside]}
    if "market_cap" in view.field_names:
        out["the size"] = view.field("market_cap")[inside]
    return out


def _span(view: MarketView, start: Any, end: Any) -> NDArray[np.bool_]:
    dates = view.dates
    inside = np.ones(len(dates), dtype=bool)
    if start is not None:
        inside &= dates >= np.datetime64(start, "D")
    if end is not None:
        inside &= dates <= np.datetime64(end, "D")
    return inside


def _values(
    view: MarketView, alphas: Mapping[str, Formula | NDArray[Any]]
) -> Iterator[tuple[str, NDArray[np.float64]]]:
    """(T, N) values of each alpha, one at a time."""
    formulas = {name: given for name, given in alphas.items() if isinstance(given, Formula)}
    stream = evaluate_stream(formulas.values(), view)
    for name, given in alphas.items():
        if isinstance(given, Formula):
            _, values = next(stream)
            yield name, np.asarray(values, dtype=np.float64)
        else:
            yield name, np.asarray(given, dtype=np.float64)[: len(view)]


def _deflated(evaluation: Evaluation, trials: int) -> list[float]:
    """Probability that a long-short Sharpe ratio beats the best of all trials by more than chance.

    An alpha that is wrong is held the other way round, so that the best of the trials is the best by size.
    Sharpe ratios are taken to differ as those of the batch do, and no less than those of noise: the few of a
    batch may be alike, the trials before it are not known to have been.
    """
    frame = evaluation.frame
    sharpes = frame["long_short_sharpe"].to_numpy() / np.sqrt(252)
    spread = float(np.nanstd(sharpes, ddof=1)) if (~np.isnan(sharpes)).sum() > 2 else 0.0
    t = frame["rank_ic_t"].to_numpy()
    out: list[float] = []
    for name, own_t in zip(evaluation.names, t, strict=True):
        out.append(float("nan"))
        if np.isnan(own_t):
            continue
        returns = evaluation[name].series["long_short"].dropna().to_numpy()
        if len(returns) < 3 or not returns.std() > 0:
            continue
        moments = sharpe_moments(-returns if own_t < 0 else returns)
        deviation = max(spread, float(1.0 / np.sqrt(len(returns) - 1)))
        out[-1] = float(deflated_sharpe(moments, trials=trials, sharpe_deviation=deviation, two_sided=True))
    return out


def _overfitting(ics: NDArray[np.float64], horizon: int) -> Overfitting | None:
    """Of as many blocks as the span is long enough for."""
    for blocks in _BLOCKS:
        try:
            return overfitting(ics, blocks=blocks, purge=horizon + 1, either_sign=True)
        except SignificanceError:
            continue
    return None


def _effective(ics: NDArray[np.float64]) -> float:
    useful = ics[:, ~np.isnan(ics).all(axis=0)]
    complete = useful[~np.isnan(useful).any(axis=1)]
    if complete.shape[1] < 2 or len(complete) < 3:
        return float(complete.shape[1])
    try:
        return float(effective_trials(complete))
    except SignificanceError:
        return float("nan")
