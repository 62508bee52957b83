"""Between the operators across a session and their machine code."""

from __future__ import annotations

import numpy as np

from alpha_sources.formula.context import Context, Panel, Value, read_only
from alpha_sources.formula.kernels import _ranking, _sessions

#: rows at a time, so that factors need not be stacked whole
_ROWS = 64


def rank(context: Context, x: Value, groups: Panel | None = None, *, buckets: int = 0) -> Panel:
    """Rank members, all together or in groups; `buckets` is for all together."""
    panel, out = context.panel(x), context.new()
    members, names = context.universe, panel.shape[1]
    values, order = np.empty(names), np.empty(names, dtype=np.int64)
    if groups is None:
        _ranking.rank_rows(panel, members, buckets, tie(context), values, order, out)
    else:
        codes, count = coded(context, groups)
        _ranking.rank_group_rows(panel, members, codes, count, tie(context), values, order, out)
    return out


def standardise(context: Context, x: Value, groups: Panel | None, want: int, k: float = 0.0) -> Panel:
    """Centre members, all together or in groups; see `_sessions.standardise`."""
    out = context.new()
    codes, count = coded(context, groups)
    _sessions.standardise(
        context.panel(x),
        context.universe,
        codes,
        count,
        want,
        float(k),
        context.tolerance,
        context.limit,
        out,
    )
    return out


def residuals(context: Context, y: Value, factors: tuple[Value, ...], groups: Panel | None = None) -> Panel:
    """Regress members session by session; see `_sessions.residuals`."""
    out = context.new()
    codes, count = coded(context, groups)
    panel, panels = context.panel(y), [context.panel(factor) for factor in factors]
    for start in range(0, len(panel), _ROWS):
        rows = slice(start, min(start + _ROWS, len(panel)))
        _sessions.residuals(
            panel[rows],
            np.stack([factor[rows] for factor in panels]),
            context.universe[rows],
            codes[rows] if codes.size else codes,
            count,
            context.tolerance,
            context.limit,
            out[rows],
        )
    return out


def coded(context: Context, groups: Panel | None) -> tuple[Panel, int]:
    """Return group codes, empty for one group of all, and how many there may be."""
    if groups is None:
        return read_only(np.empty((0, 0), dtype=context.dtype)), 1
    panel = context.panel(groups)
    highest = np.fmax.reduce(panel, axis=None, initial=-1.0)
    return panel, int(highest) + 1


def tie(context: Context) -> float:
    """Distance, relative to size, within which two values are the same: what rounding may have done."""
    return 1e-12 if context.dtype == np.float64 else 5e-7
