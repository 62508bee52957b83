"""Formulas with equal weights, each with a sign: how they score, and how they stand in a snapshot."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from alpha_sources.baselines.features import Array, Features
from alpha_sources.treatment import Treatment
from engine.market.view import MarketView


@dataclass(frozen=True, slots=True)
class Signed:
    """One formula of a blend.

    Parameters
    ----------
    formula : str
        In the default dialect.
    sign : int
        -1 where low values are good, else 1.
    ic : float or None
        Mean rank IC on the sessions that were learned from.
    """

    formula: str
    sign: int
    ic: float | None

    def plain(self) -> dict[str, Any]:
        """As JSON."""
        return {"formula": self.formula, "sign": self.sign, "ic": self.ic}

    @classmethod
    def read(cls, plain: Mapping[str, Any]) -> Signed:
        """From JSON."""
        return cls(plain["formula"], plain["sign"], plain["ic"])


@dataclass(frozen=True, eq=False)
class Blend:
    """The mean of the ranks of several formulas among the members, signs applied.

    A formula that is unknown for a name counts as neutral for it; a name of which all are unknown has no
    score.

    Parameters
    ----------
    parts : sequence of Signed
        At least one.
    """

    parts: Sequence[Signed]

    def last(self, view: MarketView) -> Array:
        """Scores of the members at the view's session, (N,)."""
        row: Array = self.panel(view, view.t)[0]
        return row

    def panel(self, view: MarketView, start: int) -> Array:
        """Scores of the members on the rows `start` .. t, (t + 1 - start, N)."""
        total = np.zeros((len(view) - start, len(view.symbols)))
        known = np.zeros(total.shape, dtype=np.bool_)
        for part, values in self._ranks.panels(view, start):
            for signed, ranks in zip(self.parts[part], np.moveaxis(values, 2, 0), strict=True):
                has = np.isfinite(ranks)
                total += np.where(has, signed.sign * ranks, 0.0)
                known |= has
        total /= len(self.parts)
        total[~known] = np.nan
        return total

    @cached_property
    def _ranks(self) -> Features:
        texts = {f"formula {i + 1}": part.formula for i, part in enumerate(self.parts)}
        return Features(texts, Treatment(), "alphaloom")
