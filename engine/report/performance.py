"""Sections on what was earned and when: performance, months, rolling measures."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from engine import metrics as m
from engine.report.section import Figure, Format, HeatMap, Section, Series

if TYPE_CHECKING:
    from engine.result import Result

_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_WINDOWS = (60, 252)


def performance_section(result: Result) -> Section:
    """Value of 1 CNY and drawdown, beside the benchmark's."""
    dates = _with_base(result)
    series = [Series("Portfolio", _relative(result.levels), colour="accent")]
    under = [Series("Portfolio", m.drawdowns(result.levels).tolist(), kind="area", colour="accent")]
    if result.benchmark is not None:
        series.append(Series(_index(result), _relative(result.benchmark), colour="muted"))
        under.append(Series(_index(result), m.drawdowns(result.benchmark).tolist(), colour="muted"))
    if result.benchmark_with_dividends is not None:
        name = f"{_index(result)} with dividends (estimate)"
        series.append(Series(name, _relative(result.benchmark_with_dividends)))
    return Section(
        "Performance",
        10,
        figures=(
            Figure("Value of 1 CNY", dates, series, height=380),
            Figure("Drawdown", dates, under, format=Format.PERCENT, height=220),
        ),
    )


def months_section(result: Result) -> Section:
    """Returns by month and year."""
    figures = [_monthly("Monthly return of the portfolio", result, result.levels)]
    if result.benchmark is not None:
        figures.append(
            _monthly("Monthly return minus the benchmark's", result, result.levels, result.benchmark)
        )
    return Section("Months", 20, figures=figures)


def rolling_section(result: Result) -> Section | None:
    """Sharpe and beta over windows of 60 and 252 sessions; None where the run is shorter than the first."""
    returns = m.returns_of(result.levels)
    windows = [window for window in _WINDOWS if len(returns) >= window]
    if not windows:
        return None
    dates = [f"{d:%Y-%m-%d}" for d in result.equity["date"]]
    figures = [_rolling_figure("Sharpe", dates, windows, lambda i, j: m.sharpe(returns[i:j]))]
    if result.benchmark is not None:
        of_index = m.returns_of(result.benchmark)
        figures.append(
            _rolling_figure(
                f"Beta to {_index(result)}", dates, windows, lambda i, j: m.beta(returns[i:j], of_index[i:j])
            )
        )
    note = "Each point looks back over the last 60 or 252 sessions, and starts when there are as many."
    return Section("Rolling measures", 15, notes=(note,), figures=figures)


def _rolling_figure(
    title: str, dates: list[str], windows: list[int], measure: Callable[[int, int], float]
) -> Figure:
    # the long window is the one to read: the short one stands behind it
    series = [
        Series(
            f"{window} sessions",
            [None] * (window - 1) + [measure(end - window, end) for end in range(window, len(dates) + 1)],
            colour="accent" if window == windows[-1] else "muted",
        )
        for window in windows
    ]
    return Figure(title, dates, series, log=None, height=240, width="half")


def _monthly(title: str, result: Result, levels: np.ndarray, minus: np.ndarray | None = None) -> HeatMap:
    months, years = _by_period(result, levels)
    if minus is not None:
        other_months, other_years = _by_period(result, minus)
        months = {key: value - other_months[key] for key, value in months.items()}
        years = {key: value - other_years[key] for key, value in years.items()}
    rows = sorted(years)
    values = [[*(months.get((year, month)) for month in range(1, 13)), years[year]] for year in rows]
    return HeatMap(title, [str(year) for year in rows], [*_MONTHS, "Year"], values, totals=1)


def _by_period(result: Result, levels: np.ndarray) -> tuple[dict[tuple[int, int], float], dict[int, float]]:
    """Returns by (year, month) and by year; the first level is the base before the span."""
    dates = pd.DatetimeIndex(result.equity["date"])
    growth = (levels[1:] / levels[:-1]).tolist()
    months: dict[tuple[int, int], float] = {}
    years: dict[int, float] = {}
    for date, factor in zip(dates, growth, strict=True):
        key = (date.year, date.month)
        months[key] = months.get(key, 1.0) * factor
        years[date.year] = years.get(date.year, 1.0) * factor
    return {k: v - 1.0 for k, v in months.items()}, {k: v - 1.0 for k, v in years.items()}


def _index(result: Result) -> str:
    return str(result.config.get("benchmark") or "Benchmark")


def _relative(levels: np.ndarray) -> list[float]:
    return (levels / levels[0]).tolist()  # type: ignore[no-any-return]


def _with_base(result: Result) -> list[str]:
    """Dates of the levels: the session before the span, then the span's."""
    start = result.span.start
    base = result.panel.dates[start - 1] if start else result.panel.dates[0] - np.timedelta64(1, "D")
    return [str(base), *(f"{d:%Y-%m-%d}" for d in result.equity["date"])]
