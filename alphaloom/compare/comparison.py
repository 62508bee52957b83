"""Compare finished runs over the sessions they have in common."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd
import yaml

from alphaloom.compare.report import comparison_html
from engine import metrics as m
from engine.errors import DataError

_FILES: Final = ("config.yaml", "result.json", "equity.parquet")


@dataclass(frozen=True, eq=False)
class SavedRun:
    """What a run folder says, as far as a comparison needs it."""

    folder: Path
    config: Mapping[str, Any]
    metrics: Mapping[str, Any]
    equity: pd.DataFrame

    @property
    def cash(self) -> float:
        """Cash at the start, CNY."""
        return float(self.config["broker"]["cash"])


@dataclass(frozen=True, eq=False)
class Comparison:
    """Runs side by side.

    Attributes
    ----------
    runs : tuple of SavedRun
        In the order given.
    labels : tuple of str
        What each is called: the name of its configuration where those differ, else its folder.
    dates : (S,) DatetimeIndex
        Sessions that all runs have.
    """

    runs: tuple[SavedRun, ...]
    labels: tuple[str, ...]
    dates: pd.DatetimeIndex

    @cached_property
    def levels(self) -> list[np.ndarray]:
        """(S + 1,) equity of each run: at the close before the common sessions, then at each of them."""
        return [self._with_base(run, "equity", run.cash) for run in self.runs]

    @cached_property
    def benchmark(self) -> tuple[str, np.ndarray] | None:
        """Symbol and (S + 1,) levels of the index, where all runs are measured against the same one."""
        symbols = {str(run.config.get("benchmark")) for run in self.runs}
        first = self.runs[0]
        total = first.metrics.get("benchmark_total_return")
        if len(symbols) > 1 or any(run.metrics.get("benchmark_total_return") is None for run in self.runs):
            return None
        base = float(first.equity["benchmark"].iloc[-1]) / (1.0 + float(total or 0.0))
        levels = self._with_base(first, "benchmark", base)
        return None if np.isnan(levels).any() else (symbols.pop(), levels)

    @cached_property
    def same_span(self) -> bool:
        """Whether every run has just the common sessions."""
        return all(len(run.equity) == len(self.dates) for run in self.runs)

    def measures(self) -> list[dict[str, float]]:
        """Measures of each run over the common sessions, under the keys of ``result.json``."""
        return [self._measures(run, levels) for run, levels in zip(self.runs, self.levels, strict=True)]

    def differences(self) -> dict[str, list[Any]]:
        """Keys of the configurations that differ, with the value of each run; None where it has none."""
        flat = [_flat(run.config) for run in self.runs]
        keys = dict.fromkeys(key for one in flat for key in one)
        rows = {key: [one.get(key) for one in flat] for key in keys}
        return {key: values for key, values in rows.items() if any(v != values[0] for v in values)}

    def yearly(self) -> tuple[list[int], list[list[float]]]:
        """Years of the common sessions, and each run's return in each."""
        years = self.dates.year.to_numpy()
        known = sorted(set(years.tolist()))
        growth = [levels[1:] / levels[:-1] for levels in self.levels]
        return known, [[float(np.prod(g[years == year]) - 1.0) for year in known] for g in growth]

    def correlation(self) -> list[list[float]]:
        """Correlation of daily returns over the common sessions; NaN where a run does not move."""
        returns = np.array([m.returns_of(levels) for levels in self.levels])
        with np.errstate(divide="ignore", invalid="ignore"):
            matrix = np.atleast_2d(np.corrcoef(returns)) if len(self.dates) > 1 else _undefined(len(returns))
        return matrix.tolist()  # type: ignore[no-any-return]

    def html(self, links: Sequence[str] = ()) -> str:
        """Return the comparison as one self-contained HTML page.

        Parameters
        ----------
        links : sequence of str
            Where each run's report lies, relative to the page; none by default.
        """
        return comparison_html(self, links)

    def _with_base(self, run: SavedRun, column: str, base: float) -> np.ndarray:
        values = run.equity[column].to_numpy(dtype=np.float64)
        dates = pd.DatetimeIndex(run.equity["date"])
        at = dates.get_indexer(self.dates)
        before = values[at[0] - 1] if at[0] else base
        return np.append(before, values[at])

    def _measures(self, run: SavedRun, levels: np.ndarray) -> dict[str, float]:
        shared = run.equity[run.equity["date"].isin(self.dates)]
        out = m.performance(levels)
        out["turnover_annual"] = float(shared["turnover"].mean() * m.SESSIONS_A_YEAR)
        out["cost_total"] = float(shared["cost"].sum())
        return out if self.benchmark is None else out | m.against(levels, self.benchmark[1])


