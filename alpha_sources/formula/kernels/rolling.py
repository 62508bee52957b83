"""Windows over time, per symbol: the newest n sessions, this one included.

A window must be full: where one of its n values is missing, or the rows do not reach back, the result is
NaN. An operand may come with earlier rows than the result has. Nothing here knows the universe. A value
depends on the window and its dates alone, never on where the rows begin.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from alpha_sources.formula.context import Context, Panel, SinglePrecisionOverflowError, Value, read_only
from alpha_sources.formula.kernels import _extremes, _moments, _order, _pairs, _sums
from alpha_sources.formula.kernels._cells import any_infinite
from alpha_sources.formula.kernels._program import Instruction, Program, run

#: values that the tails of one block may take up, so that they stay in the cache
_CACHED = 1 << 16
#: no power of two: rows that lie 4 kB apart would push one another out of the cache
_WIDEST = 480
#: the longest window whose quantiles a sorting network finds faster than order kept up
_SHORT = 40

_DIFFERENCE = Program(2, (Instruction("sub", (0, 1)),))
_RATE = Program(2, (Instruction("div", (0, 1)), Instruction("sub", (2, 1.0))))
_HELD = Program(1, (Instruction("ne", (0, 0.0)),))
#: condition, x
_CHOSEN = Program(2, (Instruction("ne", (0, 0.0)), Instruction("mul", (1, 2))))
#: x, smallest, largest
_PLACE = Program(3, (Instruction("sub", (2, 1)), Instruction("sub", (0, 1)), Instruction("div", (4, 3))))


def _tile(rows: int, states: int = 1) -> int:
    return max(32, min(_WIDEST, _CACHED // (rows * states)))


def _scan(rows: int) -> int:
    # for kernels that read the whole window for every value
    return max(64, min(_WIDEST, 4096 // rows))


def delay(context: Context, x: Value, n: int) -> Panel:
    """Return x as it was n sessions earlier."""
    panel, out = context.window(x), context.new()
    lead, _, earlier = _apart(panel, len(out), n)
    out[:lead] = np.nan
    out[lead:] = earlier
    return out


def delta(context: Context, x: Value, n: int) -> Panel:
    """Return x less what it was n sessions earlier."""
    return _changed(context, x, n, _DIFFERENCE)


def pct_change(context: Context, x: Value, n: int) -> Panel:
    """Return x over what it was n sessions earlier, less 1."""
    return _changed(context, x, n, _RATE)


def ts_sum(context: Context, x: Value, n: int) -> Panel:
    """Sum."""
    return _sum(context, x, n, 1.0)


def ts_mean(context: Context, x: Value, n: int) -> Panel:
    """Mean."""
    return _sum(context, x, n, float(n))


def ts_count(context: Context, condition: Value, n: int) -> Panel:
    """Sessions on which a condition held."""
    held = _prepared(context, _HELD, condition)
    return _spent(context, _sum(context, held, n, 1.0), held)


def ts_sumif(context: Context, x: Value, condition: Value, n: int) -> Panel:
    """Sum over the sessions on which a condition held; x must not be missing on the others either."""
    chosen = _prepared(context, _CHOSEN, condition, x)
    return _spent(context, _sum(context, chosen, n, 1.0), chosen)


def ts_product(context: Context, x: Value, n: int) -> Panel:
    """Product."""
    panel, out = context.window(x), context.new()
    _sums.rolling_product(panel, context.restarts(n, len(panel)), n, _tile(n), _ceiling(context), out)
    return _checked(context, "ts_product", out)


def decay_linear(context: Context, x: Value, n: int) -> Panel:
    """Mean with weights n for the newest value down to 1 for the oldest."""
    panel, out = context.window(x), context.new()
    _sums.rolling_decay(panel, context.restarts(n, len(panel)), n, _tile(n, 2), context.limit, out)
    return out


def decay_power(context: Context, x: Value, n: int, b: float) -> Panel:
    """Mean with weights b^i for the value i sessions ago."""
    weights = float(b) ** np.arange(n, dtype=np.float64)
    out = context.new()
    _sums.rolling_weighted(context.window(x), weights / weights.sum(), _scan(n), context.limit, out)
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
    _order.rolling_since(context.window(condition), n, out)
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
    smallest, largest, out = ts_min(context, x, n), ts_max(context, x, n), context.new()
    run(context, _PLACE, [context.panel(x), read_only(smallest), read_only(largest)], out)
    return _spent(context, out, smallest, largest)


def ts_mad(context: Context, x: Value, n: int) -> Panel:
    """Mean distance from the mean."""
    out = context.new()
    _order.rolling_distance(context.window(x), n, _scan(n), context.limit, out)
    return out


def ts_rank(context: Context, x: Value, n: int) -> Panel:
    """Rank of the newest value divided by n: 1 for the largest; equal values share the mean."""
    out = context.new()
    _order.rolling_rank(context.window(x), n, _scan(n), out)
    return out


def ts_quantile(context: Context, x: Value, n: int, q: float) -> Panel:
    """Quantile q, linear between the two nearest values."""
    panel, out = context.window(x), context.new()
    if n <= _SHORT or len(out) * _SHORT <= n * n:
        place = int(float(q) * (n - 1))
        _order.network_quantile(panel, n, float(q), _network(n, place, min(place + 1, n - 1)), out)
    else:
        _order.rolling_quantile(panel, n, float(q), 8, out)
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


def _apart(panel: Panel, rows: int, n: int) -> tuple[int, Panel, Panel]:
    """How many of the last `rows` have no value n sessions earlier, the others, and these earlier values."""
    first = len(panel) - rows
    lead = min(max(n - first, 0), rows)
    # not n rows before the end where there are none: an empty cut then
    start = max(first + lead - n, 0)
    return lead, panel[first + lead :], panel[start : start + rows - lead]


def _changed(context: Context, x: Value, n: int, program: Program) -> Panel:
    panel, out = context.window(x), context.new()
    lead, now, earlier = _apart(panel, len(out), n)
    out[:lead] = np.nan
    if len(now):
        run(context, program, [now, earlier], out[lead:])
    return out


def _prepared(context: Context, program: Program, *operands: Value) -> Panel:
    """What is summed up, on all the rows that it is looked back on."""
    panels = context.windows(operands)
    out = context.buffers.take(len(panels[0]))
    run(context, program, panels, out)
    return out


@lru_cache(maxsize=256)
def _network(n: int, *places: int) -> Panel:
    return read_only(_order.network(n, places))


def _spent(context: Context, result: Panel, *panels: Panel) -> Panel:
    for panel in panels:
        context.buffers.give_back(panel)
    return result


def _checked(context: Context, op: str, out: Panel) -> Panel:
    """Refuse a sum or product that is too large for float32."""
    if context.single and any_infinite(out):
        raise SinglePrecisionOverflowError(op)
    return out


def _ceiling(context: Context, checked: bool = True) -> float:
    # what float32 cannot hold is not to pass for missing: see `_checked`
    return np.inf if context.single and checked else context.limit


def _sum(context: Context, x: Value, n: int, divisor: float) -> Panel:
    panel, out = context.window(x), context.new()
    starts, grows = context.restarts(n, len(panel)), divisor == 1.0
    _sums.rolling_sum(panel, starts, n, divisor, _tile(n), _ceiling(context, grows), out)
    return _checked(context, "ts_sum", out) if grows else out


def _extreme(context: Context, x: Value, n: int, sign: float, *, age: bool) -> Panel:
    panel, out = context.window(x), context.new()
    _extremes.rolling_extreme(panel, context.restarts(n, len(panel)), n, sign, age, _tile(n, 2), out)
    return out


def _variance(context: Context, x: Value, n: int, want: int) -> Panel:
    panel, out = context.window(x), context.new()
    starts, grows = context.restarts(n, len(panel)), want == _moments.VARIANCE
    _moments.rolling_variance(
        panel, starts, n, want, context.tolerance, _tile(n, 3), _ceiling(context, grows), out
    )
    return _checked(context, "ts_var", out) if grows else out


def _shape(context: Context, x: Value, n: int, want: int) -> Panel:
    panel, out = context.window(x), context.new()
    starts, size = context.restarts(n, len(panel)), _tile(n, 5)
    _moments.rolling_shape(panel, starts, n, want, context.tolerance, size, context.limit, out)
    return out


def _pair(context: Context, x: Value, y: Value, n: int, want: int) -> Panel:
    (first, second), out = context.windows([x, y]), context.new()
    starts, size = context.restarts(n, len(first)), _tile(n, 7)
    _pairs.rolling_pair(first, second, starts, n, want, context.tolerance, size, _ceiling(context), out)
    return _checked(context, "ts_cov", out) if want == _pairs.COVARIANCE else out


def _trend(context: Context, x: Value, n: int, want: int) -> Panel:
    panel, out = context.window(x), context.new()
    starts, size = context.restarts(n, len(panel)), _tile(n, 4)
    _pairs.rolling_trend(panel, starts, n, want, context.tolerance, size, context.limit, out)
    return out
