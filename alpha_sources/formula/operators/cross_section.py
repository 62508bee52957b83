"""Operators across the names of a session: the members of its universe alone are seen."""

from __future__ import annotations

from alpha_sources.formula import scales
from alpha_sources.formula.kinds import Kind
from alpha_sources.formula.operator import Family, Operator, Parameter, ScaleRule

_MEMBERS = "Only members of the session's universe with a value count; others are NaN."
_X = Parameter("x")
_GROUP = Parameter("group", Kind.GROUP, default="industry")
_BUCKETS = Parameter("n", Kind.WINDOW, default=5, minimum=2)


def _across(
    name: str,
    parameters: tuple[Parameter, ...],
    summary: str,
    scale: ScaleRule,
    notes: str = "",
    *,
    example: str = "",
    family: Family = Family.CROSS_SECTION,
    module: str = "cross_section",
    result: Kind = Kind.PANEL,
) -> Operator:
    return Operator(
        name=name,
        parameters=parameters,
        family=family,
        summary=summary,
        module=module,
        scale=scale,
        notes=f"{_MEMBERS} {notes}".strip(),
        example=example or f"{name}(returns)",
        result=result,
    )


CROSS_SECTION = (
    _across(
        "rank",
        (_X,),
        "percentile among the names of the session, above 0 and at most 1",
        scales.ratio,
        "Average rank divided by the number of valid members; values within 1e-12 relative are tied.",
    ),
    _across(
        "zscore",
        (_X,),
        "distance from the session's mean, in standard deviations",
        scales.ratio,
        "Divisor n - 1; NaN where the members do not differ.",
    ),
    _across("demean", (_X,), "x less the session's mean", scales.of_the_session),
    _across(
        "scale",
        (_X, Parameter("a", Kind.NUMBER, default=1.0)),
        "x times a over the sum of sizes, so that sizes add up to a",
        scales.ratio,
        "NaN where all are 0.",
        example="scale(rank(returns) - 0.5)",
    ),
    _across(
        "winsorize",
        (_X, Parameter("k", Kind.NUMBER, default=3.0, minimum=0.0)),
        "x, but not farther than k standard deviations from the session's mean",
        scales.of_the_session,
        "Divisor n - 1.",
        example="winsorize(returns, 3)",
    ),
    _across(
        "quantile",
        (_X, _BUCKETS),
        "number of the n equal buckets that x falls into, 1 lowest, n highest",
        scales.ratio,
        "The percentile rank times n, rounded up: ties share a bucket.",
        example="quantile(market_cap, 5)",
    ),
    _across(
        "bucket",
        (_X, _BUCKETS),
        "the quantile as a group, for the group operators",
        scales.ratio,
        "A name without a value has no group.",
        example="group_demean(returns, bucket(market_cap, 5))",
        result=Kind.GROUP,
    ),
)

_OWN = "A name without a group is NaN."
GROUP = (
    _across(
        "group_demean",
        (_X, _GROUP),
        "x less the mean of its group",
        scales.of_the_session,
        _OWN,
        family=Family.GROUP,
        module="group",
    ),
    _across(
        "group_rank",
        (_X, _GROUP),
        "percentile within its group, above 0 and at most 1",
        scales.ratio,
        f"{_OWN} Ties as in rank.",
        family=Family.GROUP,
        module="group",
    ),
    _across(
        "group_zscore",
        (_X, _GROUP),
        "distance from the group's mean, in standard deviations",
        scales.ratio,
        f"{_OWN} NaN in a group of one, or where the group does not differ.",
        family=Family.GROUP,
        module="group",
    ),
    _across(
        "group_neutralize",
        (_X, _GROUP, Parameter("factor", default="", repeats=True)),
        "what of x neither its group nor the factors explain",
        scales.of_the_session,
        f"{_OWN} Residual of a cross-sectional regression on one dummy for each group and the factors; "
        "without factors the same as group_demean. A name that lacks a factor is NaN.",
        example="group_neutralize(returns, industry, log(market_cap))",
        family=Family.GROUP,
        module="group",
    ),
)

REGRESSION = (
    _across(
        "regression_resid",
        (Parameter("y"), Parameter("x", repeats=True)),
        "what of y one or several factors do not explain",
        scales.of_the_session,
        "Residual of a cross-sectional least-squares regression with a constant, on the members that have "
        "every value; NaN with fewer members than coefficients plus one. Collinear factors share their "
        "effect (least norm).",
        example="regression_resid(turnover, log(market_cap))",
        family=Family.REGRESSION,
        module="regression",
    ),
)

OPERATORS = CROSS_SECTION + GROUP + REGRESSION
