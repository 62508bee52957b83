"""The Python face: load a panel, run a back-test."""

from __future__ import annotations

import platform
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import asdict
from datetime import UTC, datetime
from functools import cache, partial
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pandas as pd

import alphaloom
from alpha_sources.loading import ALPHA_SOURCES, handed, load_provider, params_hash
from alpha_sources.provider import AlphaProvider
from alpha_sources.refresh import RefreshRule
from alpha_sources.refresh_store import RefreshStore
from alpha_sources.signal import ProviderSignal
from alpha_sources.snapshot import Snapshot
from alphaloom.config import RunConfig, load_config
from alphaloom.home import home
from alphaloom.notes import run_costs, run_honesty, run_notes
from alphaloom.sample import sample_paths
from engine.broker.config import AShareFeesConfig
from engine.collector import rare_collections
from engine.errors import ConfigError, DataError
from engine.hashing import hash_arrays
from engine.market import (
    LoadedMarket,
    MarketPanel,
    ValidationReport,
    data_config,
    load_market,
    panel_from_frames,
)
from engine.plugins import load_object
from engine.report.section import Section
from engine.result import Result, make_result
from engine.runner import run_strategy
from engine.span import resolve_span
from engine.sqlite import DatabaseError
from strategies.loading import load_strategy, uses_signal

_REPORTED = ("backtrader", "numpy", "pandas", "pyarrow", "pydantic")


def load_panel(source: str | Path | pd.DataFrame = "sse50", **options: Any) -> MarketPanel:
    """Load market data.

    Parameters
    ----------
    source : str, Path or DataFrame
        ``"sse50"``, the bundled sample; a long Parquet or CSV file; or a long frame with the columns date,
        symbol, open, high, low, close, volume and any of the optional ones.
    **options
        For a file, the keys of the ``data`` section (``membership=...``, ``columns=...``, ``units="lots"``);
        for a frame, the arguments of `engine.market.panel_from_frames`.

    Raises
    ------
    DataError
        If the data break a rule; the row is named.
    ConfigError
        If an option is unknown or none of those allowed.
    """
    if isinstance(source, pd.DataFrame):
        return panel_from_frames(source, **options).panel
    if source == "sse50":
        return load_market(data_config(**{**sample_paths(), **options, "source": "file"})).panel
    if source == "csi300":
        raise DataError(
            "csi300 is not bundled: give a file of bars and one of its members, "
            'load_panel("bars.parquet", universe="csi300", membership="members.csv")'
        )
    return load_market(data_config(source="file", path=Path(source), **options)).panel


@rare_collections()
def backtest(
    config: str | Path | Mapping[str, Any] | RunConfig | None = None,
    *,
    sets: Sequence[str] = (),
    panel: MarketPanel | LoadedMarket | None = None,
    provider: AlphaProvider | None = None,
    on_session: Callable[[int, int], None] | None = None,
    analyzers: Sequence[tuple[Any, Mapping[str, Any]]] = (),
    observers: Sequence[tuple[Any, Mapping[str, Any]]] = (),
    keep: bool = True,
) -> Result:
    """Run a back-test; all that is written is what providers learn, and the trials that it took.

    Parameters
    ----------
    config : str, Path, mapping, RunConfig or None
        A YAML file, the name of a shipped configuration, or the sections as a mapping; the quickstart by
        default.
    sets : sequence of ``key.path=value``
        Values that override the configuration's.
    panel : MarketPanel or LoadedMarket, optional
        Market data in memory, instead of the ``data`` section's; the latter with what was found in them.
    provider : AlphaProvider, optional
        An instance, instead of the ``alpha.provider`` named; ``alpha.refresh`` still holds.
    on_session : callable, optional
        Called with (sessions done, sessions in all).
    analyzers, observers : sequences of (class, kwargs)
        backtrader's, added to the run; see ``result.analyzers``.
    keep : bool
        Whether what providers learn is looked up, and kept, under ALPHALOOM_HOME, where their
        `AlphaProvider.fingerprint` says that it may be, and whether formulas that a committee judged are
        counted in the ledger of trials. What was learned is the same either way.

    Returns
    -------
    Result

    Raises
    ------
    AlphaloomError
        With one line that names the place and the remedy.
    """
    started, clock = datetime.now(UTC), time.perf_counter()
    settings = config if isinstance(config, RunConfig) else load_config(config, sets=list(sets))
    given = {
        "provider": type(provider).__name__ if provider else None,
        "panel": isinstance(panel, MarketPanel),
    }
    market = market_of(settings, panel)
    loaded = time.perf_counter()
    panel = market.panel
    span = resolve_span(panel, settings.span)
    check_broker(settings, panel)
    signal = signal_of(settings, panel, provider, store=refresh_store() if keep else None)
    with ExitStack() as ending:
        if signal is not None and provider is None:
            ending.callback(signal.provider.close)
        strategy, params = load_strategy(
            settings.strategy.name, settings.strategy.params, signal, settings.base, settings.seed
        )
        total = span.stop - span.clock_start + 1
        log = run_strategy(
            panel,
            strategy,
            params,
            broker=settings.broker,
            span=span,
            benchmark=settings.index,
            on_session=None if on_session is None else lambda done: on_session(done, total),
            analyzers=analyzers,
            observers=observers,
        )
        if signal is not None:
            signal.audit()
        used = signal.used if signal is not None else {}
        hashes = {"config_hash": settings.hash(), "version": alphaloom.__version__}
        if signal is not None:
            hashes["signal_hash"] = hash_arrays((str(row), used[row]) for row in sorted(used))
        honesty = run_honesty(settings, signal, panel, span)
        uncounted = _count(signal, settings, panel, started) if keep and provider is None else []
        return make_result(
            panel,
            log,
            span,
            name=settings.name,
            benchmark=settings.index,
            used_scores=used,
            hashes=hashes,
            config=settings.plain(),
            run={
                "started": started.isoformat(timespec="seconds"),
                "seconds_loading": round(loaded - clock, 3),
                "seconds_running": round(time.perf_counter() - loaded, 3),
                "python": platform.python_version(),
                "machine": platform.platform(),
                "packages": {name: _version(name) for name in _REPORTED},
                "given": given,
                "refreshes": [] if signal is None else [asdict(r) for r in signal.refreshes],
                **run_costs(signal),
                **({"honesty": honesty.plain()} if honesty.labels else {}),
            },
            warnings=[
                *_warnings(market),
                *run_notes(settings, signal, log),
                *honesty.sentences(),
                *uncounted,
            ],
            labels=[label.value for label in honesty.labels],
            sections=[] if signal is None else _sections(signal, span.stop),
            folders={} if signal is None else {"snapshots": partial(_save_all, tuple(signal.snapshots))},
        )


