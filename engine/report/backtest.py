"""The pages of a back-test's report: what a result says, as sections."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import yaml

from engine import metrics as m
from engine.report.contributors import contributors_section
from engine.report.costs import costs_section
from engine.report.definitions import DEFINITIONS
from engine.report.holdings import holdings_section
from engine.report.klines import klines_section
from engine.report.performance import months_section, performance_section, rolling_section
from engine.report.render import render
from engine.report.section import Column, Figure, Format, Section, Series, Table
from engine.report.setup import setup_line
from engine.report.trading import actions_section, refusals_section, trades_section
from engine.report.trips import trips_section

if TYPE_CHECKING:
    from engine.result import Result


def backtest_report(result: Result) -> str:
    """Return the report of a back-test as one HTML page."""
    numbers = result.metrics
    subtitle = f"{numbers['start']} to {numbers['end']}, {numbers['sessions']} sessions"
    footer = (
        f"Alphaloom {numbers['version']}",
        f"config {numbers['config_hash'][:12]}",
        f"data {numbers['data_hash'][:12]}",
    )
    about = setup_line(result)
    return render(numbers["name"], subtitle, backtest_sections(result), about=about, footer=footer)


def backtest_sections(result: Result) -> list[Section]:
    """All sections of a back-test, the provider's own among them."""
    sections = [
        _overview(result),
        performance_section(result),
        rolling_section(result),
        months_section(result),
        costs_section(result),
        holdings_section(result),
        contributors_section(result),
        trips_section(result),
        klines_section(result),
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
