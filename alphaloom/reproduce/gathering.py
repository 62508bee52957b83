"""`gather`: what a folder holds, brought together."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from alphaloom.config import RunConfig
from alphaloom.reproduce import claims
from alphaloom.reproduce.experiment import (
    LIBRARIES,
    VARIANTS,
    Experiment,
    ForesightJob,
    Half,
    RowJob,
    SittingJob,
    Variant,
)
from alphaloom.reproduce.findings import MEASURES, Findings, Found, RowFound, Shuffled, Sitting
from alphaloom.reproduce.folder import WorkFolder
from alphaloom.reproduce.foresight import read_judgement
from alphaloom.reproduce.groups import by_regime, foresight_verdict, group_ics, selections
from alphaloom.reproduce.methods import METHODS, Method, spans_of
from alphaloom.reproduce.sittings import sittings
from alphaloom.reproduce.statistics import Spread, likeness, share_below
from alphaloom.reproduce.verdict import (
    Answer,
    Verdict,
    on_others,
    on_placebo,
    on_portfolio,
    on_selection,
    passes,
)
from engine.benchmark import benchmark_levels
from engine.market import MarketPanel
from engine.metrics import total_return
from engine.span import Span, SpanConfig, resolve_span

Array = NDArray[np.float64]

_EQUAL = "equal_weight"


def gather(experiment: Experiment, folder: WorkFolder, panel: MarketPanel) -> Findings:
    """Bring together what a folder holds; what is not there yet is left out."""
    base = experiment.base
    test = spans_of(base).test
    span = resolve_span(panel, SpanConfig(start=test.start, end=test.end))
    index = None if base.index is None else benchmark_levels(panel, base.index, span)
    index_return = None if index is None else float(total_return(index))
    records = {job: _records(job, folder) for job in experiment.rows()}
    nulls = [_records(row, folder) for job in experiment.nulls() for row in job.rows()]
    null = {
        variant.key: {
            measure: tuple(
                float(one[variant.key]["metrics"][measure])
                for one in nulls
                if variant.key in one and one[variant.key]["metrics"][measure] is not None
            )
            for measure in ("total_return", "rank_ic_mean")
        }
        for variant in VARIANTS
    }
    rows = tuple(
        found
        for method in experiment.methods
        if (found := _row(method, experiment, folder, records, null)) is not None
    )
    judged = {
        (library, half): read_judgement(ForesightJob(library, half), base, folder)
        for library in LIBRARIES
        for half in Half
    }
    kept = selections(base, folder)
    seeds_test = judged["paper_seeds", Half.TEST]
    foresight = group_ics(judged, kept)
    sat = [_sitting(job, folder, base) for job in sittings(experiment, panel) if not job.window]
    seated = tuple(one for one in sat if one is not None)
    windows = {
        job.window: seat for job in experiment.windows() if (seat := _sitting(job, folder, base)) is not None
    }
    alike = likeness([one.names for one in seated], [one.regime for one in seated]) if seated else None
    curves, band, days = _curves(experiment, records, nulls, index, panel, span)
    return Findings(
        experiment=experiment,
        data_hash=panel.data_hash,
        index_return=index_return,
        rows=rows,
        null=null,
        groups=foresight[0],
        categories=foresight[1],
        kept_categories=foresight[2],
        sittings=seated,
        windows=windows,
        likeness=alike,
        by_regime=by_regime(judged["paper_seeds", Half.TRAIN], base, panel),
        verdicts=(
            on_selection(alike),
            foresight_verdict(seeds_test, kept),
            _portfolio_verdict(rows, null, index_return, claims.return_of("woven", base)),
        ),
        placebo=_placebo(rows, null),
        others=_others(rows, index_return),
        curves=curves,
        null_band=band,
        days=days,
        notes=_notes(records, folder),
    )


def _records(job: RowJob, folder: WorkFolder) -> dict[str, dict[str, Any]]:
    """Records of a row's portfolios by variant."""
    out = {}
    for variant in job.variants:
        record = folder.read(f"{job.place}/{variant.key}")
        if record is not None:
            out[variant.key] = record
    return out


def _row(
    method: Method,
    experiment: Experiment,
    folder: WorkFolder,
    records: Mapping[RowJob, Mapping[str, Mapping[str, Any]]],
    null: Mapping[str, Mapping[str, Sequence[float]]],
) -> RowFound | None:
    main = VARIANTS[0].key
    jobs = [job for job in records if job.method is method and not job.shuffled and main in records[job]]
    if not jobs:
        return None
    deals = [found[main] for job, found in records.items() if _is_deal(job, method) and main in found]
    learned = folder.read(f"{jobs[0].place}/learned") or {}
    return RowFound(
        method.key,
        method.title,
        method.group,
        len(jobs),
        tuple(_found(variant, [records[job] for job in jobs], null[variant.key]) for variant in VARIANTS),
        _shuffled(deals) if deals else None,
        _refused([records[job][main] for job in jobs]),
        claims.return_of(method.claim, experiment.base),
        tuple(learned.get("labels", ())),
        method.late,
    )


def _is_deal(job: RowJob, method: Method) -> bool:
    return job.method is method and job.shuffled


def _shuffled(records: Sequence[Mapping[str, Any]]) -> Shuffled:
    metrics = [one["metrics"] for one in records]
    ics = [one["rank_ic_mean"] for one in metrics]
    return Shuffled(
        {key: Spread.of([one[key] for one in metrics]) for key in MEASURES},
        tuple(float(ic) for ic in ics if ic is not None),
    )


