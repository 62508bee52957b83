"""The report of a run: every section agrees with the run it speaks of."""

from __future__ import annotations

from collections import Counter, defaultdict

import numpy as np
import pytest

from alpha_sources.provider import AlphaProvider
from alphaloom import backtest, load_panel
from engine import metrics as m
from engine.contributions import contributions
from engine.market import MarketPanel
from engine.report import Candles, Figure, Section
from engine.report.backtest import backtest_sections
from engine.report.holdings import industry_weights
from engine.report.trips import by_period, histogram, returned, sessions_held
from engine.result import Result


@pytest.fixture(scope="module")
def panel() -> MarketPanel:
    return load_panel("sse50")


@pytest.fixture(scope="module")
def result(panel: MarketPanel) -> Result:
    return backtest("quickstart", panel=panel)


@pytest.fixture(scope="module")
def sections(result: Result) -> dict[str, Section]:
    return {section.title: section for section in backtest_sections(result)}


def figure(section: Section, title: str) -> Figure:
    return next(f for f in section.figures if isinstance(f, Figure) and f.title.startswith(title))


def test_profits_of_all_names_are_what_the_equity_gained_to_the_fen(result: Result) -> None:
    gained = round(result.levels[-1] * 100) - round(result.levels[0] * 100)
    assert sum(row.profit_fen for row in contributions(result.journal)) == gained


def test_the_profit_of_a_name_that_was_sold_is_that_of_its_round_trips(result: Result) -> None:
    trips: dict[str, int] = defaultdict(int)
    for trip in result.round_trips:
        trips[trip.symbol] += trip.profit_fen
    sold = [row for row in contributions(result.journal) if not row.value_fen]
    assert len(sold) > 30
    assert all(row.profit_fen == trips[row.symbol] for row in sold)


def test_sessions_fills_and_dividends_by_name_are_those_of_the_run(result: Result) -> None:
    rows = contributions(result.journal)
    assert {r.symbol: r.sessions for r in rows} == Counter(result.positions["symbol"])
    assert {r.symbol: r.fills for r in rows} == Counter(result.fills["symbol"])
    assert sum(r.dividends_fen for r in rows) == round(result.metrics["dividends_total"] * 100)
    assert sum(r.fees_fen for r in rows) == round(result.metrics["cost_total"] * 100)


def test_industry_weights_and_cash_are_the_whole_equity(result: Result) -> None:
    weights = industry_weights(result)
    assert weights is not None
    cash = (result.equity["cash"] / result.equity["equity"]).to_numpy()
    assert np.allclose(weights.sum(axis=1) + cash, 1.0)
    assert len(weights.columns) == 8
    assert str(weights.columns[-1]).endswith(" others")
    means = weights.mean().to_numpy()[:-1]
    assert (np.diff(means) <= 0).all(), "the largest industry comes first"


def test_a_rolling_measure_starts_when_its_window_is_full(
    result: Result, sections: dict[str, Section]
) -> None:
    returns, of_index = m.returns_of(result.levels), m.returns_of(result.benchmark)
    for title, last in (
        ("Sharpe", m.sharpe(returns[-252:])),
        ("Beta", m.beta(returns[-252:], of_index[-252:])),
    ):
        short, long = figure(sections["Rolling measures"], title).series
        assert list(short.values[:59]) == [None] * 59
        assert short.values[59] is not None
        assert list(long.values[:251]) == [None] * 251
        assert long.values[-1] == last


def test_costs_by_month_add_up_to_all_costs(result: Result, sections: dict[str, Section]) -> None:
    costs = figure(sections["Turnover and costs"], "Costs by month")
    total = sum(value for series in costs.series for value in series.values)
    assert total == pytest.approx(result.metrics["cost_total"] + result.metrics["slippage_total"], abs=0.01)
    assert len(costs.x) == 36


def test_every_round_trip_is_in_one_class_of_holding_periods(result: Result) -> None:
    periods = by_period(result.round_trips)
    assert sum(len(period.trips) for period in periods) == len(result.round_trips)
    by_label = {period.label: period for period in periods}
    assert {sessions_held(trip) for trip in by_label["1"].trips} == {1}
    assert {sessions_held(trip) for trip in by_label["6–10"].trips} <= set(range(6, 11))
    assert periods[-1].trips


def test_the_histogram_counts_every_round_trip_on_its_side_of_zero(result: Result) -> None:
    returns = np.array([returned(trip) for trip in result.round_trips])
    labels, losses, gains = histogram(returns)
    assert sum(losses) == (returns <= 0).sum()
    assert sum(gains) == (returns > 0).sum()
    zero = labels.index("0%")
    assert not any(gains[:zero])
    assert sum(losses[zero + 1 :]) == 0
    assert 12 <= len(labels) <= 46


@pytest.mark.parametrize("returns", [[0.0], [0.5], [-0.2], [3.0, -0.9], [0.01] * 5])
def test_the_histogram_of_a_few_round_trips_loses_none(returns: list[float]) -> None:
    labels, losses, gains = histogram(np.array(returns))
    assert sum(losses) + sum(gains) == len(returns)
    assert len(labels) == len(losses) == len(gains)


def test_k_lines_hold_every_name_with_all_its_fills(result: Result, sections: dict[str, Section]) -> None:
    (candles,) = sections["K-lines"].figures
    assert isinstance(candles, Candles)
    assert {bars.symbol for bars in candles.names} == set(result.fills["symbol"])
    assert sum(len(bars.trades) for bars in candles.names) == len(result.fills)
    closes = {(bars.symbol, i) for bars in candles.names for a, b in bars.held for i in range(a, b + 1)}
    assert len(closes) == len(result.positions)
    biggest = max(contributions(result.journal), key=lambda row: abs(row.profit_fen))
    assert candles.names[0].symbol == biggest.symbol


def test_three_years_of_the_sse_50_stay_well_under_three_megabytes(result: Result) -> None:
    html = result.report_html()
    assert len(html.encode()) < 2_000_000
    assert html == result.report_html()


def test_a_short_run_has_no_rolling_measures(panel: MarketPanel) -> None:
    sets = ["span.start=2023-11-01", "span.end=2023-12-31"]
    short = backtest("quickstart", sets=sets, panel=panel)
    assert "Rolling measures" not in {section.title for section in backtest_sections(short)}


class Silent(AlphaProvider):
    def scores(self, view, snapshot):  # type: ignore[no-untyped-def]
        return np.full(len(view.symbols), np.nan)


def test_a_run_without_a_trade_still_has_a_report(panel: MarketPanel) -> None:
    sets = ["span.start=2023-12-01", "span.end=2023-12-31"]
    idle = backtest("quickstart", sets=sets, panel=panel, provider=Silent())
    titles = {section.title for section in backtest_sections(idle)}
    assert not titles & {"Contributors", "Round trips", "K-lines"}
    assert "Nothing was traded." in idle.report_html()
