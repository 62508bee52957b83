"""Points over processes: each worker loads the market once and runs point after point."""

from __future__ import annotations

import multiprocessing
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
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


def run_tasks(tasks: Sequence[Task], jobs: int, on_outcome: Callable[[Outcome], None]) -> None:
    """Run all tasks, `jobs` at a time; with one job in this process.

    Raises
    ------
    AlphaloomError
        If a worker dies.
    KeyboardInterrupt
        After the workers have been stopped.
    """
    if jobs == 1 or len(tasks) < 2:
        for task in tasks:
            on_outcome(run_task(task))
        return
    others = set(multiprocessing.active_children())
    pool = ProcessPoolExecutor(
        min(jobs, len(tasks)), mp_context=multiprocessing.get_context("spawn"), initializer=_leave_interrupts
    )
    try:
        with _interrupts_ignored():  # workers inherit it, also while they start
            futures: list[Future[Outcome]] = [pool.submit(run_task, task) for task in tasks]
        for future in as_completed(futures):
            on_outcome(future.result())
        pool.shutdown()
    except BaseException as problem:
        for worker in set(multiprocessing.active_children()) - others:
            worker.terminate()
        pool.shutdown(cancel_futures=True)
        if isinstance(problem, BrokenProcessPool):
            raise AlphaloomError(
                "a worker process died, perhaps for want of memory; points that are done are kept: "
                "run it again with fewer --jobs"
            ) from None
        raise


@lru_cache(maxsize=1)
def _load(data: str) -> LoadedMarket:
    return load_market(DataConfig.model_validate_json(data))


def _leave_interrupts() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)


@contextmanager
def _interrupts_ignored() -> Iterator[None]:
    if threading.current_thread() is not threading.main_thread():
        yield  # only the main thread may touch signals
        return
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def _line(text: str) -> str:
    return " ".join(text.split())
