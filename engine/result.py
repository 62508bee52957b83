"""`Result`: what a back-test earned, and everything needed to check it."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import yaml

from engine import metrics as m
from engine.benchmark import benchmark_levels, with_dividends
from engine.broker.journal import Journal
from engine.collector import rare_collections
from engine.market.panel import MarketPanel
from engine.report.section import Section
from engine.round_trips import RoundTrip, round_trips
from engine.run_folder import RunFolder
from engine.runner import RunLog
from engine.span import Span
from engine.tables import (
    equity_frame,
    events_frame,
    fills_frame,
    orders_frame,
    positions_frame,
    rejected_orders,
)

#: Rows whose information coefficient is computed at a time.
_IC_ROWS = 128
_FEES = ("commission_fen", "stamp_duty_fen", "transfer_fee_fen")


@dataclass(frozen=True, eq=False)
class Result:
    """The outcome of a back-test; print it, look at its frames, or save it.

    Attributes
    ----------
    metrics : dict
        The numbers of ``result.json``; None where a measure is undefined.
    equity, fills, orders, positions, events : DataFrame
        As in the run folder's Parquet files; all but the first are made when they are first asked for.
    config : mapping
        The configuration the run was made from, defaults filled in.
    run : mapping
        What does not belong to the result proper: timings, versions, paths, warnings.
    folders : mapping of str to callable
        Folders that others write into the run folder, by name; called with their path.
    """

    metrics: dict[str, Any]
    equity: pd.DataFrame
    panel: MarketPanel = field(repr=False)
    span: Span
    journal: Journal = field(repr=False)
    levels: np.ndarray = field(repr=False)
    benchmark: np.ndarray | None = field(repr=False)
    benchmark_with_dividends: np.ndarray | None = field(repr=False)
    ic: pd.Series[Any] = field(repr=False)
    config: Mapping[str, Any] = field(default_factory=dict, repr=False)
    run: Mapping[str, Any] = field(default_factory=dict, repr=False)
    warnings: Sequence[str] = ()
    sections: Sequence[Section] = field(default=(), repr=False)
    analyzers: Any = field(default=None, repr=False)
    folders: Mapping[str, Callable[[Path], None]] = field(default_factory=dict, repr=False)

    def __repr__(self) -> str:
        return f"Result of {self.metrics['name']!r}\n{self.summary()}"

    @cached_property
    def fills(self) -> pd.DataFrame:
        """One row per fill."""
        return fills_frame(self.panel, self.journal)

    @cached_property
    def orders(self) -> pd.DataFrame:
        """One row per order, filled or not."""
        return orders_frame(self.panel, self.journal, self.fills)

    @cached_property
    def positions(self) -> pd.DataFrame:
        """One row per session of the span and name held, at the close."""
        return positions_frame(self.panel, self.journal, self.span.start)

    @cached_property
    def events(self) -> pd.DataFrame:
        """What moved cash and shares besides trades."""
        return events_frame(self.panel, self.journal)

    @cached_property
    def round_trips(self) -> list[RoundTrip]:
        """Closed round trips."""
        return round_trips(self.journal)

    def summary(self) -> str:
        """Return the headline numbers as an aligned text table."""
        from engine.summary import summary_rows

        rows = summary_rows(self)
        left = max(len(label) for label, _ in rows)
        right = max(len(value) for _, value in rows)
        return "\n".join(f"{label:<{left}}  {value:>{right}}" for label, value in rows)

    def report_html(self) -> str:
        """Return the report as one self-contained HTML page."""
        from engine.report.backtest import backtest_report

        return backtest_report(self)

    def save(self, folder: str | Path) -> Path:
        """Write the run folder: all of it or, on failure, nothing.

        Raises
        ------
        OutputError
            If the folder is not empty or cannot be written.
        """
        with RunFolder(Path(folder)) as out:
            (out / "config.yaml").write_text(
                yaml.safe_dump(dict(self.config), sort_keys=False, allow_unicode=True), encoding="utf-8"
            )
            (out / "result.json").write_text(_json(self.metrics), encoding="utf-8")
            (out / "run.json").write_text(
                _json({**self.run, "warnings": list(self.warnings)}), encoding="utf-8"
            )
            for name in ("equity", "fills", "orders", "positions", "events"):
                getattr(self, name).to_parquet(out / f"{name}.parquet", index=False)
            for name, write in self.folders.items():
                write(out / name)
            (out / "report.html").write_text(self.report_html(), encoding="utf-8")
        return Path(folder)


@rare_collections()
def make_result(
    panel: MarketPanel,
    log: RunLog,
    span: Span,
    *,
    name: str,
    benchmark: str | None,
    used_scores: Mapping[int, np.ndarray] | None,
    hashes: Mapping[str, str],
    config: Mapping[str, Any],
    run: Mapping[str, Any],
    warnings: Sequence[str] = (),
    sections: Sequence[Section] = (),
    labels: Sequence[str] = (),
    folders: Mapping[str, Callable[[Path], None]] | None = None,
) -> Result:
    """Measure a run.

    Parameters
    ----------
    used_scores : mapping of row to (N,) scores, optional
        What the strategy traded on, for the information coefficient.
    hashes : mapping
        ``config_hash`` and ``version``; the data's hash is added.
    folders : mapping, optional
        See `Result`.
    labels : sequence of str
        What must be held against the numbers, such as ``contaminated``; without any there is no such key.
    """
    journal = log.journal
    cash_fen = round(log.broker.config.cash * 100)
    index = benchmark_levels(panel, benchmark, span) if benchmark else None
    equity = equity_frame(panel, journal, span, cash_fen, index)
    levels = np.append(cash_fen / 100, equity["equity"].to_numpy())
    ic = _information_coefficient(panel, span, used_scores)
    ic_mean, icir = m.mean_and_ir(np.asarray(ic, dtype=np.float64))
    trips = round_trips(journal)
    numbers = {
        "name": name,
        "start": str(panel.dates[span.start]),
        "end": str(panel.dates[span.stop]),
        **_measures(levels, index, equity),
        "win_rate": m.win_rate([t.profit_fen for t in trips]),
        "rank_ic_mean": ic_mean,
        "rank_icir": icir,
        "sessions": span.sessions,
        "fills": sum([price is not None for price in journal.trades.column("price_fen")]),
        "rejected": rejected_orders(journal),
        **_money(journal),
        "data_hash": panel.data_hash,
        **hashes,
        **({"labels": list(labels)} if labels else {}),
    }
    return Result(
        metrics={key: _null(value) for key, value in numbers.items()},
        equity=equity,
        panel=panel,
        span=span,
        journal=journal,
        levels=levels,
        benchmark=index,
        benchmark_with_dividends=None if index is None else with_dividends(panel, index, span),
        ic=ic,
        config=config,
        run=run,
        warnings=warnings,
        sections=sections,
        folders=folders or {},
        analyzers=log.strategy.analyzers,
    )


def _measures(levels: np.ndarray, index: np.ndarray | None, equity: pd.DataFrame) -> dict[str, float]:
    out = m.performance(levels)
    out["turnover_annual"] = float(equity["turnover"].mean() * m.SESSIONS_A_YEAR)
    out["final_equity"] = float(levels[-1])
    if index is None:
        names = ("benchmark_total_return", "excess_return", "information_ratio", "beta")
        return out | dict.fromkeys(names, float("nan"))
    return out | m.against(levels, index)


def _money(journal: Journal) -> dict[str, float]:
    total = {name: sum(journal.trades.column(name)) for name in (*_FEES, "slippage_fen", "tax_fen")}
    ex_dates = [event for _, event in journal.ex_dates]
    return {
        "cost_total": sum(total[name] for name in _FEES) / 100,
        "slippage_total": total["slippage_fen"] / 100,
        "dividends_total": sum(e.cash_fen for e in ex_dates) / 100,
        "dividend_tax_total": total["tax_fen"] / 100,
        "ex_date_rounding": sum(e.rounding_fen for e in ex_dates) / 100,
    }


def _information_coefficient(
    panel: MarketPanel, span: Span, used: Mapping[int, np.ndarray] | None
) -> pd.Series[Any]:
    """Rank IC of the scores used at t with the return from open t+1 to open t+2, members only."""
    rows = [row for row in sorted(used or {}) if row + 2 <= span.stop]
    if not rows or used is None:
        return pd.Series([], index=pd.DatetimeIndex([]), dtype=float)
    values = [_rank_ic(panel, used, rows[i : i + _IC_ROWS]) for i in range(0, len(rows), _IC_ROWS)]
    dates = pd.DatetimeIndex(panel.dates[rows].astype("datetime64[ms]"))
    return pd.Series(np.concatenate(values), index=dates)


def _rank_ic(panel: MarketPanel, used: Mapping[int, np.ndarray], rows: list[int]) -> np.ndarray:
    """Rank IC of some rows: few at a time, so that no second panel is needed to hold their returns."""
    opens, factor = panel.field("open"), panel.field("adj_factor")
    bought, sold = np.array(rows) + 1, np.array(rows) + 2
    forward = opens[sold] * factor[sold] / (opens[bought] * factor[bought]) - 1.0
    return m.rank_ic(np.array([used[row] for row in rows]), forward)


def _null(value: Any) -> Any:
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value


def _json(value: Any) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False) + "\n"
