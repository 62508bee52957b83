"""Every measure against a formula of its own, in pandas and plain Python."""

from __future__ import annotations

import math
import statistics

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from engine import metrics as m
from engine.errors import ShapeError

LEVELS = st.lists(st.floats(10.0, 1000.0), min_size=3, max_size=60).map(np.array)


def close_to(value: float) -> object:
    return pytest.approx(value, rel=1e-9, abs=1e-12, nan_ok=True)


# -- by hand


def test_measures_of_four_days_worked_out_by_hand() -> None:
    levels = np.array([100.0, 110.0, 99.0, 108.9])
    returns = m.returns_of(levels)
    assert returns == pytest.approx([0.1, -0.1, 0.1])
    assert m.total_return(levels) == pytest.approx(0.089)
    assert m.annual_return(levels) == pytest.approx(1.089**84 - 1)
    # mean 1/30; deviations 2/30, −4/30, 2/30: variance (4 + 16 + 4) / 900 / 2 = 1/75
    assert m.annual_volatility(returns) == pytest.approx(math.sqrt(252 / 75))
    assert m.sharpe(returns) == pytest.approx((1 / 30) / math.sqrt(1 / 75) * math.sqrt(252))
    assert m.sortino(returns) == pytest.approx((1 / 30) / math.sqrt(0.01 / 3) * math.sqrt(252))
    assert m.drawdowns(levels) == pytest.approx([0.0, 0.0, -0.1, -0.01])
    assert m.max_drawdown(levels) == pytest.approx(-0.1)
    assert m.max_drawdown_sessions(levels) == 2
    assert m.calmar(levels) == pytest.approx((1.089**84 - 1) / 0.1)


def test_sse_50_fell_by_11_73_percent_in_2023() -> None:
    assert m.total_return(np.array([2635.25, 2500.0, 2326.17])) == pytest.approx(-0.1173, abs=5e-5)


@pytest.mark.parametrize(
    ("levels", "sessions"),
    [
        ([1, 2, 3], 0),
        ([3, 2, 1, 2], 3),
        ([3, 2, 3, 2, 2.5, 4], 2),  # back at the old high is out of the water
        ([3, 1, 2, 4, 3, 3.5, 3.9, 4.1], 3),
    ],
)
def test_the_longest_stretch_under_water(levels: list[float], sessions: int) -> None:
    assert m.max_drawdown_sessions(np.array(levels, dtype=float)) == sessions


# -- against pandas


@settings(deadline=None)
@given(LEVELS)
def test_returns_and_risk_equal_pandas(levels: np.ndarray) -> None:
    series = pd.Series(levels)
    returns = series.pct_change().dropna()
    assert m.returns_of(levels) == pytest.approx(returns.to_numpy(), rel=1e-12, abs=1e-15)
    growth = (1 + returns).prod()
    assert 1 + m.total_return(levels) == close_to(growth)
    assert 1 + m.annual_return(levels) == pytest.approx(growth ** (252 / len(returns)), rel=1e-6)
    assert m.annual_volatility(returns.to_numpy()) == close_to(returns.std() * 252**0.5)
    if returns.std() > 1e-10:
        assert m.sharpe(returns.to_numpy()) == close_to(returns.mean() / returns.std() * 252**0.5)
    downside = math.sqrt(sum(min(r, 0) ** 2 for r in returns) / len(returns))
    if downside > 1e-10:
        assert m.sortino(returns.to_numpy()) == close_to(returns.mean() / downside * 252**0.5)
    fall = series / series.cummax() - 1
    assert m.max_drawdown(levels) == close_to(fall.min())
    if fall.min() < 0:
        assert m.calmar(levels) == close_to(m.annual_return(levels) / -fall.min())


@settings(deadline=None)
@given(arrays(np.float64, (2, 30), elements=st.floats(-0.1, 0.1)))
def test_beta_and_information_ratio_equal_pandas(pair: np.ndarray) -> None:
    ours, index = pd.Series(pair[0]), pd.Series(pair[1])
    if index.var() > 1e-12:
        assert m.beta(pair[0], pair[1]) == pytest.approx(ours.cov(index) / index.var(), rel=1e-6, abs=1e-9)
    active = ours - index
    if active.std() > 1e-10:
        assert m.information_ratio(pair[0], pair[1]) == close_to(active.mean() / active.std() * 252**0.5)


def test_an_index_against_itself_has_beta_one_and_no_information_ratio() -> None:
    returns = np.array([0.01, -0.02, 0.005])
    assert m.beta(returns, returns) == pytest.approx(1.0)
    assert math.isnan(m.information_ratio(returns, returns))


