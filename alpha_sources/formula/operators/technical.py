"""Technical indicators, each a formula over the other operators: nothing here needs a kernel."""

from __future__ import annotations

from alpha_sources.formula.kinds import Kind
from alpha_sources.formula.operator import Family, Operator, Parameter

_WILDER = "Wilder's smoothing, sma(x, n, 1): unbounded memory with a burn-in."


def _n(default: int, least: int = 1, name: str = "n") -> Parameter:
    return Parameter(name, Kind.WINDOW, default=default, minimum=least)


def _k(default: float) -> Parameter:
    return Parameter("k", Kind.NUMBER, default=default, minimum=0.0)


_CLOSE = Parameter("x", default="close")
_MACD = (_CLOSE, _n(12, name="fast"), _n(26, name="slow"))
_BANDS = (_CLOSE, _n(20, 2), _k(2.0))
#: volume signed by the place of the close in the range; a session without a range counts as neutral
_FLOW = "where(high > low, (2 * close - high - low) / (high - low), 0) * volume"
_CHANNEL = (_n(20), _k(2.0), _n(10, name="m"))


def _built(
    name: str, parameters: tuple[Parameter, ...], summary: str, expansion: str, notes: str = ""
) -> Operator:
    return Operator(
        name=name,
        parameters=parameters,
        family=Family.TECHNICAL,
        summary=summary,
        notes=notes,
        example=f"{name}()",
        expansion=expansion,
    )


TREND = (
    _built(
        "rsi",
        (_CLOSE, _n(14)),
        "relative strength index, 0 to 100",
        "100 * sma(max(delta(x, 1), 0), n, 1) / sma(abs(delta(x, 1)), n, 1)",
        _WILDER,
    ),
    _built("macd_dif", _MACD, "MACD line: fast less slow exponential average", "ema(x, fast) - ema(x, slow)"),
    _built(
        "macd_dea",
        (*_MACD, _n(9, name="signal")),
        "MACD signal line: exponential average of macd_dif",
        "ema(macd_dif(x, fast, slow), signal)",
    ),
    _built(
        "macd_hist",
        (*_MACD, _n(9, name="signal")),
        "MACD histogram: macd_dif less macd_dea",
        "macd_dif(x, fast, slow) - macd_dea(x, fast, slow, signal)",
        "Charts in China draw twice this value.",
    ),
    _built(
        "true_range",
        (),
        "the day's range, the gap from the previous close included",
        "max(high - low, abs(high - delay(close, 1)), abs(low - delay(close, 1)))",
        "On adjusted prices: an ex-date is no gap.",
    ),
    _built("atr", (_n(14),), "average true range", "sma(true_range(), n, 1)", _WILDER),
    _built(
        "plus_di",
        (_n(14),),
        "positive directional indicator, 0 to 100",
        "100 * sma(where(delta(high, 1) > -delta(low, 1) && delta(high, 1) > 0, delta(high, 1), 0), n, 1) "
        "/ atr(n)",
        _WILDER,
    ),
    _built(
        "minus_di",
        (_n(14),),
        "negative directional indicator, 0 to 100",
        "100 * sma(where(-delta(low, 1) > delta(high, 1) && -delta(low, 1) > 0, -delta(low, 1), 0), n, 1) "
        "/ atr(n)",
        _WILDER,
    ),
    _built(
        "adx",
        (_n(14),),
        "average directional index, 0 to 100",
        "sma(100 * abs(plus_di(n) - minus_di(n)) / (plus_di(n) + minus_di(n)), n, 1)",
        _WILDER,
    ),
    _built(
        "cci",
        (_n(14, 2),),
        "commodity channel index",
        "((high + low + close) / 3 - ts_mean((high + low + close) / 3, n)) "
        "/ (0.015 * ts_mad((high + low + close) / 3, n))",
    ),
)

OSCILLATORS = (
    _built(
        "stochastic_k",
        (_n(14),),
        "place of the close in the range of n sessions, 0 to 100: stochastic %K",
        "100 * (close - ts_min(low, n)) / (ts_max(high, n) - ts_min(low, n))",
    ),
    _built(
        "stochastic_d",
        (_n(14), _n(3, name="m")),
        "mean of m sessions of stochastic_k: stochastic %D",
        "ts_mean(stochastic_k(n), m)",
    ),
    _built(
        "williams_r",
        (_n(14),),
        "distance of the close from the top of the range of n sessions, -100 to 0",
        "-100 * (ts_max(high, n) - close) / (ts_max(high, n) - ts_min(low, n))",
    ),
)

