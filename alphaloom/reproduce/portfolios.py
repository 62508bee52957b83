"""Rows of the third question: scores once, then a portfolio for each variant of costs and rules."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from alpha_sources.provider import AlphaProvider
from alpha_sources.signal import ProviderSignal
from alpha_sources.snapshot import Snapshot
from alphaloom.api import backtest, refresh_store, signal_of
from alphaloom.config import RunConfig
from alphaloom.notes import run_honesty
from alphaloom.reproduce.experiment import RowJob, Variant
from alphaloom.reproduce.folder import WorkFolder
from alphaloom.reproduce.unlimited import unlimited
from engine.errors import ProviderError
from engine.market import LoadedMarket, MarketPanel
from engine.market.view import MarketView
from engine.result import Result
from engine.span import resolve_span

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False, slots=True)
class Scores:
    """What a method thought of every name at every decision.

    Parameters
    ----------
    rows : (R,) int array
        Of the panel.
    values : (R, N) float array
    learned : mapping
        What there is to say of its learning, JSON values.
    """

    rows: NDArray[np.int64]
    values: Array
    learned: Mapping[str, Any]


class Replay(AlphaProvider):
    """Scores that were made before."""

    def __init__(self, scores: Scores) -> None:
        self._at = {int(row): values for row, values in zip(scores.rows, scores.values, strict=True)}

    def scores(self, view: MarketView, snapshot: Snapshot | None) -> NDArray[Any]:
        """Give out the row of the view's session."""
        row: Array = self._at[view.t]
        return row


def finish_row(job: RowJob, base: RunConfig, market: LoadedMarket, folder: WorkFolder) -> None:
    """Make what is missing of a row: its scores, and its portfolios one by one.

    Raises
    ------
    AlphaloomError
        As a back-test.
    """
    settings = job.settings(base)
    missing = list(missing_variants(job, settings, folder))
    if not missing:
        return
    replay = None
    if job.method.provider:
        replay = Replay(_scores(job, settings, market, folder))
    _trade(job, settings, missing, market, replay, folder)


def finish_null(job: RowJob, base: RunConfig, market: LoadedMarket, folder: WorkFolder) -> None:
    """Make one random portfolio; its scores are not kept, since they are sooner made than read.

    Raises
    ------
    AlphaloomError
        As a back-test.
    """
    settings = job.settings(base)
    missing = list(missing_variants(job, settings, folder))
    if not missing:
        return
    _trade(job, settings, missing, market, Replay(_drawn(settings, market)), folder)


def _trade(
    job: RowJob,
    settings: RunConfig,
    variants: Sequence[Variant],
    market: LoadedMarket,
    replay: Replay | None,
    folder: WorkFolder,
) -> None:
    """Trade a row's scores under some variants, and write down each portfolio as soon as it is made."""
    free = None
    for variant in variants:
        if not variant.rules and free is None:
            free = unlimited(market, resolve_span(market.panel, settings.span))
        where = market if variant.rules or free is None else free
        result = backtest(variant_settings(settings, variant), panel=where, provider=replay, keep=False)
        folder.write(f"{job.place}/{variant.key}", _record(settings, result))


def missing_variants(job: RowJob, settings: RunConfig, folder: WorkFolder) -> Iterator[Variant]:
    """Yield the variants of a row that are not there yet, or were made of other settings."""
    asked = settings.hash()
    for variant in job.variants:
        record = folder.read(f"{job.place}/{variant.key}")
        if record is None or record.get("config_hash") != asked:
            yield variant


def variant_settings(settings: RunConfig, variant: Variant) -> RunConfig:
    """Return the configuration of a row's variant."""
    return settings.model_copy(update={"broker": variant.broker(settings.broker)})


def _scores(job: RowJob, settings: RunConfig, market: LoadedMarket, folder: WorkFolder) -> Scores:
    """Scores of the folder, or made now and kept there."""
    place, asked = f"{job.place}/scores", settings.hash()
    learned, arrays = folder.read(f"{job.place}/learned"), folder.read_arrays(place)
    if (
        learned is not None
        and arrays is not None
        and learned.get("config_hash") == asked
        and str(arrays["config_hash"]) == asked
    ):
        return Scores(arrays["rows"], arrays["scores"], learned)
    made = _by_stretches(settings, market) if job.shuffled else _walked(settings, market)
    folder.write_arrays(place, {"rows": made.rows, "scores": made.values, "config_hash": np.array(asked)})
    folder.write(f"{job.place}/learned", {"config_hash": asked, **made.learned})
    return made


