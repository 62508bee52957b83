"""Machine code: correlations of a session's values with what is held against them, from their ranks."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.jit import jit

Array = NDArray[Any]

#: names missing up to which ranks are corrected instead of counted anew
_FEW = 24
#: names whose products of ranks add up to less than 2**31: a third of the cube
_NARROW = 1024
_SIZE = np.int64(40)
_HALF = np.int64(1) << np.int64(39)


@jit
def label_correlations(
    ranks: Array,
    buckets: Array,
    names: Array,
    squares: Array,
    horizons: Array,
    label_ranks: Array,
    label_orders: Array,
    label_names: Array,
    label_squares: Array,
    rank_ic: Array,
) -> None:
    """Write the rank IC of several alphas, of every session at every horizon.

    Several at once, since most of the time goes into fetching the labels' ranks of a session.

    Parameters
    ----------
    ranks, buckets : (A, T, N) arrays
    names, squares : (A, T) arrays
        Of the alphas; see `_ranks.rank_sessions`.
    horizons : (H,) int64 array
        Sessions from fill to fill, ascending.
    label_ranks, label_orders, label_squares
        Of the labels of all eligible names; see `_ranks.rank_rows`.
    label_names : (T,) int64 array
        Eligible names.
    rank_ic : (A, H, T) float64 array, written
        NaN where the label is not realised or either side does not vary.
    """
    A, T, N = ranks.shape
    rank_ic[:] = np.nan
    own = np.zeros(N, dtype=np.int16)
    missing = np.empty(N, dtype=np.uint16)
    for t in range(T):
        for a in range(A):
            n = names[a, t]
            if n == 0:
                continue
            absent = label_names[t] - n
            for h in range(len(horizons)):
                if t + 1 + horizons[h] >= T:
                    break
                if absent == 0:
                    of_label = label_squares[t, h]
                    products = _whole_products(ranks[a, t], label_ranks[t, h])
                else:
                    if absent > _FEW:
                        of_label = _subset_ranks(
                            label_orders[t, h], label_ranks[t, h], label_names[t], buckets[a, t], n, own
                        )
                    else:
                        if h == 0:
                            _absent(label_orders[t, 0], label_names[t], buckets[a, t], missing)
                        of_label = _ranks_without(label_ranks[t, h], buckets[a, t], missing[:absent], own)
                    products = _whole_products(ranks[a, t], own)
                if of_label > 0:
                    rank_ic[a, h, t] = products / np.sqrt(squares[a, t] * of_label)


@jit
def rank_correlation(
    ranks: Array,
    orders: Array,
    buckets: Array,
    names: Array,
    squares: Array,
    other_ranks: Array,
    other_orders: Array,
    other_names: Array,
    other_squares: Array,
    eligible_names: Array,
    least: int,
    out: Array,
) -> None:
    """Write the rank correlation of an alpha with something else, over the names that have both.

    Parameters
    ----------
    ranks, orders, buckets, names, squares
        Of the alpha; see `_ranks.rank_sessions`.
    other_ranks, other_orders, other_names, other_squares
        Of the other; see `_ranks.rank_exposures`.
    eligible_names : (T,) int64 array
        How many names could have both.
    least : int
        Sessions with fewer pairs are NaN.
    out : (T,) float64 array, written
    """
    T, N = ranks.shape
    out[:] = np.nan
    in_y = np.zeros(N, dtype=np.int8)
    own_x, own_y = np.zeros(N, dtype=np.int16), np.zeros(N, dtype=np.int16)
    missing = np.empty(N, dtype=np.uint16)
    for t in range(T):
        n, m = names[t], other_names[t]
        if n == 0 or m == 0:
            continue
        if n == m and n == eligible_names[t]:
            of_x, of_y = squares[t], other_squares[t]
            products = float(_whole_products(ranks[t], other_ranks[t]))
        elif m == eligible_names[t] and m - n <= _FEW:
            _absent(other_orders[t], m, buckets[t], missing)
            of_x, of_y = squares[t], _ranks_without(other_ranks[t], buckets[t], missing[: m - n], own_y)
            products = float(_whole_products(ranks[t], own_y))
        else:
            in_y[:] = 0
            both = 0
            for k in range(m):
                j = other_orders[t, k]
                in_y[j] = 1
                both += buckets[t, j] > 0
            if both < max(least, 2):
                continue
            of_x = _subset_ranks(orders[t], ranks[t], n, in_y, both, own_x)
            of_y = _subset_ranks(other_orders[t], other_ranks[t], m, buckets[t], both, own_y)
            products = float(_whole_products(own_x, own_y))
        if n >= least and of_x > 0 and of_y > 0:
            out[t] = products / np.sqrt(of_x * of_y)


@jit
def autocorrelations(
    ranks: Array, buckets: Array, names: Array, squares: Array, lag: int, least: int, out: Array
) -> None:
    """Write the correlation of every session's ranks with those `lag` sessions before.

    Ranks are those among all names of their session; the correlation is over the names that both have.
    """
    T, N = ranks.shape
    out[:] = np.nan
    for t in range(lag, T):
        n, before = names[t], names[t - lag]
        if n == 0 or before == 0:
            continue
        both = np.int64(0)
        for j in range(N):
            both += (buckets[t, j] > 0) & (buckets[t - lag, j] > 0)
        if both < max(least, 2):
            continue
        products = _whole_products(ranks[t], ranks[t - lag])
        if both == n and both == before:
            out[t] = products / np.sqrt(squares[t] * squares[t - lag])
            continue
        sum_x = sum_y = of_x = of_y = np.int64(0)
        for j in range(N):
            x = np.int64(ranks[t, j]) * (buckets[t - lag, j] > 0)
            y = np.int64(ranks[t - lag, j]) * (buckets[t, j] > 0)
            sum_x += x
            sum_y += y
            of_x += x * x
            of_y += y * y
        # whole numbers, exact: a variance is 0 where nothing varies
        variance_x, variance_y = both * of_x - sum_x * sum_x, both * of_y - sum_y * sum_y
        if variance_x > 0 and variance_y > 0:
            covariance = both * products - sum_x * sum_y
            out[t] = covariance / (np.sqrt(float(variance_x)) * np.sqrt(float(variance_y)))


@jit
def group_share(
    ranks: Array, buckets: Array, squares: Array, groups: Array, group_count: int, least: int, out: Array
) -> None:
    """Write the share of the variance of ranks that lies between groups, less what chance puts there.

    Epsilon squared (Kelley 1935): 1 - (within / (n - g)) / (total / (n - 1)), around 0 for noise, whatever
    the number of groups; it can fall below 0.

    Parameters
    ----------
    ranks, buckets, squares
        Of the alpha; see `_ranks.rank_sessions`.
    groups : (N,) uint16 array
        Codes from 0; `group_count` for none: such names are left out.
    least : int
        Sessions with fewer names that have a group are NaN.
    out : (T,) float64 array, written
    """
    T, N = ranks.shape
    out[:] = np.nan
    # sum and size of a group in one number: ranks add up to less than 2**31
    packed = np.empty(group_count + 1, dtype=np.int64)
    all_in_groups = (groups < group_count).all()
    for t in range(T):
        packed[:] = 0
        for j in range(N):
            # ranks outside are 0
            packed[groups[j]] += np.int64(ranks[t, j]) + (np.int64(buckets[t, j] > 0) << _SIZE)
        square = np.int64(squares[t])
        if not all_in_groups:
            square = np.int64(0)
            for j in range(N):
                square += np.int64(ranks[t, j]) * np.int64(ranks[t, j]) * (groups[j] < group_count)
        n = seen = 0
        total = np.int64(0)
        between = 0.0
        for group in range(group_count):
            size = (packed[group] + _HALF) >> _SIZE
            if size > 0:
                group_sum = packed[group] - (size << _SIZE)
                seen += 1
                n += size
                total += group_sum
                between += float(group_sum) * group_sum / size
        if n < max(least, 2):
            continue
        around = square - float(total) * total / n
        if seen > 1 and n > seen and around > 0:
            out[t] = 1.0 - ((square - between) / (n - seen)) / (around / (n - 1))


@jit
def _subset_ranks(order: Array, ranks: Array, n: int, inside: Array, count: int, out: Array) -> float:
    """Rank anew those of a sorted row that are inside, that is above 0; return the sum of squares.

    Equal ranks are ties.
    """
    out[:] = 0
    square = np.int64(0)
    done = 0
    k = 0
    while k < n:
        rank = ranks[order[k]]
        end = k
        tied = 0
        while end < n and ranks[order[end]] == rank:
            tied += inside[order[end]] > 0
            end += 1
        if tied:
            own = 2 * done + tied - count
            for i in range(k, end):
                if inside[order[i]] > 0:
                    out[order[i]] = own
            square += own * own * tied
            done += tied
        k = end
    return float(square)


@jit
def _absent(order: Array, n: int, inside: Array, out: Array) -> None:
    """Write the columns of a sorted row that are not inside."""
    found = 0
    for k in range(n):
        if inside[order[k]] == 0:
            out[found] = order[k]
            found += 1


@jit
def _ranks_without(ranks: Array, inside: Array, missing: Array, out: Array) -> float:
    """Rank anew when a few names leave: as `_subset_ranks`, from the ranks themselves."""
    left = np.int16(len(missing))
    for j in range(len(ranks)):
        out[j] = ranks[j] + left
    for k in range(len(missing)):
        gone = ranks[missing[k]]
        for j in range(len(ranks)):
            # a name that leaves takes a place from those above it, and half a place from its equals
            out[j] -= np.int16(ranks[j] > gone) + np.int16(ranks[j] >= gone)
    square = np.int64(0)
    for j in range(len(ranks)):
        out[j] = out[j] if inside[j] > 0 else 0
        square += np.int64(out[j]) * np.int64(out[j])
    return float(square)


@jit
def _whole_products(a: Array, b: Array) -> int:
    """Sum of products of whole numbers: exact in any order, which lets the compiler use vectors."""
    if len(a) <= _NARROW:
        narrow = np.int32(0)
        for i in range(len(a)):
            narrow = np.int32(narrow + np.int32(a[i]) * np.int32(b[i]))
        return int(narrow)
    total = np.int64(0)
    for i in range(len(a)):
        total += np.int64(a[i]) * np.int64(b[i])
    return int(total)