def test_measures_that_are_undefined_are_nan() -> None:
    flat = np.full(5, 100.0)
    still = m.returns_of(flat)
    for value in (m.sharpe(still), m.sortino(still), m.calmar(flat), m.beta(still, still)):
        assert math.isnan(value)
    one = np.array([100.0])
    for value in (m.total_return(one), m.annual_return(one), m.annual_volatility(one[:0]), m.sharpe(one[:0])):
        assert math.isnan(value)
    assert math.isnan(m.annual_return(np.array([100.0, -1.0])))
    assert math.isnan(m.annual_volatility(np.array([0.01])))
    assert math.isnan(m.sharpe(np.full(5, 0.1)))  # float noise is no risk


# -- rank IC


SCORES = st.one_of(st.just(math.nan), st.integers(0, 5).map(float), st.floats(-1, 1))


@settings(deadline=None)
@given(arrays(np.float64, (4, 14), elements=SCORES), arrays(np.float64, (4, 14), elements=SCORES))
def test_rank_ic_equals_pandas_spearman_with_ties_and_gaps(scores: np.ndarray, forward: np.ndarray) -> None:
    found = m.rank_ic(scores, forward, min_names=5)
    for i in range(4):
        pairs = pd.DataFrame({"x": scores[i], "y": forward[i]}).dropna()
        ranks = pairs.rank()
        if len(pairs) < 5 or ranks["x"].nunique() == 1 or ranks["y"].nunique() == 1:
            assert math.isnan(found[i])
        else:
            # pandas' spearman itself wants scipy: it is the Pearson correlation of average ranks
            assert found[i] == pytest.approx(ranks["x"].corr(ranks["y"]), abs=1e-12)


def test_rank_ic_sees_order_alone() -> None:
    up = np.arange(12.0)[None, :]
    assert m.rank_ic(up, np.exp(up)) == pytest.approx([1.0])
    assert m.rank_ic(up, -(up**3)) == pytest.approx([-1.0])


def test_rank_ic_by_hand_with_a_tie() -> None:
    """Ranks 1, 2.5, 2.5, 4 against 1, 2, 3, 4: covariance 4.5, variances 4.5 and 5."""
    scores = np.array([[10.0, 20.0, 20.0, 30.0]])
    forward = np.array([[-0.02, 0.0, 0.01, 0.03]])
    assert m.rank_ic(scores, forward, min_names=4) == pytest.approx([4.5 / math.sqrt(4.5 * 5.0)])


def test_rank_ic_needs_enough_names() -> None:
    row = np.arange(9.0)[None, :]
    assert math.isnan(m.rank_ic(row, row)[0])
    assert m.rank_ic(row, row, min_names=9)[0] == pytest.approx(1.0)


def test_rank_ic_of_unequal_shapes_is_refused() -> None:
    with pytest.raises(ShapeError, match=r"\(2, 3\).*\(2, 4\)"):
        m.rank_ic(np.zeros((2, 3)), np.zeros((2, 4)))


LEVELS = st.sampled_from([1.0, 2.0, 2.5, -3.0, 0.0, 7.0, math.nan])


@settings(deadline=None)
@given(st.lists(st.tuples(LEVELS, LEVELS), min_size=2, max_size=12))
def test_rank_ic_with_ties_and_gaps_is_that_of_pandas(pairs: list[tuple[float, float]]) -> None:
    frame = pd.DataFrame(pairs, columns=["scores", "forward"]).dropna()
    scores, forward = np.array(pairs).T[:, None, :]
    ranks = frame.rank()
    flat = len(frame) < 2 or bool((ranks.nunique() < 2).any())
    expected = math.nan if flat else ranks.corr().iloc[0, 1]
    assert m.rank_ic(scores, forward, min_names=1) == pytest.approx([expected], nan_ok=True)


# -- summaries


@settings(deadline=None)
@given(st.lists(st.one_of(st.just(math.nan), st.floats(-1, 1)), min_size=1, max_size=30))
def test_mean_and_ir_leave_gaps_out(values: list[float]) -> None:
    known = [v for v in values if not math.isnan(v)]
    mean, ir = m.mean_and_ir(np.array(values))
    assert mean == close_to(statistics.fmean(known) if known else math.nan)
    if len(known) < 2:
        assert math.isnan(ir)
    elif statistics.stdev(known) > 1e-10:
        assert ir == close_to(statistics.fmean(known) / statistics.stdev(known))


def test_win_rate_counts_profits_above_zero() -> None:
    assert m.win_rate([100, -50, 0, 1]) == 0.5
    assert math.isnan(m.win_rate([]))