BANDS = (
    _built("bollinger_middle", (_CLOSE, _n(20)), "middle Bollinger band: the mean", "ts_mean(x, n)"),
    _built(
        "bollinger_upper",
        _BANDS,
        "upper Bollinger band: k standard deviations above the mean",
        "ts_mean(x, n) + k * ts_std(x, n)",
        "Divisor n - 1; charts often divide by n.",
    ),
    _built(
        "bollinger_lower",
        _BANDS,
        "lower Bollinger band: k standard deviations below the mean",
        "ts_mean(x, n) - k * ts_std(x, n)",
        "Divisor n - 1; charts often divide by n.",
    ),
    _built(
        "bollinger_width",
        _BANDS,
        "width of the Bollinger bands, over the mean",
        "2 * k * ts_std(x, n) / ts_mean(x, n)",
    ),
    _built(
        "bollinger_percent",
        _BANDS,
        "place of x between the Bollinger bands, 0 lower, 1 upper: %b",
        "(x - bollinger_lower(x, n, k)) / (bollinger_upper(x, n, k) - bollinger_lower(x, n, k))",
    ),
    _built("keltner_middle", (_n(20),), "middle Keltner channel", "ema(close, n)"),
    _built(
        "keltner_upper",
        _CHANNEL,
        "upper Keltner channel: k average true ranges above",
        "ema(close, n) + k * atr(m)",
    ),
    _built(
        "keltner_lower",
        _CHANNEL,
        "lower Keltner channel: k average true ranges below",
        "ema(close, n) - k * atr(m)",
    ),
)

VOLUME = (
    _built(
        "obv",
        (_n(60),),
        "on-balance volume of n sessions: volume of rises less volume of falls",
        "ts_sum(sign(delta(close, 1)) * volume, n)",
        "The classic total since the first session has a level that only says where the data begin; "
        "the sum over n sessions keeps what it is read for, its changes.",
    ),
    _built(
        "money_flow_volume",
        (),
        "volume, signed by where in its range the session closed",
        "(2 * close - high - low) / (high - low) * volume",
        "NaN where high equals low, as at a price limit.",
    ),
    _built(
        "chaikin_money_flow",
        (_n(20),),
        "money flow volume over volume, -1 to 1",
        f"ts_sum({_FLOW}, n) / ts_sum(volume, n)",
        "A session without a range counts as neutral.",
    ),
    _built(
        "chaikin_oscillator",
        (_n(3, name="fast"), _n(10, name="slow")),
        "fast less slow exponential average of the accumulation/distribution line",
        f"(slow - 1) / 2 * ema({_FLOW}, slow) - (fast - 1) / 2 * ema({_FLOW}, fast)",
        "Written without the running total, which cancels: total - ema(total, n) = (n - 1) / 2 * "
        "ema(flow, n) once the start is forgotten.",
    ),
)

VOLATILITY = (
    _built(
        "chaikin_volatility",
        (_n(10),),
        "change of the smoothed range over n sessions",
        "ema(high - low, n) / delay(ema(high - low, n), n) - 1",
    ),
    _built(
        "ulcer",
        (_CLOSE, _n(14)),
        "ulcer index: root mean square of the drawdown from the high of n sessions, in %",
        "sqrt(ts_mean(power(100 * (x / ts_max(x, n) - 1), 2), n))",
    ),
    _built(
        "parkinson",
        (_n(20),),
        "volatility per session from the range (Parkinson)",
        "sqrt(ts_mean(power(log(high / low), 2), n) / (4 * log(2)))",
    ),
    _built(
        "garman_klass",
        (_n(20),),
        "volatility per session from the bar (Garman and Klass)",
        "sqrt(ts_mean(0.5 * power(log(high / low), 2) - (2 * log(2) - 1) * power(log(close / open), 2), n))",
    ),
    _built(
        "yang_zhang",
        (_n(20, 2),),
        "volatility per session from bar and overnight gap (Yang and Zhang)",
        "sqrt(ts_var(log(open / delay(close, 1)), n) "
        "+ 0.34 / (1.34 + (n + 1) / (n - 1)) * ts_var(log(close / open), n) "
        "+ (1 - 0.34 / (1.34 + (n + 1) / (n - 1))) "
        "* ts_mean(log(high / close) * log(high / open) + log(low / close) * log(low / open), n))",
        "On adjusted prices: an ex-date is no gap. Not annualised.",
    ),
)

OPERATORS = TREND + OSCILLATORS + BANDS + VOLUME + VOLATILITY
