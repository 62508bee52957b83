"""Ranks among the members of a session.

A radix sort in two passes on the leading bits of the values, counted from the smallest of the session, then
an insertion sort on what those bits leave undecided: for some thousand values faster than comparing, on any
processor.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from alpha_sources.formula.context import Flags, Panel
from engine.jit import jit

Array = NDArray[Any]

_ONE = np.uint64(1)
_SIGN = np.uint64(63)
_NEGATIVE = np.uint64(1 << 63)
#: bits of one pass: about as many buckets as there are names, but no more than the cache likes
_FEWEST, _MOST = 6, 11
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
    keys, counts = np.empty((2, N), dtype=np.uint64), np.empty((2, 1 << _MOST), dtype=np.int64)
    # the answers for values that are alone, until the number of members changes
    alone, alone_of = np.empty(N), 0
    for t in range(T):
        count = _sorted(x[t], universe[t], values, order, keys, counts)
        if count < N:
            out[t] = np.nan
        if count != alone_of:
            alone_of = count
            for k in range(count):
                alone[k] = np.ceil((k + 1.0) * buckets / count) if buckets else (k + 1.0) / count
        first = 0
        while first < count:
            value = values[first]
            end = first + 1
            while end < count:
                following = values[end]
                if following - value > tolerance * max(abs(following), abs(value)):
                    break
                value = following
                end += 1
            if end == first + 1:
                out[t, order[first]] = alone[first]
                first = end
                continue
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
    keys, counts = np.empty((2, N), dtype=np.uint64), np.empty((2, 1 << _MOST), dtype=np.int64)
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
                value = values[k]
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
    # put the values of members into `values`, ascending, their columns into `order`; return their number
    N = len(row)
    bits = values.view(np.uint64)
    a, b = keys[0], keys[1]
    count = 0
    lowest, highest = ~np.uint64(0), np.uint64(0)
    for j in range(N):
        values[count] = row[j]
        # the bits of a float, read as a whole number, are in its order once negative ones are turned over
        key = ~bits[count] if bits[count] >> _SIGN else bits[count] | _NEGATIVE
        if members[j] and row[j] == row[j]:
            a[count] = key
            order[count] = j
            lowest, highest = min(lowest, key), max(highest, key)
            count += 1
    if count < 2:
        if count:
            values[0] = row[order[0]]
        return count
    # a key is the leading bits of the distance from the smallest, above those of the column
    column_bits = _length(np.uint64(N - 1))
    width = _length(highest - lowest) + column_bits
    dropped = np.uint64(max(0, width - 64))
    width = min(width, 64)
    shift = np.uint64(column_bits)
    digit_bits = min(max(column_bits, _FEWEST), _MOST)
    digit = (_ONE << np.uint64(digit_bits)) - _ONE
    high = np.uint64(max(0, width - digit_bits))
    low = np.uint64(max(0, width - 2 * digit_bits))
    last, first = counts[0], counts[1]
    for d in range(1 << digit_bits):
        last[d] = 0
        first[d] = 0
    for i in range(count):
        key = (((a[i] - lowest) >> dropped) << shift) | np.uint64(order[i])
        a[i] = key
        last[(key >> low) & digit] += 1
        first[(key >> high) & digit] += 1
    below, under = 0, 0
    for d in range(1 << digit_bits):
        here, there = last[d], first[d]
        last[d], first[d] = below, under
        below += here
        under += there
    for i in range(count):
        key = a[i]
        place = last[(key >> low) & digit]
        b[place] = key
        last[(key >> low) & digit] = place + 1
    for i in range(count):
        key = b[i]
        place = first[(key >> high) & digit]
        a[place] = key
        first[(key >> high) & digit] = place + 1
    _finish(a, count)
    column = (_ONE << shift) - _ONE
    for i in range(count):
        j = int(a[i] & column)
        value = np.float64(row[j])
        # the bits that a key had no room for
        at = i
        while at > 0 and values[at - 1] > value:
            values[at] = values[at - 1]
            order[at] = order[at - 1]
            at -= 1
        values[at] = value
        order[at] = j
    return count


@jit
def _length(number: Any) -> int:
    # binary digits of a whole number
    length = 0
    while number:
        number >>= _ONE
        length += 1
    return length


@jit
def _finish(keys: Array, count: int) -> None:
    moves = _PATIENCE * count
    for i in range(1, count):
        key = keys[i]
        at = i
        while at > 0 and keys[at - 1] > key:
            keys[at] = keys[at - 1]
            at -= 1
        keys[at] = key
        moves -= i - at
        if moves < 0:
            break
    if moves < 0:
        # all alike in their leading bits: Shell's sort, which needs no luck
        for gap in _GAPS:
            for i in range(gap, count):
                key = keys[i]
                at = i
                while at >= gap and keys[at - gap] > key:
                    keys[at] = keys[at - gap]
                    at -= gap
                keys[at] = key
