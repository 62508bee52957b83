"""The report's pages on baselines: what was learned at each refresh, and what the last one goes by."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from alpha_sources.snapshot import Snapshot
from engine.report.section import Column, Figure, Format, Section, Series, Table

_ORDER = 57
#: features shown one by one
_SHOWN = 15

_SESSION = ("Session", "session", Format.DATE)
_FROM = ("From", "learned_from", Format.DATE)
_FITTED = (
    _SESSION,
    _FROM,
    ("Training sessions", "sessions_train", Format.INTEGER),
    ("Examples", "examples", Format.INTEGER),
    ("Validation sessions", "sessions_validate", Format.INTEGER),
)
_FORESIGHT = ("Validation rank IC", "validation_rank_ic", Format.PRECISE)


def boosting_section(snapshots: Sequence[Snapshot]) -> Section:
    """Page on boosted trees, from the snapshots of a run in order."""
    gains = sorted(snapshots[-1].payload["gains"].items(), key=lambda item: (-item[1], item[0]))[:_SHOWN]
    figures = []
    if gains:
        figures.append(
            Figure(
                "What the last trees go by",
                [name for name, _ in gains],
                [Series("share of the gain", [gain for _, gain in gains], "bar")],
                Format.PERCENT,
                horizontal=True,
                note="Share of each feature in what all splits took off the squared error in training.",
            )
        )
    return Section(
        "Gradient-boosted trees",
        _ORDER,
        figures=figures,
        tables=[_log(snapshots, (*_FITTED, ("Trees", "trees", Format.INTEGER), _FORESIGHT))],
    )


def network_section(name: str, snapshots: Sequence[Snapshot]) -> Section:
    """Page on a network, from the snapshots of a run in order."""
    record = snapshots[-1].payload["record"]
    passes = [str(i + 1) for i in range(len(record["losses"]))]
    figures = [
        Figure(
            "The last training: squared error",
            passes,
            [Series("training", list(record["losses"]))],
            Format.PRECISE,
            width="half",
            note="Of the first network, after each pass, in units of the variance of the labels.",
        ),
        Figure(
            "The last training: foresight",
            passes,
            [Series("validation", list(record["validation"]))],
            Format.PRECISE,
            width="half",
            note="Mean rank IC on the sessions kept aside; what it was at its best is kept.",
        ),
    ]
    return Section(
        f"Network: {name}", _ORDER, figures=figures, tables=[_log(snapshots, (*_FITTED, _FORESIGHT))]
    )


def formulas_section(name: str, snapshots: Sequence[Snapshot]) -> Section:
    """Page on formulas that were searched for or drawn, from the snapshots of a run in order."""
    last = snapshots[-1].payload["formulas"]
    columns = [
        Column("Formula", [("-1 * " if part["sign"] < 0 else "") + part["formula"] for part in last]),
        Column("IC where it was found", [part["ic"] for part in last], Format.PRECISE),
    ]
    log = _log(
        snapshots,
        (
            _SESSION,
            _FROM,
            ("Formulas tried", "tried", Format.INTEGER),
            ("Tried in all", "tried_in_all", Format.INTEGER),
            ("Best IC where it was found", "best_ic", Format.PRECISE),
        ),
    )
    note = (
        "The IC of a formula on the sessions on which it was chosen says little of later ones: the more are "
        "tried, the larger the best is by chance."
    )
    return Section(
        f"Formulas: {name}", _ORDER, notes=[note], tables=[log, Table("The last formulas", columns)]
    )


def _log(snapshots: Sequence[Snapshot], columns: Sequence[tuple[str, str, Format]]) -> Table:
    records: list[Any] = [snapshot.payload["record"] for snapshot in snapshots]
    return Table(
        "Refreshes",
        [Column(title, [record[key] for record in records], format) for title, key, format in columns],
    )
