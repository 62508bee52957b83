"""What a sweep found: its points in the order of the grid."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import NormalDist
from typing import Any

import pandas as pd

from alphaloom.sweep.grid import Grid, flow
from engine import metrics as m
from engine.report.measures import MEASURES

_EULER = 0.5772156649015329


@dataclass(frozen=True)
class Point:
    """One combination of values: what came out, or why nothing did.

    Attributes
    ----------
    id : str
        Name of its run folder.
    values : mapping
        Its value for each key of the grid.
    metrics : dict or None
        The numbers of its ``result.json``.
    error : str or None
        What stopped it.
    """

    id: str
    values: Mapping[str, Any]
    config_hash: str
    metrics: Mapping[str, Any] | None = field(default=None, repr=False)
    error: str | None = None


@dataclass(frozen=True, eq=False)
class Sweep:
    """The outcome of a sweep.

    Attributes
    ----------
    name : str
        Name of the configuration.
    grid : dict
        Values by key.
    points : tuple of Point
        In the order of the grid, the last key turning fastest.
    folder : Path or None
        Where it was written.
    """

    name: str
    config: Mapping[str, Any] = field(repr=False)
    grid: Grid
    points: tuple[Point, ...] = field(repr=False)
    folder: Path | None = None

    @property
    def done(self) -> list[Point]:
        """Points with a result."""
        return [point for point in self.points if point.metrics is not None]

    @property
    def failed(self) -> list[Point]:
        """Points without one."""
        return [point for point in self.points if point.metrics is None]

    @property
    def frame(self) -> pd.DataFrame:
        """One row per point: its id, its values, its measures (missing where it failed), its error."""
        columns: dict[str, Any] = {"id": [point.id for point in self.points]}
        for key, values in self.grid.items():
            kinds = {type(value) for value in values}
            plain = (len(kinds) == 1 and kinds <= {int, float, bool, str}) or kinds == {int, float}
            listed = [point.values[key] for point in self.points]
            columns[key] = listed if plain else [flow(value) for value in listed]
        for measure in MEASURES:
            numbers = [(point.metrics or {}).get(measure.key) for point in self.points]
            columns[measure.key] = pd.array(numbers, dtype="Float64").to_numpy(
                "float64", na_value=float("nan")
            )
        columns["error"] = pd.Series([point.error for point in self.points], dtype="object")
        return pd.DataFrame(columns)

    def ranked(self, key: str = "sharpe") -> list[Point]:
        """Points with a result, the greatest measure first; undefined ones last, ties in the grid's order."""
        return sorted(self.done, key=lambda point: -_number(point, key))

    def best(self, key: str = "sharpe") -> Point | None:
        """The point with the greatest measure, if any has one."""
        ranked = [point for point in self.ranked(key) if _number(point, key) > float("-inf")]
        return ranked[0] if ranked else None

    def best_by_chance(self) -> float | None:
        """Sharpe that the best of so many independent tries without skill would be expected to show.

        Notes
        -----
        Expected maximum of N normal draws with the standard error √(252 / sessions) that a Sharpe of zero
        has (Bailey & López de Prado 2014, "The Deflated Sharpe Ratio", eq. 6). Points of a grid resemble one
        another, so that N counts them too strictly; tries made elsewhere are not counted at all.
        """
        sessions = [int(point.metrics["sessions"]) for point in self.done if point.metrics]
        return expected_best_sharpe(len(self.points), min(sessions)) if sessions else None

    def sentence(self) -> str:
        """Say how much the best is worth, counting the tries."""
        tries = len(self.points)
        best = self.best()
        count = "1 try" if tries == 1 else f"{tries} tries"
        if best is None or best.metrics is None:
            return f"{count}, none with a Sharpe."
        found = f"Best of {count}: Sharpe {best.metrics['sharpe']:.2f}."
        chance = self.best_by_chance()
        if tries < 2 or chance is None:
            return found.replace("-", "−")
        return (
            f"{found} Expect the best of {tries} random ones to look good too: without any skill, the best "
            f"of so many independent tries over as many sessions shows {chance:.2f} on average."
        ).replace("-", "−")

    def __repr__(self) -> str:
        return f"Sweep of {self.name!r}, {len(self.points)} points\n{self.frame.to_string(index=False)}"


def expected_best_sharpe(tries: int, sessions: int) -> float:
    """Annual Sharpe expected of the best of independent tries whose true Sharpe is zero."""
    if tries < 2 or sessions < 1:
        return 0.0
    normal = NormalDist()
    top = (1 - _EULER) * normal.inv_cdf(1 - 1 / tries)
    top += _EULER * normal.inv_cdf(1 - 1 / (tries * 2.718281828459045))
    return float(top * (m.SESSIONS_A_YEAR / sessions) ** 0.5)


def _number(point: Point, key: str) -> float:
    value = (point.metrics or {}).get(key)
    return float("-inf") if value is None else float(value)


def named(point: Point, names: Mapping[str, str]) -> str:
    """``topk=10, slippage_bps=5``."""
    return ", ".join(f"{names[key]}={flow(value)}" for key, value in point.values.items())


def failures(points: Sequence[Point], names: Mapping[str, str]) -> str:
    """Name points that failed, with their errors, in one line."""
    return "; ".join(f"{point.id} ({named(point, names)}): {point.error}" for point in points)
