"""The section on what was held: how much, in how many names, in which industries."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import pandas as pd

from engine.report.section import Column, Figure, Format, Section, Series, Table

if TYPE_CHECKING:
    from engine.result import Result

_INDUSTRIES = 7
_TODAY = "Names and industries are today's, not those of the time."


def holdings_section(result: Result) -> Section:
    """Names held, share invested, weights by industry, and the holdings at the end."""
    dates = [f"{d:%Y-%m-%d}" for d in result.equity["date"]]
    count = result.positions.groupby("date").size().reindex(result.equity["date"], fill_value=0)
    invested = 1.0 - result.equity["cash"] / result.equity["equity"]
    figures = [
        _line("Names held", dates, "Names", count.tolist(), Format.INTEGER),
        _line("Share invested", dates, "Invested", invested.tolist(), Format.PERCENT),
    ]
    weights = industry_weights(result)
    if weights is not None:
        figures.append(_industries(dates, weights))
    return Section("Holdings", 40, figures=figures, tables=(_at_the_end(result, dates[-1]),))


def _line(title: str, dates: list[str], name: str, values: Sequence[float], format: Format) -> Figure:
    series = [Series(name, values, colour="accent")]
    return Figure(title, dates, series, format=format, log=None, height=200, width="half")


def industry_weights(result: Result, most: int = _INDUSTRIES) -> pd.DataFrame | None:
    """Weight of equity by session and industry: the `most` largest on average, then the others together.

    None where nothing was held or no industry is known.
    """
    positions = result.positions
    industries = result.panel.instruments.industries
    of = {str(s): str(i) for s, i in zip(result.panel.symbols, industries, strict=True)}
    if positions.empty or not any(of.get(symbol) for symbol in positions["symbol"].unique()):
        return None
    industry = positions["symbol"].map(of).replace("", "Unknown")
    weights = (
        positions.assign(industry=industry)
        .pivot_table(index="date", columns="industry", values="weight", aggfunc="sum", fill_value=0.0)
        .reindex(result.equity["date"], fill_value=0.0)
    )
    means = weights.mean()
    ranked = sorted(weights.columns, key=lambda name: (-means[name], name))
    if len(ranked) <= most + 1:
        return weights[ranked]
    top = weights[ranked[:most]].copy()
    top[f"{len(ranked) - most} others"] = weights[ranked[most:]].sum(axis=1)
    return top


def _industries(dates: list[str], weights: pd.DataFrame) -> Figure:
    names = list(weights.columns)
    other = names[-1] if len(names) > _INDUSTRIES and str(names[-1]).endswith(" others") else None
    return Figure(
        "Weight by industry",
        dates,
        [
            Series(
                str(name),
                weights[name].round(4).tolist(),
                kind="area",
                colour="muted" if name == other else None,
            )
            for name in names
        ],
        format=Format.PERCENT,
        stacked=True,
        height=320,
        note="Share of equity; the rest is cash. Industries are today's, not those of the time.",
    )


def _at_the_end(result: Result, date: str) -> Table:
    positions = result.positions
    last = positions[positions["date"] == result.equity["date"].iloc[-1]].sort_values(
        ["value_cny", "symbol"], ascending=[False, True]
    )
    names = dict(zip(result.panel.symbols, result.panel.instruments.names, strict=True))
    industries = dict(zip(result.panel.symbols, result.panel.instruments.industries, strict=True))
    return Table(
        f"Holdings at the close of {date}",
        (
            Column("Symbol", last["symbol"].tolist()),
            Column("Name", [str(names.get(s, "")) for s in last["symbol"]]),
            Column("Industry", [str(industries.get(s, "")) for s in last["symbol"]]),
            Column("Shares", last["shares"].tolist(), Format.INTEGER),
            Column("Close", last["close"].tolist(), Format.NUMBER),
            Column("Value, CNY", last["value_cny"].tolist(), Format.MONEY),
            Column("Weight", last["weight"].tolist(), Format.PERCENT),
        ),
        note=_TODAY,
    )
