"""Lines that answer for now and for the past, and for nothing else.

Backtrader computes indicators over the whole series before the first bar and leaves the results lying in the
lines: ``line[1]`` is tomorrow's value, and an index before the first bar wraps around to the end of the
series. Lines of this engine refuse both. Calculations that use whole buffers (``once()``) are not touched.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import Any

import backtrader as bt
from backtrader.linebuffer import LineBuffer, _LineForward
from backtrader.lineseries import LineSeriesStub

from engine.errors import LookAheadError, TooFewBars


def check_past(ago: int, place: int) -> None:
    """Refuse an index that reaches past now, or before the first bar (`place` < 0)."""
    if ago > 0:
        raise LookAheadError(f"line[{ago}] lies in the future; [0] is now, [-1] the bar before")
    if place < 0:
        raise IndexError(f"line[{ago}] lies before the first bar; len(data) says how many there are")


class _PastOnly:
    """What turns a line buffer into one that cannot look ahead."""

    array: Any
    _idx: int

    def __getitem__(self, ago: int) -> float:
        place = self._idx + ago
        if ago > 0 or place < 0:
            check_past(ago, place)
        value: float = self.array[place]
        return value

    def get(self, ago: int = 0, size: int = 1) -> Any:
        """Return the `size` values that end at `ago`."""
        if ago > 0:
            check_past(ago, 0)
        end = self._idx + ago + 1
        return self.array[end - size : end] if end >= size else self.array[:0]


@cache
def _past_only(kind: type) -> type:
    return type(kind)(kind.__name__, (_PastOnly, kind), {"__module__": kind.__module__})


def close_line(line: Any) -> None:
    """Make a line buffer refuse to look ahead from now on; it stays the same object."""
    if not isinstance(line, _PastOnly):
        line.__class__ = _past_only(type(line))  # type: ignore[arg-type]  # classes are hashable


def close_indicators(strategy: bt.Strategy) -> None:
    """Close the lines of everything the strategy has computed in advance."""
    for indicator in _indicators(strategy):
        for line in [indicator] if isinstance(indicator, LineBuffer) else indicator.lines.lines:
            close_line(line)


def looks_forward(strategy: bt.Strategy) -> bool:
    """Whether an indicator shifts a series into the past (``data.close(26)``, as Ichimoku's chikou does).

    Computed in advance, such a line holds the future at ``[0]``; computed bar by bar it does not.
    """
    return any(isinstance(indicator, _LineForward) for indicator in _indicators(strategy))


def check_lengths(strategy: bt.Strategy) -> None:
    """Refuse an indicator that has fewer bars than it needs for its first value."""
    for indicator in strategy._lineiterators[bt.LineIterator.IndType]:
        feed = _feed_of(indicator._clock)
        if feed is not None and indicator._minperiod > feed.buflen():
            raise TooFewBars(
                f"{type(indicator).__name__} needs {indicator._minperiod} bars for its first value, "
                f"{feed._name} has {feed.buflen()} in this run; make the period shorter or the span longer"
            )


def _feed_of(clock: Any) -> Any:
    """The feed that a clock of backtrader's (a line, an indicator, a wrapped line) stems from."""
    while clock is not None and not isinstance(clock, bt.feed.DataBase):
        if isinstance(clock, LineSeriesStub):
            clock = clock.lines.lines[0]
        else:
            above = getattr(clock, "_clock", None)
            clock = clock._owner if above is None else above
    return clock


def _indicators(owner: Any) -> Iterator[Any]:
    for indicator in getattr(owner, "_lineiterators", {}).get(bt.LineIterator.IndType, ()):
        yield indicator
        yield from _indicators(indicator)
