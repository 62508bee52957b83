"""Formulas of a signal, made comparable across the members of every session."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from alpha_sources.formula import (
    Formula,
    FormulaError,
    SessionStream,
    evaluate,
    evaluate_stream,
    parse,
)
from alpha_sources.treatment import Treatment
from engine.errors import ProviderError
from engine.market.view import MarketView

Array = NDArray[np.float64]
_SIZE = "log(market_cap)"

#: What a model may see of a name's past prices besides the alphas.
PRICES: tuple[tuple[str, str], ...] = (
    ("return_1", "pct_change(close, 1)"),
    ("return_5", "pct_change(close, 5)"),
    ("return_20", "pct_change(close, 20)"),
    ("volatility_20", "ts_std(returns, 20)"),
)


@dataclass(frozen=True)
class WovenAlpha:
    """One alpha of a signal.

    Parameters
    ----------
    name, formula, dialect, category : str
    needs : tuple of str
        Fields that it names besides those every formula may name.
    inverted : bool
        Whether low values are good.
    """

    name: str
    formula: str
    dialect: str = "alphaloom"
    category: str = "other"
    needs: tuple[str, ...] = ()
    inverted: bool = False

    @cached_property
    def parsed(self) -> Formula:
        """The formula as a graph.

        Raises
        ------
        ProviderError
            If the text is no formula any more: it was learned by another version.
        """
        try:
            return _parsed(self.formula, self.dialect, self.needs)
        except FormulaError as problem:
            raise ProviderError(
                f"alpha {self.name}: {self.formula!r} is no formula of this version ({problem.reason}); "
                "refresh anew"
            ) from None

    def plain(self) -> dict[str, Any]:
        """As JSON."""
        return {
            "name": self.name,
            "formula": self.formula,
            "dialect": self.dialect,
            "category": self.category,
            "needs": list(self.needs),
            "inverted": self.inverted,
        }

    @classmethod
    def read(cls, plain: Mapping[str, Any]) -> WovenAlpha:
        """From JSON."""
        return cls(**{**plain, "needs": tuple(plain["needs"])})


@lru_cache(maxsize=4096)
def _parsed(formula: str, dialect: str, needs: tuple[str, ...]) -> Formula:
    """Read a formula once: the snapshots of a walk name much the same ones."""
    return parse(formula, dialect, needs)


class Loom:
    """Makes panels of formulas: evaluated, clipped, neutralised and normalised among the members.

    Parameters
    ----------
    treatment : Treatment
    formulas : sequence of Formula
        The F formulas, in the order of the panels' last axis.
    """

    def __init__(self, treatment: Treatment, formulas: Sequence[Formula]) -> None:
        self._treatment = treatment
        self._formulas = tuple(formulas)
        self._size = parse(_SIZE) if treatment.neutralize.by_size else None

    def panel(self, view: MarketView, start: int) -> Array:
        """Rows `start` .. t, all at once.

        Returns
        -------
        (t + 1 - start, N, F) float array
            NaN where an alpha is unknown, and outside the universe.
        """
        out = np.empty((len(view) - start, len(view.symbols), len(self._formulas)))
        size = None if self._size is None else evaluate(self._size, view, start=start)[0]
        for i, (_, values) in enumerate(evaluate_stream(self._formulas, view, start=start)):
            out[:, :, i] = self._treated(view, start, values, size)
        return out

    def rows(self, view: MarketView, count: int) -> Array:
        """Return the last `count` rows, each from as many sessions as the formulas look back.

        A row does not depend on how many are asked for, nor on where the data begin once there are that
        many sessions.

        Returns
        -------
        (count, N, F) float array
        """
        count = min(count, len(view))
        first = len(view) - count
        asked = [*self._formulas, *(() if self._size is None else (self._size,))]
        stream = SessionStream(asked)
        values = np.stack([stream.advance(view.view(row)) for row in range(first, len(view))], axis=1)
        size = None if self._size is None else values[-1]
        out = np.empty((count, len(view.symbols), len(self._formulas)))
        for i in range(len(self._formulas)):
            out[:, :, i] = self._treated(view, first, values[i], size)
        return out

    def _treated(self, view: MarketView, start: int, values: NDArray[Any], size: Array | None) -> Array:
        universe = view.universe[start:]
        treated = self._treatment.apply(
            universe, np.asarray(values, dtype=np.float64), self._industry(view), size
        )
        return np.where(universe, treated, np.nan)

    def _industry(self, view: MarketView) -> Array:
        labels = view.instruments.industries
        if not self._treatment.neutralize.by_industry:
            return np.zeros(len(labels))
        if not (labels != "").any():
            raise ProviderError("neutralize: the industry of no stock is known; set data.instruments")
        return np.unique(labels, return_inverse=True)[1].astype(np.float64)
