"""Numbers as they are recorded: rounded alike on every machine, and None where there is none."""

from __future__ import annotations

import math

#: significant digits that are kept and compared: what is left of machines that add up in another order
DIGITS = 10


def recorded(value: float) -> float | None:
    """Return a number rounded to 10 significant digits; None of NaN and infinity."""
    number = float(value)
    return float(f"{number:.{DIGITS}g}") + 0.0 if math.isfinite(number) else None


def rounded(value: float) -> float:
    """Return a finite number rounded to 10 significant digits."""
    return float(f"{float(value):.{DIGITS}g}") + 0.0
