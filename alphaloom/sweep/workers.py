"""One point in a worker that loads the market once and runs point after point."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from alphaloom.api import backtest
from alphaloom.config import RunConfig
from alphaloom.sweep.folder import finished
from engine.errors import AlphaloomError, DataError
from engine.market import DataConfig, LoadedMarket, load_market


@dataclass(frozen=True)
class Task:
    """One point to run. `position` is its place in the grid, `folder` where its run is kept, if anywhere."""

    position: int
    settings: RunConfig
    data_hash: str
    folder: Path | None


@dataclass(frozen=True)
class Outcome:
    """What became of a task: metrics, or an error in one line."""

    position: int
    metrics: dict[str, Any] | None
    error: str | None = None


def market(settings: RunConfig) -> LoadedMarket:
    """Load the market of a configuration, or take the one loaded last if it is the same."""
    return _load(settings.resolved_data().model_dump_json(exclude_unset=True))


def run_task(task: Task) -> Outcome:
    """Run one point, unless it is there already; an error is its outcome, not the sweep's."""
    try:
        if task.folder is not None:
            known = finished(task.folder, task.settings.hash(), task.data_hash)
            if known is not None:
                return Outcome(task.position, known)
        loaded = market(task.settings)
        if loaded.panel.data_hash != task.data_hash:
            raise DataError("the data changed while the sweep ran; start it again")
        result = backtest(task.settings, panel=loaded)
        if task.folder is not None:
            result.save(task.folder)
        return Outcome(task.position, result.metrics)
    except AlphaloomError as problem:
        return Outcome(task.position, None, _line(str(problem)))
    except Exception as problem:
        return Outcome(task.position, None, _line(f"{type(problem).__name__}: {problem}"))


@lru_cache(maxsize=1)
def _load(data: str) -> LoadedMarket:
    return load_market(DataConfig.model_validate_json(data))


def _line(text: str) -> str:
    return " ".join(text.split())
