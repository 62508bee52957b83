"""Machine code: every session's values sorted once; ranks, quantiles and deviations come from that order.

In three steps: `place_sessions` (or `place_rows`) writes a 32-bit key for each value, its place between the
lowest and the highest of the session above its column; the caller sorts the keys, which numpy does with
vector instructions; `rank_sessions` (or `rank_rows`) puts straight what shares a place, and ranks.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.jit import jit

Array = NDArray[Any]

_PLACES = 65535.0
_COLUMN = np.uint32(65535)
_PLACE = np.uint32(16)
#: behind all values: no column is that large
_NOWHERE = np.uint32(4294967295)
#: moves for each value after which values are taken for too crowded to be placed by their distance
_PATIENCE = 12
_GAPS = (1750, 701, 301, 132, 57, 23, 10, 4, 1)
#: spread, relative to the level, within which all values of a session are the same
_SAME = 1e-12
#: where sums of squares could overflow or vanish
_HUGE, _TINY = 1e120, 1e-120


@jit
def place_sessions(
    values: Array,
    members: Array,
    eligible: Array,
    eligible_columns: Array,
    member_count: Array,
    eligible_count: Array,
    least: int,
    keys: Array,
    names: Array,
    coverage: Array,
    found: Array,
) -> None:
    """Write the keys of an alpha, and what there is of it.

    Parameters
    ----------
    values : (T, N) float64 array
        One alpha.
    members, eligible : (T, N) bool arrays
        Members of the universe, and those of them that can be bought at the next open.
    eligible_columns : (T, N) uint16 array
        Columns of the latter, at the beginning of each row.
    member_count, eligible_count : (T,) int64 arrays
        How many there are.
    least : int
        Sessions with fewer eligible values are left out.
    keys : (T, N) uint32 array, written
        To be sorted along each row.
    names : (T,) int64 array, written
        Eligible values; 0 where the session is left out or all of them are the same.
    coverage : (T,) float64 array, written
        Share of the members with a value.
    found : (6,) int64 array, written
        Cells of members, finite and infinite among them; sessions with a finite member value, with enough
        eligible ones, and with enough that are all the same.
    """
    T, N = values.shape
    row = np.empty(N)
    own_columns = np.empty(N, dtype=np.uint16)
    found[:] = 0
    for t in range(T):
        names[t] = 0
        known = finite = n = 0
        for j in range(N):
            # minus zero is zero
            value = values[t, j] + 0.0
            row[j] = value
            known += members[t, j] & (value == value)
            finite += members[t, j] & (abs(value) < np.inf)
            n += eligible[t, j] & (abs(value) < np.inf)
        inside = member_count[t]
        coverage[t] = finite / inside if inside else np.nan
        found[0] += inside
        found[1] += finite
        found[2] += known - finite
        found[3] += finite > 0
        if n < max(least, 2):
            continue
        found[4] += 1
        columns = eligible_columns[t]
        if n < eligible_count[t]:
            usable = 0
            for k in range(eligible_count[t]):
                own_columns[usable] = columns[k]
                usable += abs(row[columns[k]]) < np.inf
            columns = own_columns
        low, high = _ends(row, columns, n)
        if high - low <= _SAME * max(abs(low), abs(high)):
            found[5] += 1
            continue
        names[t] = n
        _place(row, columns, n, low, high, keys[t])


@jit
def place_rows(values: Array, valid: Array, keys: Array, names: Array) -> None:
    """Write the keys of something that alphas are held against.

    Parameters
    ----------
    values : (T, N) float64 array
        Finite where valid.
    valid : (T, N) bool array
    keys, names
        As in `place_sessions`, but for rows whose values are all the same.
    """
    T, N = values.shape
    row = np.empty(N)
    columns = np.empty(N, dtype=np.uint16)
    for t in range(T):
        n = 0
        for j in range(N):
            row[j] = values[t, j]
            columns[n] = j
            n += valid[t, j]
        names[t] = n
        if n > 0:
            low, high = _ends(row, columns, n)
            _place(row, columns, n, low, high, keys[t])


@jit
def rank_sessions(
    values: Array,
    keys: Array,
    names: Array,
    eligible_count: Array,
    labels: Array,
    label_means: Array,
    label_squares: Array,
    quantiles: int,
    ranks: Array,
    orders: Array,
    buckets: Array,
    edges: Array,
    squares: Array,
    ic: Array,
    curve: Array,
) -> None:
    """Write what all measures of an alpha are computed from, and what its values say of the labels.

    Parameters
    ----------
    values, names, eligible_count
        See `place_sessions`.
    keys : (T, N) uint32 array
        Sorted along each row.
    labels : (T, N) float64 array
        Of the main horizon, less the mean of the session's; NaN where not eligible or not realised.
    label_means, label_squares : (T,) float64 arrays
        What was taken off them, and their sums of squares.
    quantiles : int
        Number of buckets, no more than the names of any session.
    ranks : (T, N) int16 array, written
        Twice the rank less its mean, ties averaged; 0 for names without one.
    orders : (T, N) uint16 array, written
        Columns of the eligible values, ascending.
    buckets : (T, N) int8 array, written
        Quantile from 1, as ``pandas.qcut`` cuts where nothing is tied; 0 for none. Tied values share the
        lowest quantile that any of them falls into.
    edges : (2, T) int64 array, written
        Where in `orders` the lowest quantile ends and the highest begins.
    squares : (T,) float64 array, written
        Sums of squares of ranks.
    ic : (T,) float64 array, written
        Pearson correlation with the label; NaN where it is not realised or either side does not vary.
    curve : (quantiles, T) float64 array, written
        Mean label of each quantile; NaN for one without names and where the label is not realised.
    """
    T, N = values.shape
    row, label = np.empty(N), np.empty(N)
    sorted_row, own = np.empty(N), np.empty(N)
    firsts = np.empty(N, dtype=np.int64)
    ends = np.empty(quantiles + 1, dtype=np.int64)
    curve[:] = np.nan
    for t in range(T):
        n = names[t]
        if n < N:
            ranks[t] = 0
            buckets[t] = 0
        if n == 0:
            edges[0, t] = edges[1, t] = 0
            squares[t] = 0.0
            ic[t] = np.nan
            continue
        order = orders[t]
        # one after the other into the cache, before they are asked for in any order
        for j in range(N):
            row[j] = values[t, j]
            label[j] = labels[t, j]
        _straighten(row, keys[t], n, sorted_row, order)
        squares[t] = _rank(sorted_row, order, n, quantiles, ranks[t], buckets[t], ends, firsts)
        edges[0, t], edges[1, t] = ends[1], ends[quantiles - 1]
        middle = sorted_row[n // 2]
        level = max(abs(sorted_row[0]), abs(sorted_row[n - 1]))
        scale = 1.0 / level if level > _HUGE or level < _TINY else 1.0
        if n == eligible_count[t]:
            ic[t] = _whole_correlation(sorted_row, label, order, label_squares[t], n, middle, scale, own)
        else:
            ic[t] = _correlation(sorted_row, label, order, n, middle, scale, own)
        for q in range(quantiles):
            if ends[q + 1] > ends[q]:
                curve[q, t] = label_means[t] + _mean(own, ends[q], ends[q + 1])


@jit
def rank_rows(values: Array, keys: Array, names: Array, ranks: Array, orders: Array, squares: Array) -> None:
    """Write ranks, orders and sums of squares of ranks from sorted keys; see `rank_sessions`."""
    T, N = values.shape
    sorted_row = np.empty(N)
    unused, ends = np.empty(N, dtype=np.int8), np.empty(2, dtype=np.int64)
    firsts = np.empty(N, dtype=np.int64)
    for t in range(T):
        ranks[t] = 0
        squares[t] = 0.0
        if names[t] > 0:
            _straighten(values[t], keys[t], names[t], sorted_row, orders[t])
            squares[t] = _rank(sorted_row, orders[t], names[t], 1, ranks[t], unused, ends, firsts)


@jit
def _place(row: Array, columns: Array, n: int, low: float, high: float, keys: Array) -> None:
    """Write the keys of some columns of a row."""
    scale = _PLACES / (high - low)
    if low > 0.0 or high < 0.0:
        # of one sign: by the bits of the values, whose order is theirs and which spread long tails out
        bits = row.view(np.int64)
        ends = np.array([low, high]).view(np.int64)
        start, sign = ends[0], np.int64(1) if low > 0.0 else np.int64(-1)
        by_bits = _PLACES / max(1.0, float(abs(ends[1] - start)))
        for k in range(n):
            place = np.uint32(float((bits[columns[k]] - start) * sign) * by_bits)
            keys[k] = (place << _PLACE) | np.uint32(columns[k])
    elif np.isfinite(scale):
        for k in range(n):
            place = np.uint32((row[columns[k]] - low) * scale)
            keys[k] = (place << _PLACE) | np.uint32(columns[k])
    else:
        for k in range(n):
            keys[k] = np.uint32(columns[k])
    for k in range(n, len(keys)):
        keys[k] = _NOWHERE


@jit
def _straighten(row: Array, keys: Array, n: int, sorted_row: Array, order: Array) -> None:
    """Write values and columns in order: as the keys say, and by insertion where they share a place."""
    for k in range(n):
        j = keys[k] & _COLUMN
        order[k] = j
        sorted_row[k] = row[j] + 0.0
    moves = _PATIENCE * n
    for k in range(1, n):
        value = sorted_row[k]
        if sorted_row[k - 1] <= value:
            continue
        j = order[k]
        at = k
        while at > 0 and sorted_row[at - 1] > value:
            sorted_row[at], order[at] = sorted_row[at - 1], order[at - 1]
            at -= 1
        sorted_row[at], order[at] = value, j
        moves -= k - at
        if moves < 0:
            break
    if moves < 0:
        # crowded into few places by values far away: Shell's sort, which needs no luck
        for gap in _GAPS:
            for k in range(gap, n):
                value, j = sorted_row[k], order[k]
                at = k
                while at >= gap and sorted_row[at - gap] > value:
                    sorted_row[at], order[at] = sorted_row[at - gap], order[at - gap]
                    at -= gap
                sorted_row[at], order[at] = value, j


@jit
def _ends(row: Array, columns: Array, n: int) -> tuple[float, float]:
    """Smallest and largest of the first n columns; in four lanes, which need not wait for one another."""
    quarter = n // 4
    low_0 = low_1 = low_2 = low_3 = np.inf
    high_0 = high_1 = high_2 = high_3 = -np.inf
    for k in range(quarter):
        a, b = row[columns[k]], row[columns[k + quarter]]
        c, d = row[columns[k + 2 * quarter]], row[columns[k + 3 * quarter]]
        low_0 = a if a < low_0 else low_0
        low_1 = b if b < low_1 else low_1
        low_2 = c if c < low_2 else low_2
        low_3 = d if d < low_3 else low_3
        high_0 = a if a > high_0 else high_0
        high_1 = b if b > high_1 else high_1
        high_2 = c if c > high_2 else high_2
        high_3 = d if d > high_3 else high_3
    for k in range(4 * quarter, n):
        low_0, high_0 = min(low_0, row[columns[k]]), max(high_0, row[columns[k]])
    return min(low_0, low_1, low_2, low_3), max(high_0, high_1, high_2, high_3)


@jit
def _correlation(
    x: Array, labels: Array, order: Array, n: int, around: float, scale: float, own: Array
) -> float:
    """Pearson correlation of a sorted row with labels; NaN where they are, or where either does not vary.

    Labels are by column, and are written to `own` in the order of the row: fetching them costs nothing while
    sums wait for one another. x is taken less `around`, near its middle, and times `scale`, so that sums
    neither cancel nor overflow.
    """
    sum_x = sum_y = of_x = of_y = products = 0.0
    more_x = more_y = more_of_x = more_of_y = more_products = 0.0
    half = n // 2
    for k in range(half):
        a, b = (x[k] - around) * scale, labels[order[k]]
        c, d = (x[k + half] - around) * scale, labels[order[k + half]]
        own[k], own[k + half] = b, d
        sum_x += a
        more_x += c
        sum_y += b
        more_y += d
        of_x += a * a
        more_of_x += c * c
        of_y += b * b
        more_of_y += d * d
        products += a * b
        more_products += c * d
    if 2 * half < n:
        a, b = (x[n - 1] - around) * scale, labels[order[n - 1]]
        own[n - 1] = b
        sum_x += a
        sum_y += b
        of_x += a * a
        of_y += b * b
        products += a * b
    mean_x, mean_y = (sum_x + more_x) / n, (sum_y + more_y) / n
    variance_x = of_x + more_of_x - n * mean_x * mean_x
    variance_y = of_y + more_of_y - n * mean_y * mean_y
    # what is left of equal labels is rounding
    if not (variance_x > 0.0 and variance_y > _SAME * (of_y + more_of_y)):
        return np.nan
    covariance = products + more_products - n * mean_x * mean_y
    return float(covariance / (np.sqrt(variance_x) * np.sqrt(variance_y)))


@jit
def _mean(row: Array, first: int, end: int) -> float:
    """Mean of a stretch, in four lanes, which need not wait for one another."""
    s0 = s1 = s2 = s3 = 0.0
    quarter = (end - first) // 4
    for k in range(first, first + quarter):
        s0 += row[k]
        s1 += row[k + quarter]
        s2 += row[k + 2 * quarter]
        s3 += row[k + 3 * quarter]
    for k in range(first + 4 * quarter, end):
        s0 += row[k]
    return ((s0 + s1) + (s2 + s3)) / (end - first)


@jit
def _whole_correlation(
    x: Array,
    labels: Array,
    order: Array,
    label_square: float,
    n: int,
    around: float,
    scale: float,
    own: Array,
) -> float:
    """Pearson correlation of a sorted row with all labels of its session, which are centred.

    As `_correlation`.
    """
    sum_x = of_x = products = 0.0
    more_x = more_of_x = more_products = 0.0
    half = n // 2
    for k in range(half):
        a, b = (x[k] - around) * scale, (x[k + half] - around) * scale
        c, d = labels[order[k]], labels[order[k + half]]
        own[k], own[k + half] = c, d
        sum_x += a
        more_x += b
        of_x += a * a
        more_of_x += b * b
        products += a * c
        more_products += b * d
    if 2 * half < n:
        a, c = (x[n - 1] - around) * scale, labels[order[n - 1]]
        own[n - 1] = c
        sum_x += a
        of_x += a * a
        products += a * c
    variance = of_x + more_of_x - (sum_x + more_x) ** 2 / n
    if not (variance > 0.0 and label_square > 0.0):
        return np.nan
    return float((products + more_products) / (np.sqrt(variance) * np.sqrt(label_square)))


@jit
def _rank(
    sorted_row: Array,
    order: Array,
    n: int,
    quantiles: int,
    ranks: Array,
    buckets: Array,
    ends: Array,
    firsts: Array,
) -> float:
    """Write ranks and quantiles of a sorted row by column; return the sum of squares of the ranks.

    ``ends`` is where in the order each quantile ends, after a 0; ``firsts`` is scratch memory.
    """
    tied = 0
    for k in range(1, n):
        tied += sorted_row[k] == sorted_row[k - 1]
    ends[0] = 0
    for bucket in range(1, quantiles + 1):
        # a value falls into the first quantile whose edge, at place (n - 1) * bucket / quantiles, it reaches
        at = min(bucket * (n - 1) // quantiles + 1, n)
        while tied > 0 and at < n and sorted_row[at] == sorted_row[at - 1]:
            at += 1
        ends[bucket] = at
    if tied == 0:
        for bucket in range(1, quantiles + 1):
            for k in range(ends[bucket - 1], ends[bucket]):
                ranks[order[k]] = 2 * k + 1 - n
                buckets[order[k]] = bucket
        # the sum of (2 k + 1 - n)^2
        return float(np.int64(n) * (np.int64(n) * n - 1) // 3)
    # without a branch, which would be guessed wrong at every tie: where ties begin, then where they end
    first = 0
    firsts[0] = 0
    for k in range(1, n):
        first = k if sorted_row[k] != sorted_row[k - 1] else first
        firsts[k] = first
    square = np.int64(0)
    end = n
    above = sorted_row[n - 1]
    for k in range(n - 1, -1, -1):
        end = k + 1 if sorted_row[k] != above else end
        above = sorted_row[k]
        # twice the mean of the ranks first + 1 .. end, less twice the mean of all
        rank = firsts[k] + end - n
        ranks[order[k]] = rank
        square += rank * rank
    for bucket in range(1, quantiles + 1):
        for k in range(ends[bucket - 1], ends[bucket]):
            buckets[order[k]] = bucket
    return float(square)
