"""The section on closed round trips: how they came out, and how long they were held."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from engine.report.contributors import names_of
from engine.report.section import Column, Figure, Format, Section, Series, Table
from engine.round_trips import RoundTrip

if TYPE_CHECKING:
    from engine.result import Result

_PERIODS = (1, 2, 3, 4, 5, 10, 20, 40, 80)
"""Last session of each class of holding periods; a last class takes what is longer."""

_STEPS = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0)
_BINS = 44


class Period(NamedTuple):
    """Round trips of one class of holding periods."""

    label: str
    trips: tuple[RoundTrip, ...]

    @property
    def profit_cny(self) -> float:
        """Profit of all of them together."""
        return sum(trip.profit_fen for trip in self.trips) / 100


def trips_section(result: Result) -> Section | None:
    """How round trips came out; None where none was closed."""
    trips = result.round_trips
    if not trips:
        return None
    returns = np.array([returned(trip) for trip in trips])
    periods = by_period(trips)
    return Section(
        "Round trips",
        46,
        notes=(_in_words(trips, returns),),
        figures=(
            _distribution(returns),
            *_holding_periods(periods),
        ),
        tables=(_period_table(periods), _all(result, returns)),
    )


def returned(trip: RoundTrip) -> float:
    """Profit over what was paid in."""
    return trip.profit_fen / trip.invested_fen if trip.invested_fen else 0.0


def sessions_held(trip: RoundTrip) -> int:
    """Closes between the first purchase and the last sale."""
    return trip.closed - trip.opened


def by_period(trips: Sequence[RoundTrip]) -> list[Period]:
    """Round trips by how long they were held, from the first class to the last that has any."""
    classes: list[list[RoundTrip]] = [[] for _ in range(len(_PERIODS) + 1)]
    for trip in trips:
        classes[int(np.searchsorted(_PERIODS, sessions_held(trip)))].append(trip)
    while classes and not classes[-1]:
        classes.pop()
    return [Period(_label(i), tuple(found)) for i, found in enumerate(classes)]


def histogram(returns: np.ndarray) -> tuple[list[str], list[int], list[int]]:
    """Labels of bins of a round width about zero, with the counts of losses and of gains.

    The bins span the 1st to the 99th percentile; what lies beyond is counted in the outermost ones.
    """
    low, high = np.percentile(returns, [1, 99])
    reach = max(abs(low), abs(high), 1e-9)
    step = next((s for s in _STEPS if 2 * reach / s <= _BINS), _STEPS[-1])
    first, last = int(np.floor(min(low, 0) / step)), int(np.ceil(max(high, step) / step))
    place = np.clip(np.floor(returns / step).astype(int), first, last - 1) - first
    gains = np.bincount(place[returns > 0], minlength=last - first)
    rest = np.bincount(place[returns <= 0], minlength=last - first)
    labels = [_percents(edge * step, step) for edge in range(first, last)]
    if returns.min() < first * step:
        labels[0] = "below " + _percents((first + 1) * step, step)
    if returns.max() >= last * step:
        labels[-1] = "from " + labels[-1]
    return labels, rest.tolist(), gains.tolist()


def _percents(value: float, step: float) -> str:
    text = f"{value * 100:.{0 if step >= 0.01 else 1}f}%"
    return text.replace("-", "−")


def _distribution(returns: np.ndarray) -> Figure:
    labels, losses, gains = histogram(returns)
    return Figure(
        "Round trips by return",
        labels,
        [Series("Loss", losses, kind="bar", colour="down"), Series("Gain", gains, kind="bar", colour="up")],
        format=Format.INTEGER,
        stacked=True,
        height=260,
        note="Each bar starts at the return written under it. After fees and taxes, with dividends.",
    )


def _holding_periods(periods: Sequence[Period]) -> list[Figure]:
    labels = [period.label for period in periods]
    profits = [period.profit_cny for period in periods]
    return [
        Figure(
            "Round trips by sessions held",
            labels,
            [Series("Round trips", [len(p.trips) for p in periods], kind="bar", colour="accent")],
            format=Format.INTEGER,
            height=240,
            width="half",
        ),
        Figure(
            "Profit by sessions held, CNY",
            labels,
            [
                Series("Loss", [min(p, 0.0) or None for p in profits], kind="bar", colour="down"),
                Series("Profit", [max(p, 0.0) or None for p in profits], kind="bar", colour="up"),
            ],
            format=Format.MONEY,
            stacked=True,
            height=240,
            width="half",
        ),
    ]


def _period_table(periods: Sequence[Period]) -> Table:
    some = [period for period in periods if period.trips]
    return Table(
        "By holding period",
        (
            Column("Sessions held", [p.label for p in some]),
            Column("Round trips", [len(p.trips) for p in some], Format.INTEGER),
            Column(
                "won", [sum(t.profit_fen > 0 for t in p.trips) / len(p.trips) for p in some], Format.PERCENT
            ),
            Column(
                "Mean return",
                [float(np.mean([returned(t) for t in p.trips])) for p in some],
                Format.PERCENT,
                tint=True,
            ),
            Column(
                "Median return",
                [float(np.median([returned(t) for t in p.trips])) for p in some],
                Format.PERCENT,
            ),
            Column("Profit, CNY", [p.profit_cny for p in some], Format.MONEY, tint=True),
        ),
    )


def _all(result: Result, returns: np.ndarray) -> Table:
    trips, names, dates = result.round_trips, names_of(result), result.panel.dates
    order = sorted(range(len(trips)), key=lambda i: (-trips[i].closed, trips[i].symbol))
    chosen = [trips[i] for i in order]
    return Table(
        "All round trips",
        (
            Column("Closed", [str(dates[t.closed]) for t in chosen], Format.DATE),
            Column("Opened", [str(dates[t.opened]) for t in chosen], Format.DATE),
            Column("Symbol", [t.symbol for t in chosen]),
            Column("Name", [names.get(t.symbol, "") for t in chosen]),
            Column("Sessions", [sessions_held(t) for t in chosen], Format.INTEGER),
            Column("Paid in, CNY", [t.invested_fen / 100 for t in chosen], Format.MONEY),
            Column("Profit, CNY", [t.profit_fen / 100 for t in chosen], Format.MONEY),
            Column("Return", [round(float(returns[i]), 6) for i in order], Format.PERCENT, tint=True),
        ),
        note="Newest first; a heading sorts. Names are today's.",
        page=15,
    )


def _in_words(trips: Sequence[RoundTrip], returns: np.ndarray) -> str:
    won, lost = returns[returns > 0], returns[returns < 0]
    gained = sum(t.profit_fen for t in trips if t.profit_fen > 0)
    given = -sum(t.profit_fen for t in trips if t.profit_fen < 0)
    held = np.array([sessions_held(trip) for trip in trips])
    parts = [
        f"{len(trips):,} closed round trips, {len(won) / len(trips):.0%} with a gain",
        f"held {np.median(held):.0f} sessions in the median, {held.mean():.1f} on average",
        f"median return {np.median(returns):+.2%}",
    ]
    if len(won) and len(lost):
        parts.append(f"an average gain of {won.mean():.2%} against an average loss of {-lost.mean():.2%}")
    if given:
        parts.append(f"{gained / given:.2f} CNY gained for each CNY lost")
    return ("; ".join(parts) + ".").replace("-", "−")


def _label(position: int) -> str:
    if position == len(_PERIODS):
        return f"> {_PERIODS[-1]}"
    last = _PERIODS[position]
    first = _PERIODS[position - 1] + 1 if position else 0
    if not position:
        return "1"
    return str(last) if first == last else f"{first}–{last}"
