"""`TrainingSet`: what weights are learned from, checked."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.errors import LookAheadError, ShapeError


@dataclass(frozen=True, eq=False, slots=True)
class TrainingSet:
    """Alphas and labels up to the session of a refresh, which is the last row.

    Parameters
    ----------
    alphas : (T, N, A) float array
        Comparable across the names of a session (centred ranks, z-scores); NaN where unknown or outside the
        universe.
    labels : (T, N) float array
        Raw forward returns; NaN where not realised by the last row, or not to be had.
    state : (T, M) float array
        The market's state at each session; NaN where unknown.
    prices : (T, N, P) float array or None
        What else is known of a name's past prices; any scale, since every session is made comparable here.
    names : tuple of str
        Of the alphas, (A,).
    horizon_sessions : int
        h of the labels: one at t runs from the fill at t+1 to the fill at t+1+h.
    state_names, price_names : tuple of str
        Of what `state` and `prices` hold; numbered where not given.

    Raises
    ------
    ShapeError
        If shapes or names do not go together, or two names are the same.
    LookAheadError
        If one of the last h+1 rows has a label: it cannot be realised yet.
    """

    alphas: NDArray[Any]
    labels: NDArray[Any]
    state: NDArray[Any]
    prices: NDArray[Any] | None
    names: tuple[str, ...]
    horizon_sessions: int = 1
    state_names: tuple[str, ...] = ()
    price_names: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.alphas.ndim != 3 or self.labels.ndim != 2 or self.state.ndim != 2:
            raise ShapeError(
                "a training set needs alphas (T, N, A), labels (T, N) and state (T, M), not "
                f"{self.alphas.shape}, {self.labels.shape} and {self.state.shape}"
            )
        T, N, A = self.alphas.shape
        if self.labels.shape != (T, N) or len(self.state) != T:
            raise ShapeError(
                f"alphas are {self.alphas.shape}, but labels {self.labels.shape} and state {self.state.shape}"
            )
        if self.prices is not None and (self.prices.ndim != 3 or self.prices.shape[:2] != (T, N)):
            raise ShapeError(f"prices are {self.prices.shape}, not ({T}, {N}, P)")
        object.__setattr__(self, "names", tuple(self.names))
        widths = (
            ("names", A),
            ("state_names", self.state.shape[1]),
            ("price_names", 0 if self.prices is None else self.prices.shape[2]),
        )
        for key, width in widths:
            given = tuple(getattr(self, key))
            if not given and key != "names":
                given = tuple(f"{key.removesuffix('_names')}_{i}" for i in range(1, width + 1))
            if len(given) != width or len(set(given)) != width:
                raise ShapeError(f"{key}: {len(given)} of them ({len(set(given))} different) for {width}")
            object.__setattr__(self, key, given)
        if self.horizon_sessions < 1:
            raise ShapeError(f"a horizon of {self.horizon_sessions} sessions: at least 1")
        late = np.flatnonzero(np.isfinite(self.labels[-self.purge :]).any(axis=1))
        if len(late):
            row = max(T - self.purge, 0) + int(late[0])
            raise LookAheadError(
                f"row {row} of {T} has a label that a horizon of {self.horizon_sessions} cannot have "
                "realised by the last row; let the rows run up to the session of the refresh"
            )

    @property
    def sessions(self) -> int:
        """Number of sessions T."""
        return len(self.labels)

    @property
    def purge(self) -> int:
        """Sessions that keep training and validation apart, h + 1."""
        return self.horizon_sessions + 1
