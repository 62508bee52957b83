"""Making alphas comparable across the members of a session: clipped, neutralised, normalised."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import numpy as np
from numpy.typing import NDArray

from alpha_sources.formula.context import Context
from alpha_sources.formula.kernels import cross_section, group, regression
from engine.errors import ConfigError

Array = NDArray[np.float64]
#: share of the largest value of a session below which a residual is rounding
_NOISE = 1e-11


class Normalise(StrEnum):
    """What becomes of values before they are added up."""

    RANK = "rank"
    ZSCORE = "zscore"


class Neutralize(StrEnum):
    """What is taken out of values: the means of industries, what size explains, or both."""

    NONE = "none"
    INDUSTRY = "industry"
    SIZE = "size"
    BOTH = "industry+size"

    @property
    def by_industry(self) -> bool:
        """True if every industry is to have the same mean."""
        return self in (Neutralize.INDUSTRY, Neutralize.BOTH)

    @property
    def by_size(self) -> bool:
        """True if nothing is to be left that the logarithm of the market capitalisation explains."""
        return self in (Neutralize.SIZE, Neutralize.BOTH)


@dataclass(frozen=True, slots=True)
class Clip:
    """How far out a value may lie: `std` standard deviations, or within the quantiles q and 1 - q."""

    std: float | None = None
    quantile: float | None = None

    @classmethod
    def read(cls, value: Any) -> Clip | None:
        """Read None, a number of standard deviations, ``{std: 3}`` or ``{quantile: 0.01}``."""
        if value is None:
            return None
        said = value if isinstance(value, dict) else {"std": value}
        if len(said) == 1:
            ((kind, number),) = said.items()
            is_number = isinstance(number, int | float) and not isinstance(number, bool)
            if kind == "std" and is_number and 0 < number < np.inf:
                return cls(std=float(number))
            if kind == "quantile" and is_number and 0 < number < 0.5:
                return cls(quantile=float(number))
        raise ConfigError(
            f"alpha.params.winsorize: {value!r} is neither a number of standard deviations above 0, "
            "{std: 3}, nor {quantile: q} with q between 0 and 0.5"
        )


@dataclass(frozen=True, slots=True)
class Treatment:
    """What is done to every alpha on every session, from left to right: clip, neutralise, normalise.

    Where only the order counts (ranks that are not neutralised) nothing is clipped: it would make ties.
    """

    normalise: Normalise = Normalise.RANK
    clip: Clip | None = None
    neutralize: Neutralize = Neutralize.NONE

    @property
    def only_order_counts(self) -> bool:
        """True if values are ranked as they are."""
        return self.normalise is Normalise.RANK and self.neutralize is Neutralize.NONE

    def apply(self, universe: NDArray[np.bool_], x: Array, industry: Array, size: Array | None) -> Array:
        """Normalise values, each session by itself.

        Parameters
        ----------
        universe : (R, N) bool array
            Members: the others are not seen.
        x : (R, N) float array
            An alpha.
        industry : (N,) float array
            Codes.
        size : (R, N) float array or None
            Logarithm of the market capitalisation, where it is to be taken out.

        Returns
        -------
        (R, N) float array
            Centred at 0: ranks within -0.5 .. 0.5, or standard deviations. NaN where the alpha, or what it
            is neutralised by, is unknown, and on sessions where no two members differ.
        """
        context = Context(universe)
        if self.clip is not None and not self.only_order_counts:
            x = _clipped(context, x, self.clip)
        x = self._neutralised(context, x, industry, size)
        if self.normalise is Normalise.ZSCORE:
            return _without_noise(cross_section.zscore(context, x), 1.0)
        return _centred(cross_section.rank(context, x))

    def _neutralised(self, context: Context, x: Array, industry: Array, size: Array | None) -> Array:
        if self.neutralize.by_industry:
            codes = context.panel(np.broadcast_to(industry, x.shape))
            factors = (size,) if self.neutralize.by_size and size is not None else ()
            x = group.group_neutralize(context, x, codes, *factors)
        elif self.neutralize.by_size and size is not None:
            x = regression.regression_resid(context, x, size)
        else:
            return x
        return _without_noise(x, np.fmax.reduce(np.abs(x), axis=1)[:, None])


def _clipped(context: Context, x: Array, clip: Clip) -> Array:
    if clip.quantile is None:
        return cross_section.winsorize(context, x, float(clip.std or 0.0))
    seen = np.where(context.universe, x, np.nan)
    known = np.isfinite(seen).any(axis=1)
    bounds = np.zeros((2, len(x), 1))
    if known.any():
        tails = [clip.quantile, 1 - clip.quantile]
        bounds[:, known] = np.nanquantile(seen[known], tails, axis=1, keepdims=True)
    return np.clip(seen, bounds[0], bounds[1])


def _without_noise(x: Array, level: Array | float) -> Array:
    """Set to 0 what only rounding tells from it: the one name of an industry, say, would be ranked by it."""
    x[np.abs(x) <= _NOISE * level] = 0.0
    return x


def _centred(rank: Array) -> Array:
    count = np.isfinite(rank).sum(axis=1, keepdims=True)
    with np.errstate(divide="ignore"):
        centred: Array = rank - (count + 1) / (2 * count)
    # all tied is no opinion, as with a z-score
    centred[np.fmin.reduce(rank, axis=1) == np.fmax.reduce(rank, axis=1)] = np.nan
    return centred
