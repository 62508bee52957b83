"""Which sessions teach, which validate, and what there is to be learned on each."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from alpha_sources.baselines.settings import FittedSettings, LearningSettings
from alpha_sources.evaluation.controls import Control, random_controls
from alpha_sources.evaluation.labels import forward_returns
from alpha_sources.teaching import first_row
from alpha_sources.weights.cross_section import target
from alpha_sources.weights.split import Split, split
from engine.errors import ProviderError
from engine.market.calendar import iso
from engine.market.view import MarketView

Array = NDArray[np.float64]

#: sessions with fewer names that have a label teach nothing
MIN_NAMES = 10
#: sessions that validation says something with
_LEAST_VALIDATION = 10


@dataclass(frozen=True, eq=False, slots=True)
class Lesson:
    """What a view teaches.

    Parameters
    ----------
    first : int
        Row of the view with which the lesson begins.
    targets : (R, N) float array
        From that row to the view's last; NaN where nothing is to be learned.
    split : Split
        Sessions that train and validate, as rows of `targets`.
    """

    first: int
    targets: Array
    split: Split

    @property
    def train(self) -> NDArray[np.int64]:
        """Sessions to train on, as rows of `targets`."""
        return self.split.rows[: self.split.train]

    @property
    def validate(self) -> NDArray[np.int64]:
        """Sessions to validate on, as rows of `targets`."""
        return self.split.rows[self.split.validate :]

    def cells(self, rows: NDArray[np.int64]) -> NDArray[np.int64]:
        """Rows and columns of the targets known on some sessions, (S, 2), session by session."""
        inside = np.zeros(len(self.targets), dtype=np.bool_)
        inside[rows] = True
        return np.argwhere(np.isfinite(self.targets) & inside[:, None])


def labels_from(view: MarketView, first: int, settings: LearningSettings) -> Array:
    """Realised returns of the rows `first` .. t, (t + 1 - first, N); see `forward_returns`.

    Notes
    -----
    Shuffled ones keep, on every session, the same values on the same names, in another order; a session is
    shuffled the same way at every refresh.
    """
    labels = forward_returns(view, settings.horizon_sessions)
    if settings.shuffle_labels is not None:
        labels = next(
            random_controls(labels, kind=Control.EACH_SESSION, count=1, seed=settings.shuffle_labels)
        )
    return labels[first:]


def lesson_of(view: MarketView, settings: FittedSettings) -> Lesson:
    """Return what there is to be learned at a view's session.

    Raises
    ------
    ProviderError
        If there is too little of it.
    """
    first = first_row(view, settings)
    labels = labels_from(view, first, settings)
    targets = np.full(labels.shape, np.nan)
    for row in range(len(labels)):
        names = np.flatnonzero(np.isfinite(labels[row]))
        values = target(labels[row, names], settings.labels) if len(names) >= MIN_NAMES else None
        if values is not None:
            targets[row, names] = values
    rows = np.flatnonzero(np.isfinite(targets).any(axis=1))
    parts = split(rows, settings.validation, settings.purge)
    if parts.train < 2 or parts.validation < _LEAST_VALIDATION:
        raise ProviderError(
            f"{parts.train} sessions to train on and {parts.validation} to validate on at "
            f"{iso(view.session)}: of {len(labels)} sessions {len(rows)} have {MIN_NAMES} names with a label "
            f"each, and at least 2 and {_LEAST_VALIDATION} are needed; load more history, or change "
            "alpha.params.validation"
        )
    return Lesson(first, targets, parts)
