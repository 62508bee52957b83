"""Windows over time, per symbol: the newest n sessions, this one included.

A window must be full: where one of its n values is missing, or the rows do not reach back, the result is
NaN. Nothing here knows the universe. A value depends on the window and its dates alone, never on
where the rows begin.
"""

from __future__ import annotations

import numpy as np

from alpha_sources.formula.context import Context, Panel, Value
from alpha_sources.formula.kernels import _extremes, _moments, _order, _pairs, _sums, elementwise

#: values that the tails of one block may take up, so that they stay in the cache
_CACHED = 1 << 16
#: no power of two: rows that lie 4 kB apart would push one another out of the cache
_WIDEST = 480


def _tile(rows: int, states: int = 1) -> int:
    return max(32, min(_WIDEST, _CACHED // (rows * states)))


def _scan(rows: int) -> int:
    # for kernels that read the whole window for every value
    return max(64, min(_WIDEST, 4096 // rows))


def delay(context: Context, x: Value, n: int) -> Panel:
    """Return x as it was n sessions earlier."""
    panel, out = context.panel(x), context.new()
    out[:n] = np.nan
    out[n:] = panel[: max(len(panel) - n, 0)]
    return out


def delta(context: Context, x: Value, n: int) -> Panel:
    """Return x less what it was n sessions earlier."""
    earlier = delay(context, x, n)
    return _spent(context, elementwise.sub(context, x, earlier), earlier)


def pct_change(context: Context, x: Value, n: int) -> Panel:
    """Return x over what it was n sessions earlier, less 1."""
    earlier = delay(context, x, n)
    ratio = elementwise.div(context, x, earlier)
    return _spent(context, elementwise.sub(context, ratio, 1.0), earlier, ratio)


def ts_sum(context: Context, x: Value, n: int) -> Panel:
    """Sum."""
    return _sum(context, x, n, 1.0)


def ts_mean(context: Context, x: Value, n: int) -> Panel:
    """Mean."""
    return _sum(context, x, n, float(n))


def ts_count(context: Context, condition: Value, n: int) -> Panel:
    """Sessions on which a condition held."""
    held = elementwise.ne(context, condition, 0.0)
    return _spent(context, _sum(context, held, n, 1.0), held)


def ts_sumif(context: Context, x: Value, condition: Value, n: int) -> Panel:
    """Sum over the sessions on which a condition held; x must not be missing on the others either."""
    held = elementwise.ne(context, condition, 0.0)
    chosen = elementwise.mul(context, x, held)
    return _spent(context, _sum(context, chosen, n, 1.0), held, chosen)


def ts_product(context: Context, x: Value, n: int) -> Panel:
    """Product."""
    out = context.new()
    _sums.rolling_product(context.panel(x), context.restarts(n), n, _tile(n), context.limit, out)
    return out


def decay_linear(context: Context, x: Value, n: int) -> Panel:
    """Mean with weights n for the newest value down to 1 for the oldest."""
    out = context.new()
    _sums.rolling_decay(context.panel(x), context.restarts(n), n, _tile(n, 2), context.limit, out)
    return out


def decay_power(context: Context, x: Value, n: int, b: float) -> Panel:
    """Mean with weights b^i for the value i sessions ago."""
    weights = float(b) ** np.arange(n, dtype=np.float64)
    out = context.new()
    _sums.rolling_weighted(context.panel(x), weights / weights.sum(), _scan(n), context.limit, out)
    return out


def ts_min(context: Context, x: Value, n: int) -> Panel:
    """Smallest value."""
    return _extreme(context, x, n, -1.0, age=False)


def ts_max(context: Context, x: Value, n: int) -> Panel:
    """Largest value."""
    return _extreme(context, x, n, 1.0, age=False)


def ts_argmin(context: Context, x: Value, n: int) -> Panel:
    """Sessions since the smallest value: 0 for the newest; the latest wins a tie."""
    return _extreme(context, x, n, -1.0, age=True)


def ts_argmax(context: Context, x: Value, n: int) -> Panel:
    """Sessions since the largest value: 0 for the newest; the latest wins a tie."""
    return _extreme(context, x, n, 1.0, age=True)


def days_since(context: Context, condition: Value, n: int) -> Panel:
    """Sessions since a condition last held; NaN where it held on none of the n, or is unknown on one."""
    out = context.new()
    _order.rolling_since(context.panel(condition), n, out)
    return out


def ts_var(context: Context, x: Value, n: int) -> Panel:
    """Variance, ddof 1."""
    return _variance(context, x, n, _moments.VARIANCE)


def ts_std(context: Context, x: Value, n: int) -> Panel:
    """Standard deviation, ddof 1."""
    return _variance(context, x, n, _moments.DEVIATION)


def ts_zscore(context: Context, x: Value, n: int) -> Panel:
    """Distance of the newest value from the mean in deviations; NaN where the window does not vary."""
    return _variance(context, x, n, _moments.ZSCORE)


def ts_skew(context: Context, x: Value, n: int) -> Panel:
    """Skewness, bias-corrected as in pandas; NaN where the window does not vary or n < 3."""
    return _shape(context, x, n, _moments.SKEW)


def ts_kurt(context: Context, x: Value, n: int) -> Panel:
    """Excess kurtosis, bias-corrected as in pandas; NaN where the window does not vary or n < 4."""
    return _shape(context, x, n, _moments.KURTOSIS)


def ts_scale(context: Context, x: Value, n: int) -> Panel:
    """Place of the newest value between the smallest (0) and the largest (1)."""
    smallest, largest = ts_min(context, x, n), ts_max(context, x, n)
    reach, height = elementwise.sub(context, largest, smallest), elementwise.sub(context, x, smallest)
    return _spent(context, elementwise.div(context, height, reach), smallest, largest, reach, height)


def ts_mad(context: Context, x: Value, n: int) -> Panel:
    """Mean distance from the mean."""
    out = context.new()
    _order.rolling_distance(context.panel(x), n, _scan(n), context.limit, out)
    return out


def ts_rank(context: Context, x: Value, n: int) -> Panel:
    """Rank of the newest value divided by n: 1 for the largest; equal values share the mean."""
    out = context.new()
    _order.rolling_rank(context.panel(x), n, _scan(n), out)
    return out


def ts_quantile(context: Context, x: Value, n: int, q: float) -> Panel:
    """Quantile q, linear between the two nearest values."""
    out = context.new()
    _order.rolling_quantile(context.panel(x), n, float(q), 8, out)
    return out


def ts_median(context: Context, x: Value, n: int) -> Panel:
    """Median."""
    return ts_quantile(context, x, n, 0.5)


def ts_cov(context: Context, x: Value, y: Value, n: int) -> Panel:
    """Covariance, ddof 1."""
    return _pair(context, x, y, n, _pairs.COVARIANCE)


def ts_corr(context: Context, x: Value, y: Value, n: int) -> Panel:
    """Correlation; NaN where one of the two does not vary."""
    return _pair(context, x, y, n, _pairs.CORRELATION)


def ts_slope(context: Context, x: Value, n: int) -> Panel:
    """Slope of the regression of the window on time, per session."""
    return _trend(context, x, n, _pairs.SLOPE)


def ts_rsquare(context: Context, x: Value, n: int) -> Panel:
    """Share of the window's variance that a straight line explains; NaN where the window does not vary."""
    return _trend(context, x, n, _pairs.RSQUARE)


def ts_resid(context: Context, x: Value, n: int) -> Panel:
    """Distance of the newest value from the straight line through the window."""
    return _trend(context, x, n, _pairs.RESIDUAL)


def _spent(context: Context, result: Panel, *panels: Panel) -> Panel:
    for panel in panels:
        context.buffers.give_back(panel)
    return result


def _sum(context: Context, x: Value, n: int, divisor: float) -> Panel:
    out = context.new()
    _sums.rolling_sum(context.panel(x), context.restarts(n), n, divisor, _tile(n), context.limit, out)
    return out


def _extreme(context: Context, x: Value, n: int, sign: float, *, age: bool) -> Panel:
    out = context.new()
    _extremes.rolling_extreme(context.panel(x), context.restarts(n), n, sign, age, _tile(n, 2), out)
    return out


def _variance(context: Context, x: Value, n: int, want: int) -> Panel:
    out = context.new()
    size = _tile(n, 3)
    _moments.rolling_variance(
        context.panel(x), context.restarts(n), n, want, context.tolerance, size, context.limit, out
    )
    return out


def _shape(context: Context, x: Value, n: int, want: int) -> Panel:
    out = context.new()
    size = _tile(n, 5)
    _moments.rolling_shape(
        context.panel(x), context.restarts(n), n, want, context.tolerance, size, context.limit, out
    )
    return out


def _pair(context: Context, x: Value, y: Value, n: int, want: int) -> Panel:
    out = context.new()
    size = _tile(n, 7)
    _pairs.rolling_pair(
        context.panel(x),
        context.panel(y),
        context.restarts(n),
        n,
        want,
        context.tolerance,
        size,
        context.limit,
        out,
    )
    return out


def _trend(context: Context, x: Value, n: int, want: int) -> Panel:
    out = context.new()
    size = _tile(n, 4)
    _pairs.rolling_trend(
        context.panel(x), context.restarts(n), n, want, context.tolerance, size, context.limit, out
    )
    return out
