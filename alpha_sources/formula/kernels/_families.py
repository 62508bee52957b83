"""Windows that end at the last session, asked for together: those of the same values are read once."""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum, auto
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from alpha_sources.formula.context import Context, Panel, RowOverflowError, read_only
from alpha_sources.formula.kernels import _last, _last_spread, _order

#: values of a row that are worked on at a time: a few such rows of states stay in the nearest cache
_TILE = 256
#: the same of sums, which have two
_TILE_OF_SUMS = 1024
#: values that a sorting network holds
_SORTED = 4096


class Family(Enum):
    """Operators that make their results of the same states."""

    SUM = auto()
    MOMENT = auto()
    TREND = auto()
    PAIR = auto()
    EXTREME = auto()
    RANK = auto()
    QUANTILE = auto()


#: operator: its family, and which of the family's results it is
_MEMBERS = {
    "ts_sum": (Family.SUM, 0),
    "ts_mean": (Family.SUM, 1),
    "ts_var": (Family.MOMENT, _last_spread.VARIANCE),
    "ts_std": (Family.MOMENT, _last_spread.DEVIATION),
    "ts_zscore": (Family.MOMENT, _last_spread.ZSCORE),
    "ts_slope": (Family.TREND, _last_spread.SLOPE),
    "ts_rsquare": (Family.TREND, _last_spread.RSQUARE),
    "ts_resid": (Family.TREND, _last_spread.RESIDUAL),
    "ts_cov": (Family.PAIR, _last_spread.COVARIANCE),
    "ts_corr": (Family.PAIR, _last_spread.CORRELATION),
    "ts_max": (Family.EXTREME, 0),
    "ts_argmax": (Family.EXTREME, 1),
    "ts_min": (Family.EXTREME, 2),
    "ts_argmin": (Family.EXTREME, 3),
    "ts_rank": (Family.RANK, 0),
    "ts_quantile": (Family.QUANTILE, 0),
    "ts_median": (Family.QUANTILE, 0),
}
#: what float32 may be too small for, and is then not to pass for missing
_GROWING = ("ts_sum", "ts_var", "ts_cov")


class Asked(NamedTuple):
    """One window of some values."""

    #: the operator, whose name an error gives
    op: str
    n: int
    #: of the board that takes the result
    row: int
    #: of a quantile alone
    q: float = 0.5

    @property
    def want(self) -> int:
        """Which of the results of its family."""
        return _MEMBERS[self.op][1]


def family_of(op: str) -> Family | None:
    """Return the family of an operator, if it is of one."""
    return _MEMBERS[op][0] if op in _MEMBERS else None


class Windows:
    """Windows of one family of the same values.

    Parameters
    ----------
    family : Family
    asked : sequence of Asked
    dtype : dtype
        float64 or float32, of the values.
    """

    def __init__(self, family: Family, asked: Sequence[Asked], dtype: np.dtype[Any]) -> None:
        self.family = family
        # those that share their states side by side, shorter windows first
        self.asked = sorted(asked, key=lambda a: (a.want // 2 if family is Family.EXTREME else 0, a.n, a.q))
        self._lengths = np.array([a.n for a in self.asked], dtype=np.int64)
        self._rows = np.array([a.row for a in self.asked], dtype=np.int64)
        self._wants = np.array([a.want for a in self.asked], dtype=np.int64)
        self._limits = np.full(len(self.asked), float(np.finfo(dtype).max))
        self._growing: list[Asked] = []
        if dtype == np.float32:
            self._growing = [a for a in self.asked if a.op in _GROWING]
            # a correlation is never beyond 1: it needs no limit either way
            self._limits[[a.op in _GROWING for a in self.asked]] = np.inf

    def run(self, context: Context, operands: Sequence[Panel], board: Panel) -> None:
        """Write each result into its row of the board.

        Parameters
        ----------
        context : Context
            Of the last session; its days are those of the operands' rows too.
        operands : one or two arrays
            The last row is the session's.

        Raises
        ------
        RowOverflowError
            If float32 is too small for a result.
        """
        panels, board_rows = context.windows(operands), self._rows
        x = panels[0]
        if self.family is Family.RANK:
            _last.last_ranks(x, self._lengths, _TILE, board_rows, board)
        elif self.family is Family.QUANTILE:
            self._quantiles(x, board)
        elif self.family is Family.EXTREME:
            signs, ages = np.where(self._wants < 2, 1.0, -1.0), self._wants % 2
            _last.last_extremes(x, self._lengths, signs, ages, _TILE, board_rows, board)
        else:
            heads = self._heads(context)
            if self.family is Family.SUM:
                divisors = np.where(self._wants == 1, self._lengths, 1).astype(np.float64)
                _last.last_sums(
                    x, self._lengths, heads, divisors, self._limits, _TILE_OF_SUMS, board_rows, board
                )
            else:
                common = (self._lengths, heads, self._wants, self._limits, context.tolerance, _TILE)
                if self.family is Family.MOMENT:
                    _last_spread.last_moments(x, *common, board_rows, board)
                elif self.family is Family.TREND:
                    _last_spread.last_trends(x, *common, board_rows, board)
                else:
                    _last_spread.last_pairs(x, panels[1], *common, board_rows, board)
        for one in self._growing:
            if np.isinf(board[one.row]).any():
                raise RowOverflowError(one.op, one.row)

    def _heads(self, context: Context) -> NDArray[np.int64]:
        days = context.days
        begun = (days[-1] // self._lengths) * self._lengths
        heads: NDArray[np.int64] = len(days) - np.searchsorted(days, begun).astype(np.int64)
        return heads

    def _quantiles(self, x: Panel, board: Panel) -> None:
        for n in dict.fromkeys(a.n for a in self.asked):
            some = [a for a in self.asked if a.n == n]
            places = [float(a.q) * (n - 1) for a in some]
            lows = [int(np.floor(place)) for place in places]
            shares = [place - low for place, low in zip(places, lows, strict=True)]
            pairs = _network(n, *sorted({p for low in lows for p in (low, min(low + 1, n - 1))}))
            _last.last_quantiles(
                x,
                n,
                np.array(lows, dtype=np.int64),
                np.array(shares),
                pairs,
                max(8, min(_TILE, _SORTED // n)),
                np.array([a.row for a in some], dtype=np.int64),
                board,
            )


@lru_cache(maxsize=256)
def _network(n: int, *places: int) -> Panel:
    return read_only(_order.network(n, places))
