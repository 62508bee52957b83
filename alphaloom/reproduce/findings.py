"""`Findings`: everything that was found, as values; what ``results.json`` and the page say."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, fields, is_dataclass
from enum import Enum
from typing import Any

from alphaloom.reproduce import claims
from alphaloom.reproduce.experiment import Experiment
from alphaloom.reproduce.foresight import MeanIc
from alphaloom.reproduce.methods import Group
from alphaloom.reproduce.statistics import Likeness, Spread
from alphaloom.reproduce.verdict import Answer, Verdict

#: measures of a row of which median and range are taken
MEASURES = (
    "total_return", "excess_return", "sharpe", "max_drawdown", "annual_volatility", "rank_ic_mean",
    "turnover_annual", "cost_total", "rejected",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Found:
    """What became of a method under one variant.

    Parameters
    ----------
    variant : str
    spreads : mapping of measure to Spread or None
        Over seeds.
    returns : tuple of float
        Total return by seed.
    place : float
        Share of the random portfolios of the variant whose return the median exceeds; NaN without any, as
        where the rules are off.
    """

    variant: str
    spreads: Mapping[str, Spread | None]
    returns: tuple[float, ...]
    place: float

    def median(self, measure: str) -> float | None:
        """Return the median of a measure over seeds."""
        spread = self.spreads[measure]
        return None if spread is None else spread.median


@dataclass(frozen=True, slots=True)
class Shuffled:
    """What became of a method on shuffled labels, with costs and rules.

    Parameters
    ----------
    spreads : mapping of measure to Spread or None
        Over deals.
    ics : tuple of float
        Mean rank IC by deal; those that are not defined are left out.
    """

    spreads: Mapping[str, Spread | None]
    ics: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class RowFound:
    """What became of a method.

    Parameters
    ----------
    method, title : str
    group : Group
    seeds : int
        That are done.
    variants : tuple of Found
        In the order of `experiment.VARIANTS`.
    shuffled : Shuffled or None
    refused : mapping of reason to float
        Orders refused with costs and rules, mean over seeds.
    claim : float or None
        The paper's return; None where it prints none of this market and year.
    labels : tuple of str
        Such as ``contaminated``.
    late : bool
        Thought of after the test span had been seen.
    """

    method: str
    title: str
    group: Group
    seeds: int
    variants: tuple[Found, ...]
    shuffled: Shuffled | None
    refused: Mapping[str, float]
    claim: float | None
    labels: tuple[str, ...]
    late: bool = False

    @property
    def main(self) -> Found:
        """With costs and rules."""
        return self.variants[0]

    @property
    def before_costs(self) -> Found:
        """With rules, and without costs."""
        return self.variants[2]


@dataclass(frozen=True, slots=True)
class GroupIc:
    """Mean rank ICs of a group of formulas on both spans, and what the paper prints."""

    title: str
    train: MeanIc | None
    test: MeanIc | None
    claim: float | None = None


@dataclass(frozen=True, slots=True)
class Sitting:
    """One selection: ``kept`` are (name, category)."""

    as_of: str
    regime: str
    kept: tuple[tuple[str, str], ...]

    @property
    def names(self) -> tuple[str, ...]:
        """Of the seeds that were kept."""
        return tuple(name for name, _ in self.kept)


@dataclass(frozen=True, eq=False, slots=True)
class Findings:
    """All that was found.

    Parameters
    ----------
    experiment : Experiment
    index_return : float or None
    null : mapping of variant to measures
        ``total_return`` and ``rank_ic_mean`` of every random portfolio.
    curves : mapping of title to levels
        Value of 1 over the test span with costs and rules, the seed in the middle; the index among them.
    days : tuple of str
        The close before the span, and its sessions.
    """

    experiment: Experiment
    data_hash: str
    index_return: float | None
    rows: tuple[RowFound, ...]
    null: Mapping[str, Mapping[str, tuple[float, ...]]]
    groups: tuple[GroupIc, ...]
    categories: tuple[GroupIc, ...]
    kept_categories: tuple[GroupIc, ...]
    sittings: tuple[Sitting, ...]
    windows: Mapping[str, Sitting]
    likeness: Likeness | None
    by_regime: Mapping[str, Mapping[str, float]]
    verdicts: tuple[Verdict, ...]
    placebo: tuple[Answer, str]
    others: str
    curves: Mapping[str, tuple[float, ...]]
    null_band: tuple[tuple[float, ...], tuple[float, ...]] | None
    days: tuple[str, ...]
    notes: tuple[str, ...]

    @property
    def sentences(self) -> tuple[str, ...]:
        """All verdicts in words."""
        said = (*(verdict.sentence for verdict in self.verdicts), self.others, self.placebo[1])
        return tuple(one for one in said if one)

    def row(self, key: str) -> RowFound | None:
        """Return what became of a method; None where it was not run."""
        return next((row for row in self.rows if row.method == key), None)

    def plain(self) -> dict[str, Any]:
        """Return what configuration, data and seeds determine, as JSON values."""
        base = self.experiment.base
        left_out = {"experiment", "curves", "null_band", "days"}
        found = {f.name: _plain(getattr(self, f.name)) for f in fields(self) if f.name not in left_out}
        return {
            "name": base.name,
            "config_hash": base.hash(),
            "seeds": self.experiment.seeds,
            "null_size": self.experiment.null,
            "shuffles": self.experiment.shuffles,
            "paper": claims.SOURCE,
            **found,
        }


def _plain(value: Any) -> Any:
    """JSON values; what is not finite is null."""
    if isinstance(value, Enum):
        return value.value
    if is_dataclass(value) and not isinstance(value, type):
        return {f.name: _plain(getattr(value, f.name)) for f in fields(value)}
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, tuple | list):
        return [_plain(item) for item in value]
    if isinstance(value, float):
        return float(f"{value:.10g}") if math.isfinite(value) else None
    return value
