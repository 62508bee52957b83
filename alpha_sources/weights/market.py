"""The market's state, made comparable: standard deviations from the mean of the training sessions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False, slots=True)
class MarketScale:
    """Mean and spread of each feature over the training sessions, and where to clip.

    Parameters
    ----------
    mean : (M,) float64 array
    inverse : (M,) float64 array
        One over the standard deviation; 0 for a feature that did not vary, which is neutral from then on.
    clip : float
        Standard deviations.
    """

    mean: Array
    inverse: Array
    clip: float

    @classmethod
    def of(cls, state: NDArray[Any], clip: float) -> MarketScale:
        """Measure states (S, M), those of the training sessions. What is not always known is neutral."""
        values = np.where(np.isfinite(state).all(axis=0), state, 0.0).astype(np.float64)
        mean = values.mean(axis=0)
        deviation = values.std(axis=0)
        # what is left of equal values is rounding
        flat = deviation <= 1e-12 * np.abs(values).max(axis=0, initial=0.0)
        return cls(mean, np.where(flat, 0.0, 1.0 / np.where(flat, 1.0, deviation)), clip)

    def scaled(self, state: NDArray[Any]) -> Array:
        """Scale states, (R, M): clipped, and neutral (0) where unknown."""
        known = np.isfinite(state)
        z = (np.where(known, state, 0.0).astype(np.float64) - self.mean) * self.inverse
        clipped: Array = np.where(known, np.clip(z, -self.clip, self.clip), 0.0)
        return clipped
