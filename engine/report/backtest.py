"""The pages of a back-test's report: what a result says, as sections."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import yaml

from engine import metrics as m
from engine.report.definitions import DEFINITIONS
from engine.report.render import render
from engine.report.section import Column, Figure, Format, HeatMap, Section, Series, Table
from engine.report.trading import actions_section, refusals_section, trades_section

if TYPE_CHECKING:
    from engine.result import Result

_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def backtest_report(result: Result) -> str:
    """Return the report of a back-test as one HTML page."""
    numbers = result.metrics
    subtitle = f"{numbers['start']} to {numbers['end']}, {numbers['sessions']} sessions"
    footer = (
        f"Alphaloom {numbers['version']}",
        f"config {numbers['config_hash'][:12]}",
        f"data {numbers['data_hash'][:12]}",
    )
    return render(numbers["name"], subtitle, backtest_sections(result), footer=footer)


def backtest_sections(result: Result) -> list[Section]:
    """All sections of a back-test, the provider's own among them."""
    sections = [
        _overview(result),
        _performance(result),
        _months(result),
        _costs(result),
        _holdings(result),
        _signal(result),
        trades_section(result),
        refusals_section(result),
        actions_section(result),
        _settings(result),
        *result.sections,
    ]
    return [section for section in sections if section is not None]


def _overview(result: Result) -> Section:
    n = result.metrics
    cards: list[tuple[str, Any, Format]] = [
        ("Total return", n["total_return"], Format.PERCENT),
        ("Benchmark", n["benchmark_total_return"], Format.PERCENT),
        ("Excess return", n["excess_return"], Format.PERCENT),
        ("Annual return", n["annual_return"], Format.PERCENT),
        ("Volatility", n["annual_volatility"], Format.PERCENT),
        ("Sharpe", n["sharpe"], Format.NUMBER),
        ("Max drawdown", n["max_drawdown"], Format.PERCENT),
        ("Information ratio", n["information_ratio"], Format.NUMBER),
        ("Rank IC", n["rank_ic_mean"], Format.PRECISE),
        ("Win rate", n["win_rate"], Format.PERCENT),
        ("Turnover a year", n["turnover_annual"], Format.NUMBER),
        ("Costs", n["cost_total"], Format.MONEY),
    ]
    notes = ["Returns are after commission, stamp duty, transfer fee and slippage."]
    if result.benchmark is not None:
        notes.append(_about_the_index(result))
    notes += [_sentence(warning) for warning in result.warnings]
    return Section("Overview", 0, notes=notes, cards=cards)


def _about_the_index(result: Result) -> str:
    said = "The benchmark is a price index: it leaves out dividends, which the portfolio receives."
    if result.benchmark_with_dividends is None:
        return said
    grown = m.total_return(result.benchmark_with_dividends)
    plain = result.metrics["benchmark_total_return"]
    return (
        f"{said} With its members' dividends reinvested it made an estimated {grown:+.2%} "
        f"instead of {plain:+.2%}."
    ).replace("-", "−")


def _sentence(text: str) -> str:
    return text[0].upper() + text[1:] + ("" if text.endswith(".") else ".")


def _performance(result: Result) -> Section:
    dates = _with_base(result)
    series = [Series("Portfolio", _relative(result.levels), colour="accent")]
    under = [Series("Portfolio", m.drawdowns(result.levels).tolist(), kind="area", colour="accent")]
    if result.benchmark is not None:
        series.append(Series(f"{_index(result)}", _relative(result.benchmark), colour="muted"))
        under.append(Series(f"{_index(result)}", m.drawdowns(result.benchmark).tolist(), colour="muted"))
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


def _months(result: Result) -> Section:
    figures = [_monthly("Monthly return of the portfolio", result, result.levels)]
    if result.benchmark is not None:
        figures.append(
            _monthly("Monthly return minus the benchmark's", result, result.levels, result.benchmark)
        )
    return Section("Months", 20, figures=figures)


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


