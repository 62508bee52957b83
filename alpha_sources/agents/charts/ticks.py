"""Where an axis is marked."""

from __future__ import annotations

import math
from collections.abc import Sequence

#: What steps are made of, times a power of ten.
_STEPS = (1.0, 2.0, 2.5, 5.0, 10.0)


def round_ticks(low: float, high: float, most: int) -> tuple[list[float], int]:
    """Return round numbers in [low, high], at most so many, and the decimals they need.

    The step is the smallest of 1, 2, 2.5 and 5 times a power of ten that makes few enough of them.
    """
    if not (math.isfinite(low) and math.isfinite(high) and low < high):
        raise ValueError(f"no axis runs from {low} to {high}")
    rough = (high - low) / most
    power = math.floor(math.log10(rough))
    for exponent in (power, power + 1):
        for factor in _STEPS:
            step = factor * 10.0**exponent
            first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
            if last - first + 1 <= most:
                decimals = max(0, -exponent + (1 if factor == 2.5 else 0))
                return [number * step for number in range(first, last + 1)], decimals
    raise AssertionError("a step of ten times the rough one is always wide enough")


def month_ticks(sessions: Sequence[str], most: int) -> list[tuple[int, str]]:
    """Return the first bars of months as (bar, ``2022-03``), at most so many, evenly by month.

    The month that the first bar lies in is marked only if it begins there.
    """
    months = [day[:7] for day in sessions]
    starts = [i for i in range(1, len(months)) if months[i] != months[i - 1]]
    if months and int(sessions[0][8:10]) <= 3:
        starts.insert(0, 0)
    every = next(n for n in (1, 2, 3, 6, 12, 24, 60, 120, 1200) if len(starts) <= n * most)
    # counted from the newest month, which matters most
    kept = starts[::-1][::every][::-1]
    return [(i, months[i]) for i in kept]


def day_ticks(sessions: Sequence[str], most: int) -> list[tuple[int, str]]:
    """Return bars as (bar, ``2022-03-31``), evenly spaced back from the last, at most so many."""
    count = len(sessions)
    step = -(-count // most)
    return [(i, sessions[i]) for i in range(count - 1, -1, -step)][::-1]


def relative_ticks(count: int, most: int) -> list[tuple[int, str]]:
    """Return bars as sessions before the last one, as (bar, ``−20``)."""
    step = next(n for n in (1, 2, 5, 10, 20, 50, 100) if (count - 1) // n + 1 <= most)
    return [(count - 1 - back, f"−{back}" if back else "0") for back in range(0, count, step)][::-1]
