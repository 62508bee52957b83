"""Statistics of the members of one session, together or group by group."""

from __future__ import annotations

import numpy as np

from alpha_sources.formula.context import Panel
from engine.jit import jit

DEMEAN, ZSCORE, WINSORIZE = 0, 1, 2


@jit
def standardise(
    x: Panel,
    universe: Panel,
    groups: Panel,
    group_count: int,
    want: int,
    k: float,
    tolerance: float,
    limit: float,
    out: Panel,
) -> None:
    """Write each member less the mean of its group, also in standard deviations, or drawn in to k of them."""
    T, N = x.shape
    if not groups.size:
        for t in range(T):
            _standardise_row(x[t], universe[t], want, k, tolerance, limit, out[t])
        return
    code = np.zeros(N, dtype=np.int64)
    count, rough, mean, square = (
        np.empty(group_count),
        np.empty(group_count),
        np.empty(group_count),
        np.empty(group_count),
    )
    for t in range(T):
        count[:] = 0.0
        rough[:] = 0.0
        mean[:] = 0.0
        square[:] = 0.0
        for j in range(N):
            member = universe[t, j] and x[t, j] == x[t, j]
            label = groups[t, j]
            code[j] = int(label) if label == label and member else -1
            if code[j] >= 0:
                count[code[j]] += 1.0
                rough[code[j]] += x[t, j]
        for g in range(group_count):
            rough[g] /= count[g]
        # measured from a first mean, the second is free of what rounding left in a long sum
        for j in range(N):
            if code[j] >= 0:
                mean[code[j]] += x[t, j] - rough[code[j]]
        for g in range(group_count):
            mean[g] = rough[g] + mean[g] / count[g]
        if want != DEMEAN:
            for j in range(N):
                if code[j] >= 0:
                    square[code[j]] += (x[t, j] - mean[code[j]]) ** 2
        for j in range(N):
            g = code[j]
            value = np.nan
            if g >= 0:
                value = x[t, j] - mean[g]
                if want != DEMEAN:
                    deviation = np.sqrt(square[g] / (count[g] - 1.0))
                    if want == WINSORIZE:
                        value = min(max(x[t, j], mean[g] - k * deviation), mean[g] + k * deviation)
                        # one value alone has no deviation to be drawn in to
                        value = value if deviation == deviation else x[t, j]
                    else:
                        value = value / deviation if deviation > tolerance * abs(mean[g]) else np.nan
            out[t, j] = value if abs(value) <= limit else np.nan


@jit
def _standardise_row(
    row: Panel, members: Panel, want: int, k: float, tolerance: float, limit: float, out: Panel
) -> None:
    # one group of all: the same sums in the same order, without looking up whose they are
    N = len(row)
    count, rough, mean, square = 0.0, 0.0, 0.0, 0.0
    for j in range(N):
        if members[j] and row[j] == row[j]:
            count += 1.0
            rough += row[j]
    rough /= count
    for j in range(N):
        if members[j] and row[j] == row[j]:
            mean += row[j] - rough
    mean = rough + mean / count
    deviation = np.nan
    if want != DEMEAN:
        for j in range(N):
            if members[j] and row[j] == row[j]:
                square += (row[j] - mean) ** 2
        deviation = np.sqrt(square / (count - 1.0))
    varies = deviation > tolerance * abs(mean)
    for j in range(N):
        value = np.nan
        if members[j] and row[j] == row[j]:
            value = row[j] - mean
            if want == WINSORIZE:
                value = min(max(row[j], mean - k * deviation), mean + k * deviation)
                # one value alone has no deviation to be drawn in to
                value = value if deviation == deviation else row[j]
            elif want == ZSCORE:
                value = value / deviation if varies else np.nan
        out[j] = value if abs(value) <= limit else np.nan


@jit
def share_of_sizes(x: Panel, universe: Panel, total: float, limit: float, out: Panel) -> None:
    """Write each member times `total` over the sum of the members' sizes."""
    T, N = x.shape
    for t in range(T):
        sizes = 0.0
        for j in range(N):
            if universe[t, j] and x[t, j] == x[t, j]:
                sizes += abs(x[t, j])
        for j in range(N):
            value = total * (x[t, j] / sizes) if universe[t, j] else np.nan
            out[t, j] = value if abs(value) <= limit else np.nan


@jit
def residuals(
    y: Panel,
    factors: Panel,
    universe: Panel,
    groups: Panel,
    group_count: int,
    tolerance: float,
    limit: float,
    out: Panel,
) -> None:
    """Write what of y a constant for each group and the factors ``(K, T, N)`` do not explain.

    Factors are made orthogonal to the constants and to one another, twice over, against rounding. One that
    the others explain adds nothing: whichever way the coefficients are split, the residual is the same.
    """
    K, T, N = factors.shape
    member = np.empty(N, dtype=np.int64)
    code = np.zeros(N, dtype=np.int64)
    basis = np.empty((K + 1, N))
    for t in range(T):
        out[t] = np.nan
        m = 0
        for j in range(N):
            known = universe[t, j] and y[t, j] == y[t, j]
            for f in range(K):
                known = known and factors[f, t, j] == factors[f, t, j]
            if groups.size:
                known = known and groups[t, j] == groups[t, j]
            if known:
                member[m] = j
                code[m] = int(groups[t, j]) if groups.size else 0
                for f in range(K):
                    basis[f, m] = factors[f, t, j]
                basis[K, m] = y[t, j]
                m += 1
        constants = _centre(basis, code, m, group_count)
        if m < constants + K + 1:
            continue
        for f in range(K + 1):
            vector = basis[f, :m]
            before, level = 0.0, 0.0
            for i in range(m):
                value = factors[f, t, member[i]] if f < K else y[t, member[i]]
                before += vector[i] * vector[i]
                level = max(level, abs(value))
            for _ in range(2):
                for other in range(f):
                    axis = basis[other, :m]
                    along = 0.0
                    for i in range(m):
                        along += axis[i] * vector[i]
                    for i in range(m):
                        vector[i] -= along * axis[i]
            if f == K:
                break
            after = 0.0
            for i in range(m):
                after += vector[i] * vector[i]
            varies = np.sqrt(before) > tolerance * level * np.sqrt(m)
            new = varies and np.sqrt(after) > np.sqrt(tolerance) * np.sqrt(before)
            for i in range(m):
                vector[i] = vector[i] / np.sqrt(after) if new else 0.0
        for i in range(m):
            value = basis[K, i]
            out[t, member[i]] = value if abs(value) <= limit else np.nan


@jit
def _centre(basis: Panel, code: Panel, m: int, group_count: int) -> int:
    # take the mean of its group from every value, twice for rounding; return how many groups there are
    count = np.zeros(group_count)
    for i in range(m):
        count[code[i]] += 1.0
    for f in range(basis.shape[0]):
        for _ in range(2):
            mean = np.zeros(group_count)
            for i in range(m):
                mean[code[i]] += basis[f, i]
            for i in range(m):
                basis[f, i] -= mean[code[i]] / count[code[i]]
    return int((count > 0).sum())
