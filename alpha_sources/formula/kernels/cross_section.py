"""Operators across the members of a session: a name outside the universe is not seen, and is NaN."""

from __future__ import annotations

from alpha_sources.formula.context import Context, Panel, Value
from alpha_sources.formula.kernels import _ranks, _sessions


def rank(context: Context, x: Value) -> Panel:
    """Percentile among the members with a value; values within 1e-12 relative are tied."""
    return _ranks.rank(context, x)


def quantile(context: Context, x: Value, n: int) -> Panel:
    """Number of the bucket, 1 for the lowest to n: the percentile times n, rounded up."""
    return _ranks.rank(context, x, buckets=n)


def bucket(context: Context, x: Value, n: int) -> Panel:
    """The quantile as a group code."""
    codes = _ranks.rank(context, x, buckets=n)
    codes -= 1.0
    return codes


def demean(context: Context, x: Value) -> Panel:
    """Return x less the mean."""
    return _ranks.standardise(context, x, None, _sessions.DEMEAN)


def zscore(context: Context, x: Value) -> Panel:
    """Distance from the mean in standard deviations (ddof 1); NaN where the members do not differ."""
    return _ranks.standardise(context, x, None, _sessions.ZSCORE)


def winsorize(context: Context, x: Value, k: float) -> Panel:
    """x, but not farther than k standard deviations (ddof 1) from the mean."""
    return _ranks.standardise(context, x, None, _sessions.WINSORIZE, k)


def scale(context: Context, x: Value, a: float) -> Panel:
    """Return x times `a` over the sum of sizes; NaN where all are 0."""
    out = context.new()
    _sessions.share_of_sizes(context.panel(x), context.universe, float(a), context.limit, out)
    return out
