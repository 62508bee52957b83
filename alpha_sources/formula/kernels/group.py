"""Operators across a group of a session: a name outside the universe or without a group is NaN."""

from __future__ import annotations

from alpha_sources.formula.context import Context, Panel, Value
from alpha_sources.formula.kernels import _ranks, _sessions


def group_demean(context: Context, x: Value, group: Panel) -> Panel:
    """Return x less the mean of its group."""
    return _ranks.standardise(context, x, group, _sessions.DEMEAN)


def group_zscore(context: Context, x: Value, group: Panel) -> Panel:
    """Distance from the group's mean in standard deviations (ddof 1); NaN where the group does not differ."""
    return _ranks.standardise(context, x, group, _sessions.ZSCORE)


def group_rank(context: Context, x: Value, group: Panel) -> Panel:
    """Percentile within the group; values within 1e-12 relative are tied."""
    return _ranks.rank(context, x, group)


def group_neutralize(context: Context, x: Value, group: Panel, *factors: Value) -> Panel:
    """What of x neither a constant for each group nor the factors explain."""
    if not factors:
        return group_demean(context, x, group)
    return _ranks.residuals(context, x, factors, group)
