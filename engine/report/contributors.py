"""The section on what each name added to the equity."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING

from engine.contributions import Contribution, contributions
from engine.report.section import Column, Figure, Format, Section, Series, Table

if TYPE_CHECKING:
    from engine.result import Result

_SHOWN = 10


def contributors_section(result: Result) -> Section | None:
    """Best and worst names, and all of them in a table; None where nothing was held."""
    rows = contributions(result.journal)
    if not rows:
        return None
    gains = [row for row in rows if row.profit_fen > 0]
    losses = [row for row in reversed(rows) if row.profit_fen < 0]
    figures = [
        _ranking(result, title, chosen[:_SHOWN], colour)
        for title, chosen, colour in (("Best, CNY", gains, "up"), ("Worst, CNY", losses, "down"))
        if chosen
    ]
    earned = sum(row.profit_fen for row in rows) / 100
    return Section(
        "Contributors",
        44,
        notes=(
            f"{len(gains)} of {len(rows)} names earned, {len(losses)} lost; together {_signed(earned)} CNY, "
            "which is the final equity minus the starting cash. A name's profit is after fees and taxes, "
            "with its dividends, and counts what is still held at its last close.",
        ),
        figures=figures,
        tables=(_table(result, rows),),
    )


def names_of(result: Result) -> dict[str, str]:
    """Names by symbol, empty where unknown."""
    panel = result.panel
    return {str(s): str(n) for s, n in zip(panel.symbols, panel.instruments.names, strict=True)}


def _ranking(result: Result, title: str, rows: Sequence[Contribution], colour: str) -> Figure:
    names = names_of(result)
    labels = [names.get(row.symbol) or row.symbol for row in rows]
    repeated = {label for label, times in Counter(labels).items() if times > 1}
    labels = [
        f"{label} {row.symbol}" if label in repeated else label
        for label, row in zip(labels, rows, strict=True)
    ]
    return Figure(
        title,
        labels,
        [Series("Profit", [row.profit_fen / 100 for row in rows], kind="bar", colour=colour)],
        format=Format.MONEY,
        horizontal=True,
        height=60 + 24 * len(rows),
        width="half",
    )


def _table(result: Result, rows: Sequence[Contribution]) -> Table:
    names = names_of(result)
    trips = Counter(trip.symbol for trip in result.round_trips)
    won = Counter(trip.symbol for trip in result.round_trips if trip.profit_fen > 0)
    base = result.levels[0]
    return Table(
        "Profit by name",
        (
            Column("Symbol", [row.symbol for row in rows]),
            Column("Name", [names.get(row.symbol, "") for row in rows]),
            Column("Profit, CNY", [row.profit_fen / 100 for row in rows], Format.MONEY, tint=True),
            Column("of starting cash", [row.profit_fen / 100 / base for row in rows], Format.PERCENT),
            Column("Dividends", [row.dividends_fen / 100 for row in rows], Format.MONEY),
            Column("Fees and taxes", [row.fees_fen / 100 for row in rows], Format.MONEY),
            Column("Sessions held", [row.sessions for row in rows], Format.INTEGER),
            Column("Fills", [row.fills for row in rows], Format.INTEGER),
            Column("Round trips", [trips[row.symbol] for row in rows], Format.INTEGER),
            Column(
                "won",
                [won[row.symbol] / trips[row.symbol] if trips[row.symbol] else None for row in rows],
                Format.PERCENT,
            ),
            Column("Held at the end", [row.value_fen / 100 or None for row in rows], Format.MONEY),
        ),
        note="Names are today's. Slippage lies in the fill prices.",
    )


def _signed(value: float) -> str:
    return f"{value:+,.2f}".replace("-", "−")
