"""The page of a comparison: what `Comparison` holds, as sections."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import numpy as np

import alphaloom
from engine import metrics as m
from engine.market.calendar import DAY
from engine.report import Column, Figure, Format, HeatMap, Matrix, Row, Section, Series, Table, render
from engine.report.measures import MEASURES

if TYPE_CHECKING:
    from alphaloom.compare.comparison import Comparison


def comparison_html(comparison: Comparison, links: Sequence[str] = ()) -> str:
    """Return the page; `links` lead to the runs' own reports."""
    dates = comparison.dates
    over = f"{len(dates)} common sessions, {_day(dates[0])} to {_day(dates[-1])}"
    subtitle = f"{len(comparison.runs)} runs over {over}"
    footer = (f"Alphaloom {alphaloom.__version__}",)
    return render("Comparison of runs", subtitle, _sections(comparison, links), footer=footer)


def report_links(comparison: Comparison, page: Path) -> list[str]:
    """Paths of the runs' reports relative to the page; empty where there is none or no relative path."""
    out = []
    for run in comparison.runs:
        report = run.folder.resolve() / "report.html"
        try:
            path = Path(os.path.relpath(report, page.resolve().parent)).as_posix()
        except ValueError:  # another drive
            path = ""
        out.append(quote(path) if report.is_file() else "")
    return out


def _sections(comparison: Comparison, links: Sequence[str]) -> list[Section]:
    return [
        _runs(comparison, links),
        _measures(comparison),
        _curves(comparison),
        _years(comparison),
        _correlation(comparison),
        _differences(comparison),
    ]


def _runs(comparison: Comparison, links: Sequence[str]) -> Section:
    runs = comparison.runs
    notes = []
    if not comparison.same_span:
        notes.append(
            "The runs cover different spans: curves and measures below are over the sessions that all of "
            "them have, each starting from its own equity at the close before."
        )
    if len({run.metrics.get("data_hash") for run in runs}) > 1:
        notes.append("The runs were made from different data.")
    if len({run.metrics.get("version") for run in runs}) > 1:
        notes.append("The runs were made by different versions of Alphaloom.")
    table = Table(
        "Runs",
        (
            Column("Run", list(comparison.labels), links=list(links) or None),
            Column("Folder", [run.folder.resolve().name for run in runs]),
            Column("From", [run.metrics["start"] for run in runs], Format.DATE),
            Column("To", [run.metrics["end"] for run in runs], Format.DATE),
            Column("Sessions", [run.metrics.get("sessions") for run in runs], Format.INTEGER),
            Column("Config", [str(run.metrics.get("config_hash", ""))[:12] for run in runs]),
            Column("Data", [str(run.metrics.get("data_hash", ""))[:12] for run in runs]),
        ),
    )
    return Section("Runs", 0, notes=notes, tables=(table,))


def _measures(comparison: Comparison) -> Section:
    shared = comparison.measures()
    over_common = [
        Row(measure.label, [one[measure.key] for one in shared], measure.format, measure.better)
        for measure in MEASURES
        if measure.key in shared[0]
    ]
    whole = [run.metrics for run in comparison.runs]
    # over spans that differ, nothing is better than anything
    own = [
        Row(
            measure.label,
            [one.get(measure.key) for one in whole],
            measure.format,
            measure.better if comparison.same_span else None,
        )
        for measure in MEASURES
        if (measure.key not in shared[0] or not comparison.same_span)
        and any(one.get(measure.key) is not None for one in whole)
    ]
    return Section(
        "Measures",
        10,
        tables=(
            Matrix(
                "Over the common sessions",
                comparison.labels,
                over_common,
                note="The best of a row is emphasised where more or less of it is better.",
            ),
            Matrix("Of each run over its own span", comparison.labels, own),
        ),
    )


def _curves(comparison: Comparison) -> Section:
    dates = ["before", *(_day(date) for date in comparison.dates)]
    dates[0] = _day_before(comparison)
    value = [
        Series(label, (levels / levels[0]).tolist())
        for label, levels in zip(comparison.labels, comparison.levels, strict=True)
    ]
    under = [
        Series(label, m.drawdowns(levels).tolist())
        for label, levels in zip(comparison.labels, comparison.levels, strict=True)
    ]
    if comparison.benchmark is not None:
        symbol, index = comparison.benchmark
        value.append(Series(symbol, (index / index[0]).tolist(), colour="muted"))
        under.append(Series(symbol, m.drawdowns(index).tolist(), colour="muted"))
    return Section(
        "Curves",
        20,
        figures=(
            Figure("Value of 1 CNY", dates, value, height=400),
            Figure("Drawdown", dates, under, format=Format.PERCENT, log=None, height=260),
        ),
    )


def _years(comparison: Comparison) -> Section:
    years, returns = comparison.yearly()
    totals = [m.total_return(levels) for levels in comparison.levels]
    rows, values = list(comparison.labels), [[*r, total] for r, total in zip(returns, totals, strict=True)]
    if comparison.benchmark is not None:
        symbol, index = comparison.benchmark
        growth, of = index[1:] / index[:-1], comparison.dates.year.to_numpy()
        rows.append(symbol)
        values.append([*(float(np.prod(growth[of == year]) - 1.0) for year in years), m.total_return(index)])
    note = "Only the common sessions of a year count."
    heat = HeatMap("Return by year", rows, [*map(str, years), "All"], values, note=note, totals=1)
    return Section("Years", 30, figures=(heat,))


def _correlation(comparison: Comparison) -> Section:
    labels = list(comparison.labels)
    heat = HeatMap("Correlation of daily returns", labels, labels, comparison.correlation(), Format.NUMBER)
    return Section("Correlation", 40, figures=(heat,))


def _differences(comparison: Comparison) -> Section:
    differences = comparison.differences()
    if not differences:
        return Section("Configuration", 50, notes=("The configurations are the same.",))
    rows = [Row(key, [_text(v) for v in values], Format.TEXT) for key, values in differences.items()]
    return Section(
        "Configuration",
        50,
        notes=("Only keys that differ are shown.",),
        tables=(Matrix("What differs", comparison.labels, rows),),
    )


def _text(value: Any) -> str | None:
    if value is None:
        return None
    return str(value).lower() if isinstance(value, bool) else str(value)


def _day(date: Any) -> str:
    return f"{date:%Y-%m-%d}"


def _day_before(comparison: Comparison) -> str:
    """Return the session before the common ones, where a run has it; else the day before."""
    first = comparison.dates[0]
    earlier = [d for run in comparison.runs for d in run.equity["date"] if d < first]
    return _day(max(earlier)) if earlier else str(np.datetime64(_day(first), "D") - DAY)
