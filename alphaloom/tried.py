"""Formulas that a committee judged, counted in the ledger of trials like those that a user evaluates."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path

from alpha_sources.agents.decision import Decision, Opinion
from alpha_sources.evaluation.trials import Origin, Scope, Trial, TrialLedger
from alpha_sources.snapshot import Snapshot
from alphaloom.config import RunConfig
from alphaloom.home import home
from engine.market.panel import MarketPanel


@dataclass(frozen=True, slots=True)
class Judged:
    """A decision, and the first day it was learned from."""

    decision: Decision
    since: date

    @property
    def until(self) -> date:
        """Last day whose label it knew; that of the decision where it knew none."""
        return date.fromisoformat(self.decision.evidence_until or self.decision.as_of)


@dataclass(frozen=True, slots=True)
class Tried:
    """What was counted.

    Parameters
    ----------
    project : str
    formulas, new : int
        Judged, each once by its normal form, and how many of them the project had never tried before.
    in_test : int
        Decisions among those counted that knew labels of the test span.
    """

    project: str
    formulas: int
    new: int
    in_test: int

    def line(self) -> str:
        """Return it in one line, for the terminal."""
        decisions = "1 decision" if self.in_test == 1 else f"{self.in_test:,} decisions"
        inside = f"; in_test: {decisions} with labels of the test span" if self.in_test else ""
        return f"{self.formulas:,} formulas judged in project {self.project} ({self.new:,} new){inside}"


def judged_in(snapshots: Iterable[Snapshot]) -> list[Judged]:
    """Return the decisions of committees that snapshots hold, with the first day each was learned from."""
    found = []
    for snapshot in snapshots:
        record, decision = snapshot.payload.get("record"), snapshot.payload.get("decision")
        # the payload of another provider may use the same words for something else
        if isinstance(record, Mapping) and isinstance(decision, Mapping) and record.get("alphas_chosen"):
            found.append(Judged(Decision.from_payload(decision), date.fromisoformat(record["learned_from"])))
    return found


def count_tried(
    judged: Iterable[Judged],
    settings: RunConfig,
    panel: MarketPanel,
    *,
    at: datetime,
    ledger: Path | None = None,
    seeds: str | Path | None = None,
) -> Tried | None:
    """Count in the ledger of trials what committees have judged.

    A formula counts once in a project, however often it is judged, and however it is written. What it was
    judged on is written down as one span for all decisions before the test span of the configuration, and
    one for those that knew labels of it: the latter reaches into the test span, and tells
    `TrialLedger.count` of a test span that these formulas were tried on it.

    Parameters
    ----------
    judged : iterable of Judged
        By one configuration.
    settings : RunConfig
        Trials are counted for its name.
    panel : MarketPanel
    at : datetime
        Now, with its time zone.
    ledger : Path, optional
        By default that of ALPHALOOM_HOME.
    seeds : str or Path, optional
        The library or file that they come from; by default what the configuration names.

    Returns
    -------
    Tried or None
        None where nothing was judged.

    Raises
    ------
    DatabaseError
        If the ledger cannot be written.
    """
    decisions = sorted(judged, key=lambda one: one.until)
    if not decisions:
        return None
    test = None if settings.spans is None else settings.spans.test.start
    before = [one for one in decisions if test is None or one.until < test]
    inside = [one for one in decisions if test is not None and one.until >= test]
    formulas: set[str] = set()
    new = 0
    origin = _origin(_file_of(settings) if seeds is None else seeds)
    with open_ledger(ledger) as trials:
        for group in (before, inside):
            batch = _trials(group, origin)
            if not batch:
                continue
            # the longest and last of them is what an expanding window amounts to
            scope = Scope(
                min(one.since for one in group),
                group[-1].until,
                universe_of(settings),
                panel.data_hash,
                group[-1].decision.horizon_sessions,
            )
            new += trials.record(settings.name, scope, batch.values(), at=at)
            formulas |= batch.keys()
    return Tried(settings.name, len(formulas), new, len(inside)) if formulas else None


def open_ledger(path: Path | None = None) -> TrialLedger:
    """Open the ledger of trials, by default that of ALPHALOOM_HOME; it is made where there is none.

    Raises
    ------
    DatabaseError
        If it cannot be opened.
    """
    return TrialLedger.open(path or home() / "trials.db", create=True)


def universe_of(settings: RunConfig) -> str:
    """Return how trials call the universe of a configuration."""
    universe = settings.resolved_data().universe
    return universe if isinstance(universe, str) else f"{len(universe or ())} names"


def _trials(group: list[Judged], origin: Origin) -> dict[str, Trial]:
    """Trials by normal form; of several decisions the last says what was measured."""
    found: dict[str, Trial] = {}
    for one in group:
        for opinion in one.decision.opinions:
            if opinion.canonical and opinion.overall is not None:  # of the others nothing was seen
                found[opinion.canonical] = Trial(
                    opinion.formula, opinion.canonical, origin, *_measured(opinion)
                )
    return found


def _measured(opinion: Opinion) -> tuple[float, float]:
    """Mean rank IC of the formula as it is written, and its t value."""
    seen = opinion.overall
    if seen is None or seen.mean is None:
        return math.nan, math.nan
    mean = opinion.sign * seen.mean
    return mean, mean / seen.error if seen.error else math.nan


def _file_of(settings: RunConfig) -> Path | None:
    path = settings.alpha.params.get("seeds_path")
    return None if path is None else (settings.base or Path()) / Path(path).expanduser()


def _origin(seeds: str | Path | None) -> Origin:
    """Who thought of them: a model or documents, where a file of seeds says that it was mined."""
    from alpha_sources.seed import read_mined

    mined = seeds is not None and str(seeds).endswith((".yaml", ".yml")) and read_mined(Path(seeds))
    return Origin.FACTORY if mined else Origin.LIBRARY
