"""Jobs over processes: each worker loads the market once, and every result is on the disk when it is made."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from multiprocessing.connection import wait

from alphaloom.config import RunConfig
from alphaloom.reproduce.experiment import ForesightJob, Half, Job, NullJob, RowJob, SittingJob
from alphaloom.reproduce.folder import WorkFolder
from alphaloom.reproduce.foresight import judge_library, read_judgement
from alphaloom.reproduce.methods import spans_of
from alphaloom.reproduce.portfolios import finish_null, finish_row, missing_variants
from alphaloom.reproduce.sittings import sit_down
from engine.errors import AlphaloomError, DataError
from engine.market import DataConfig, LoadedMarket, load_market


@dataclass(frozen=True)
class Task:
    """A job with all that a process needs to do it."""

    job: Job
    base: RunConfig
    data_hash: str
    folder: WorkFolder


@dataclass(frozen=True)
class Outcome:
    """That a job is done, or what stopped it, in one line."""

    job: Job
    error: str | None = None


def is_done(task: Task) -> bool:
    """Whether all that a job makes is in the folder."""
    job, base, folder = task.job, task.base, task.folder
    if isinstance(job, RowJob):
        return next(missing_variants(job, job.settings(base), folder), None) is None
    if isinstance(job, NullJob):
        return all(is_done(Task(row, base, task.data_hash, folder)) for row in job.rows())
    if isinstance(job, SittingJob):
        record = folder.read(job.place)
        return record is not None and record.get("config_hash") == base.hash()
    return read_judgement(job, base, folder) is not None


def do(task: Task) -> Outcome:
    """Do one job; an error is its outcome, and the others go on."""
    try:
        market = _load(task.base.resolved_data().model_dump_json(exclude_unset=True))
        if market.panel.data_hash != task.data_hash:
            raise DataError("the data changed while the experiment ran; start it again")
        _done(task, market)
    except AlphaloomError as problem:
        return Outcome(task.job, " ".join(str(problem).split()))
    except Exception as problem:
        return Outcome(task.job, " ".join(f"{type(problem).__name__}: {problem}".split()))
    return Outcome(task.job)


def do_all(tasks: Sequence[Task], jobs: int, on_outcome: Callable[[Outcome], None]) -> None:
    """Do all tasks, `jobs` at a time; with one job in this process.

    Raises
    ------
    AlphaloomError
        If a worker dies.
    KeyboardInterrupt
        After the workers have been stopped.
    """
    if jobs == 1 or len(tasks) < 2:
        for task in tasks:
            on_outcome(do(task))
        return
    others = set(multiprocessing.active_children())
    pool = ProcessPoolExecutor(
        min(jobs, len(tasks)), mp_context=multiprocessing.get_context("spawn"), initializer=_begin
    )
    try:
        with _interrupts_ignored():  # workers inherit it, also while they start
            futures: list[Future[Outcome]] = [pool.submit(do, task) for task in tasks]
        for future in as_completed(futures):
            on_outcome(future.result())
        pool.shutdown()
    except BaseException as problem:
        for worker in set(multiprocessing.active_children()) - others:
            worker.terminate()
        pool.shutdown(cancel_futures=True)
        if isinstance(problem, BrokenProcessPool):
            raise AlphaloomError(
                "a worker process died, perhaps for want of memory; what is done is kept: run it again "
                "with fewer --jobs"
            ) from None
        raise


def _done(task: Task, market: LoadedMarket) -> None:
    job, base, folder = task.job, task.base, task.folder
    if isinstance(job, RowJob):
        finish_row(job, base, market, folder)
    elif isinstance(job, NullJob):
        for row in job.rows():
            finish_null(row, base, market, folder)
    else:
        # what is asked of the training span cannot reach the test
        within = isinstance(job, ForesightJob) and job.half is Half.TEST
        panel = market.panel if within else market.panel.seal(spans_of(base).test.start)
        if isinstance(job, SittingJob):
            sit_down(job, base, panel, folder)
        else:
            judge_library(job, base, panel, folder)


@lru_cache(maxsize=1)
def _load(data: str) -> LoadedMarket:
    return load_market(DataConfig.model_validate_json(data))


def _begin() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    parent = multiprocessing.parent_process()
    if parent is not None:
        threading.Thread(target=_end_with, args=(parent.sentinel,), daemon=True).start()


def _end_with(sentinel: int) -> None:
    """End this process when its parent does: one that was killed cannot say so, and nobody would read."""
    wait([sentinel])
    os._exit(1)


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
