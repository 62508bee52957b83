"""Checks that a provider can be moved: its snapshot through a disk, itself into another process."""

from __future__ import annotations

import pickle
import tempfile
from pathlib import Path

import numpy as np

from alpha_sources.conformance.findings import CheckFailedError, Fault, Finding, noted, passed, skipped
from alpha_sources.conformance.rows import Array, equal, first_difference, read_row
from alpha_sources.conformance.subject import Subject
from alpha_sources.conformance.worker import Job, module_of, score
from alpha_sources.provider import AlphaProvider
from alpha_sources.snapshot import Snapshot
from engine.errors import AlphaloomError
from engine.processes import DiedError, NotStartedError, TimedOutError, call_in_process

_STARTING = 60.0
_LARGE = 64 * 2**20


def check_snapshot(subject: Subject) -> Finding:
    """A snapshot read back from disk is the same and scores the same."""
    if not subject.learns:
        return skipped("snapshot", "it learns nothing")
    size = 0
    for row in subject.learning_rows:
        snapshot = subject.snapshot(row)
        if snapshot is None:
            continue
        with tempfile.TemporaryDirectory() as folder:
            stored = snapshot.save(Path(folder))
            size = max(size, sum(file.stat().st_size for file in stored.iterdir()))
            try:
                again = Snapshot.load(stored)
            except AlphaloomError as exc:
                raise CheckFailedError(
                    Fault.NOT_PORTABLE,
                    f"the snapshot of {subject.session(row)} does not come back: {exc}",
                    subject.session(row),
                ) from exc
        scores = subject.scores(subject.fresh(), subject.panel.view(row), again)
        _same(subject, row, scores, "snapshot in memory, read from disk")
    if not size:
        return noted("snapshot", f"refresh learned nothing at {len(subject.learning_rows)} sessions")
    if size > _LARGE:
        return noted(
            "snapshot", f"a snapshot takes {size / 2**20:.0f} MB on disk; one is kept for every refresh"
        )
    return passed("snapshot", f"comes back from disk the same, {size / 1024:.1f} kB")


def check_worker(subject: Subject) -> Finding:
    """A pickled provider scores the same in a process of its own."""
    provider, row = subject.fresh(), subject.rows[0]
    view, snapshot = subject.panel.view(row), subject.snapshot(row)
    subject.scores(provider, view, snapshot)
    job = Job(_pickled(provider), module_of(type(provider)), view, snapshot)
    subject.watch("scores in a worker process", _STARTING)
    try:
        raw = call_in_process(score, job, subject.options.time_limit, _STARTING)
    except TimedOutError as exc:
        raise CheckFailedError(
            Fault.HANGS,
            f"in a worker process there are no scores within {exc.seconds:g} s",
            subject.session(row),
        ) from None
    except NotStartedError as exc:
        return noted(
            "worker",
            f"a worker process cannot be started here ({exc}): a script that is run itself must do its work "
            'under `if __name__ == "__main__":`',
        )
    except DiedError as exc:
        raise CheckFailedError(Fault.DIES, f"a worker process {exc}", subject.session(row)) from None
    if isinstance(raw, str):
        raise CheckFailedError(Fault.NOT_PORTABLE, f"in a worker process: {raw}", subject.session(row))
    _same(subject, row, read_row(raw, view), "this process, a worker process")
    return passed("worker", "pickled into another process, it scores the same")


def _pickled(provider: AlphaProvider) -> bytes:
    try:
        return pickle.dumps(provider)
    except Exception as exc:
        kind = type(provider)
        if "<locals>" in kind.__qualname__:
            hint = "define the class at the top of a module"
        else:
            guilty = _unpicklable(provider)
            named = f"attribute {guilty!r}; " if guilty else ""
            hint = f"{named}leave it out in __getstate__ and make it again when it is needed"
        raise CheckFailedError(
            Fault.NOT_PORTABLE, f"it cannot be pickled: {type(exc).__name__}: {exc}; {hint}"
        ) from exc


def _unpicklable(provider: AlphaProvider) -> str | None:
    for name, value in vars(provider).items():
        try:
            pickle.dumps(value)
        except Exception:
            return name
    return None


def _same(subject: Subject, row: int, scores: Array, between: str) -> None:
    scores = np.where(subject.panel.universe[row], scores, np.nan)
    if equal(scores, subject.honest(row)):
        return
    symbol, values = first_difference(subject.honest(row), scores, subject.panel.symbols)
    raise CheckFailedError(
        Fault.NOT_PORTABLE,
        f"at {subject.session(row)} {symbol} has {values} ({between}): something is lost on the way, or "
        "depends on the order of a set, hash() or the clock",
        subject.session(row),
        symbol,
    )
