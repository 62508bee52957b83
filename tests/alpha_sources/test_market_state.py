"""The state of a market: causal, bounded in memory, and what its definitions say."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from alpha_sources.evaluation.regimes import classify
from alpha_sources.market_state import (
    FEATURES,
    Feature,
    MarketState,
    market_features,
    market_state,
)
from engine.errors import DataError

INDEX = "000016.SH"
SESSIONS = 420


@pytest.fixture(scope="module")
def world(make_panel):
    """Twelve names of which some join and leave, one listed late, a gap in the index, and amounts."""
    symbols = tuple(f"6000{i:02d}.SH" for i in range(12))
    panel = make_panel(sessions=SESSIONS, start="2021-01-04", symbols=symbols, seed=3)
    random = np.random.default_rng(4)
    close = panel.field("close").copy()
    close[:150, 11] = np.nan
    universe = np.ones(panel.shape, dtype=bool)
    universe[:200, 0] = universe[260:, 1] = universe[:150, 11] = False
    level = 3000.0 * np.exp(np.cumsum(random.normal(0, 0.01, SESSIONS)))
    level[77] = np.nan
    amount = np.where(np.isfinite(close), random.lognormal(18, 0.5, panel.shape), np.nan)
    return replace(
        panel,
        fields={**panel.fields, "close": close, "amount": amount},
        universe=universe,
        indices={INDEX: {"close": level}},
    )


def state_of(panel, index_symbol=INDEX):
    return market_state(panel.view(len(panel.dates) - 1), index_symbol)


def column(state: MarketState, feature: Feature):
    return state.values[:, state.names.index(feature)]


@pytest.mark.parametrize("index_symbol", [INDEX, None])
def test_what_comes_later_changes_no_bit_of_a_row(world, index_symbol):
    whole = state_of(world, index_symbol)
    for t in (0, 4, 60, 81, 119, 121, 253, 300, 333, SESSIONS - 2):
        cut = market_state(world.truncate(t).view(t), index_symbol)
        assert cut.values.tobytes() == whole.values[: t + 1].tobytes()
        np.testing.assert_array_equal(cut.regimes, whole.regimes[: t + 1])
        assert market_state(world.view(t), index_symbol).values.tobytes() == cut.values.tobytes()


def test_a_row_forgets_what_lies_before_its_windows(world):
    whole = state_of(world)
    start = 100
    late = replace(
        world,
        dates=world.dates[start:],
        fields={name: values[start:] for name, values in world.fields.items()},
        universe=world.universe[start:],
        universe_known=world.universe_known[start:],
        indices={INDEX: {"close": world.indices[INDEX]["close"][start:]}},
    )
    np.testing.assert_array_equal(state_of(late).values[253:], whole.values[start + 253 :])


def test_every_feature_is_what_its_definition_says(world):
    state = state_of(world)
    level = pd.Series(world.indices[INDEX]["close"]).ffill()
    daily = level.pct_change()
    usual = daily.rolling(252, min_periods=60).std()
    recent = daily.rolling(20).std()
    returns = pd.DataFrame(world.adjusted("close")).pct_change(fill_method=None)
    members = returns.where(world.universe)
    number = members.count(axis=1)
    product = number * members.mean(axis=1) ** 2 - (members**2).mean(axis=1)
    whole = (number - 1) * (members**2).mean(axis=1)
    amount = pd.DataFrame(world.field("amount"))
    week, quarter = amount.rolling(5).mean(), amount.rolling(60).mean()
    both = quarter.notna() & world.universe
    adjusted = pd.DataFrame(world.adjusted("close"))
    mean = adjusted.rolling(60).mean()
    strong = (adjusted > mean).where(world.universe & mean.notna())
    expected = {
        **{f"index_return_{h}": (level / level.shift(h) - 1) / usual / np.sqrt(h) for h in (5, 20, 60)},
        Feature.VOLATILITY_20: np.log(recent * np.sqrt(252) / 0.2),
        Feature.VOLATILITY_RATIO: np.log(recent / usual),
        Feature.BREADTH: 2 * strong.astype(float).mean(axis=1) - 1,
        Feature.DISPERSION_20: np.log(members.std(axis=1).rolling(20).mean() / 0.02),
        Feature.CORRELATION_20: 2 * product.rolling(20).sum() / whole.rolling(20).sum() - 1,
        Feature.AMOUNT_RATIO: np.log(week.where(both).sum(axis=1) / quarter.where(both).sum(axis=1)),
        Feature.DRAWDOWN_120: (level / level.rolling(120).max() - 1) / usual / np.sqrt(120),
    }
    assert set(expected) == set(state.names)
    for name, values in expected.items():
        values = values.replace([np.inf, -np.inf], np.nan)
        np.testing.assert_allclose(column(state, name), values, rtol=1e-9, atol=1e-12, err_msg=name)


def test_the_correlation_is_the_mean_of_all_pairs_where_variances_are_equal(world):
    """n m² − q over (n − 1) q is the mean product of pairs over the mean square."""
    returns = world.adjusted("close")[1:] / world.adjusted("close")[:-1] - 1
    t = SESSIONS - 1
    names = np.flatnonzero(world.universe[t - 19 :].all(axis=0))
    kept = replace(world, universe=np.isin(np.arange(12), names) & np.ones(world.shape, dtype=bool))
    last = returns[-20:, names]
    products = last.T @ last
    off = products.sum() - np.trace(products)
    expected = off / ((len(names) - 1) * np.trace(products))
    assert column(state_of(kept), Feature.CORRELATION_20)[-1] == pytest.approx(2 * expected - 1)


def test_the_regimes_are_those_of_the_classifier(world):
    np.testing.assert_array_equal(state_of(world).regimes, classify(world.view(SESSIONS - 1), INDEX))


def test_without_an_index_the_members_are_their_own(world):
    returns = pd.DataFrame(world.adjusted("close")).pct_change(fill_method=None).to_numpy(copy=True)
    returns[1:][~world.universe[:-1]] = np.nan
    level = np.cumprod(np.r_[1.0, 1 + np.nanmean(returns[1:], axis=1)])
    own = replace(world, indices={INDEX: {"close": level}})
    np.testing.assert_allclose(state_of(world, None).values, state_of(own).values, rtol=1e-7)
    np.testing.assert_array_equal(state_of(world, None).regimes, state_of(own).regimes)


def test_a_regime_has_lasted_since_the_last_session_of_another():
    def lasting(*codes: int) -> int:
        empty = np.empty((len(codes), 0))
        return MarketState((), empty, np.array(codes, dtype=np.int8)).sessions_in_regime

    assert lasting(0, 0, 1, 4, 4, 4) == 3
    assert lasting(4, 4, 1) == 1
    assert lasting(2, 2, 2) == 3


def test_what_is_unknown_is_nan_and_none(world):
    short = world.truncate(3)
    state = state_of(short)
    assert np.isnan(state.values).all() and state.regime.label == "unknown"
    assert set(state.latest().values()) == {None}
    fields = {name: values for name, values in world.fields.items() if name != "amount"}
    without = state_of(replace(world, fields=fields))
    assert np.isnan(column(without, Feature.AMOUNT_RATIO)).all()
    assert np.isfinite(column(without, Feature.BREADTH)[-1])


def test_an_index_that_stands_still_has_no_comparable_return(world):
    still = replace(world, indices={INDEX: {"close": np.full(SESSIONS, 3000.0)}})
    assert np.isnan(column(state_of(still), Feature.RETURN_20)).all()


def test_a_market_without_prices_or_the_index_is_refused(world):
    with pytest.raises(DataError, match=r"no index field 000300\.SH"):
        state_of(world, "000300.SH")
    bare = replace(world, fields={"volume": world.field("close")})
    with pytest.raises(DataError, match="no field 'close'"):
        state_of(bare)


@pytest.mark.parametrize("index_symbol", [INDEX, None])
def test_the_features_alone_are_those_of_the_state(world, index_symbol):
    view = world.view(SESSIONS - 1)
    features = market_features(view, index_symbol)
    assert features.tobytes() == market_state(view, index_symbol).values.tobytes()
    assert features.shape[1] == len(FEATURES)
