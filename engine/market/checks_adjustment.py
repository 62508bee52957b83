"""Whether dividends and splits are accounted for."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from engine.market.bars import Bars
from engine.market.calendar import Dates, iso
from engine.market.grid import Bools, last_true, shifted
from engine.market.validate import EXAMPLES, Findings, counted

#: no board has a daily limit wider than 30 % (Beijing's)
WIDEST = 0.31
#: sessions after a listing without a limit, at most (STAR, ChiNext, all boards since 2023)
_UNLIMITED = 5
#: sessions of suspension after which a name may return without a limit: a resumed listing, such as 000792.SZ
#: on 2021-08-10, four times its close of 2020-05-21
_RELISTED = 60


def warn_without_factor(traded_rows: int, findings: Findings) -> None:
    """Warn that neither a column nor a table tells of ex-dates."""
    message = "no adj_factor and no data.actions: dividends and splits show as losses"
    findings.warn("no_factor_column", message, traded_rows)


def check_jumps(
    bars: Bars,
    dates: Dates,
    symbols: NDArray[np.str_],
    listed: Dates,
    tick: float | None,
    special: Bools,
    findings: Findings,
) -> None:
    """Warn of closes that no daily limit allows and no ex-date explains.

    A close is held against the preclose and against the previous close over the factor's step; it must be far
    from both, for where these two differ `check_bars` has said so.
    """
    close, preclose = bars.fields["close"], bars.fields["preclose"]
    adjusted, shares = close * bars.fields["adj_factor"], bars.fields["share_factor"]
    with np.errstate(divide="ignore"):  # a preclose below half a tick
        move = close / preclose - 1.0
    jumps = np.abs(close - preclose) > WIDEST * preclose + (tick or 0.0) / 2
    change = np.abs(adjusted[1:] / adjusted[:-1] - 1.0)
    # a first row has no row before it
    jumps[1:] &= ~(change <= WIDEST) & (shares[1:] == shares[:-1])
    traded: Bools = bars.fields["trading"] > 0.0
    jumps &= traded & ~special & ~_free_of_limits(traded, dates, listed)
    if n := int(jumps.sum()):
        message = (
            f"{counted(n, 'row')} moving more than {WIDEST:.0%} without an ex-date, beyond any daily limit; "
            "an unmarked split, or prices that are already adjusted?"
        )
        examples = [
            f"{symbols[i]} {iso(dates[t])} ({move[t, i]:+.1%})" for t, i in np.argwhere(jumps)[:EXAMPLES]
        ]
        findings.warn("price_jump", message, n, examples)


def _free_of_limits(traded: Bools, dates: Dates, listed: Dates) -> Bools:
    """(T, N) the first rows of names that were listed within the data, and those after a long suspension."""
    young = (traded.cumsum(axis=0) <= _UNLIMITED) & (listed >= dates[0])
    before = np.zeros(traded.shape, dtype=np.intp)
    before[1:] = last_true(traded)[:-1]
    back = np.arange(len(traded))[:, None] - before > _RELISTED
    return np.asarray(young | (traded & ~shifted(traded) & back))
