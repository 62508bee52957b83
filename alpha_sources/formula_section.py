"""The page of the report on the formulas of a run: what they say, not how they did."""

from __future__ import annotations

from collections.abc import Sequence

from alpha_sources.formula_alphas import Alpha
from alpha_sources.treatment import Clip, Neutralize, Normalise, Treatment
from engine.report.section import Column, Format, Section, Table

_ORDER = 52
_NORMALISED = {
    Normalise.RANK: "ranked among the members of the session, from -0.5 to 0.5",
    Normalise.ZSCORE: "measured in standard deviations from the mean of the session's members",
}
_NEUTRALISED = {
    Neutralize.NONE: "",
    Neutralize.INDUSTRY: "freed of the mean of its industry",
    Neutralize.SIZE: "freed of what the logarithm of the market capitalisation explains",
    Neutralize.BOTH: "freed of what industry and the logarithm of the market capitalisation explain",
}


def formulas_section(alphas: Sequence[Alpha], treatment: Treatment) -> Section:
    """Return the page.

    Parameters
    ----------
    alphas : sequence of Alpha
        In the order of the configuration.
    treatment : Treatment
        What is done to each before they are added up.
    """
    formulas = [alpha.formula for alpha in alphas]
    total = sum(abs(alpha.weight) for alpha in alphas)
    columns = [
        Column("Name", [alpha.name for alpha in alphas]),
        Column("Formula", [str(formula) for formula in formulas]),
        Column("Weight", [alpha.weight / total for alpha in alphas], Format.PERCENT),
        Column("Unit", [formula.units for formula in formulas]),
        Column("Look-back", [formula.lookback for formula in formulas], Format.INTEGER),
        Column("Reads", [", ".join(formula.fields) for formula in formulas]),
        Column("Normal form", [formula.canonical for formula in formulas]),
    ]
    note = "Look-back in sessions before the one that is scored, the burn-in of recursive averages included."
    doubts = [f"{alpha.name}: {doubt}" for alpha in alphas for doubt in alpha.formula.warnings]
    return Section(
        "Formulas",
        _ORDER,
        notes=[_how(treatment), *doubts],
        tables=[Table("What the scores are made of", columns, note)],
    )


def _how(treatment: Treatment) -> str:
    steps = [
        "" if treatment.only_order_counts else _clipped(treatment.clip),
        _NEUTRALISED[treatment.neutralize],
        _NORMALISED[treatment.normalise],
    ]
    return (
        f"At each close every formula is {', '.join(step for step in steps if step)}; the score is the "
        "weighted sum. A formula without a value for a name counts as neutral for it. The weights were fixed "
        "before the run."
    )


def _clipped(clip: Clip | None) -> str:
    if clip is None:
        return ""
    if clip.quantile is not None:
        return f"clipped to its quantiles {clip.quantile:g} and {1 - clip.quantile:g}"
    return f"clipped at {clip.std:g} standard deviations"
