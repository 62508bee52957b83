"""Regimes: causal, small, stated."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from evaluation_markets import INDEX, last_view, market

from alpha_sources.evaluation import Regime, RegimeRules, Stress, Trend, classify, judge
from alpha_sources.evaluation.regimes import members_above_mean
from engine.errors import ConfigError, DataError

SHORT = RegimeRules(
    trend_sessions=10, breadth_sessions=5, volatility_sessions=5, history_sessions=60, history_least=10
)


def with_index(panel, level, close=None):
    fields = dict(panel.fields)
    if close is not None:
        fields["close"] = close
    return replace(panel, fields=fields, indices={INDEX: {"close": np.asarray(level, dtype=float)}})


def steady(panel, step):
    """An index and all its members that move by the same step every session, with a little noise."""
    T, N = panel.shape
    random = np.random.default_rng(0)
    level = 3000 * np.exp(np.cumsum(step + random.normal(0, 0.001, T)))
    return with_index(panel, level, 10 * np.exp(step * np.arange(T))[:, None] * np.ones((1, N)))


@pytest.mark.parametrize(
    ("step", "regime"),
    [(0.01, Regime.BULL_CALM), (-0.01, Regime.BEAR_CALM), (0.0, Regime.SIDEWAYS_CALM)],
)
def test_a_market_that_only_rises_is_bull_and_one_that_only_falls_is_bear(step, regime):
    panel = steady(market(sessions=80, names=12, dirt=False), step)
    codes = classify(last_view(panel), INDEX, SHORT)
    known = codes[20:]
    # now and then five calm days are shakier than the median of calm days
    assert (known == regime).mean() > 0.6
    assert set(known // 2) == {regime // 2}


def test_a_rise_that_few_members_take_part_in_is_sideways():
    panel = steady(market(sessions=80, names=12, dirt=False), 0.01)
    close = panel.field("close").copy()
    close[:, 2:] = close[::-1, 2:]
    codes = classify(last_view(with_index(panel, panel.indices[INDEX]["close"], close)), INDEX, SHORT)
    assert {Regime(c).trend for c in codes[20:]} == {Trend.SIDEWAYS}


def test_a_market_that_begins_to_shake_is_stressed_until_it_is_used_to_it():
    random = np.random.default_rng(1)
    steps = random.normal(0, 0.005, 200)
    steps[100:] *= 4
    panel = with_index(market(sessions=200, names=12, dirt=False), 3000 * np.exp(np.cumsum(steps)))
    codes = classify(last_view(panel), INDEX, SHORT)
    stressed = np.array([Regime(c).stress is Stress.STRESSED for c in codes])
    assert stressed[105:125].all()
    assert stressed[40:100].mean() < 0.4
    assert stressed[170:].mean() < 0.5


def test_before_its_windows_are_full_the_market_is_unknown():
    codes = classify(last_view(market(sessions=120)), INDEX)
    # 20 returns, and 60 volatilities to compare with
    assert (codes[:79] == Regime.UNKNOWN).all()
    assert (codes[79:] != Regime.UNKNOWN).all()


@pytest.mark.parametrize("t", [25, 60, 118])
def test_what_comes_later_changes_nothing(t):
    panel = market()
    whole = classify(last_view(panel), INDEX, SHORT)
    np.testing.assert_array_equal(classify(panel.truncate(t).view(t), INDEX, SHORT), whole[: t + 1])
    np.testing.assert_array_equal(classify(panel.view(t), INDEX, SHORT), whole[: t + 1])
    level = panel.indices[INDEX]["close"].copy()
    level[t + 1 :] = 1.0
    np.testing.assert_array_equal(
        classify(last_view(with_index(panel, level)), INDEX, SHORT)[: t + 1], whole[: t + 1]
    )


def test_breadth_counts_members_on_adjusted_prices():
    panel = market(sessions=40, names=12)
    share = members_above_mean(last_view(panel), 5)
    close = panel.field("close") * panel.field("adj_factor")
    for t in range(4, 40):
        mean = close[t - 4 : t + 1].mean(axis=0)
        counted = panel.universe[t] & np.isfinite(mean)
        assert share[t] == pytest.approx((close[t] > mean * (1 + 1e-15))[counted].mean())


def test_a_session_without_an_index_close_keeps_the_last_one():
    panel = market()
    level = panel.indices[INDEX]["close"].copy()
    level[50] = np.nan
    filled = level.copy()
    filled[50] = filled[49]
    np.testing.assert_array_equal(
        classify(last_view(with_index(panel, level)), INDEX, SHORT),
        classify(last_view(with_index(panel, filled)), INDEX, SHORT),
    )


def test_regimes_are_a_trend_and_a_stress():
    for trend in Trend:
        for stress in Stress:
            regime = Regime.of(trend, stress)
            assert (regime.trend, regime.stress, regime.label) == (trend, stress, f"{trend}_{stress}")
    assert (Regime.UNKNOWN.trend, Regime.UNKNOWN.stress) == (None, None)


def test_measures_by_regime_year_and_range_are_those_of_their_sessions():
    panel = market(sessions=160)
    values = np.random.default_rng(0).normal(size=panel.shape)
    ranges = {"spring": ("2022-03-01", "2022-04-30"), "never": ("2019-01-01", "2019-12-31")}
    judged = judge(values, last_view(panel), regimes=SHORT, ranges=ranges)
    assert judged.index_symbol == INDEX
    series = judged["alpha_1"].series
    codes = classify(last_view(panel), INDEX, SHORT)
    for regime in Regime:
        if regime is not Regime.UNKNOWN:
            row = judged.by("regime").loc[("alpha_1", regime.label)]
            mine = series[codes == regime]
            assert row["rank_ic_sessions"] == mine["rank_ic"].notna().sum()
            np.testing.assert_allclose(row["rank_ic_mean"], mine["rank_ic"].mean())
            np.testing.assert_allclose(row["turnover"], mine["turnover"].mean())
    years = judged["alpha_1"].table("year")
    assert list(years.index) == ["2021", "2022"]
    for year in years.index:
        np.testing.assert_allclose(years.loc[year, "spread"], series.loc[year]["spread"].mean())
        drawn = np.cumprod(1 + series.loc[year]["long_top_net"].fillna(0))
        deepest = (drawn / np.maximum(drawn.cummax(), 1) - 1).min()
        np.testing.assert_allclose(years.loc[year, "long_top_net_drawdown"], deepest)
    spring = judged["alpha_1"].table("range").loc["spring"]
    np.testing.assert_allclose(spring["coverage"], series["2022-03-01":"2022-04-30"]["coverage"].mean())
    assert judged["alpha_1"].table("range").loc["never", "rank_ic_sessions"] == 0
    trends = judged["alpha_1"].table("trend")["rank_ic_sessions"].sum()
    assert trends == judged["alpha_1"].table("stress")["rank_ic_sessions"].sum()


def test_no_such_index_and_no_such_threshold_are_refused():
    with pytest.raises(DataError, match=r"no index field 999999\.SH"):
        classify(last_view(market(sessions=40)), "999999.SH")
    with pytest.raises(ConfigError, match=r"regimes\.trend_sessions: 0 is no whole number from 1 to 2500"):
        RegimeRules(trend_sessions=0)
    with pytest.raises(ConfigError, match="history_least: larger"):
        RegimeRules(history_sessions=20, history_least=60)
    with pytest.raises(ConfigError, match=r"stress_ratio: nan is no number from 0 to 100"):
        RegimeRules(stress_ratio=float("nan"))
