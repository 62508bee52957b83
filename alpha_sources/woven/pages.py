"""The report's pages on a woven signal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from alpha_sources.agents import Decision, agents_section
from alpha_sources.agents.reading import decisions_in
from alpha_sources.evaluation.regimes import Regime
from alpha_sources.snapshot import Snapshot
from alpha_sources.woven.fabric import Fabric, Strand
from alpha_sources.woven.study import Study
from engine.market.calendar import iso
from engine.report.section import Column, Figure, Format, HeatMap, Section, Series, Table

Array = NDArray[np.float64]
_SESSIONS_A_YEAR = 252
#: alphas shown one by one in a table
_SHOWN = 15
#: a figure has so many colours of its own
_COLOURS = 8


def woven_sections(snapshots: Sequence[Snapshot], notes: Sequence[str] = ()) -> list[Section]:
    """Pages on what was chosen, learned and changed, from the snapshots of a run in order; and `notes`."""
    fabrics = [Fabric.of(snapshot) for snapshot in snapshots]
    if not fabrics:
        return []
    decisions = decisions_in(snapshots)
    return [agents_section(decisions), _refreshes(fabrics, decisions, notes)]


def study_section(study: Study, last: Fabric) -> Section:
    """The page on weights, contributions and foresight."""
    dates = [iso(day) for day in study.dates]
    share = _shares_by_category(study)
    categories = list(share)
    figures: list[Figure | HeatMap] = [
        Figure(
            "Weights by category",
            dates,
            [
                Series(name, _gaps(share[name]), "area", _colour(place))
                for place, name in enumerate(categories)
            ],
            Format.PERCENT,
            stacked=True,
            note=(
                "Share of the sizes of all weights. Between refreshes they stay, unless the model sees the "
                "market."
            ),
        ),
        _top_weights(study, dates),
        Figure(
            "What each category added to the signal's own portfolio",
            dates,
            [
                Series(
                    name,
                    _gaps(np.nancumsum(_of_category(study, study.contributions, name).sum(axis=1))),
                    colour=_colour(place),
                )
                for place, name in enumerate(categories)
            ],
            Format.PERCENT,
            note=(
                "Cumulative, not compounded, before costs: a long and short portfolio of all members in "
                "proportion to their scores, whose return is the exact sum of what the alphas add. It is not "
                "the Top-k portfolio."
            ),
        ),
        Figure(
            "Foresight: the signal and the plain mean of its alphas",
            dates,
            [
                Series("woven signal", _gaps(np.nancumsum(study.woven)), colour="accent"),
                Series("equal weights", _gaps(np.nancumsum(study.equal)), colour="muted"),
            ],
            Format.NUMBER,
            note="Cumulative rank IC with the return from the open after the decision to the next open.",
        ),
        _by_regime(study),
    ]
    response = _gate_response(last.strands[0])
    if response is not None:
        figures.append(response)
    return Section(
        "Weights",
        57,
        figures=figures,
        tables=[_alphas_table(study)],
        cards=[
            ("rank IC, woven", _mean(study.woven), Format.PRECISE),
            ("rank IC, equal weights", _mean(study.equal), Format.PRECISE),
            ("alphas that were in force", len(study.names), Format.INTEGER),
        ],
    )


def _refreshes(fabrics: Sequence[Fabric], decisions: Sequence[Decision], further: Sequence[str]) -> Section:
    failed = [fabric for fabric in fabrics if fabric.record["trouble"] is not None]
    notes = [f"The refresh at {f.record['session']} failed: {f.record['trouble']}" for f in failed]
    notes += [
        f"At {f.record['session']} a language model could not be asked, and rules decided in its place."
        for f in fabrics
        if f.record["unasked"]
    ]
    return Section("Refreshes", 58, notes=[*notes, *further], tables=[_log(fabrics), _changes(decisions)])


def _log(fabrics: Sequence[Fabric]) -> Table:
    before: Fabric | None = None
    rows: list[dict[str, Any]] = []
    for fabric in fabrics:
        record, strand = fabric.record, fabric.strands[0]
        fit: Mapping[str, Any] = record["fit"] or {}
        rows.append(
            {
                "what": "failed"
                if record["trouble"] is not None
                else "alphas and weights"
                if record["alphas_chosen"]
                else "weights",
                "session": record["session"],
                "from": record["learned_from"],
                "alphas": len(strand.alphas),
                "change": None if before is None else _weight_change(before.strands[0], strand),
                "sessions": fit.get("sessions_train"),
                "replies": Decision.from_payload(fabric.decision).calls if record["alphas_chosen"] else 0,
                "epochs": _mean_of(fit.get("best_epochs")),
                "ic": fit.get("validation_rank_ic"),
            }
        )
        before = fabric

    def column(title: str, key: str, format: Format = Format.TEXT) -> Column:
        return Column(title, [row[key] for row in rows], format)

    return Table(
        "Log",
        [
            column("Session", "session", Format.DATE),
            column("What was learned", "what"),
            column("From", "from", Format.DATE),
            column("Training sessions", "sessions", Format.INTEGER),
            column("Alphas", "alphas", Format.INTEGER),
            column("Weights that moved", "change", Format.PERCENT),
            column("Epochs", "epochs", Format.INTEGER),
            column("Validation rank IC", "ic", Format.PRECISE),
            column("Replies", "replies", Format.INTEGER),
        ],
        note=(
            "Weights that moved: half the sum of the differences of the weights at the mean market of the "
            "training; 100 % is a signal of other alphas altogether. Replies: of language models; what "
            "they cost stands in run.json."
        ),
    )


def _changes(decisions: Sequence[Decision]) -> Table:
    """Who came in, who went, and why."""
    rows: list[tuple[str, str, str, str, float | None, str]] = []
    before: set[str] = set()
    for decision in decisions:
        now = set(decision.kept)
        for opinion in decision.opinions:
            if (opinion.name in now) != (opinion.name in before):
                came = opinion.name in now
                rows.append(
                    (
                        decision.as_of,
                        "in" if came else "out",
                        opinion.name,
                        opinion.category,
                        opinion.score,
                        opinion.because,
                    )
                )
        before = now
    titles = ("Session", "", "Alpha", "Category", "Score", "Why")
    formats = (Format.DATE, Format.TEXT, Format.TEXT, Format.TEXT, Format.NUMBER, Format.TEXT)
    columns = [
        Column(title, [row[i] for row in rows], format)
        for i, (title, format) in enumerate(zip(titles, formats, strict=True))
    ]
    return Table("What changed, and why", columns)


def _alphas_table(study: Study) -> Table:
    known = np.isfinite(study.weights)
    order = np.argsort(-np.nansum(np.abs(study.weights), axis=0), kind="stable")
    sessions = known.sum(axis=0)
    earned = np.nansum(study.contributions, axis=0)
    counted = np.isfinite(study.contributions).any(axis=1).sum()
    return Table(
        "Alphas",
        [
            Column("Alpha", [study.names[i] for i in order]),
            Column("Category", [study.categories[i] for i in order]),
            Column("Sessions in force", [int(sessions[i]) for i in order], Format.INTEGER),
            Column("Mean weight", [_mean(study.weights[:, i]) for i in order], Format.PRECISE),
            Column("Rank IC by itself", [_mean(study.foresight[:, i]) for i in order], Format.PRECISE),
            Column(
                "Added a year",
                [float(earned[i]) / max(counted, 1) * _SESSIONS_A_YEAR for i in order],
                Format.PERCENT,
                tint=True,
            ),
        ],
        note="Means over the sessions in force; what an alpha added is spread over the whole run.",
    )


def _top_weights(study: Study, dates: list[str]) -> Figure:
    total = np.nansum(np.abs(study.weights), axis=0)
    top = np.argsort(-total, kind="stable")[:_COLOURS]
    return Figure(
        f"Weights of the {len(top)} largest" if len(study.names) > len(top) else "Weights",
        dates,
        [Series(study.names[i], _gaps(study.weights[:, i])) for i in top],
        Format.PRECISE,
        note="Gaps are sessions on which the alpha was not in force.",
    )


def _by_regime(study: Study) -> HeatMap:
    share = _shares_by_category(study)
    present = [r for r in Regime if r is not Regime.UNKNOWN and (study.regimes == r).any()]
    return HeatMap(
        "Weights by regime",
        list(share),
        [f"{regime.label} ({int((study.regimes == regime).sum())})" for regime in present],
        [[_mean(share[name][study.regimes == regime]) for regime in present] for name in share],
        note="Mean share of each category; sessions in brackets.",
    )


def _gate_response(strand: Strand) -> HeatMap | None:
    """What a deviation more of each feature of the market does to the weights."""
    fitted = strand.fitted
    if not fitted.sees_state:
        return None
    names = fitted.state_names
    base = fitted.weights(np.full((1, len(names)), np.nan))[0]
    state = np.full((len(names), len(names)), np.nan)
    inverse = np.asarray(fitted.arrays["state_inverse"])
    with np.errstate(divide="ignore"):
        np.fill_diagonal(
            state, np.asarray(fitted.arrays["state_mean"]) + np.where(inverse > 0, 1 / inverse, 0)
        )
    moved = fitted.weights(state) - base
    top = np.argsort(-np.abs(moved).max(axis=0), kind="stable")[:_SHOWN]
    return HeatMap(
        "How the gate answers the market",
        [strand.alphas[i].name for i in top],
        list(names),
        [[float(moved[j, i]) for j in range(len(names))] for i in top],
        Format.PRECISE,
        note=(
            "Change of an alpha's weight when one feature lies a standard deviation above its mean and the "
            f"others at theirs; weights as of {strand.as_of}."
        ),
    )


def _shares_by_category(study: Study) -> dict[str, Array]:
    size = np.abs(study.weights)
    total = np.nansum(size, axis=1)
    with np.errstate(invalid="ignore", divide="ignore"):
        return {
            name: np.nansum(_of_category(study, size, name), axis=1) / total
            for name in dict.fromkeys(study.categories)
        }


def _of_category(study: Study, values: Array, name: str) -> Array:
    return np.nan_to_num(values[:, [i for i, category in enumerate(study.categories) if category == name]])


def _colour(place: int) -> str | None:
    """None is the next of the figure's own colours; after them comes grey, so that none stands twice."""
    return None if place < _COLOURS else "muted"


def _weight_change(before: Strand, after: Strand) -> float:
    mean: dict[str, float] = {}
    for sign, strand in ((-1.0, before), (1.0, after)):
        state = np.full((1, len(strand.fitted.state_names)), np.nan)
        for alpha, weight in zip(strand.alphas, strand.fitted.weights(state)[0], strict=True):
            turned = -1.0 if alpha.inverted else 1.0
            mean[alpha.name] = mean.get(alpha.name, 0.0) + sign * turned * float(weight)
    return sum(abs(change) for change in mean.values()) / 2


def _mean_of(values: Sequence[float] | None) -> float | None:
    return float(np.mean(values)) if values else None


def _mean(values: Array) -> float | None:
    return float(np.nanmean(values)) if np.isfinite(values).any() else None


def _gaps(values: Array) -> list[float | None]:
    return [float(x) if np.isfinite(x) else None for x in values]
