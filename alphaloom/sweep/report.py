"""The page of a sweep: what `Sweep` holds, as sections."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from typing import Any, Final

import yaml

import alphaloom
from alphaloom.sweep.grid import short_names, shown
from alphaloom.sweep.results import Point, Sweep
from engine.report import Column, Figure, Format, HeatMap, Section, Series, Table, render
from engine.report.measures import BY_KEY, MEASURES

_DRAWN: Final = ("sharpe", "annual_return", "max_drawdown", "information_ratio")
_CONSTANT: Final = frozenset({"benchmark_total_return", "sessions"})


def sweep_html(sweep: Sweep) -> str:
    """Return the page; links lead to the points' run folders beside it."""
    keys = " × ".join(
        f"{len(values)} {short_names(list(sweep.grid))[key]}" for key, values in sweep.grid.items()
    )
    subtitle = f"{len(sweep.points)} points: {keys}"
    footer = [f"Alphaloom {alphaloom.__version__}"]
    hashes = {str(point.metrics["data_hash"])[:12] for point in sweep.done if point.metrics}
    footer += [f"data {one}" for one in sorted(hashes)]
    return render(f"Sweep of {sweep.name}", subtitle, _sections(sweep), footer=footer)


def _sections(sweep: Sweep) -> list[Section]:
    sections = [
        _overview(sweep),
        _drawn(sweep),
        _points(sweep),
        _by_value(sweep),
        _failed(sweep),
        _config(sweep),
    ]
    return [section for section in sections if section is not None]


def _overview(sweep: Sweep) -> Section:
    sharpes = [
        float(p.metrics["sharpe"]) for p in sweep.done if p.metrics and p.metrics["sharpe"] is not None
    ]
    best = sweep.best()
    cards: list[tuple[str, Any, Format]] = [
        ("Tries", len(sweep.points), Format.INTEGER),
        ("Failed", len(sweep.failed), Format.INTEGER),
        ("Best Sharpe", best.metrics["sharpe"] if best and best.metrics else None, Format.NUMBER),
        ("Median Sharpe", statistics.median(sharpes) if sharpes else None, Format.NUMBER),
        ("Worst Sharpe", min(sharpes, default=None), Format.NUMBER),
        ("Best by chance alone", sweep.best_by_chance(), Format.NUMBER),
    ]
    notes = [
        sweep.sentence(),
        "Points of a grid resemble one another, so fewer than all are independent; tries made before or "
        "elsewhere are not counted here, and count all the same.",
    ]
    if best is not None:
        names = short_names(list(sweep.grid))
        values = ", ".join(f"{names[key]} {shown(value)}" for key, value in best.values.items())
        notes.insert(1, f"The best point is {best.id}: {values}.")
    return Section("Overview", 0, notes=notes, cards=cards)


def _drawn(sweep: Sweep) -> Section | None:
    """A line over one key, a heat map over two; more keys are only in the tables."""
    keys = [key for key, values in sweep.grid.items() if len(values) > 1]
    measures = [key for key in _DRAWN if any((p.metrics or {}).get(key) is not None for p in sweep.points)]
    if not sweep.done or len(keys) not in (1, 2):
        return None
    if len(keys) == 1:
        return Section("Over the grid", 10, figures=[_line(sweep, keys[0], key) for key in measures])
    return Section("Over the grid", 10, figures=[_heat(sweep, keys[0], keys[1], key) for key in measures])


def _line(sweep: Sweep, key: str, measure: str) -> Figure:
    values = [(point.metrics or {}).get(measure) for point in sweep.points]
    name, kind = BY_KEY[measure].label, BY_KEY[measure].format
    return Figure(
        f"{name} by {short_names(list(sweep.grid))[key]}",
        [shown(value) for value in sweep.grid[key]],
        [Series(name, values, colour="accent")],
        format=kind,
        log=None,
        height=240,
        width="half",
    )


