"""Every measure against a second implementation: scipy, pandas, statsmodels, and the house's own metrics."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from evaluation_markets import Reference, alphas, last_view, market

from alpha_sources.evaluation import judge
from engine.metrics import annual_return, max_drawdown, rank_ic, sharpe

SMOOTH = ("noise", "slow", "holes", "few_holes", "foresight", "tails", "signed_tails")


@pytest.fixture(scope="module")
def panel():
    return market()


@pytest.fixture(scope="module")
def given(panel):
    return alphas(panel)


@pytest.fixture(scope="module")
def judged(panel, given):
    return judge(given, last_view(panel), horizon_sessions=3, decay_sessions=5)


@pytest.mark.parametrize("name", [*SMOOTH, "ties"])
def test_ic_of_every_session_and_horizon_is_scipys(panel, given, judged, name):
    reference = Reference(panel, given[name])
    for horizon in (1, 3, 5):
        expected = reference.ic(horizon, "rank_ic")
        np.testing.assert_allclose(judged[name].rank_ics[horizon], expected, atol=1e-12, err_msg=str(horizon))
    np.testing.assert_allclose(judged[name].series["ic"], reference.ic(3, "ic"), atol=1e-12)


def test_rank_ic_is_the_house_metric(panel, given, judged):
    for name, values in given.items():
        reference = Reference(panel, values)
        own = rank_ic(reference.values.to_numpy(), reference.labels(3).to_numpy())
        np.testing.assert_allclose(judged[name].series["rank_ic"], own, atol=1e-14)


@pytest.mark.parametrize("name", SMOOTH)
def test_quantile_returns_are_those_of_qcut(panel, given, judged, name):
    reference = Reference(panel, given[name])
    cut, labels = reference.quantile(), reference.labels(3)
    series = judged[name].series
    for q in range(1, 6):
        np.testing.assert_allclose(series[f"quantile_{q}"], labels.where(cut == q).mean(axis=1), atol=1e-14)
    np.testing.assert_allclose(series["spread"], series["quantile_5"] - series["quantile_1"], atol=0)


def test_tied_values_share_the_lowest_quantile_that_any_of_them_reaches():
    panel = market(names=12, dirt=False)
    values = np.tile([1.0, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 3], (len(panel.dates), 1))
    series = judge(values, last_view(panel), quantiles=3, min_names=3)["alpha_1"].series
    labels = Reference(panel, values, 3, 3).labels(1)
    np.testing.assert_allclose(series["quantile_1"][:-2], labels.iloc[:-2, :11].mean(axis=1))
    assert series["quantile_2"].isna().all()
    np.testing.assert_allclose(series["quantile_3"][:-2], labels.iloc[:-2, 11])


@pytest.mark.parametrize("name", SMOOTH)
def test_turnover_and_rank_autocorrelation(panel, given, judged, name):
    reference = Reference(panel, given[name])
    cut, ranks = reference.quantile(), reference.values.rank(axis=1)
    turnover = np.full(len(cut), np.nan)
    for t in range(1, len(cut)):
        now, before = set(np.flatnonzero(cut.loc[t] == 5)), set(np.flatnonzero(cut.loc[t - 1] == 5))
        if now and before:
            turnover[t] = len(now - before) / len(now)
    series = judged[name].series
    np.testing.assert_allclose(series["turnover"], turnover, atol=1e-15)
    for lag, column in ((1, "rank_autocorrelation"), (3, "rank_autocorrelation_horizon")):
        pairs = (ranks.notna() & ranks.shift(lag).notna()).sum(axis=1)
        expected = ranks.corrwith(ranks.shift(lag), axis=1).where(pairs >= 10)
        np.testing.assert_allclose(series[column], expected, atol=1e-12)


@pytest.mark.parametrize("name", SMOOTH)
def test_exposures_to_size_price_and_industry(panel, given, judged, name):
    reference = Reference(panel, given[name])
    series = judged[name].series
    values = reference.values
    for column, field in (("size", "market_cap"), ("price", "close")):
        # names that are gone keep what was last known of them
        other = pd.DataFrame(np.log(panel.field(field))).ffill()
        expected = np.full(len(values), np.nan)
        for t in range(len(values)):
            pair = pd.concat([values.loc[t], other.loc[t]], axis=1, keys=["x", "y"]).dropna()
            if len(pair) >= 10:
                expected[t] = pair["x"].corr(pair["y"], method="spearman")
        np.testing.assert_allclose(series[column], expected, atol=1e-12)
    industries = panel.instruments.industries
    expected = np.full(len(values), np.nan)
    for t in range(len(values)):
        row = values.loc[t].rank().dropna()
        known = row[industries[row.index] != ""]
        if len(known) >= 10:
            groups = known.groupby(industries[known.index])
            within = float(((known - groups.transform("mean")) ** 2).sum())
            total = float(((known - known.mean()) ** 2).sum())
            n, g = len(known), groups.ngroups
            expected[t] = 1 - (within / (n - g)) / (total / (n - 1))
    np.testing.assert_allclose(series["industry"], expected, atol=1e-12)


def test_coverage_is_the_share_of_members_with_a_value(panel, given, judged):
    members = pd.DataFrame(panel.universe)
    covered = (members & np.isfinite(given["holes"])).sum(axis=1) / members.sum(axis=1)
    np.testing.assert_allclose(judged["holes"].series["coverage"], covered)
    assert judged.frame.loc["holes", "coverage"] == pytest.approx(covered.mean())


def test_paper_portfolio_of_three_tranches_and_its_costs(panel, given, judged):
    """Weights written out: h tranches of equal weights, each replaced after h sessions."""
    from engine.rules.fees import AShareFees

    reference = Reference(panel, given["few_holes"])
    cut = reference.quantile()
    prices = reference.prices
    weights = {}
    for q in (1, 5):
        held = (cut == q).to_numpy(float)
        size = held.sum(axis=1, keepdims=True)
        weights[q] = np.divide(held, size, out=np.zeros_like(held), where=size > 0)
    total = {q: sum(np.pad(w, ((k, 0), (0, 0)))[: len(w)] for k in range(3)) / 3 for q, w in weights.items()}
    earned = np.full(prices.shape, np.nan)
    earned[:-2] = prices[2:] / prices[1:-1] - 1
    gross = {q: np.nansum(np.where(w > 0, earned, 0) * w, axis=1) for q, w in total.items()}
    fees = AShareFees()
    days = panel.dates.astype(np.int64)
    rate = {
        is_buy: np.array(
            [(r.commission + r.stamp_duty + r.transfer_fee) / 1e9 + 5e-4 for r in
             (fees.rates("SH", is_buy, int(day)) for day in days[1:])]
        )
        for is_buy in (True, False)
    }  # fmt: skip
    costs = {}
    for q, w in total.items():
        change = np.diff(w, axis=0, prepend=0)[:-1]
        bought, sold = change.clip(0).sum(axis=1), -change.clip(None, 0).sum(axis=1)
        first, second = (bought, sold) if q == 5 else (sold, bought)
        costs[q] = first * rate[True] + second * rate[False]
    series = judged["few_holes"].series
    for t in range(5, len(prices) - 2):
        assert series["long_top"].iloc[t] == pytest.approx(gross[5][t], abs=1e-14)
        assert series["long_top_net"].iloc[t] == pytest.approx(gross[5][t] - costs[5][t], abs=1e-14)
        assert series["long_short"].iloc[t] == pytest.approx(gross[5][t] - gross[1][t], abs=1e-14)
        net = gross[5][t] - gross[1][t] - costs[5][t] - costs[1][t]
        assert series["long_short_net"].iloc[t] == pytest.approx(net, abs=1e-14)
    assert series["long_top"].iloc[-2:].isna().all()


def test_stamp_duty_falls_in_the_costs_on_its_day():
    panel = market(sessions=480, dirt=False)
    noise = np.random.default_rng(0).normal(size=panel.shape)
    series = judge(noise, last_view(panel), slippage_bps=0.0)["alpha_1"].series
    costs = (series["long_top"] - series["long_top_net"]) / series["turnover"]
    halved = pd.Timestamp("2023-08-28")
    fills = series.index.to_series().shift(-1)
    before = costs[(fills >= "2022-04-29") & (fills < halved)].dropna()
    after = costs[fills >= halved].dropna()
    assert len(before) > 100 and len(after) > 30
    np.testing.assert_allclose(before, 2 * (0.00025 + 0.00001) + 0.001)
    np.testing.assert_allclose(after, 2 * (0.00025 + 0.00001) + 0.0005)


def test_returns_sharpe_and_drawdown_are_the_house_metrics(judged):
    for kind in ("long_top", "long_top_net", "long_short", "long_short_net"):
        returns = judged["foresight"].series[kind].dropna().to_numpy()
        levels = np.cumprod(np.concatenate([[1.0], 1 + returns]))
        row = judged.frame.loc["foresight"]
        assert row[f"{kind}_return"] == pytest.approx(annual_return(levels), rel=1e-12)
        assert row[f"{kind}_sharpe"] == pytest.approx(sharpe(returns), rel=1e-12)
        assert row[f"{kind}_drawdown"] == pytest.approx(max_drawdown(levels), rel=1e-12)


def test_a_foresighted_alpha_is_found_and_noise_is_not(judged):
    frame = judged.frame
    assert frame.loc["foresight", "rank_ic_t"] > 5
    assert frame.loc["foresight", "monotonicity"] == 1.0
    assert abs(frame.loc["noise", "rank_ic_t"]) < 3
    assert frame.loc["foresight", "spread"] > 0.01


def test_monotonicity_is_the_rank_correlation_of_quantile_and_return(judged):
    for name in judged.names:
        curve = judged[name].quantile_curve
        expected = curve.reset_index().corr(method="spearman").iloc[0, 1]
        np.testing.assert_allclose(judged.frame.loc[name, "monotonicity"], expected, atol=1e-14)


@pytest.mark.parametrize(("names", "share"), [(90, 0.5), (90, 0.02), (1100, 0.3), (1100, 0.0)])
def test_many_names_with_few_or_many_values_missing(names, share):
    """Ranks are corrected where few names are missing, and counted anew where many are."""
    panel = market(sessions=12, names=names, seed=3)
    random = np.random.default_rng(1)
    values = np.round(random.normal(size=panel.shape), 2)
    values[random.random(panel.shape) < share] = np.nan
    detail = judge(values, last_view(panel), decay_sessions=4)["alpha_1"]
    reference = Reference(panel, values)
    for horizon in (1, 4):
        own = rank_ic(reference.values.to_numpy(), reference.labels(horizon).to_numpy())
        assert np.isfinite(own).sum() == 12 - 1 - horizon
        np.testing.assert_allclose(detail.rank_ics[horizon], own, atol=1e-13)
    for column, field in (("size", "market_cap"), ("price", "close")):
        other = pd.DataFrame(panel.field(field)).ffill().to_numpy()
        own = rank_ic(reference.values.to_numpy(), other)
        np.testing.assert_allclose(detail.series[column], own, atol=1e-13)


@pytest.mark.parametrize("far", [1e9, -1e9, 1e300, np.float64(5e-324)])
def test_values_crowded_by_one_far_away_are_sorted_all_the_same(far):
    """Keys cannot tell the others apart: what sorts them then is compared with scipy's ranks."""
    panel = market(sessions=12, names=400, dirt=False)
    values = np.random.default_rng(1).normal(size=panel.shape) * (1e-310 if far < 1e-300 and far > 0 else 1.0)
    values[:, 7] = far
    detail = judge(values, last_view(panel))["alpha_1"]
    own = rank_ic(values, Reference(panel, values).labels(1).to_numpy())
    np.testing.assert_allclose(detail.series["rank_ic"], own, atol=1e-13)