def _refused(records: Sequence[Mapping[str, Any]]) -> dict[str, float]:
    """Orders refused by reason, mean over seeds."""
    reasons = sorted({reason for one in records for reason in one["refused"]})
    return {
        reason: sum(one["refused"].get(reason, 0) for one in records) / len(records) for reason in reasons
    }


def _found(
    variant: Variant,
    records: Sequence[Mapping[str, Mapping[str, Any]]],
    null: Mapping[str, Sequence[float]],
) -> Found:
    metrics = [one[variant.key]["metrics"] for one in records if variant.key in one]
    spreads = {key: Spread.of([one[key] for one in metrics]) for key in MEASURES}
    total = spreads["total_return"]
    place = math.nan if total is None else share_below(total.median, null["total_return"])
    return Found(variant.key, spreads, tuple(float(one["total_return"]) for one in metrics), place)


def _portfolio_verdict(
    rows: Sequence[RowFound],
    null: Mapping[str, Mapping[str, Sequence[float]]],
    index_return: float | None,
    claim: float | None,
) -> Verdict:
    by_key = {row.method: row for row in rows}
    ours, equal = by_key.get(METHODS[0].key), by_key.get(_EQUAL)
    return on_portfolio(
        None if ours is None else ours.main.spreads["total_return"],
        place=math.nan if ours is None else ours.main.place,
        place_before_costs=math.nan if ours is None else ours.before_costs.place,
        null_size=len(null[VARIANTS[0].key]["total_return"]),
        market=index_return,
        equal_weight=None if equal is None else equal.main.median("total_return"),
        claim=claim,
    )


def _others(rows: Sequence[RowFound], index_return: float | None) -> str:
    equal = next((row.main.median("total_return") for row in rows if row.method == _EQUAL), None)
    bars = [bar for bar in (index_return, equal) if bar is not None]
    # what was thought of after the answer is no try
    others = [row for row in rows if row.method not in (METHODS[0].key, _EQUAL) and not row.late]
    passing = [
        row.title
        for row in others
        if (found := row.main.spreads["total_return"]) is not None
        and passes(found, min(row.main.place, row.before_costs.place), bars)
    ]
    known = [row for row in others if math.isfinite(row.main.place)]
    return on_others(passing, len(known))


def _placebo(
    rows: Sequence[RowFound], null: Mapping[str, Mapping[str, Sequence[float]]]
) -> tuple[Answer, str]:
    pairs = {}
    for row in rows:
        real = row.main.spreads["rank_ic_mean"]
        if row.shuffled is not None and real is not None and row.shuffled.ics:
            pairs[row.title] = (real.median, row.shuffled.ics)
    ics = null[VARIANTS[0].key]["rank_ic_mean"]
    low, high = np.percentile(ics, [2.5, 97.5]) if ics else (math.nan, math.nan)
    return on_placebo(pairs, low=float(low), high=float(high))


def _curves(
    experiment: Experiment,
    records: Mapping[RowJob, Mapping[str, Mapping[str, Any]]],
    nulls: Sequence[Mapping[str, Mapping[str, Any]]],
    index: Array | None,
    panel: MarketPanel,
    span: Span,
) -> tuple[dict[str, tuple[float, ...]], tuple[tuple[float, ...], tuple[float, ...]] | None, tuple[str, ...]]:
    main = VARIANTS[0].key
    curves: dict[str, tuple[float, ...]] = {}
    for method in experiment.methods:
        done = [
            r[main] for job, r in records.items() if job.method is method and not job.shuffled and main in r
        ]
        if done:
            middle = sorted(done, key=lambda one: one["metrics"]["total_return"])[(len(done) - 1) // 2]
            levels = np.array(middle["levels"])
            curves[method.title] = tuple((levels / levels[0]).tolist())
    if index is not None:
        curves["Index"] = tuple((np.asarray(index) / index[0]).tolist())
    drawn = [one[main]["levels"] for one in nulls if main in one]
    band = None
    if drawn:
        values = np.array(drawn)
        low, high = np.percentile(values / values[:, :1], [5, 95], axis=0)
        band = tuple(low.tolist()), tuple(high.tolist())
    days = np.datetime_as_string(panel.dates[span.start - 1 : span.stop + 1], unit="D")
    return curves, band, tuple(str(day) for day in days)


def _notes(records: Mapping[RowJob, Mapping[str, Mapping[str, Any]]], folder: WorkFolder) -> tuple[str, ...]:
    """What rows must say of themselves, each sentence once."""
    out: dict[str, None] = {}
    for job, found in records.items():
        if not found or job.shuffled:
            continue
        learned = folder.read(f"{job.place}/learned") or {}
        for note in learned.get("notes", ()):
            out.setdefault(note, None)
        for record in found.values():
            for note in record["warnings"]:
                if not note.startswith("idealisation"):
                    out.setdefault(note, None)
    return tuple(out)


def _sitting(job: SittingJob, folder: WorkFolder, base: RunConfig) -> Sitting | None:
    record = folder.read(job.place)
    if record is None or record.get("config_hash") != base.hash():
        return None
    kept = tuple((str(name), str(category)) for name, category in record["kept"])
    return Sitting(str(record["as_of"]), str(record["regime"]), kept)
