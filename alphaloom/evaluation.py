"""Formulas before the judge: what to read, on which span, counted in the ledger of trials, put on pages."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path
from typing import Any

import alphaloom
from alpha_sources.evaluation import Evaluation, judge
from alpha_sources.evaluation.assessment import Assessment, assess
from alpha_sources.evaluation.pages import alpha_sections, batch_sections
from alpha_sources.evaluation.trials import Origin, Scope, Trial, TrialLedger
from alpha_sources.formula import Formula, FormulaError, parse
from alpha_sources.honesty import Honesty, Label, Provenance
from alpha_sources.libraries import Library
from alphaloom.api import market_of
from alphaloom.config import RunConfig
from alphaloom.home import home
from alphaloom.tried import universe_of
from engine.errors import ConfigError, DataError
from engine.market import MarketPanel
from engine.market.calendar import iso
from engine.market.view import MarketView
from engine.plugins import nearest
from engine.report import render
from engine.run_folder import RunFolder
from engine.span import SpanConfig, resolve_span

#: files that hold formulas
_SUFFIXES = (".yaml", ".yml", ".csv", ".txt")


@dataclass(frozen=True, eq=False)
class Batch:
    """Formulas to be judged.

    Parameters
    ----------
    name : str
        Of the library or file; of a single formula, its text.
    formulas : mapping of str to Formula
    origin : Origin
    left_out : mapping of str to str
        Entries that cannot be computed on daily data, with the reason.
    published : mapping of str to float
        Mean information coefficients that the source prints beside its formulas.
    provenance : Provenance or None
        What those who chose the formulas could know of the market; None where nobody says, as of a formula
        of one's own.
    """

    name: str
    formulas: Mapping[str, Formula]
    origin: Origin
    left_out: Mapping[str, str] = field(default_factory=dict)
    published: Mapping[str, float] = field(default_factory=dict)
    provenance: Provenance | None = None


@dataclass(frozen=True, eq=False)
class Hearing:
    """What came of a batch before the judge.

    Parameters
    ----------
    batch : Batch
    assessment : Assessment
    new_trials : int
        Formulas that the project had never tried before.
    project : str
    span : tuple of date
        First and last session decided on.
    notes : tuple of str
        What a reader must know first: how often a test span was opened, how the numbers are labelled and
        why, what was left out.
    labels : tuple of Label
        What the numbers are worth as a test, as of a run; none on a span that is not tested on.
    """

    batch: Batch
    assessment: Assessment
    new_trials: int
    project: str
    span: tuple[date, date]
    notes: tuple[str, ...]
    labels: tuple[Label, ...] = ()


def read_batch(what: str, dialect: str = "alphaloom", fields: tuple[str, ...] = ()) -> Batch:
    """Read a formula, the name of a library, or a file of formulas.

    Parameters
    ----------
    what : str
        A shipped library by name; a file (YAML or CSV as a library, or text with one formula a line, with a
        name and a colon before it if wanted); else a formula.
    dialect : str
        Of a formula or a text file.
    fields : tuple of str
        Fields of the data besides those every formula may name.

    Raises
    ------
    AlphaloomError
        If it cannot be read; file and line are named.
    """
    from alpha_sources.libraries import library_names, load_library
    from alpha_sources.seed import read_mined

    if what in library_names() or what.endswith((".yaml", ".yml", ".csv")):
        mined = read_mined(Path(what)) if what.endswith((".yaml", ".yml")) else None
        return _of_library(load_library(what), mined)
    if what.endswith(".txt"):
        return _of_text(Path(what), dialect, fields)
    if Path(what).is_file():
        raise ConfigError(
            f"{what} is a file, but no {', '.join(_SUFFIXES[:-1])} or {_SUFFIXES[-1]} of formulas"
        )
    try:
        formula = parse(what, dialect, fields)
    except FormulaError:
        if not re.fullmatch(r"[A-Za-z_]\w*", what):
            raise
        # one word: a library or a field that was meant, and misspelt
        known = ", ".join(library_names())
        hint = nearest(what, [*library_names(), *fields])
        raise ConfigError(f"{what!r} is no field, no library and no file{hint}; libraries: {known}") from None
    return Batch(what, {what: formula}, Origin.USER)


def hear(
    batch: Batch,
    settings: RunConfig,
    *,
    panel: MarketPanel | None = None,
    span: str | None = None,
    horizon_sessions: int = 1,
    quantiles: int = 5,
    project: str | None = None,
    controls: int = 40,
    threads: int = 1,
    at: datetime,
    ledger: Path | None = None,
    store: Path | None = None,
    progress: Callable[[int, int], None] | None = None,
    on_step: Callable[[str], None] | None = None,
) -> Hearing:
    """Judge a batch on a span, count it, and say what may be believed of it.

    Parameters
    ----------
    span : str, optional
        ``train``, ``valid`` or ``test`` of the configuration, or ``START..END``; by default ``train`` where
        the configuration has spans, else its ``span``. What lies after it cannot be reached. Opening ``test``
        is recorded.
    project : str, optional
        What trials are counted for; by default the configuration's name.
    at : datetime
        Now, with its time zone.
    ledger, store : Path, optional
        Ledger of trials and store of results; by default in ALPHALOOM_HOME.

    Raises
    ------
    AlphaloomError
        In one line that names the place and the remedy.
    """
    panel = panel or market_of(settings).panel
    name, config = _span(settings, span)
    rows = resolve_span(panel, config)
    first, last = panel.dates[rows.start], panel.dates[rows.stop]
    days = first.astype(object), last.astype(object)
    project = project or settings.name
    honesty = _honesty(batch, settings, name, days)
    notes = [*honesty.sentences(), *_left_out(batch)]
    with TrialLedger.open(ledger or home() / "trials.db", create=True) as trials:
        if name == "test":
            times = trials.open_test(project, days, settings.hash(), at=at)
            notes.insert(0, _opened(times, project))
        view = _sealed(panel, settings, name, rows.stop)
        scope = Scope(days[0], days[1], universe_of(settings), panel.data_hash, horizon_sessions)
        # counted before anything can be seen: an interruption after the best one was found forgets nothing
        begun = [Trial(f.text, f.canonical, batch.origin) for f in batch.formulas.values()]
        new = trials.record(project, scope, begun, at=at)
        evaluation = judge(
            dict(batch.formulas),
            view,
            horizon_sessions=horizon_sessions,
            quantiles=quantiles,
            start=days[0],
            end=days[1],
            threads=threads,
            store=store or home() / "cache" / "evaluations",
            progress=progress,
        )
        trials.record(project, scope, _tried(batch, evaluation), at=at)
        assessment = assess(
            evaluation,
            view,
            trials=trials.count(project),
            formulas=batch.formulas,
            controls=controls,
            seed=settings.seed,
            published=batch.published,
            on_step=on_step,
        )
    return Hearing(batch, assessment, new, project, days, tuple(notes), honesty.labels)


def write_pages(hearing: Hearing, folder: Path) -> Path:
    """Write ``index.html``, a page for each alpha and ``evaluation.parquet``: all of it or nothing.

    Raises
    ------
    OutputError
        If the folder is not empty or cannot be written.
    """
    assessment = hearing.assessment
    names = [str(name) for name in assessment.frame.index]
    files = _file_names(names)
    several = len(names) > 1
    first, last = hearing.span
    subtitle = f"{first} to {last}, horizon {assessment.evaluation.settings.horizon_sessions}"
    footer = (
        f"Alphaloom {alphaloom.__version__}",
        f"project {hearing.project}, {assessment.trials:,} trials",
        f"data {assessment.evaluation.data_hash[:12]}",
        *(label.value for label in hearing.labels),
    )
    with RunFolder(folder) as out:
        assessment.frame.to_parquet(out / "evaluation.parquet")
        links = {name: f"alphas/{files[name]}" for name in names} if several else {}
        pages = batch_sections(assessment, links, hearing.notes)
        if several:
            (out / "alphas").mkdir()
            for name in names:
                page = render(name, subtitle, alpha_sections(assessment, name), footer=footer)
                (out / "alphas" / files[name]).write_text(page, encoding="utf-8")
        else:
            pages = alpha_sections(assessment, names[0], hearing.notes)
        html = render(hearing.batch.name, subtitle, pages, footer=footer)
        (out / "index.html").write_text(html, encoding="utf-8")
    return folder / "index.html"


# -- inside


def _honesty(batch: Batch, settings: RunConfig, name: str, days: tuple[date, date]) -> Honesty:
    """Label what is judged as a run is: on the test span, or on any where the configuration has no spans."""
    tested = name == "test" or settings.spans is None
    return Honesty.of(*days, (), batch.provenance if tested else None)


def _of_library(library: Library, mined: Mapping[str, Any] | None) -> Batch:
    origin = Origin.LIBRARY if mined is None else Origin.FACTORY
    said = {} if mined is None else mined
    made_on = date.fromisoformat(said["mined_on"]) if said.get("mined_on") else None
    formulas, left_out = {}, {}
    for entry in library:
        if entry.computable:
            formulas[entry.name] = entry.parsed
        else:
            left_out[entry.name] = "; ".join(mark.reason for mark in entry.marks) or "no formula computes it"
    if not formulas:
        raise ConfigError(f"library {library.name}: none of its {len(library)} entries can be computed")
    published = {entry.name: entry.ic_mean for entry in library if entry.ic_mean is not None}
    known = Provenance.of(
        (entry for entry in library if entry.computable), masked=bool(said.get("masked")), mined_on=made_on
    )
    return Batch(library.name, formulas, origin, left_out, published, known)


def _of_text(path: Path, dialect: str, fields: tuple[str, ...]) -> Batch:
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as problem:
        raise ConfigError(f"{path} cannot be read: {problem}") from None
    formulas: dict[str, Formula] = {}
    for number, line in enumerate(lines, start=1):
        text = line.split("#", 1)[0].strip()
        if not text:
            continue
        named = re.fullmatch(r"([A-Za-z_][\w-]*):\s*(.+)", text)
        name, formula = (named[1], named[2]) if named else (text, text)
        if name in formulas:
            raise ConfigError(f"{path}, line {number}: {name!r} stands twice")
        try:
            formulas[name] = parse(formula, dialect, fields)
        except FormulaError as problem:
            raise ConfigError(f"{path}, line {number}: {problem.reason}; {problem.hint}") from None
    if not formulas:
        raise ConfigError(f"{path} holds no formula; write one a line, as in `reversal: -delta(close, 5)`")
    return Batch(path.stem, formulas, Origin.USER)


def _tried(batch: Batch, evaluation: Evaluation) -> list[Trial]:
    frame = evaluation.frame
    columns = (frame[key].tolist() for key in ("canonical", "rank_ic_mean", "rank_ic_t"))
    return [
        Trial(formula.text, canonical, batch.origin, mean, t)
        for formula, canonical, mean, t in zip(batch.formulas.values(), *columns, strict=True)
    ]


def _span(settings: RunConfig, span: str | None) -> tuple[str, SpanConfig]:
    """Name and days of the span that is meant."""
    if span is None:
        if settings.spans is None:
            return "span", settings.span
        span = "train"
    if span in ("train", "valid", "test"):
        named = {} if settings.spans is None else dict(settings.spans.named())
        if span not in named:
            raise ConfigError(
                f"--span {span}: the configuration names no such span; write "
                "spans: {train: {start, end}, valid: ..., test: ...}, or --span START..END"
            )
        return span, SpanConfig(start=named[span].start, end=named[span].end)
    start, dots, end = span.partition("..")
    try:
        days = date.fromisoformat(start.strip()), date.fromisoformat(end.strip())
    except ValueError:
        dots = ""
    if not dots:
        raise ConfigError(f"--span: {span!r} is no span; write train, valid, test or 2021-01-01..2022-12-31")
    if days[0] > days[1]:
        raise ConfigError(f"--span: {days[0]} lies after {days[1]}")
    return "span", SpanConfig(start=days[0], end=days[1])


def _sealed(panel: MarketPanel, settings: RunConfig, name: str, last: int) -> MarketView:
    """What may be seen: nothing after the span, and nothing of a sealed test."""
    if settings.spans is not None and name != "test":
        day = settings.spans.test.start
        if panel.dates[last] >= day:
            raise DataError(
                f"the span reaches {iso(panel.dates[last])}, into the test span that begins {day} and is "
                "sealed; end it before, or ask for --span test, which is recorded"
            )
        panel = panel.seal(day)
    return panel.view(last)


def _opened(times: int, project: str) -> str:
    if times == 1:
        return f"The test span was opened for the first time in project {project}; that is recorded."
    return (
        f"The test span has been opened {times} times in project {project}: what is chosen on it is no "
        "longer out of sample."
    )


def _left_out(batch: Batch) -> list[str]:
    if not batch.left_out:
        return []
    listed = "; ".join(f"{name}: {why}" for name, why in batch.left_out.items())
    return [f"Left out, since daily data do not hold what they need: {listed}."]


def _file_names(names: list[str]) -> dict[str, str]:
    out: dict[str, str] = {}
    taken: set[str] = set()
    for number, name in enumerate(names, start=1):
        stem = re.sub(r"[^A-Za-z0-9_-]+", "-", name).strip("-")[:60] or "alpha"
        while stem.lower() in taken:
            stem = f"{stem}-{number}"
        taken.add(stem.lower())
        out[name] = f"{stem}.html"
    return out