def _walked(settings: RunConfig, market: LoadedMarket) -> Scores:
    """Walk through the span as a back-test does: refresh when it is due, score, go on."""
    panel = market.panel
    span = resolve_span(panel, settings.span)
    signal = _signal(settings, market, keep=True)
    try:
        rows = range(span.clock_start, span.stop)
        values = np.stack([signal.scores_at(row) for row in rows])
        signal.audit()
        honesty = run_honesty(settings, signal, panel, span)
        learned = {
            "refreshes": [refresh.session for refresh in signal.refreshes],
            "snapshots": [snapshot.hash for snapshot in signal.snapshots],
            "kept": [_kept(snapshot) for snapshot in signal.snapshots if "decision" in snapshot.payload],
            "labels": [label.value for label in honesty.labels],
            "notes": [*signal.notes, *honesty.sentences()],
        }
    finally:
        signal.provider.close()
    return Scores(np.arange(rows.start, rows.stop), values, learned)


def _by_stretches(settings: RunConfig, market: LoadedMarket) -> Scores:
    """Score all sessions from one refresh to the next at once: the same numbers, sooner.

    Raises
    ------
    ProviderError
        If a provider's `scores_panel` gives other numbers on the first session of a stretch.
    """
    panel = market.panel
    span = resolve_span(panel, settings.span)
    signal = _signal(settings, market, keep=True)
    try:
        signal.scores_at(span.clock_start)
        begun, in_force = [span.clock_start], [signal.snapshot]
        for row in range(span.clock_start + 1, span.stop):
            if signal.advance(row) is not None:
                begun.append(row)
                in_force.append(signal.snapshot)
        values = np.concatenate(
            [
                _stretch(signal, panel, snapshot, first, following - 1)
                for snapshot, first, following in zip(in_force, begun, [*begun[1:], span.stop], strict=True)
            ]
        )
        learned = {
            "refreshes": [refresh.session for refresh in signal.refreshes],
            "snapshots": [snapshot.hash for snapshot in signal.snapshots],
        }
    finally:
        signal.provider.close()
    return Scores(np.arange(span.clock_start, span.stop), values, learned)


def _stretch(
    signal: ProviderSignal, panel: MarketPanel, snapshot: Snapshot | None, first: int, last: int
) -> Array:
    """Scores of the rows `first` .. `last` by one snapshot; NaN outside the universe."""
    values = signal.provider.scores_panel(panel.view(last), snapshot, first)
    values = np.where(panel.universe[first : last + 1], values, np.nan)
    alone = np.where(panel.universe[first], signal.provider.scores(panel.view(first), snapshot), np.nan)
    if not np.array_equal(values[0], alone, equal_nan=True):
        raise ProviderError(f"provider {signal.name}: scores_panel() differs from scores()")
    return values


def _drawn(settings: RunConfig, market: LoadedMarket) -> Scores:
    """Scores of a provider that draws once and learns nothing afterwards: all sessions at a time."""
    panel = market.panel
    span = resolve_span(panel, settings.span)
    signal = _signal(settings, market, keep=False)
    signal.scores_at(span.clock_start)
    values = _stretch(signal, panel, signal.snapshot, span.clock_start, span.stop - 1)
    return Scores(np.arange(span.clock_start, span.stop), values, {})


def _signal(settings: RunConfig, market: LoadedMarket, *, keep: bool) -> ProviderSignal:
    signal = signal_of(settings, market.panel, store=refresh_store() if keep else None)
    if signal is None:
        raise ProviderError(f"the strategy {settings.strategy.name} reads no scores; give one that does")
    return signal


def _kept(snapshot: Snapshot) -> dict[str, Any]:
    """Which seeds a committee had in force, from a snapshot of the woven provider."""
    return {
        "as_of": snapshot.as_of,
        "chosen": snapshot.payload["alphas_as_of"],
        "names": list(snapshot.payload["decision"]["kept"]),
    }


def _record(settings: RunConfig, result: Result) -> dict[str, Any]:
    """What is kept of a portfolio; `levels` begin at the close before the span, CNY; `refused` by reason."""
    left_out = {"name", "config_hash", "signal_hash"}
    orders = result.orders
    refused = Counter(orders.loc[orders["status"] == "rejected", "reason"].dropna().tolist())
    return {
        "config_hash": settings.hash(),
        "metrics": {key: value for key, value in result.metrics.items() if key not in left_out},
        "refused": dict(sorted(refused.items())),
        "levels": [round(float(level), 2) for level in result.levels],
        "warnings": list(result.warnings),
    }
