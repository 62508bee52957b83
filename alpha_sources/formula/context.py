"""What a kernel knows besides its arguments: members, dates, buffers."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

#: a (T, N) array, float64 or float32
Panel = NDArray[Any]
Flags = NDArray[np.bool_]
#: what an argument of a kernel may be once evaluated
Value = Panel | float


class Buffers:
    """Panels that nobody needs any more, handed out again.

    A fresh array of some ten megabytes costs a page fault every 4 kB, often more than the arithmetic on it.
    """

    __slots__ = ("_dtype", "_free", "_shape")

    def __init__(self, shape: tuple[int, int], dtype: DTypeLike) -> None:
        self._shape, self._dtype = shape, np.dtype(dtype)
        self._free: list[Panel] = []

    def take(self) -> Panel:
        """Return a panel with any content."""
        try:
            return self._free.pop()
        except IndexError:
            return np.empty(self._shape, dtype=self._dtype)

    def give_back(self, panel: Panel) -> None:
        """Accept a panel that came from `take` and that nobody reads any more."""
        self._free.append(panel)


@dataclass(frozen=True, eq=False, slots=True)
class Context:
    """Where and how kernels work.

    Parameters
    ----------
    universe : (T, N) bool array
        Members: all that cross-section, group and regression kernels see.
    days : (T,) int array
        A number of each session that only its date determines, increasing; 0, 1, ... if not given. Rolling
        kernels start their blocks at its multiples of the window, wherever the rows begin.
    dtype : dtype
        float64 or float32, of panels; sums are carried in float64 either way.
    """

    universe: NDArray[np.bool_]
    days: NDArray[np.int64] = field(default_factory=lambda: np.empty(0, dtype=np.int64))
    dtype: np.dtype[Any] = field(default_factory=lambda: np.dtype(np.float64))
    buffers: Buffers = field(init=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "dtype", np.dtype(self.dtype))
        object.__setattr__(self, "universe", read_only(np.ascontiguousarray(self.universe)))
        if not self.days.size:
            object.__setattr__(self, "days", np.arange(len(self.universe)))
        shape = (self.universe.shape[0], self.universe.shape[1])
        object.__setattr__(self, "buffers", Buffers(shape, self.dtype))

    @property
    def shape(self) -> tuple[int, int]:
        """(sessions, symbols)."""
        return self.universe.shape[0], self.universe.shape[1]

    @property
    def limit(self) -> float:
        """The largest finite value of a panel."""
        return float(np.finfo(self.dtype).max)

    @property
    def tolerance(self) -> float:
        """Spread, relative to the level, that is taken for rounding: such a window does not vary."""
        return 1e-13 if self.dtype == np.float64 else 1e-6

    def restarts(self, n: int) -> Flags:
        """Return which rows start a block of at most n rows."""
        block = self.days // n
        starts = np.ones(len(block), dtype=np.bool_)
        starts[1:] = block[1:] != block[:-1]
        return starts

    def new(self) -> Panel:
        """Return a panel to write a result into."""
        return self.buffers.take()

    def panel(self, value: Value) -> Panel:
        """Return a value as a read-only panel in C order; a scalar or a row is the same everywhere."""
        if not isinstance(value, np.ndarray) or value.shape != self.shape:
            value = np.broadcast_to(np.asarray(value, dtype=self.dtype), self.shape)
        return read_only(np.ascontiguousarray(value, dtype=self.dtype))


def read_only(array: Panel) -> Panel:
    """Return a view that cannot be written to.

    Every input of a kernel is made so, the market's own arrays and intermediate ones alike: numba compiles
    a kernel anew for what it may write to.
    """
    view = array.view()
    view.flags.writeable = False
    return view