def _count(signal: ProviderSignal | None, settings: RunConfig, panel: MarketPanel, at: datetime) -> list[str]:
    """Count the formulas that a committee judged on the way as trials; say it where that fails."""
    if signal is None or not signal.snapshots:
        return []
    from alphaloom.tried import count_tried, judged_in

    try:
        count_tried(judged_in(signal.snapshots), settings, panel, at=at)
    except DatabaseError as problem:
        return [f"the formulas that were judged are not counted as trials: {problem}"]
    return []


def refresh_store() -> RefreshStore:
    """Where what providers learn is kept from one run to the next."""
    return RefreshStore(home() / "store" / "refreshes")


def _sections(signal: ProviderSignal, last: int) -> list[Section]:
    provider = signal.provider
    return [*provider.sections(signal.snapshots), *provider.study(signal.history(last))]


def _save_all(snapshots: Sequence[Snapshot], folder: Path) -> None:
    for snapshot in snapshots:
        snapshot.save(folder)


@cache
def _version(package: str) -> str:
    return version(package)


def market_of(settings: RunConfig, panel: MarketPanel | LoadedMarket | None = None) -> LoadedMarket:
    """Market data of a configuration, unless they are handed in."""
    if panel is None:
        return load_market(settings.resolved_data())
    if isinstance(panel, LoadedMarket):
        return panel
    return LoadedMarket(panel, ValidationReport())


def check_broker(settings: RunConfig, panel: MarketPanel) -> None:
    """Refuse what the data cannot support, before anything runs."""
    broker = settings.broker
    if broker.dividend_tax and not panel.actions:
        raise ConfigError("broker.dividend_tax needs a table of dividends: set data.actions")
    strangers = [str(s) for s in panel.symbols if str(s)[-3:] not in (".SH", ".SZ", ".BJ")]
    if strangers and isinstance(broker.fees, AShareFeesConfig):
        raise ConfigError(
            f"broker.fees: {strangers[0]} trades on no mainland exchange, so its dated fees are unknown; "
            "set broker.fees to {buy, sell, minimum}"
        )


def _warnings(market: LoadedMarket) -> list[str]:
    return [f"data: {finding.message}" for finding in market.report.warnings]


def signal_of(
    settings: RunConfig,
    panel: MarketPanel,
    provider: AlphaProvider | None = None,
    *,
    store: RefreshStore | None = None,
) -> ProviderSignal | None:
    """Make the signal of a configuration; None where its strategy reads no scores.

    A provider that is handed in has parameters that nobody knows, so that what it learns is not kept.
    """
    rule = RefreshRule.parse(settings.alpha.refresh)
    if provider is not None:
        name = type(provider).__name__
        return ProviderSignal(provider, panel, rule, name, params_hash(name, {}))
    if not uses_signal(settings.strategy.name, settings.base):
        return None
    name = settings.alpha.provider
    cls = load_object(name, ALPHA_SOURCES, settings.base)
    params = handed(cls, settings.alpha.params, seed=settings.seed, llm=settings.resolved_llm())
    made = load_provider(name, params, settings.base)
    return ProviderSignal(made, panel, rule, name, params_hash(name, params, cls), store=store)
