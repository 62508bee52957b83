"""From a field's name to its values on a view, and from one scale to the other.

Inside a formula everything stands on a base that does not jump on an ex-date: prices times `adj_factor`,
volumes over `share_factor`, figures per share times it. The degree of a node says how its base relates to
the scale of the session, which is what cross-section operators and readers see.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

from alpha_sources.formula.context import Buffers, Context, Panel, read_only
from alpha_sources.formula.errors import FormulaError
from alpha_sources.formula.fields import CATALOGUE, IndexField, index_field
from alpha_sources.formula.kernels._cells import any_infinite
from alpha_sources.formula.nodes import Degree, Node
from engine.market.panel import PRICE_FIELDS, remedy_for
from engine.market.view import MarketView

ADJUSTMENT, SHARES = "adj_factor", "share_factor"
_PRICE = Degree(Fraction(1))


@dataclass(frozen=True, slots=True)
class Schema:
    """What the order of work depends on, of a market.

    Parameters
    ----------
    names : frozenset of str
        Fields that it has.
    dtype : dtype
        float64 or float32, of panels.
    """

    names: frozenset[str]
    dtype: np.dtype[Any]

    def takes_memory(self, node: Node) -> bool:
        """Whether reading a field makes a panel, and does not hand out the market's own memory."""
        name = node.field_name
        own = name in self.names or (name.startswith("raw_") and name[4:] in self.names)
        return self.dtype != np.float64 or not own or name in ("industry", "board")

    def factors(self, degree: Degree) -> list[tuple[str, str, Fraction]]:
        """Return how to bring a value from the base to the session's scale: operator, field and its power."""
        steps = ((-degree.price, ADJUSTMENT), (degree.share, SHARES))
        return [
            ("mul" if power > 0 else "div", name, abs(power))
            for power, name in steps
            if power and name in self.names
        ]

    def is_adjusted_price(self, node: Node) -> bool:
        """Whether the base of a field is its price times the factor, which the market keeps."""
        name = node.field_name
        known = name in self.names and ADJUSTMENT in self.names
        return name in PRICE_FIELDS and known and node.degree == _PRICE


class PanelFields:
    """The last rows of the fields of a view, as panels, and the contexts of these rows.

    What it returns may be the market's own memory and must not be written to.

    Parameters
    ----------
    view : MarketView
        (t+1) sessions of N symbols.
    dtype : dtype
        float64 or float32, of panels.
    """

    def __init__(self, view: MarketView, dtype: np.dtype[Any]) -> None:
        self.view = view
        self.rows, self.stocks = view.t + 1, len(view.symbols)
        self.schema = Schema(frozenset(view.field_names), dtype)
        self.buffers = Buffers(self.stocks, dtype)
        # counted from a day of its own, not from the calendar's first: calendars begin at different dates
        self._days = view.dates.astype("datetime64[D]").astype(np.int64)
        self._contexts: dict[int, Context] = {}

    @property
    def dtype(self) -> np.dtype[Any]:
        """Of panels."""
        return self.schema.dtype

    @property
    def bytes_of_row(self) -> int:
        """Size of one row of a panel."""
        return self.stocks * self.dtype.itemsize

    def context(self, rows: int) -> Context:
        """Return what kernels are to know that compute the last rows."""
        if rows not in self._contexts:
            universe = self.view.universe[self.rows - rows :]
            self._contexts[rows] = Context(universe, self._days, self.dtype, self.buffers)
        return self._contexts[rows]

    def base(self, node: Node, rows: int) -> Panel:
        """Return the last rows of an adjusted price."""
        first = self.rows - rows
        return self._panel(self._adjusted(node.field_name, first), first)

    def of_session(self, node: Node, rows: int) -> Panel:
        """Return the last rows of a field on the scale of the session, as it was recorded."""
        name, first = node.field_name, self.rows - rows
        if name in CATALOGUE or name not in self.schema.names:
            if name == "industry":
                return self._codes(self.view.instruments.industries, first)
            if name == "board":
                return self._codes(np.array([str(board) for board in self.view.instruments.boards]), first)
            if index := index_field(name):
                return self._index(name, index, first)
            prefix, _, quoted = name.partition("_")
            if prefix == "raw" and quoted:
                return self._raw(quoted, first)
            if prefix == "adj" and quoted in PRICE_FIELDS:
                return self._adj(quoted, first)
        return self._raw(name, first)

    def _adj(self, name: str, first: int) -> Panel:
        if name not in self.schema.names or ADJUSTMENT not in self.schema.names:
            return self._raw(name, first)
        return self._panel(self._adjusted(name, first), first)

    def _adjusted(self, name: str, first: int) -> NDArray[Any]:
        if not first:
            # the market keeps these, so that a batch does not multiply them again
            return self.view.adjusted(name)
        return self.view.field(name)[first:] * self.view.field(ADJUSTMENT)[first:]

    def _raw(self, name: str, first: int) -> Panel:
        if name in self.schema.names:
            return self._panel(self.view.field(name)[first:], first)
        if name == "returns" and "close" in self.schema.names:
            before = max(first - 1, 0)
            adjusted = ADJUSTMENT in self.schema.names
            close = self._adjusted("close", before) if adjusted else self.view.field("close")[before:]
            return self._panel(_change(close)[first - before :], first)
        raise FormulaError(
            f"this panel has no field '{name}'",
            hint=f"it has {', '.join(sorted(self.schema.names))}{remedy_for(name)}",
        )

    def _index(self, name: str, index: IndexField, first: int) -> Panel:
        symbol = index.symbol(self.view.index_symbols)
        if symbol is None:
            carried = ", ".join(self.view.index_symbols) or "none"
            raise FormulaError(f"'{name}' asks for an index that this panel lacks", hint=f"it has {carried}")
        bar = "close" if index.bar == "return" else index.bar
        values = self.view.index(symbol, bar)
        values = (_change(values) if index.bar == "return" else values)[first:]
        return self._panel(np.broadcast_to(values[:, None], (len(values), self.stocks)), first)

    def _codes(self, labels: NDArray[np.str_], first: int) -> Panel:
        # numbered in the order of the labels; no label is no group
        _, codes = np.unique(labels, return_inverse=True)
        return self.context(self.rows - first).panel(np.where(labels == "", np.nan, codes))

    def _panel(self, values: NDArray[Any], first: int) -> Panel:
        panel = self.context(self.rows - first).panel(values)
        if any_infinite(panel):
            panel = read_only(np.where(np.isinf(panel), np.nan, panel))
        return panel


def _change(values: NDArray[Any]) -> NDArray[Any]:
    change = np.full_like(values, np.nan)
    with np.errstate(all="ignore"):
        change[1:] = values[1:] / values[:-1] - 1.0
    return change
