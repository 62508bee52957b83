"""What a kernel knows besides its arguments: members, dates, buffers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

#: a (T, N) array, float64 or float32
Panel = NDArray[Any]
Flags = NDArray[np.bool_]
#: what an argument of a kernel may be once evaluated
Value = Panel | float


class SinglePrecisionOverflowError(ArithmeticError):
    """A kernel met a number too large for float32, where float64 has one."""


class RowOverflowError(SinglePrecisionOverflowError):
    """The same of one of many rows that are computed together."""

    def __init__(self, op: str, row: int) -> None:
        super().__init__(op)
        self.row = row


class Buffers:
    """Panels that nobody needs any more, handed out again to who asks for as many rows.

    A fresh array of some ten megabytes costs a page fault every 4 kB, often more than the arithmetic on it.
    """

    __slots__ = ("__weakref__", "_dtype", "_free", "_names")

    def __init__(self, names: int, dtype: DTypeLike) -> None:
        self._names, self._dtype = names, np.dtype(dtype)
        self._free: dict[int, list[Panel]] = {}

    def take(self, rows: int) -> Panel:
        """Return a panel with any content."""
        try:
            # asked and answered at once: another thread may be about to take the same one
            return self._free[rows].pop()
        except (KeyError, IndexError):
            return np.empty((rows, self._names), dtype=self._dtype)

    def give_back(self, panel: Panel) -> None:
        """Accept a panel that came from `take` and that nobody reads any more."""
        self._free.setdefault(len(panel), []).append(panel)

    @property
    def idle(self) -> int:
        """Panels that lie here."""
        return sum(map(len, self._free.values()))


@dataclass(frozen=True, eq=False, slots=True)
class Context:
    """Where and how kernels work.

    A kernel computes the rows of its context. Those that look back may be given earlier rows as well: the
    last row of an operand is always the last row of the result.

    Parameters
    ----------
    universe : (T, N) bool array
        Members: all that cross-section, group and regression kernels see.
    days : (E + T,) int array
        A number of each session that only its date determines, increasing; 0, 1, ... if not given. Rolling
        kernels start their blocks at its multiples of the window, wherever the rows begin. It may begin
        earlier than the universe, for operands that do.
    dtype : dtype
        float64 or float32, of panels; sums are carried in float64 either way.
    buffers : Buffers or None
        Shared with the contexts of other rows of the same market.
    """

    universe: NDArray[np.bool_]
    days: NDArray[np.int64] = field(default_factory=lambda: np.empty(0, dtype=np.int64))
    dtype: np.dtype[Any] = field(default_factory=lambda: np.dtype(np.float64))
    buffers: Buffers = field(default=None, repr=False)  # type: ignore[assignment]

    def __post_init__(self) -> None:
        object.__setattr__(self, "dtype", np.dtype(self.dtype))
        object.__setattr__(self, "universe", read_only(np.ascontiguousarray(self.universe)))
        if not self.days.size:
            object.__setattr__(self, "days", np.arange(len(self.universe)))
        if self.buffers is None:
            object.__setattr__(self, "buffers", Buffers(self.universe.shape[1], self.dtype))

    @property
    def shape(self) -> tuple[int, int]:
        """(sessions, symbols)."""
        return self.universe.shape[0], self.universe.shape[1]

    @property
    def single(self) -> bool:
        """True where numbers are float32."""
        return self.dtype == np.float32

    @property
    def limit(self) -> float:
        """The largest finite value of a panel."""
        return float(np.finfo(self.dtype).max)

    @property
    def tolerance(self) -> float:
        """Spread, relative to the level, that is taken for rounding: such a window does not vary."""
        return 1e-6 if self.single else 1e-13

    def restarts(self, n: int, rows: int | None = None) -> Flags:
        """Return which of the last `rows`, by default of the context's own, start a block of at most n."""
        days = self.days[len(self.days) - (self.shape[0] if rows is None else rows) :]
        block = days // n
        starts = np.ones(len(block), dtype=np.bool_)
        np.not_equal(block[1:], block[:-1], out=starts[1:])
        return starts

    def new(self) -> Panel:
        """Return a panel to write a result into."""
        return self.buffers.take(self.shape[0])

    def panel(self, value: Value) -> Panel:
        """Return a value on the context's rows, read-only and in C order; a scalar or a row is repeated."""
        rows, names = self.shape
        if isinstance(value, np.ndarray) and value.ndim == 2 and value.shape[1] == names:
            value = value[max(len(value) - rows, 0) :]
        if not isinstance(value, np.ndarray) or value.shape != self.shape:
            value = np.broadcast_to(np.asarray(value, dtype=self.dtype), self.shape)
        return read_only(np.ascontiguousarray(value, dtype=self.dtype))

    def window(self, value: Value) -> Panel:
        """Return a value as `panel` does, with all the earlier rows that it comes with."""
        if not isinstance(value, np.ndarray) or value.ndim != 2 or len(value) <= self.shape[0]:
            return self.panel(value)
        return read_only(np.ascontiguousarray(value, dtype=self.dtype))

    def windows(self, values: Sequence[Value]) -> list[Panel]:
        """Return several values with as many earlier rows as each of them has."""
        panels = [self.window(value) for value in values]
        rows = min(map(len, panels))
        return [panel[len(panel) - rows :] for panel in panels]


def read_only(array: Panel) -> Panel:
    """Return a view that cannot be written to.

    Every input of a kernel is made so, the market's own arrays and intermediate ones alike: numba compiles
    a kernel anew for what it may write to.
    """
    view = array.view()
    view.flags.writeable = False
    return view
