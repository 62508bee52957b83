"""Operators that look back in time, name by name."""

from __future__ import annotations

import math
from dataclasses import replace

from alpha_sources.formula import scales
from alpha_sources.formula.kinds import Kind
from alpha_sources.formula.operator import Family, Literal, Operator, Parameter, ScaleRule

_FULL = "The window is the session and the n - 1 before it, and must be full: any NaN inside gives NaN."
_DDOF = "Sample statistic with divisor n - 1."
#: What is left of the start of a recursion when it counts as forgotten.
FORGOTTEN = 1e-16


def _window(literals: tuple[Literal, ...]) -> int:
    return int(literals[0]) - 1


def _lag(literals: tuple[Literal, ...]) -> int:
    return int(literals[0])


def _decay(alpha: float) -> int:
    if alpha >= 1.0:
        return 0
    return math.ceil(math.log(FORGOTTEN) / math.log1p(-alpha))


def _rolling(
    name: str,
    summary: str,
    scale: ScaleRule,
    *,
    notes: str = "",
    example: str = "",
    least: int = 1,
    default: int | None = None,
    before: tuple[Parameter, ...] = (Parameter("x"),),
    after: tuple[Parameter, ...] = (),
) -> Operator:
    n = Parameter("n", Kind.WINDOW, minimum=least)
    return Operator(
        name=name,
        parameters=(*before, n if default is None else replace(n, default=default), *after),
        family=Family.TIME_SERIES,
        summary=summary,
        notes=f"{_FULL} {notes}".strip(),
        example=example or f"{name}(close, 20)",
        module="rolling",
        scale=scale,
        lookback=_window,
    )


_PAIR = (Parameter("x"), Parameter("y"))
_CONDITION = Parameter("condition", Kind.BOOLEAN)

