"""How well an alpha foresaw, with its uncertainty, on groups of sessions."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from alpha_sources.evaluation.groups import GroupKind, Groups
from alpha_sources.evaluation.measures import measure_names
from alpha_sources.evaluation.regimes import Regime

Array = NDArray[np.float64]

#: the whole span, as the judge calls it
OVERALL = "all"


@dataclass(frozen=True, slots=True)
class Foresight:
    """The rank IC of an alpha over some sessions.

    Parameters
    ----------
    sessions : int
        That have one.
    mean : float
        NaN without sessions.
    error : float
        Newey-West standard error of the mean, over as many lags as labels overlap; NaN with fewer than two
        sessions, or where all are equal.
    deviation : float
        Standard deviation of the daily rank IC.
    """

    sessions: int
    mean: float
    error: float
    deviation: float

    @property
    def ratio(self) -> float:
        """ICIR: mean over deviation, of single sessions."""
        return self.mean / self.deviation if self.deviation > 0 else math.nan

    @property
    def known(self) -> bool:
        """Whether there is a mean with an error."""
        return math.isfinite(self.mean) and math.isfinite(self.error)

    def reversed(self) -> Foresight:
        """Return that of the alpha with the other sign."""
        return Foresight(self.sessions, -self.mean, self.error, self.deviation)

    @classmethod
    def read(cls, measures: Array, group: int, quantiles: int) -> Foresight:
        """Return what the judge found in one group of sessions.

        Parameters
        ----------
        measures : (G, M) float64 array
            Of one alpha; see `evaluation.measures`.
        group : int
        quantiles : int
            Of the judge.

        Notes
        -----
        The error is the mean over its t. A mean of exactly 0 has a t of 0: its error is the plain one,
        deviation / sqrt(sessions).
        """
        names = measure_names(quantiles)

        def of(name: str) -> float:
            return float(measures[group, names.index(f"rank_ic_{name}")])

        sessions, mean, deviation, t = of("sessions"), of("mean"), of("std"), of("t")
        count = int(sessions) if math.isfinite(sessions) else 0
        error = math.nan
        if math.isfinite(t) and t != 0.0:
            error = abs(mean / t)
        elif t == 0.0 and count > 1:
            error = deviation / math.sqrt(count)
        return cls(count, mean, error, deviation)


@dataclass(frozen=True, eq=False, slots=True)
class Conditions:
    """Which sessions are like today's.

    Parameters
    ----------
    regime : Regime
        Of the last session.
    level : str
        Name of the group of sessions that foresight is taken from: the regime's, its trend's, or ``all``.
    sessions : int
        Of that group that have a realised label.
    inside : (T,) bool array
        The group.
    group : int
        Its position among the judge's groups.
    """

    regime: Regime
    level: str
    sessions: int
    inside: NDArray[np.bool_]
    group: int


def conditions_of(
    groups: Groups,
    realised: NDArray[np.bool_],
    regime: Regime,
    *,
    conditional: bool = True,
    least: int = 60,
) -> Conditions:
    """Say which sessions are like today's: those of its regime, else of its trend, else all.

    Parameters
    ----------
    groups : Groups
        Of the judge.
    realised : (T,) bool array
        Sessions whose label is known by now.
    regime : Regime
        Of the last session; of the unknown all sessions are taken.
    conditional : bool
        False takes all sessions whatever the regime.
    least : int
        Realised sessions that a group needs.
    """
    wanted: list[tuple[GroupKind, str]] = []
    if conditional and regime is not Regime.UNKNOWN and regime.trend is not None:
        wanted = [(GroupKind.REGIME, regime.label), (GroupKind.TREND, str(regime.trend))]
    for kind, name in wanted:
        for group in groups.positions(kind):
            count = int((groups.inside[group] & realised).sum())
            if groups.names[group] == name and count >= least:
                return Conditions(regime, name, count, groups.inside[group], group)
    return Conditions(regime, OVERALL, int((groups.inside[0] & realised).sum()), groups.inside[0], 0)
