"""The numbers of ``result.json`` as a reader sees them: name, format, and which way is better."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

from engine.report.section import Format


@dataclass(frozen=True, slots=True)
class Measure:
    """One key of ``result.json``; `better` is None where neither direction is."""

    key: str
    label: str
    format: Format
    better: Literal["high", "low"] | None = None


MEASURES: Final = (
    Measure("total_return", "Total return", Format.PERCENT, "high"),
    Measure("benchmark_total_return", "Benchmark", Format.PERCENT),
    Measure("excess_return", "Excess return", Format.PERCENT, "high"),
    Measure("annual_return", "Annual return", Format.PERCENT, "high"),
    Measure("annual_volatility", "Volatility", Format.PERCENT, "low"),
    Measure("sharpe", "Sharpe", Format.NUMBER, "high"),
    Measure("sortino", "Sortino", Format.NUMBER, "high"),
    Measure("calmar", "Calmar", Format.NUMBER, "high"),
    Measure("max_drawdown", "Max drawdown", Format.PERCENT, "high"),
    Measure("max_drawdown_sessions", "Sessions under water", Format.INTEGER, "low"),
    Measure("information_ratio", "Information ratio", Format.NUMBER, "high"),
    Measure("beta", "Beta", Format.NUMBER),
    Measure("rank_ic_mean", "Rank IC", Format.PRECISE, "high"),
    Measure("rank_icir", "ICIR", Format.PRECISE, "high"),
    Measure("win_rate", "Win rate", Format.PERCENT, "high"),
    Measure("turnover_annual", "Turnover a year", Format.NUMBER),
    Measure("cost_total", "Fees, CNY", Format.MONEY, "low"),
    Measure("slippage_total", "Slippage, CNY", Format.MONEY, "low"),
    Measure("dividends_total", "Dividends, CNY", Format.MONEY),
    Measure("dividend_tax_total", "Dividend tax, CNY", Format.MONEY),
    Measure("ex_date_rounding", "Rounding on ex-dates, CNY", Format.MONEY),
    Measure("final_equity", "Final equity, CNY", Format.MONEY, "high"),
    Measure("sessions", "Sessions", Format.INTEGER),
    Measure("fills", "Fills", Format.INTEGER),
    Measure("rejected", "Refused", Format.INTEGER),
)

BY_KEY: Final = {measure.key: measure for measure in MEASURES}
