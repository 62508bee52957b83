"""What each operator means, written as plainly as pandas and numpy allow."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd

Function = Callable[..., np.ndarray]


def windowed(function: Callable[..., float], n: int, *panels: np.ndarray) -> np.ndarray:
    """Apply a function to each full window without a gap."""
    out = np.full(panels[0].shape, np.nan)
    for t in range(n - 1, len(out)):
        for j in range(out.shape[1]):
            windows = [p[t - n + 1 : t + 1, j] for p in panels]
            if not any(np.isnan(w).any() for w in windows):
                with np.errstate(all="ignore"):
                    out[t, j] = function(*windows)
    return np.where(np.isfinite(out), out, np.nan)


def varies(w: np.ndarray) -> bool:
    return bool(w.std() > 1e-13 * abs(w.mean()))


def _line(w: np.ndarray) -> np.ndarray:
    # of the distances to the first value: the level would cost digits
    time = np.arange(len(w)) - (len(w) - 1) / 2
    rest = w - w[0]
    return rest.mean() + time * (time @ (rest - rest.mean())) / (time @ time)


def _shape(w: np.ndarray, method: str) -> float:
    return getattr(pd.Series(w - w.mean()), method)() if varies(w) else np.nan


def _spread(w: np.ndarray) -> float:
    # two passes, from a value of the window on: what pandas does, at any level
    return float((w - w[0]).std(ddof=1))


def _slope(w: np.ndarray) -> float:
    line = _line(w)
    return float((line[-1] - line[0]) / (len(w) - 1))


def _rsquare(w: np.ndarray) -> float:
    rest, line = w - w[0], _line(w)
    return 1 - ((rest - line) ** 2).sum() / ((rest - rest.mean()) ** 2).sum() if varies(w) else np.nan


def _corr(x: np.ndarray, y: np.ndarray) -> float:
    return float(np.corrcoef(x - x[0], y - y[0])[0, 1]) if varies(x) and varies(y) else np.nan


def _since(condition: np.ndarray) -> float:
    held = np.flatnonzero(condition[::-1])
    return float(held[0]) if len(held) else np.nan


#: by operator: one panel and a window
ONE_PANEL: dict[str, Callable[[np.ndarray], float]] = {
    "ts_sum": np.sum,
    "ts_mean": np.mean,
    "ts_std": _spread,
    "ts_var": lambda w: _spread(w) ** 2,
    "ts_skew": lambda w: _shape(w, "skew"),
    "ts_kurt": lambda w: _shape(w, "kurt"),
    "ts_min": np.min,
    "ts_max": np.max,
    "ts_argmin": lambda w: float(np.argmin(w[::-1])),
    "ts_argmax": lambda w: float(np.argmax(w[::-1])),
    "ts_rank": lambda w: float(pd.Series(w).rank(pct=True).iloc[-1]),
    "ts_median": np.median,
    "ts_product": np.prod,
    "ts_zscore": lambda w: ((w - w[0])[-1] - (w - w[0]).mean()) / _spread(w) if varies(w) else np.nan,
    "ts_scale": lambda w: (w[-1] - w.min()) / (w.max() - w.min()),
    "ts_mad": lambda w: np.abs((w - w[0]) - (w - w[0]).mean()).mean(),
    "ts_slope": _slope,
    "ts_rsquare": _rsquare,
    "ts_resid": lambda w: (w - w[0] - _line(w))[-1],
    "ts_count": lambda w: float((w != 0).sum()),
    "days_since": _since,
    "decay_linear": lambda w: np.average(w, weights=np.arange(1, len(w) + 1)),
}

#: by operator: two panels and a window
TWO_PANELS: dict[str, Callable[[np.ndarray, np.ndarray], float]] = {
    "ts_corr": _corr,
    "ts_cov": lambda x, y: float(np.cov(x - x[0], y - y[0])[0, 1]),
    "ts_sumif": lambda x, c: float(x[c != 0].sum()),
}


def smoothed(x: np.ndarray, alpha: float) -> np.ndarray:
    known = ~np.isnan(x)
    return pd.DataFrame(x).ewm(alpha=alpha, adjust=False, ignore_na=True).mean().where(known).to_numpy()


def members(x: np.ndarray, universe: np.ndarray) -> np.ndarray:
    return np.where(universe, x, np.nan)


def by_group(function: Callable[[pd.Series], pd.Series], x: np.ndarray, groups: np.ndarray) -> np.ndarray:
    """Apply a function to each group of each row; NaN is no group."""
    out = np.full(x.shape, np.nan)
    for t in range(len(x)):
        row, labels = pd.Series(x[t]), pd.Series(groups[t])
        for label in labels.dropna().unique():
            out[t, labels == label] = function(row[labels == label])
    return np.where(np.isfinite(out), out, np.nan)


def zscored(row: pd.Series) -> pd.Series:
    spread = row.std()
    if not spread > 1e-13 * abs(row.mean()):
        return row * np.nan
    return (row - row.mean()) / spread


def drawn_in(row: pd.Series, k: float) -> pd.Series:
    return row.clip(row.mean() - k * row.std(), row.mean() + k * row.std())


def residual(y: np.ndarray, columns: list[np.ndarray]) -> np.ndarray:
    """Least squares by numpy on one row; the columns include the constants."""
    out = np.full(len(y), np.nan)
    known = ~np.isnan(y)
    for column in columns:
        known &= ~np.isnan(column)
    matrix = np.column_stack([column[known] for column in columns])
    matrix = matrix[:, np.abs(matrix).sum(axis=0) > 0]
    if known.sum() > matrix.shape[1]:
        coefficients, *_ = np.linalg.lstsq(matrix, y[known], rcond=None)
        out[known] = y[known] - matrix @ coefficients
    return out
