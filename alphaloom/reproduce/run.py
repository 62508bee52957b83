"""`reproduce`: check what can be checked, do what is missing, write the page."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import alphaloom
from alphaloom.api import check_broker, market_of
from alphaloom.home import home
from alphaloom.processes import do_all
from alphaloom.reproduce.experiment import Experiment, ForesightJob, Half, Job
from alphaloom.reproduce.findings import Findings
from alphaloom.reproduce.folder import LAYOUT, Identity, WorkFolder
from alphaloom.reproduce.foresight import count_trials
from alphaloom.reproduce.gathering import gather
from alphaloom.reproduce.markdown import results_markdown
from alphaloom.reproduce.methods import spans_of
from alphaloom.reproduce.opening import Opening, open_test
from alphaloom.reproduce.page import results_page
from alphaloom.reproduce.sittings import sittings
from alphaloom.reproduce.work import Outcome, Task, do, is_done
from alphaloom.sweep.folder import named_files
from alphaloom.whole_file import write_whole
from engine.benchmark import benchmark_levels
from engine.errors import ConfigError
from engine.hashing import hash_json
from engine.market import LoadedMarket
from engine.span import SpanConfig, resolve_span

#: called with a line of the progress, and how many of its jobs are done of how many
OnProgress = Callable[[str, int, int], None]


@dataclass(frozen=True, eq=False)
class Reproduction:
    """What came of it.

    Parameters
    ----------
    findings : Findings
    folder : Path
        With ``index.html``, ``results.json`` and ``results.md``.
    opening : Opening or None
        Of the test span.
    failed : mapping of str to str
        What is left out, with the reason: a line of the progress, or parts of one.
    done_now : int
        Jobs that this call had to do.
    """

    findings: Findings
    folder: Path
    opening: Opening | None
    failed: Mapping[str, str]
    done_now: int

    @property
    def markdown(self) -> str:
        """The table and the verdicts, as in ``results.md``."""
        return results_markdown(self.findings, self.opening, self.failed)


def work_folder(experiment: Experiment) -> Path:
    """Return where an experiment is kept when nobody says: one folder a configuration and version."""
    key = hash_json([alphaloom.__version__, LAYOUT, experiment.base.hash()])[:12]
    return home() / "reproduce" / key


def reproduce(
    experiment: Experiment,
    *,
    at: datetime,
    out: Path | None = None,
    jobs: int = 2,
    ledger: Path | None = None,
    on_progress: OnProgress | None = None,
) -> Reproduction:
    """Run an experiment, or what is missing of it, and write its page.

    Parameters
    ----------
    experiment : Experiment
    at : datetime
        Now, with its time zone: when the test span is opened, if this call opens it.
    out : Path, optional
        Work folder; new, empty, or that of the same experiment. See `work_folder`.
    jobs : int
        Processes. With 1 everything runs in this one.
    ledger : Path, optional
        Ledger of trials; by default in ALPHALOOM_HOME.
    on_progress : callable, optional

    Returns
    -------
    Reproduction
        A row that fails is left out, with the reason.

    Raises
    ------
    ConfigError
        If `jobs` is below 1, or the broker asks for what the data do not have.
    DataError
        If the data do not cover the spans, or have no such benchmark.
    OutputError
        If the folder holds results of other data or another configuration, or something else.

    Notes
    -----
    What only needs the training span is done first, on a market sealed at the test's start. Then the opening
    of the test is written down, then it is opened.

    Workers are spawned: a script that calls this with more than one job needs the usual
    ``if __name__ == "__main__":``.
    """
    if jobs < 1:
        raise ConfigError(f"--jobs must be 1 or more, not {jobs}")
    base = experiment.base
    market = market_of(base)
    _check(experiment, market)
    panel = market.panel
    made_by = f"{alphaloom.__version__}/{LAYOUT}"
    identity = Identity(made_by, base.hash(), panel.data_hash, hash_json(named_files(base)))
    folder = WorkFolder.open(out or work_folder(experiment), identity)
    book = ledger or home() / "trials.db"
    bar = _Count(on_progress)

    def tasks(wanted: Iterator[Job]) -> list[Task]:
        return [Task(job, base, panel.data_hash, folder) for job in wanted]

    train = tasks(_before(experiment, market))
    test = tasks(_after(experiment))
    missing_train = bar.begin(train)
    missing_test = bar.begin(test)
    if missing_train:
        _count(missing_train, experiment, market, book, at)
        do_all(missing_train, do, jobs, bar.heard, kept="what is done is kept")
    opening = open_test(base, folder, book, at=at, allowed=experiment.openings)
    if missing_test:
        _count(missing_test, experiment, market, book, at)
        do_all(missing_test, do, jobs, bar.heard, kept="what is done is kept")
    found = Reproduction(
        gather(experiment, folder, panel),
        folder.path,
        opening,
        bar.left_out(),
        len(missing_train) + len(missing_test),
    )
    _write(found)
    return found


def _before(experiment: Experiment, market: LoadedMarket) -> Iterator[Job]:
    """Jobs of the training span."""
    yield from experiment.foresight(Half.TRAIN)
    yield from sittings(experiment, market.panel)


def _after(experiment: Experiment) -> Iterator[Job]:
    """Jobs of the test span, the long ones first."""
    yield from experiment.rows()
    yield from experiment.foresight(Half.TEST)
    yield from experiment.nulls()


def _check(experiment: Experiment, market: LoadedMarket) -> None:
    base = experiment.base
    for name, period in spans_of(base).named():
        span = resolve_span(market.panel, SpanConfig(start=period.start, end=period.end), f"spans.{name}")
        if base.index is not None:  # else hours would pass before anyone looks
            benchmark_levels(market.panel, base.index, span)
    check_broker(base, market.panel)


def _count(
    tasks: list[Task], experiment: Experiment, market: LoadedMarket, ledger: Path, at: datetime
) -> None:
    for task in tasks:
        if isinstance(task.job, ForesightJob):
            count_trials(task.job, experiment.base, market.panel, ledger, at)


def _write(found: Reproduction) -> None:
    folder = found.folder
    plain = json.dumps(found.findings.plain(), indent=1, ensure_ascii=False, allow_nan=False)
    write_whole(folder / "results.json", plain + "\n")
    write_whole(folder / "results.md", found.markdown)
    write_whole(folder / "index.html", results_page(found.findings, found.opening, found.failed))


class _Count:
    """How far each line of the progress is, and what failed."""

    def __init__(self, on_progress: OnProgress | None) -> None:
        self._on_progress = on_progress or (lambda line, done, total: None)
        self._done: dict[str, int] = {}
        self._total: dict[str, int] = {}
        #: by line and reason the parts
        self._failed: dict[str, dict[str, list[str]]] = {}

    def begin(self, tasks: list[Task]) -> list[Task]:
        """Count tasks, and return those that are not done."""
        missing = []
        for task in tasks:
            line = task.job.line
            self._total[line] = self._total.get(line, 0) + 1
            self._done.setdefault(line, 0)
            try:
                done = is_done(task)
            except Exception:  # what cannot even be asked will say why when it is run
                done = False
            if done:
                self._done[line] += 1
            else:
                missing.append(task)
        for line, total in self._total.items():
            self._on_progress(line, self._done[line], total)
        return missing

    def heard(self, outcome: Outcome) -> None:
        """Take note of one outcome."""
        line = outcome.job.line
        if outcome.error is not None:
            self._failed.setdefault(line, {}).setdefault(outcome.error, []).append(outcome.job.part)
        self._done[line] += 1
        self._on_progress(line, self._done[line], self._total[line])

    def left_out(self) -> dict[str, str]:
        """What failed, with the reason: a line where all of it did, else the parts."""
        out = {}
        for line, reasons in sorted(self._failed.items()):
            for reason, parts in reasons.items():
                whole = len(parts) == self._total[line]
                out[line if whole else f"{line}, {', '.join(sorted(parts))}"] = reason
        return out