def _heat(sweep: Sweep, down: str, across: str, measure: str) -> HeatMap:
    names = short_names(list(sweep.grid))
    found = {(shown(p.values[down]), shown(p.values[across])): p.metrics or {} for p in sweep.points}
    rows, columns = ([shown(value) for value in sweep.grid[key]] for key in (down, across))
    return HeatMap(
        f"{BY_KEY[measure].label}: {names[down]} down, {names[across]} across",
        [f"{names[down]} {row}" for row in rows],
        columns,
        [[found[row, column].get(measure) for column in columns] for row in rows],
        BY_KEY[measure].format,
    )


def _points(sweep: Sweep) -> Section:
    ranked = sweep.ranked()
    names = short_names(list(sweep.grid))
    columns = [
        Column("Point", [p.id for p in ranked], links=[f"{p.id}/report.html" for p in ranked]),
        *(_values(names[key], [p.values[key] for p in ranked]) for key in sweep.grid),
    ]
    for measure in MEASURES:
        values = [(p.metrics or {}).get(measure.key) for p in ranked]
        if any(v is not None for v in values) and (measure.key not in _CONSTANT or len(set(values)) > 1):
            columns.append(Column(measure.label, values, measure.format, tint=measure.key == "sharpe"))
    note = "Greatest Sharpe first; a heading sorts. A point leads to its report."
    return Section("Points", 20, tables=(Table("All points", columns, note=note),))


def _values(name: str, values: Sequence[Any]) -> Column:
    numbers = all(isinstance(value, int | float) and not isinstance(value, bool) for value in values)
    if numbers and all(float(value).is_integer() for value in values):
        return Column(name, [int(value) for value in values], Format.INTEGER)
    if numbers and all(round(value, 4) == value for value in values):
        return Column(name, list(values), Format.PRECISE)
    return Column(name, [shown(value) for value in values])


def _by_value(sweep: Sweep) -> Section | None:
    """What each value does on average over all the others: a plateau, or a single lucky point."""
    if len([key for key, values in sweep.grid.items() if len(values) > 1]) < 2 or not sweep.done:
        return None
    names = short_names(list(sweep.grid))
    rows: list[tuple[str, str, int, float, float, float]] = []
    for key, values in sweep.grid.items():
        for value in values:
            found = _sharpes([p for p in sweep.done if shown(p.values[key]) == shown(value)])
            if found:
                row = (names[key], shown(value), len(found), statistics.fmean(found), max(found), min(found))
                rows.append(row)
    table = Table(
        "Sharpe by value",
        (
            Column("Key", [row[0] for row in rows]),
            Column("Value", [row[1] for row in rows]),
            Column("Points", [row[2] for row in rows], Format.INTEGER),
            Column("Mean", [row[3] for row in rows], Format.NUMBER, tint=True),
            Column("Best", [row[4] for row in rows], Format.NUMBER),
            Column("Worst", [row[5] for row in rows], Format.NUMBER),
        ),
        note="Over all values of the other keys.",
    )
    return Section("Value by value", 30, tables=(table,))


def _sharpes(points: Sequence[Point]) -> list[float]:
    found = [(point.metrics or {}).get("sharpe") for point in points]
    return [float(value) for value in found if value is not None]


def _failed(sweep: Sweep) -> Section | None:
    if not sweep.failed:
        return None
    names = short_names(list(sweep.grid))
    table = Table(
        "Points that failed",
        (
            Column("Point", [p.id for p in sweep.failed]),
            *(Column(names[key], [shown(p.values[key]) for p in sweep.failed]) for key in sweep.grid),
            Column("Error", [p.error for p in sweep.failed]),
        ),
    )
    return Section("Failed", 40, notes=("They count as tries. A rerun tries them again.",), tables=(table,))


def _config(sweep: Sweep) -> Section:
    text = yaml.safe_dump(dict(sweep.config), sort_keys=False, allow_unicode=True, width=100)
    lines = [line for line in text.splitlines() if line.strip()]
    shifted = ["\u2003" * ((len(line) - len(line.lstrip())) // 2) + line.lstrip() for line in lines]
    return Section(
        "Settings",
        90,
        notes=("The configuration that every point starts from.",),
        tables=(Table("Configuration", (Column("YAML", shifted),), page=100),),
    )
