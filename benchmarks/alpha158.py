"""158 formulas of the kind that Qlib's Alpha158 is made of, in our language.

Nine shapes of the day's bar, four prices against the close, and 29 statistics over each of five windows:
what a library of price and volume features looks like, and how dear it is to evaluate.
"""

from __future__ import annotations

WINDOWS = (5, 10, 20, 30, 60)

_BAR = {
    "KMID": "(close - open) / open",
    "KLEN": "(high - low) / open",
    "KMID2": "(close - open) / (high - low)",
    "KUP": "(high - max(open, close)) / open",
    "KUP2": "(high - max(open, close)) / (high - low)",
    "KLOW": "(min(open, close) - low) / open",
    "KLOW2": "(min(open, close) - low) / (high - low)",
    "KSFT": "(2 * close - high - low) / open",
    "KSFT2": "(2 * close - high - low) / (high - low)",
    "OPEN0": "open / close",
    "HIGH0": "high / close",
    "LOW0": "low / close",
    "VWAP0": "vwap / close",
}

_GAIN, _LOSS = "max(delta(close, 1), 0)", "max(-delta(close, 1), 0)"
_MORE, _LESS = "max(delta(volume, 1), 0)", "max(-delta(volume, 1), 0)"
_MOVED = "abs(close / delay(close, 1) - 1) * volume"

_ROLLING = {
    "ROC": "delay(close, {n}) / close",
    "MA": "ts_mean(close, {n}) / close",
    "STD": "ts_std(close, {n}) / close",
    "BETA": "ts_slope(close, {n}) / close",
    "RSQR": "ts_rsquare(close, {n})",
    "RESI": "ts_resid(close, {n}) / close",
    "MAX": "ts_max(high, {n}) / close",
    "MIN": "ts_min(low, {n}) / close",
    "QTLU": "ts_quantile(close, {n}, 0.8) / close",
    "QTLD": "ts_quantile(close, {n}, 0.2) / close",
    "RANK": "ts_rank(close, {n})",
    "RSV": "(close - ts_min(low, {n})) / (ts_max(high, {n}) - ts_min(low, {n}))",
    "IMAX": "ts_argmax(high, {n}) / {n}",
    "IMIN": "ts_argmin(low, {n}) / {n}",
    "IMXD": "(ts_argmax(high, {n}) - ts_argmin(low, {n})) / {n}",
    "CORR": "ts_corr(close, log(volume + 1), {n})",
    "CORD": "ts_corr(close / delay(close, 1), log(volume / delay(volume, 1) + 1), {n})",
    "CNTP": "ts_count(close > delay(close, 1), {n}) / {n}",
    "CNTN": "ts_count(close < delay(close, 1), {n}) / {n}",
    "CNTD": "(ts_count(close > delay(close, 1), {n}) - ts_count(close < delay(close, 1), {n})) / {n}",
    "SUMP": f"ts_sum({_GAIN}, {{n}}) / ts_sum(abs(delta(close, 1)), {{n}})",
    "SUMN": f"ts_sum({_LOSS}, {{n}}) / ts_sum(abs(delta(close, 1)), {{n}})",
    "SUMD": f"(ts_sum({_GAIN}, {{n}}) - ts_sum({_LOSS}, {{n}})) / ts_sum(abs(delta(close, 1)), {{n}})",
    "VMA": "ts_mean(volume, {n}) / (volume + 1)",
    "VSTD": "ts_std(volume, {n}) / (volume + 1)",
    "WVMA": f"ts_std({_MOVED}, {{n}}) / ts_mean({_MOVED}, {{n}})",
    "VSUMP": f"ts_sum({_MORE}, {{n}}) / ts_sum(abs(delta(volume, 1)), {{n}})",
    "VSUMN": f"ts_sum({_LESS}, {{n}}) / ts_sum(abs(delta(volume, 1)), {{n}})",
    "VSUMD": f"(ts_sum({_MORE}, {{n}}) - ts_sum({_LESS}, {{n}})) / ts_sum(abs(delta(volume, 1)), {{n}})",
}


def alpha158() -> dict[str, str]:
    """Formulas by name."""
    rolling = {f"{name}{n}": text.format(n=n) for name, text in _ROLLING.items() for n in WINDOWS}
    return _BAR | rolling