def _costs(result: Result) -> Section:
    frame = result.equity.assign(month=result.equity["date"].dt.strftime("%Y-%m"))
    by_month = frame.groupby("month")
    months = [str(month) for month in by_month.groups]
    fills, n = result.fills, result.metrics
    base = result.levels[0]
    parts = {
        "Commission": float(fills["commission"].sum()),
        "Stamp duty": float(fills["stamp_duty"].sum()),
        "Transfer fee": float(fills["transfer_fee"].sum()),
        "Slippage (within the fill prices)": n["slippage_total"],
        "Dividend tax": n["dividend_tax_total"],
    }
    years = max(n["sessions"] / m.SESSIONS_A_YEAR, 1e-9)
    mean_equity = float(result.equity["equity"].mean())
    table = Table(
        "What trading cost",
        (
            Column("Item", [*parts, "Total"]),
            Column("CNY", [*parts.values(), sum(parts.values())], Format.MONEY),
            Column(
                "of mean equity, a year",
                [value / mean_equity / years for value in (*parts.values(), sum(parts.values()))],
                Format.PERCENT,
            ),
            Column(
                "of starting cash",
                [value / base for value in (*parts.values(), sum(parts.values()))],
                Format.PERCENT,
            ),
        ),
    )
    return Section(
        "Turnover and costs",
        30,
        figures=(
            Figure(
                "Turnover by month, one way",
                months,
                [Series("Turnover", by_month["turnover"].sum().tolist(), kind="bar", colour="accent")],
                format=Format.PERCENT,
                height=240,
                width="half",
            ),
            Figure(
                "Fees by month, CNY",
                months,
                [Series("Fees", by_month["cost"].sum().tolist(), kind="bar", colour="muted")],
                format=Format.MONEY,
                height=240,
                width="half",
            ),
        ),
        tables=(table,),
    )


def _holdings(result: Result) -> Section:
    dates = [f"{d:%Y-%m-%d}" for d in result.equity["date"]]
    positions = result.positions
    count = positions.groupby("date").size().reindex(result.equity["date"], fill_value=0)
    invested = 1.0 - result.equity["cash"] / result.equity["equity"]
    last = positions[positions["date"] == result.equity["date"].iloc[-1]].sort_values(
        "value_cny", ascending=False
    )
    names = dict(zip(result.panel.symbols, result.panel.instruments.names, strict=True))
    industries = dict(zip(result.panel.symbols, result.panel.instruments.industries, strict=True))
    table = Table(
        f"Holdings at the close of {dates[-1]}",
        (
            Column("Symbol", last["symbol"].tolist()),
            Column("Name", [str(names.get(s, "")) for s in last["symbol"]]),
            Column("Industry", [str(industries.get(s, "")) for s in last["symbol"]]),
            Column("Shares", last["shares"].tolist(), Format.INTEGER),
            Column("Close", last["close"].tolist(), Format.NUMBER),
            Column("Value, CNY", last["value_cny"].tolist(), Format.MONEY),
            Column("Weight", last["weight"].tolist(), Format.PERCENT),
        ),
        note="Names and industries are today's, not those of the time.",
    )
    return Section(
        "Holdings",
        40,
        figures=(
            Figure(
                "Names held",
                dates,
                [Series("Names", count.tolist(), colour="accent")],
                format=Format.INTEGER,
                height=200,
                width="half",
            ),
            Figure(
                "Share invested",
                dates,
                [Series("Invested", invested.tolist(), colour="accent")],
                format=Format.PERCENT,
                height=200,
                width="half",
            ),
        ),
        tables=(table,),
    )


def _signal(result: Result) -> Section | None:
    ic = result.ic.dropna()
    if ic.empty:
        return None
    monthly = ic.groupby(pd.DatetimeIndex(ic.index).strftime("%Y-%m")).mean()
    error = float(ic.std(ddof=1) / np.sqrt(len(ic))) if len(ic) > 1 else float("nan")
    return Section(
        "Signal",
        50,
        notes=(
            "Rank IC of the scores with the return from the open at which they were traded to the next "
            f"open: mean {ic.mean():.4f}, standard error {error:.4f}, positive on {(ic > 0).mean():.0%} of "
            f"{len(ic)} sessions.",
        ),
        figures=(
            Figure(
                "Mean rank IC by month",
                list(monthly.index),
                [Series("Rank IC", monthly.tolist(), kind="bar", colour="accent")],
                format=Format.PRECISE,
                height=240,
            ),
        ),
    )


def _settings(result: Result) -> Section:
    text = yaml.safe_dump(dict(result.config), sort_keys=False, allow_unicode=True, width=100)
    lines = [line for line in text.splitlines() if line.strip()]
    return Section(
        "Settings and definitions",
        90,
        tables=(
            Table("Configuration", (Column("YAML", [_indented(line) for line in lines]),), page=100),
            Table(
                "Definitions",
                (Column("Measure", list(DEFINITIONS)), Column("Meaning", list(DEFINITIONS.values()))),
            ),
        ),
    )


def _indented(line: str) -> str:
    spaces = len(line) - len(line.lstrip())
    return "\u2003" * (spaces // 2) + line.lstrip()


def _index(result: Result) -> str:
    return str(result.config.get("benchmark") or "Benchmark")


def _relative(levels: np.ndarray) -> list[float]:
    return (levels / levels[0]).tolist()  # type: ignore[no-any-return]


def _with_base(result: Result) -> list[str]:
    """Dates of the levels: the session before the span, then the span's."""
    start = result.span.start
    base = result.panel.dates[start - 1] if start else result.panel.dates[0] - np.timedelta64(1, "D")
    return [str(base), *(f"{d:%Y-%m-%d}" for d in result.equity["date"])]
