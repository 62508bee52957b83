"""Do two vendors tell the same story? Bars of a sample, side by side."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import numpy as np

from engine.market.grid import Floats
from engine.market.sources.delivery import DailyBars

_PRICES = ("open", "high", "low", "close", "preclose")
#: volumes may be rounded to lots and amounts to 10,000 CNY; beside that both agree to a thousandth
_SLACK = {"volume": 100.0, "amount": 10_000.0}
_RELATIVE = 1e-3
#: relative difference of two factor steps that rounding to the tick explains at a price of 1 CNY and above
_STEP = 5e-3


@dataclass(frozen=True, slots=True)
class Difference:
    """One value that two sources tell differently.

    Parameters
    ----------
    symbol : str
    session : date
    field : str
        ``adj_factor`` stands for its step on that session.
    kept, other : float
        The stored value, and the second source's.
    kept_from, other_from : str
        Who says so.
    """

    symbol: str
    session: date
    field: str
    kept: float
    other: float
    kept_from: str
    other_from: str

    def __str__(self) -> str:
        what = "the factor's step" if self.field == "adj_factor" else self.field
        return (
            f"{self.symbol} {self.session}, {what}: {self.kept:g} from {self.kept_from or 'the store'}, "
            f"{self.other:g} from {self.other_from}; the store kept {self.kept:g}"
        )


def differences(
    kept: DailyBars, other: DailyBars, *, kept_from: str, other_from: str, tick: float = 0.01
) -> tuple[int, list[Difference]]:
    """Compare bars of one name on the sessions that both have.

    Parameters
    ----------
    kept, other : DailyBars
        Of one and the same symbol; `adj_factor` is compared by its steps, for the bases may differ.
    kept_from, other_from : str
    tick : float
        Prices that differ by less than half of it are the same.

    Returns
    -------
    compared : int
        Sessions that both have.
    found : list of Difference
        By session and field.
    """
    _, i, j = np.intersect1d(kept.session, other.session, return_indices=True)
    symbol, found = str(kept.symbols[0]), []
    fields = {**dict.fromkeys(_PRICES, tick / 2), **_SLACK}
    for name, slack in fields.items():
        one, two = kept.number(name)[i], other.number(name)[j]
        room = slack if name in _PRICES else np.fmax(slack, _RELATIVE * np.abs(one))
        found += _where(np.abs(one - two) > room + 1e-9, kept.session[i], one, two, name)
    one, two = _steps(kept.number("adj_factor")[i]), _steps(other.number("adj_factor")[j])
    with np.errstate(invalid="ignore"):
        apart = np.abs(one / two - 1.0) > _STEP
    found += _where(apart, kept.session[i], one, two, "adj_factor")
    found.sort()
    return len(i), [Difference(symbol, day, name, a, b, kept_from, other_from) for day, name, a, b in found]


def _where(
    apart: np.ndarray, session: np.ndarray, one: Floats, two: Floats, name: str
) -> list[tuple[date, str, float, float]]:
    return [
        (session[row].astype(object), name, float(one[row]), float(two[row])) for row in np.flatnonzero(apart)
    ]


def _steps(factor: Floats) -> Floats:
    """(R,) ratio of each factor to the one before; NaN first and where unknown."""
    out = np.full(len(factor), np.nan)
    out[1:] = factor[1:] / factor[:-1]
    return out
