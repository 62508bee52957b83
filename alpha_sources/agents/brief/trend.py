"""How a line of levels has moved: returns, volatility, drawdown, and where it stands."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

#: Sessions a trend looks back, the first level included.
REACH = 253
_RETURNS = (5, 20, 60, 250)
_SESSIONS_A_YEAR = 252


def trend(levels: Array) -> dict[str, float | None]:
    """Measure the last of a line of levels against those before it.

    Parameters
    ----------
    levels : (n,) array
        Up to `REACH` sessions are looked at; NaN where there was none, for which the last one stands.

    Returns
    -------
    dict
        ``return_5``, ``return_20``, ``return_60``, ``return_250``; ``volatility_20``, of daily returns, a
        year; ``volatility_ratio``, that over the one of all sessions looked at; ``drawdown_120`` from the
        highest of 120 levels; ``above_20`` and ``above_60``, distance from the mean of so many levels. None
        where the line is too short.
    """
    line = _filled(levels[-REACH:])
    n = len(line)
    found: dict[str, float | None] = {
        f"return_{h}": _number(line[-1] / line[-1 - h] - 1.0) if n > h else None for h in _RETURNS
    }
    steps = line[1:] / line[:-1] - 1.0 if n > 1 else np.empty(0)
    recent = float(steps[-20:].std(ddof=1)) if len(steps) >= 20 else None
    usual = float(steps.std(ddof=1)) if len(steps) >= 60 else None
    found["volatility_20"] = None if recent is None else _number(recent * np.sqrt(_SESSIONS_A_YEAR))
    found["volatility_ratio"] = _number(recent / usual) if recent is not None and usual else None
    found["drawdown_120"] = _number(line[-1] / line[-120:].max() - 1.0) if n >= 120 else None
    for h in (20, 60):
        found[f"above_{h}"] = _number(line[-1] / line[-h:].mean() - 1.0) if n >= h else None
    return found


def said(values: Mapping[str, float | None]) -> str:
    """Return a trend in words."""
    moved = ", ".join(
        f"{percent(values[f'return_{h}'])} in {h}" for h in _RETURNS if values[f"return_{h}"] is not None
    )
    parts = [f"{moved} sessions" if moved else "its history is too short for a return"]
    if values["volatility_20"] is not None:
        usual = values["volatility_ratio"]
        times = f", {usual:.2f} times its usual" if usual is not None else ""
        parts.append(f"volatility {percent(values['volatility_20'], sign=False)} a year{times}")
    if values["drawdown_120"] is not None:
        parts.append(f"{percent(values['drawdown_120'])} from its 120-session high")
    if values["above_60"] is not None and values["above_20"] is not None:
        sides = ["above" if (values[f"above_{h}"] or 0.0) > 0 else "below" for h in (20, 60)]
        both = f"{sides[0]} both its means of 20 and 60 sessions"
        apart = f"{sides[0]} its mean of 20 sessions, {sides[1]} that of 60"
        parts.append(both if sides[0] == sides[1] else apart)
    return "; ".join(parts)


def percent(value: float | None, *, sign: bool = True) -> str:
    """Return a ratio in per cent, with one decimal."""
    if value is None:
        return "unknown"
    text = f"{value:+.1%}" if sign else f"{value:.1%}"
    return text.replace("-", "−")


def _filled(levels: Array) -> Array:
    """Keep the last level where there is none, and begin with the first there is."""
    known = np.isfinite(levels)
    if not known.any():
        return np.empty(0)
    last = np.maximum.accumulate(np.where(known, np.arange(len(levels)), -1))
    filled: Array = levels[last[last >= 0]]
    return filled


def _number(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None
