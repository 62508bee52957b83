"""What is known of each stock besides its prices."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from engine.market.board import Board, board_of


@dataclass(frozen=True, eq=False, slots=True)
class Instruments:
    """Names, boards and industries, aligned with a panel's symbols.

    Parameters
    ----------
    names, industries : (N,) str arrays
        Today's short name and industry; empty where unknown. Neither is a point-in-time fact.
    boards : tuple of Board
        One per symbol.
    """

    names: NDArray[np.str_]
    industries: NDArray[np.str_]
    boards: tuple[Board, ...]

    @classmethod
    def from_symbols(cls, symbols: NDArray[np.str_]) -> Instruments:
        """Instruments of which nothing is known but the code."""
        blank = np.full(len(symbols), "", dtype="<U1")
        return cls(
            names=blank,
            industries=blank.copy(),
            boards=tuple(board_of(str(s)) for s in symbols),
        )
