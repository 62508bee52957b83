"""The headline numbers of a result as rows of text, for the terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from engine.result import Result


def summary_rows(result: Result) -> list[tuple[str, str]]:
    """(label, value) pairs in reading order; an undefined measure is an en dash."""
    m = result.metrics
    asked, _, costs = str(result.run.get("llm", {}).get("line", "")).partition(": ")
    rows = [
        ("Span", f"{m['start']} .. {m['end']} ({m['sessions']} sessions)"),
        ("Final equity", _money(m["final_equity"])),
        ("Total return", _percent(m["total_return"])),
        ("Benchmark", _percent(m["benchmark_total_return"])),
        ("Excess return", _percent(m["excess_return"])),
        ("Annual return", _percent(m["annual_return"])),
        ("Annual volatility", _share(m["annual_volatility"])),
        ("Sharpe", _number(m["sharpe"])),
        (
            "Max drawdown",
            f"{_percent(m['max_drawdown'])} ({m['max_drawdown_sessions']} sessions under water)",
        ),
        ("Information ratio", _number(m["information_ratio"])),
        ("Rank IC / ICIR", f"{_number(m['rank_ic_mean'], 4)} / {_number(m['rank_icir'], 3)}"),
        ("Win rate", _share(m["win_rate"])),
        ("Turnover a year", f"{_number(m['turnover_annual'], 1)}×"),
        ("Costs", f"{_money(m['cost_total'])} and {_money(m['slippage_total'])} slippage"),
        ("Fills / refused", f"{m['fills']:,} / {m['rejected']:,}"),
        ("Labels", ", ".join(m.get("labels", ()))),
        (asked, costs),
    ]
    return [(label, value) for label, value in rows if value]


def _percent(value: Any) -> str:
    return "–" if value is None else f"{value:+.2%}"


def _share(value: Any) -> str:
    return "–" if value is None else f"{value:.2%}"


def _number(value: Any, digits: int = 2) -> str:
    return "–" if value is None else f"{value:.{digits}f}"


def _money(value: Any) -> str:
    return "–" if value is None else f"{value:,.0f} CNY"
