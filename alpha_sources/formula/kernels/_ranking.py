"""Ranks among the members of a session.

A radix sort on the leading bits of the values, then an insertion sort on what those bits leave undecided:
for some thousand values faster than comparing, on any processor.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from alpha_sources.formula.context import Flags, Panel
from engine.jit import jit

Array = NDArray[Any]

_SIGN = np.uint64(63)
_NEGATIVE = np.uint64(1 << 63)
#: a key has the 33 leading bits of a value above 31 bits for the column: three digits of 11 bits each
_KEY = np.uint64(31)
_COLUMN = np.uint64((1 << 31) - 1)
_DIGITS = (np.uint64(31), np.uint64(42), np.uint64(53))
_DIGIT = np.uint64(2047)
#: moves for each value after which values are taken for too alike to be told apart by their leading bits
_PATIENCE = 16
_GAPS = (1750, 701, 301, 132, 57, 23, 10, 4, 1)


@jit
def rank_rows(
    x: Panel, universe: Flags, buckets: int, tolerance: float, values: Array, order: Array, out: Panel
) -> None:
    """Write each member's rank over the number of members, or its bucket where `buckets` is not 0.

    Neighbours in size within the relative tolerance are tied, and ties share the mean of their ranks.
    ``values`` and ``order`` are one row of scratch each.
    """
    T, N = x.shape
    keys, counts = np.empty((2, N), dtype=np.uint64), np.empty((3, 2048), dtype=np.int64)
    out[:] = np.nan
    for t in range(T):
        count = _sorted(x[t], universe[t], values, order, keys, counts)
        first = 0
        while first < count:
            value = values[order[first]]
            end = first + 1
            while end < count:
                following = values[order[end]]
                if following - value > tolerance * max(abs(following), abs(value)):
                    break
                value = following
                end += 1
            rank = (first + 1 + end) * 0.5
            answer = np.ceil(rank * buckets / count) if buckets else rank / count
            for k in range(first, end):
                out[t, order[k]] = answer
            first = end


@jit
def rank_group_rows(
    x: Panel,
    universe: Flags,
    groups: Panel,
    group_count: int,
    tolerance: float,
    values: Array,
    order: Array,
    out: Panel,
) -> None:
    """Write each member's rank in its group over the group's size; ties as in `rank_rows`."""
    T, N = x.shape
    keys, counts = np.empty((2, N), dtype=np.uint64), np.empty((3, 2048), dtype=np.int64)
    size, code = np.empty(group_count, dtype=np.int64), np.empty(N, dtype=np.int64)
    edge, last = np.empty(group_count), np.empty(group_count)
    first = np.empty(N)
    out[:] = np.nan
    for t in range(T):
        count = _sorted(x[t], universe[t], values, order, keys, counts)
        # upwards: the place at which each one's run of equals begins
        size[:] = 0
        for k in range(count):
            label = groups[t, order[k]]
            g = int(label) if label == label else -1
            code[k] = g
            if g >= 0:
                value = values[order[k]]
                if size[g] == 0 or value - last[g] > tolerance * max(abs(value), abs(last[g])):
                    edge[g] = size[g]
                last[g] = value
                first[k] = edge[g]
                size[g] += 1
        # downwards: where it ends, which the highest of the run says
        last[:] = -1.0
        left = size.copy()
        for k in range(count - 1, -1, -1):
            g = code[k]
            if g >= 0:
                if first[k] != last[g]:
                    edge[g] = left[g]
                last[g] = first[k]
                left[g] -= 1
                out[t, order[k]] = (first[k] + 1.0 + edge[g]) * 0.5 / size[g]


@jit
def _sorted(row: Panel, members: Flags, values: Array, order: Array, keys: Array, counts: Array) -> int:
    # copy the row into `values`, put the columns of its members into `order`, ascending; return their number
    N = len(row)
    for j in range(N):
        values[j] = row[j]
    bits = values.view(np.uint64)
    a, b = keys[0], keys[1]
    counts[:] = 0
    count = 0
    for j in range(N):
        if members[j] and values[j] == values[j]:
            # the bits of a float, read as a whole number, are in its order once negative ones are turned over
            key = ~bits[j] if bits[j] >> _SIGN else bits[j] | _NEGATIVE
            key = ((key >> _KEY) << _KEY) | np.uint64(j)
            a[count] = key
            count += 1
            for d in range(3):
                counts[d, (key >> _DIGITS[d]) & _DIGIT] += 1
    for d in range(3):
        total = 0
        for digit in range(2048):
            here = counts[d, digit]
            counts[d, digit] = total
            total += here
    for d in range(3):
        for i in range(count):
            digit = (a[i] >> _DIGITS[d]) & _DIGIT
            b[counts[d, digit]] = a[i]
            counts[d, digit] += 1
        a, b = b, a
    for i in range(count):
        order[i] = np.int64(a[i] & _COLUMN)
    _finish(values, order, count)
    return count


@jit
def _finish(values: Array, order: Array, count: int) -> None:
    moves = _PATIENCE * count
    for i in range(1, count):
        column = order[i]
        at = i
        while at > 0 and values[order[at - 1]] > values[column]:
            order[at] = order[at - 1]
            at -= 1
        order[at] = column
        moves -= i - at
        if moves < 0:
            break
    if moves < 0:
        # all alike in their leading bits: Shell's sort, which needs no luck
        for gap in _GAPS:
            for i in range(gap, count):
                column = order[i]
                at = i
                while at >= gap and values[order[at - gap]] > values[column]:
                    order[at] = order[at - gap]
                    at -= gap
                order[at] = column
