"""Which sessions train and which validate, and which lie between."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Rows = NDArray[np.int64]


@dataclass(frozen=True, eq=False, slots=True)
class Split:
    """Rows of a training set that can be learned from, ascending: ``rows[:train]`` and ``rows[validate:]``.

    What lies between is purged: it neither trains nor validates a network.
    """

    rows: Rows
    train: int
    validate: int

    @property
    def validation(self) -> int:
        """Number of sessions to validate on."""
        return len(self.rows) - self.validate


def split(rows: Rows, share: float, purge: int) -> Split:
    """Keep the latest sessions for validation and leave `purge` sessions between them and the others.

    Parameters
    ----------
    rows : (S,) int array
        Sessions with labels, as rows of the training set, ascending.
    share : float
        Of the sessions, rounded up; 0 for none.
    purge : int
        h + 1: so many rows of the training set lie between the last that trains and the first that
        validates, so that no label that trains reaches into a session that validates.

    Returns
    -------
    Split
    """
    count = math.ceil(share * len(rows))
    validate = len(rows) - count
    train = validate if not count else int(np.searchsorted(rows, rows[validate] - purge))
    return Split(rows, train, validate)
