"""Python's cyclic garbage collector during a run."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager

_ALLOCATIONS = 100_000


@contextmanager
def rare_collections() -> Iterator[None]:
    """Let the garbage collector run more rarely, and put its thresholds back whatever happens.

    A run makes many small records that live to its end; by default the collector walks them all again and
    again and finds nothing.
    """
    before = gc.get_threshold()
    gc.set_threshold(max(before[0], _ALLOCATIONS) if before[0] else 0, *before[1:])
    try:
        yield
    finally:
        gc.set_threshold(*before)
