"""`judge`: the one honest judge of formulas."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from alpha_sources.evaluation.batch import Given, Progress, judge_stream
from alpha_sources.evaluation.evaluation import Evaluation
from alpha_sources.evaluation.ground import prepare
from alpha_sources.evaluation.regimes import RegimeRules
from alpha_sources.evaluation.settings import DateRange, Lags, Settings, as_day
from alpha_sources.evaluation.store import ResultStore
from alpha_sources.formula import Formula
from engine.errors import ConfigError, ShapeError
from engine.market.view import MarketView

#: a batch of alphas as it may be given
Alphas = str | Formula | Iterable[str | Formula] | Mapping[str, Given] | NDArray[Any]


def judge(
    formulas: Alphas,
    view: MarketView,
    *,
    horizon_sessions: int = 1,
    decay_sessions: int = 20,
    quantiles: int = 5,
    min_names: int = 10,
    lags: int = Lags.OVERLAP,
    start: Any = None,
    end: Any = None,
    commission: float = 0.00025,
    slippage_bps: float = 5.0,
    index_symbol: str | None = None,
    regimes: RegimeRules | None = None,
    ranges: Mapping[str, tuple[Any, Any]] | Iterable[DateRange] = (),
    names: Sequence[str] | None = None,
    store: ResultStore | Path | str | None = None,
    threads: int = 1,
    keep_series: bool = True,
    progress: Progress | None = None,
) -> Evaluation:
    """Judge alphas on a view.

    Parameters
    ----------
    formulas : str, Formula, iterable or mapping of them, or (A, T, N) or (T, N) array
        By name, or named by their own text. Arrays hold alphas made elsewhere, one row per session of the
        view, known at its close; in a mapping they may stand beside formulas. An iterable may be a generator.
    view : MarketView
        (t+1) sessions of N symbols. Labels that its last session does not know are NaN.
    horizon_sessions, decay_sessions, quantiles, min_names, lags
        See `Settings`, as for commission, slippage_bps, index_symbol and regimes.
    start, end : date-like, optional
        Days of the first and last decision, inclusive. Nothing after `end` is read.
    ranges : mapping of name to (first day, last day), optional
        Regimes of the user's own.
    names : sequence of str, optional
        Of the alphas, in their order.
    store : ResultStore or folder, optional
        Results found there are not computed again; new ones are added block by block, so that an interrupted
        batch goes on where it was.
    threads : int
        Results do not depend on it.
    keep_series : bool
        Keep what every alpha did on every session, some 8 x T x (horizons + 20) bytes each: switch it off
        for thousands.
    progress : callable, optional
        Called with the alphas done and how many of them came from the store.

    Returns
    -------
    Evaluation
        An alpha that cannot be judged has a status, a reason and NaN.

    Raises
    ------
    DataError
        If nothing can be judged: the span has no session, the market no opening prices, or no such index.
    ConfigError
        If a setting makes no sense, or names do not fit.
    ShapeError
        If an array does not fit the view.
    DatabaseError
        If the store is damaged, locked or foreign; it is left as it is.
    """
    settings = Settings(
        horizon_sessions=horizon_sessions,
        decay_sessions=decay_sessions,
        quantiles=quantiles,
        min_names=min_names,
        lags=lags,
        start=None if start is None else as_day(start, "start"),
        end=None if end is None else as_day(end, "end"),
        commission=commission,
        slippage_bps=slippage_bps,
        index_symbol=index_symbol,
        regimes=regimes or RegimeRules(),
        ranges=DateRange.read(ranges),
    )
    if isinstance(threads, bool) or not isinstance(threads, int) or threads < 1:
        raise ConfigError(f"threads: {threads!r} is no whole number of at least 1")
    ground = prepare(view, settings)
    opened = ResultStore(store) if isinstance(store, Path | str) else None
    kept = store if isinstance(store, ResultStore) else opened
    try:
        judged = tuple(
            judge_stream(
                _named(formulas, names, view),
                ground,
                store=kept,
                threads=threads,
                keep_series=keep_series,
                progress=progress,
            )
        )
    finally:
        if opened is not None:
            opened.close()
    return Evaluation(
        settings=settings,
        dates=pd.DatetimeIndex(ground.view.dates.astype("datetime64[s]"), name="date"),
        groups=ground.groups,
        judged=judged,
        index_symbol=ground.index_symbol,
        data_hash="" if kept is None else ground.view.panel().data_hash,
    )


def _named(formulas: Alphas, names: Sequence[str] | None, view: MarketView) -> Iterator[tuple[str, Given]]:
    """Alphas with names that occur once."""
    seen: dict[str, int] = {}
    count = 0
    given = iter(names) if names is not None else None
    for own, alpha in _pairs(formulas):
        if isinstance(alpha, np.ndarray) and alpha.shape != (len(view), len(view.symbols)):
            raise ShapeError(
                f"alpha {own!r} has shape {alpha.shape}, the view ({len(view)}, {len(view.symbols)})"
            )
        name = own if given is None else next(given, None)
        if name is None:
            raise ConfigError(f"names: {count} of them, and more alphas")
        count += 1
        times = seen[name] = seen.get(name, 0) + 1
        if times > 1 and (names is not None or isinstance(formulas, Mapping)):
            raise ConfigError(f"names: {name!r} stands twice")
        yield (name if times == 1 else f"{name} ({times})"), alpha
    if given is not None and next(given, None) is not None:
        raise ConfigError(f"names: more than the {count} alphas")


def _pairs(formulas: Alphas) -> Iterator[tuple[str, Given]]:
    if isinstance(formulas, str | Formula):
        yield str(formulas), formulas
    elif isinstance(formulas, np.ndarray):
        if formulas.ndim not in (2, 3):
            raise ShapeError(f"alphas of shape {formulas.shape}: expected (alphas, sessions, symbols)")
        several = formulas[None] if formulas.ndim == 2 else formulas
        yield from ((f"alpha_{i + 1}", values) for i, values in enumerate(several))
    elif isinstance(formulas, Mapping):
        yield from ((str(name), alpha) for name, alpha in formulas.items())
    elif isinstance(formulas, Iterable) and not isinstance(formulas, bytes):
        yield from ((str(formula), formula) for formula in formulas)
    else:
        raise ConfigError(f"formulas are texts, Formula objects or arrays, not {type(formulas).__name__}")
