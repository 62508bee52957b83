"""One job in a worker that loads the market once; its result is on the disk when it is made."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

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