def compare(folders: Sequence[str | Path]) -> Comparison:
    """Read run folders and put them side by side.

    Parameters
    ----------
    folders : sequence of str or Path
        Two or more run folders, as ``Result.save`` writes them.

    Raises
    ------
    DataError
        If there are fewer than two, one is no run folder or cannot be read, or they share no session.
    """
    paths = [Path(folder) for folder in folders]
    if len(paths) < 2:
        raise DataError(f"a comparison needs two run folders or more, not {len(paths)}")
    resolved = [path.resolve() for path in paths]
    for position, path in enumerate(resolved):
        if path in resolved[:position]:
            raise DataError(f"{paths[position]} stands twice; name different run folders")
    runs = tuple(read_run(path) for path in paths)
    common = sorted(set.intersection(*(set(run.equity["date"]) for run in runs)))
    if not common:
        spans = "; ".join(f"{run.folder} {run.metrics['start']}..{run.metrics['end']}" for run in runs)
        raise DataError(f"the runs have no session in common: {spans}")
    return Comparison(runs, _labels(runs), pd.DatetimeIndex(common))


def read_run(folder: Path) -> SavedRun:
    """Read a run folder.

    Raises
    ------
    DataError
        If it is none, or a file in it cannot be read.
    """
    if not folder.is_dir():
        what = "is a file" if folder.exists() else "does not exist"
        raise DataError(f"{folder} is no run folder: it {what}")
    missing = [name for name in _FILES if not (folder / name).is_file()]
    if missing:
        raise DataError(
            f"{folder} is no run folder: it lacks {', '.join(missing)}; "
            "name a folder that alphaloom backtest wrote"
        )
    try:
        config = yaml.safe_load((folder / "config.yaml").read_text(encoding="utf-8"))
        metrics = json.loads((folder / "result.json").read_text(encoding="utf-8"))
        equity = pd.read_parquet(folder / "equity.parquet")
        run = SavedRun(folder, config, metrics, equity)
        usable = run.cash > 0 and len(equity) and {"start", "end", "sharpe"} <= metrics.keys()
    except (OSError, ValueError, KeyError, TypeError, AttributeError, yaml.YAMLError) as problem:
        raise DataError(f"{folder} cannot be read as a run folder: {problem}") from None
    if not usable or not {"date", "equity", "cost", "turnover", "benchmark"} <= set(equity.columns):
        raise DataError(f"{folder} cannot be read as a run folder: its files are incomplete")
    return run


def _labels(runs: Sequence[SavedRun]) -> tuple[str, ...]:
    """Return the shortest kind of label that tells the runs apart."""
    kinds = (
        [str(run.metrics.get("name") or run.config.get("name")) for run in runs],
        [run.folder.resolve().name for run in runs],
        [str(run.folder) for run in runs],
    )
    for labels in kinds:
        if len(set(labels)) == len(labels):
            return tuple(labels)
    return tuple(f"{label} ({n})" for n, label in enumerate(kinds[-1], start=1))


def _flat(config: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    out: dict[str, Any] = {}
    for key, value in config.items():
        if isinstance(value, Mapping):
            out |= _flat(value, f"{prefix}{key}.")
        else:
            out[f"{prefix}{key}"] = value
    return out


def _undefined(size: int) -> np.ndarray:
    return np.full((size, size), np.nan)
