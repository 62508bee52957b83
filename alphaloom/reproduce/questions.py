"""The pages of the first two questions: selections by regime, and foresight."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from alphaloom.reproduce import claims
from alphaloom.reproduce.findings import Findings, GroupIc, Sitting
from alphaloom.reproduce.foresight import MeanIc
from alphaloom.reproduce.methods import spans_of
from alphaloom.reproduce.statistics import jaccard
from engine.report import Column, Figure, Format, HeatMap, Matrix, Row, Section, Series, Table


def selection_section(findings: Findings) -> Section | None:
    """Return the page of the first question; None where the committee has not sat."""
    sat = findings.sittings
    if not sat:
        return None
    train = spans_of(findings.experiment.base).train
    notes = [
        findings.verdicts[0].sentence,
        f"{len(sat)} sittings of the committee inside {train}, ten sessions apart, from {sat[0].as_of} on. "
        "The test span is sealed.",
        "The committee takes its evidence from sessions like the last one, as the paper does: that "
        "selections follow the regime is how it is built. Whether that pays is the second question.",
    ]
    tables: list[Table | Matrix] = []
    if findings.windows:
        notes.append(_windows_note(findings))
        tables.append(_windows_table(findings))
    figures: list[Figure | HeatMap] = [_kept_by_regime(sat)]
    if findings.by_regime:
        figures.append(_ic_by_regime(findings))
    return Section("RQ1: selections by regime", 10, notes=notes, figures=figures, tables=tables)


def _kept_by_regime(sat: Sequence[Sitting]) -> HeatMap:
    """In what share of a regime's sittings each seed was kept; seeds that are always or never kept last."""
    regimes = [regime for regime, times in Counter(one.regime for one in sat).most_common() if times > 1]
    by_regime = {regime: [one for one in sat if one.regime == regime] for regime in regimes}
    category = {name: kind for one in sat for name, kind in one.kept}
    share = {
        name: [sum(name in one.names for one in by_regime[r]) / len(by_regime[r]) for r in regimes]
        for name in category
    }
    # what differs most between regimes first
    ordered = sorted((name for name in share if regimes), key=lambda n: (min(share[n]) - max(share[n]), n))[
        :30
    ]
    ordered.sort(key=lambda name: category[name])
    titles = [f"{r.replace('_', ', ')} ({len(by_regime[r])})" for r in regimes]
    return HeatMap(
        "How often a seed is kept, by regime",
        [f"{category[name].replace('_', ' ')}: {name}" for name in ordered],
        titles,
        [share[name] for name in ordered],
        note="In brackets the sittings; a regime that had one alone is left out. The 30 seeds that differ "
        "most between regimes; the committee keeps two of each category at most, so that categories differ "
        "less than their members.",
    )


def _ic_by_regime(findings: Findings) -> HeatMap:
    regimes = list(findings.by_regime)
    categories = list(dict.fromkeys(c for one in findings.by_regime.values() for c in one))
    return HeatMap(
        "Mean rank IC of the seeds, by category and regime",
        [category.replace("_", " ") for category in categories],
        regimes,
        [[findings.by_regime[regime].get(category) for regime in regimes] for category in categories],
        Format.PRECISE,
        note="On the training span; in brackets the sessions. Regimes of fewer than ten are left out.",
    )


def _windows_note(findings: Findings) -> str:
    found = list(findings.windows.values())
    if len(found) < 2:
        return "Only one of the paper's windows lies inside the training span."
    return (
        f"On the evidence of the paper's two windows alone the committee keeps {len(found[0].kept)} and "
        f"{len(found[1].kept)} seeds; they share {100 * jaccard(found[0].names, found[1].names):.0f} %."
    )


def _windows_table(findings: Findings) -> Matrix:
    cases = [case for case in claims.CASES if case.title in findings.windows]
    found = [findings.windows[case.title] for case in cases]
    categories = sorted({kind for one in found for _, kind in one.kept})
    rows = [
        Row("Window", [f"{case.start} to {case.end}" for case in cases], Format.TEXT),
        Row("The paper selected", [case.selected for case in cases], Format.TEXT),
        *(
            Row(
                f"Kept here: {category.replace('_', ' ')}",
                [", ".join(name for name, kind in one.kept if kind == category) or "none" for one in found],
                Format.TEXT,
            )
            for category in categories
        ),
    ]
    return Matrix("The paper's two windows", [case.title.capitalize() for case in cases], rows)


def foresight_section(findings: Findings) -> Section | None:
    """Return the page of the second question; None where nothing was judged."""
    if not findings.groups:
        return None
    figures = []
    if findings.categories:
        figures.append(_by_category(findings))
    tables = [_table("By library", findings.groups, "Paper")]
    if findings.categories:
        tables.append(_table("All seeds, by category", findings.categories, "Paper, all seeds"))
    if any(one.train is not None or one.test is not None for one in findings.kept_categories):
        tables.append(_table("Kept seeds, by category", findings.kept_categories, "Paper, kept seeds"))
    return Section(
        "RQ2: foresight",
        20,
        notes=[
            findings.verdicts[1].sentence,
            "Rank correlation of a formula's values with returns from the next open to the one after it, "
            "averaged over the formulas of a group on every session, then over sessions; t after Newey and "
            "West; a mean is told from zero where its interval leaves zero out.",
            "Formulas are used as they are written: where the sources name no direction, an IC below zero is "
            "as good as one above. Kept seeds were chosen by their ICs on the training span, which says "
            "nothing; on the test span they count while they are in force.",
            "Seeds and their directions were chosen by who could know the test span: that flatters the IC of "
            "all of them, and not what keeping some of them gains over all.",
        ],
        figures=figures,
        tables=tables,
    )


def _table(title: str, groups: Sequence[GroupIc], paper: str) -> Table:
    columns = [
        Column("Group", [one.title for one in groups]),
        Column("Formulas", [_formulas(one) for one in groups], Format.INTEGER),
    ]
    for name, found in (("Train", [g.train for g in groups]), ("Test", [g.test for g in groups])):
        columns += [
            Column(f"{name}: mean", [_value(one, "mean") for one in found], Format.PRECISE, tint=True),
            Column("t", [_value(one, "t") for one in found], Format.NUMBER),
            Column("from", [_value(one, "low") for one in found], Format.PRECISE),
            Column("to", [_value(one, "high") for one in found], Format.PRECISE),
        ]
    if any(one.claim is not None for one in groups):
        columns.append(Column(paper, [one.claim for one in groups], Format.PRECISE))
    return Table(title, columns, "From and to: the 95 % interval of the mean.", page=40)


def _by_category(findings: Findings) -> Figure:
    groups = findings.categories
    return Figure(
        "Mean rank IC of the seeds by category, and the paper's",
        [one.title for one in groups],
        [
            Series("train", [_value(one.train, "mean") for one in groups], kind="bar", colour="muted"),
            Series("test", [_value(one.test, "mean") for one in groups], kind="bar", colour="accent"),
            Series("kept, test", [_value(one.test, "mean") for one in findings.kept_categories], kind="bar"),
            Series("paper, all seeds", [one.claim for one in groups], kind="bar"),
            Series("paper, kept", [one.claim for one in findings.kept_categories], kind="bar"),
        ],
        Format.PRECISE,
        log=None,
    )


def _formulas(group: GroupIc) -> int | None:
    found = group.train if group.train is not None else group.test
    return None if found is None else found.formulas


def _value(found: MeanIc | None, key: str) -> float | None:
    return None if found is None else float(getattr(found, key))