OPERATORS = (
    Operator(
        "delay",
        (Parameter("x"), Parameter("n", Kind.LAG)),
        Family.TIME_SERIES,
        "x as it was n sessions earlier",
        "n is a literal of 0 or more: the future cannot be read.",
        "close / delay(close, 5) - 1",
        module="rolling",
        scale=scales.keep,
        lookback=_lag,
    ),
    Operator(
        "delta",
        (Parameter("x"), Parameter("n", Kind.WINDOW)),
        Family.TIME_SERIES,
        "x - delay(x, n)",
        "n is a literal of 1 or more.",
        "delta(close, 1)",
        module="rolling",
        scale=scales.keep,
        lookback=_lag,
    ),
    Operator(
        "pct_change",
        (Parameter("x"), Parameter("n", Kind.WINDOW, default=1)),
        Family.TIME_SERIES,
        "x / delay(x, n) - 1",
        "NaN where the earlier value is 0.",
        "pct_change(close, 5)",
        module="rolling",
        scale=scales.ratio,
        lookback=_lag,
    ),
    _rolling("ts_sum", "sum over n sessions", scales.keep, example="ts_sum(volume, 5)"),
    _rolling("ts_mean", "mean over n sessions", scales.keep),
    _rolling("ts_std", "standard deviation over n sessions", scales.keep, notes=_DDOF, least=2),
    _rolling("ts_var", "variance over n sessions", scales.square, notes=_DDOF, least=2),
    _rolling(
        "ts_skew",
        "skewness over n sessions",
        scales.ratio,
        least=3,
        example="ts_skew(returns, 20)",
        notes="Bias-corrected, as pandas; NaN without variance (relative tolerance 1e-13).",
    ),
    _rolling(
        "ts_kurt",
        "excess kurtosis over n sessions",
        scales.ratio,
        least=4,
        example="ts_kurt(returns, 20)",
        notes="Bias-corrected, as pandas; NaN without variance (relative tolerance 1e-13).",
    ),
    _rolling("ts_min", "smallest of n sessions", scales.keep, example="ts_min(low, 20)"),
    _rolling("ts_max", "largest of n sessions", scales.keep, example="ts_max(high, 20)"),
    _rolling(
        "ts_argmin",
        "sessions since the smallest of n sessions, 0 being this one",
        scales.ratio,
        least=2,
        notes="The latest on ties.",
        example="ts_argmin(low, 20)",
    ),
    _rolling(
        "ts_argmax",
        "sessions since the largest of n sessions, 0 being this one",
        scales.ratio,
        least=2,
        notes="The latest on ties.",
        example="ts_argmax(high, 20)",
    ),
    _rolling(
        "ts_rank",
        "percentile of this session among n sessions, above 0 and at most 1",
        scales.ratio,
        least=2,
        notes="Average rank on ties, which are exact, divided by n.",
        example="ts_rank(volume, 20)",
    ),
    _rolling(
        "ts_quantile",
        "the q-quantile of n sessions",
        scales.keep,
        notes="Interpolated linearly.",
        after=(Parameter("q", Kind.NUMBER, default=0.5, minimum=0.0, maximum=1.0),),
        example="ts_quantile(close, 20, 0.8)",
    ),
    _rolling("ts_median", "median of n sessions", scales.keep),
    _rolling(
        "ts_product",
        "product of n sessions",
        scales.product_over_window,
        example="ts_product(1 + returns, 20)",
    ),
    _rolling(
        "ts_corr",
        "correlation of x and y over n sessions",
        scales.ratio,
        least=2,
        before=_PAIR,
        notes="Pearson; NaN where either has no variance (relative tolerance 1e-13).",
        example="ts_corr(close, volume, 10)",
    ),
    _rolling(
        "ts_cov",
        "covariance of x and y over n sessions",
        scales.product,
        notes=_DDOF,
        least=2,
        before=_PAIR,
        example="ts_cov(returns, turnover, 20)",
    ),
    _rolling(
        "ts_slope",
        "slope of a line through n sessions, per session",
        scales.keep,
        least=2,
        notes="Least squares on 0, 1, ... n - 1.",
    ),
    _rolling(
        "ts_rsquare",
        "R squared of a line through n sessions",
        scales.ratio,
        least=3,
        notes="NaN where x has no variance (relative tolerance 1e-13).",
    ),
    _rolling(
        "ts_resid",
        "distance of this session from a line through n sessions",
        scales.keep,
        least=3,
        notes="Residual of the least-squares line at its last point.",
    ),
    _rolling(
        "ts_zscore",
        "distance of this session from the mean of n, in standard deviations",
        scales.ratio,
        least=2,
        notes=f"{_DDOF} NaN without variance.",
    ),
    _rolling(
        "ts_scale",
        "place of this session between the smallest and largest of n, from 0 to 1",
        scales.ratio,
        least=2,
        notes="(x - ts_min) / (ts_max - ts_min); NaN where they are equal.",
    ),
    _rolling("ts_mad", "mean absolute deviation from the mean of n sessions", scales.keep, least=2),
    _rolling(
        "ts_count",
        "sessions of n on which the condition held",
        scales.ratio,
        before=(_CONDITION,),
        example="ts_count(returns > 0, 20)",
    ),
    _rolling(
        "ts_sumif",
        "sum over those of n sessions on which the condition held",
        scales.keep,
        before=(Parameter("x"), _CONDITION),
        example="ts_sumif(volume, returns > 0, 20)",
        notes="NaN in x counts even where the condition does not hold.",
    ),
    _rolling(
        "days_since",
        "sessions since the condition last held, 0 being this one",
        scales.ratio,
        least=2,
        before=(_CONDITION,),
        default=60,
        example="days_since(close > delay(close, 1), 60)",
        notes="NaN where it held on none of the n.",
    ),
    _rolling(
        "decay_linear",
        "weighted mean of n sessions, weights n (this session) down to 1",
        scales.keep,
        notes="Divided by the sum of the weights.",
    ),
    _rolling(
        "decay_power",
        "weighted mean of n sessions, weights b**i for i sessions ago",
        scales.keep,
        after=(Parameter("b", Kind.NUMBER, default=0.9, minimum=0.001, maximum=1.0),),
        notes="Divided by the sum of the weights; with 0.9 the WMA of the GTJA 191 paper.",
    ),
    Operator(
        "ema",
        (Parameter("x"), Parameter("n", Kind.WINDOW)),
        Family.TIME_SERIES,
        "exponential moving average with span n",
        "e += (x - e) * 2 / (n + 1), from the first valid value "
        "on; NaN gives NaN and leaves the state. Unbounded memory: burn-in until 1e-16 of the start is left.",
        "ema(close, 12)",
        module="recursive",
        scale=scales.keep,
        burn_in=lambda p: _decay(2.0 / (float(p[0]) + 1.0)),
    ),
    Operator(
        "sma",
        (Parameter("x"), Parameter("n", Kind.WINDOW), Parameter("m", Kind.NUMBER)),
        Family.TIME_SERIES,
        "smoothed moving average: each session weighs m / n",
        "e += (x - e) * m / n, from the first valid value on; NaN gives NaN and leaves the state. "
        "Unbounded memory: burn-in until 1e-16 of the start is left. sma(x, n) without m is ts_mean(x, n).",
        "sma(close, 20, 1)",
        module="recursive",
        scale=scales.keep,
        burn_in=lambda p: _decay(float(p[1]) / float(p[0])),
        check=lambda p: None if 0 < p[1] <= p[0] else "m must lie above 0 and not above n",
    ),
    Operator(
        "wma",
        (Parameter("x"), Parameter("n", Kind.WINDOW)),
        Family.TIME_SERIES,
        "linearly weighted moving average: decay_linear by another name",
        f"{_FULL} In the gtja191 dialect weights fall by 0.9 a session: decay_power(x, n, 0.9).",
        "wma(close, 10)",
        expansion="decay_linear(x, n)",
    ),
    Operator(
        "highday",
        (Parameter("x"), Parameter("n", Kind.WINDOW, minimum=2)),
        Family.TIME_SERIES,
        "sessions since the largest of n: ts_argmax by another name",
        _FULL,
        "highday(high, 20)",
        expansion="ts_argmax(x, n)",
    ),
    Operator(
        "lowday",
        (Parameter("x"), Parameter("n", Kind.WINDOW, minimum=2)),
        Family.TIME_SERIES,
        "sessions since the smallest of n: ts_argmin by another name",
        _FULL,
        "lowday(low, 20)",
        expansion="ts_argmin(x, n)",
    ),
)
