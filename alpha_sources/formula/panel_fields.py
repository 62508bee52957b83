"""From a field's name to its values on a view, and from one scale to the other.

Inside a formula everything stands on a base that does not jump on an ex-date: prices times `adj_factor`,
volumes over `share_factor`, figures per share times it. The degree of a node says how its base relates to
the scale of the session, which is what cross-section operators and readers see.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

from alpha_sources.formula.context import Context, Panel
from alpha_sources.formula.errors import FormulaError
from alpha_sources.formula.fields import CATALOGUE, IndexField, index_field
from alpha_sources.formula.kernels import elementwise
from alpha_sources.formula.nodes import Degree, Node
from engine.market.panel import PRICE_FIELDS
from engine.market.view import MarketView

ADJUSTMENT, SHARES = "adj_factor", "share_factor"


class PanelFields:
    """The fields of a view from row `start` on, as panels of a context.

    What it returns may be the market's own memory and must not be written to.
    """

    def __init__(self, view: MarketView, context: Context, start: int) -> None:
        self._view, self._context, self._start = view, context, start
        self._names = frozenset(view.field_names)

    def base(self, node: Node) -> Panel:
        """Return a field on the base."""
        name, degree = node.field_name, node.degree
        if not degree:
            return self.of_session(node)
        if (
            degree == Degree(Fraction(1))
            and name in PRICE_FIELDS
            and ADJUSTMENT in self._names
            and name in self._names
        ):
            # the panel keeps these, so that a batch does not multiply them again
            return self._panel(self._view.adjusted(name))
        return self._scaled(self._raw(name), Degree(-degree.price, -degree.share))

    def of_session(self, node: Node) -> Panel:
        """Return a field on the scale of the session, as it was recorded."""
        name = node.field_name
        if name in CATALOGUE or name not in self._names:
            if name == "industry":
                return self._codes(self._view.instruments.industries)
            if name == "board":
                return self._codes(np.array([str(board) for board in self._view.instruments.boards]))
            if index := index_field(name):
                return self._index(name, index)
            prefix, _, quoted = name.partition("_")
            if prefix == "raw" and quoted:
                return self._raw(quoted)
            if prefix == "adj" and quoted in PRICE_FIELDS:
                return self._scaled(self._raw(quoted), Degree(Fraction(-1)))
        return self._raw(name)

    def to_session(self, value: Panel, degree: Degree) -> Panel:
        """Bring a value from the base to the scale of the session; the result is a panel of its own."""
        scaled = self._scaled(value, degree)
        return value.copy() if scaled is value else scaled

    def _scaled(self, value: Panel, degree: Degree) -> Panel:
        # the common degrees are exact to the last digit but one; a general power comes after
        for power, name in ((-degree.price, ADJUSTMENT), (degree.share, SHARES)):
            if not power or name not in self._names:
                continue
            factor = self._panel(self._view.field(name))
            exponent = abs(power)
            if exponent != 1:
                factor = elementwise.power(self._context, factor, float(exponent))
            step = elementwise.mul if power > 0 else elementwise.div
            value = step(self._context, value, factor)
        return value

    def _raw(self, name: str) -> Panel:
        if name in self._names:
            return self._panel(self._view.field(name))
        if name == "returns" and "close" in self._names:
            close = self._view.adjusted("close") if ADJUSTMENT in self._names else self._view.field("close")
            return self._panel(_change(close))
        raise FormulaError(
            f"this panel has no field '{name}'", hint=f"it has {', '.join(sorted(self._names))}"
        )

    def _index(self, name: str, index: IndexField) -> Panel:
        symbol = index.symbol(self._view.index_symbols)
        if symbol is None:
            carried = ", ".join(self._view.index_symbols) or "none"
            raise FormulaError(f"'{name}' asks for an index that this panel lacks", hint=f"it has {carried}")
        bar = "close" if index.bar == "return" else index.bar
        values = self._view.index(symbol, bar)
        values = _change(values) if index.bar == "return" else values
        return self._panel(np.broadcast_to(values[:, None], (len(values), len(self._view.symbols))))

    def _codes(self, labels: NDArray[np.str_]) -> Panel:
        # numbered in the order of the labels; no label is no group
        _, codes = np.unique(labels, return_inverse=True)
        row = np.where(labels == "", np.nan, codes)
        return self._context.panel(row)

    def _panel(self, values: NDArray[Any]) -> Panel:
        panel = self._context.panel(values[self._start :])
        if np.isinf(panel).any():
            panel = np.where(np.isinf(panel), np.nan, panel)
        return panel


def _change(values: NDArray[Any]) -> NDArray[Any]:
    change = np.full_like(values, np.nan)
    with np.errstate(all="ignore"):
        change[1:] = values[1:] / values[:-1] - 1.0
    return change
