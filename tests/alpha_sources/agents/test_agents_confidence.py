"""theta: drawn towards the category as far as the evidence is weak, then a probability."""

from __future__ import annotations

import numpy as np
import pytest
import statsmodels.api as sm
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import norm

from alpha_sources.agents.confidence import (
    Belief,
    Group,
    beliefs,
    believe,
    spread_between,
    standard_error,
    theta,
)
from alpha_sources.agents.foresight import Foresight

errors = st.floats(1e-4, 0.1)
means = st.floats(-0.2, 0.2)


def group(values: list[float], error: list[float], mean_error: float) -> Group:
    return Group(np.array(values), np.array(error), mean_error)


def test_shrinkage_by_hand() -> None:
    # tau^2 = s^2: halfway; the variance is s^2 / 2, and a quarter of the mean's
    first, second = believe(group([0.02, 0.06], [0.03, 0.03], 0.01), 0.0009)
    assert (first.mean, second.mean) == pytest.approx((0.03, 0.05))
    assert first.drawn == 0.5 and first.category_mean == pytest.approx(0.04)
    assert first.deviation == pytest.approx(np.sqrt(0.0009 / 2 + 0.25 * 0.0001))


def test_without_spread_all_are_their_category() -> None:
    found = believe(group([0.0, 0.02, 0.07], [0.02, 0.03, 0.04], 0.005), 0.0)
    assert [one.mean for one in found] == pytest.approx([0.03] * 3)
    assert [one.deviation for one in found] == pytest.approx([0.005] * 3)


@given(st.lists(st.tuples(means, errors), min_size=2, max_size=12), errors, st.floats(0, 0.01))
def test_a_belief_lies_between_the_alpha_and_its_category(
    alphas: list[tuple[float, float]], mean_error: float, tau2: float
) -> None:
    whole = group([m for m, _ in alphas], [s for _, s in alphas], mean_error)
    for (mean, error), one in zip(alphas, believe(whole, tau2), strict=True):
        low, high = sorted((mean, whole.mean))
        assert low - 1e-12 <= one.mean <= high + 1e-12
        assert 0.0 <= one.drawn <= 1.0
        assert one.deviation <= np.hypot(error, mean_error) + 1e-12


@given(errors, errors, st.floats(1e-8, 0.01))
def test_the_weaker_the_evidence_the_further_it_is_drawn(a: float, b: float, tau2: float) -> None:
    first, second = believe(group([0.01, 0.05], sorted([a, b]), 0.01), tau2)
    assert first.drawn <= second.drawn


def test_spread_with_independent_errors_is_hedges() -> None:
    random = np.random.default_rng(1)
    x, s = random.normal(0.01, 0.03, 9), random.uniform(0.005, 0.02, 9)
    independent = np.sqrt((s**2).sum()) / 9
    expected = max(0.0, x.var(ddof=1) - (s**2).mean())
    assert spread_between([group(list(x), list(s), independent)]) == pytest.approx(expected)


def test_errors_that_all_alphas_share_explain_no_spread() -> None:
    x = np.array([0.01, 0.03, 0.08])
    # one error for all: its mean is as uncertain as each
    assert spread_between([group(list(x), [0.05] * 3, 0.05)]) == pytest.approx(x.var(ddof=1))


def test_spread_is_found_again_in_correlated_noise() -> None:
    random = np.random.default_rng(7)
    tau, shared, own, sessions = 0.02, 0.15, 0.1, 250
    found = []
    for _ in range(300):
        true = random.normal(0.01, tau, 8)
        daily = true + random.normal(0, shared, (sessions, 1)) + random.normal(0, own, (sessions, 8))
        s = daily.std(axis=0, ddof=1) / np.sqrt(sessions)
        error = daily.mean(axis=1).std(ddof=1) / np.sqrt(sessions)
        found.append(spread_between([group(list(daily.mean(axis=0)), list(s), error)]))
    assert np.mean(found) == pytest.approx(tau**2, rel=0.1)


def test_alphas_of_a_small_category_are_drawn_towards_all() -> None:
    names = ["a", "b", "c", "d"]
    random = np.random.default_rng(0)
    daily = {name: random.normal(0.02 * i, 0.2, 200) for i, name in enumerate(names)}
    seen = {
        name: Foresight(200, float(x.mean()), standard_error(x, 0), float(x.std(ddof=1)))
        for name, x in daily.items()
    }
    inside = np.ones(200, dtype=bool)
    found = beliefs(seen, seen, {"a": "big", "b": "big", "c": "big", "d": "alone"}, daily, inside, 0)
    assert found["d"].category_mean == pytest.approx(np.mean([seen[name].mean for name in names]))
    assert found["a"].category_mean == pytest.approx(np.mean([seen[name].mean for name in "abc"]))


def test_theta_is_a_probability() -> None:
    assert theta(Belief(0.0, 0.02, 0.0, 0.5)) == 0.5
    assert theta(Belief(0.03, 0.02, 0.0, 0.5)) == pytest.approx(norm.cdf(1.5))
    assert theta(Belief(0.01, 0.0, 0.0, 0.5)) == 1.0


@given(means, errors)
def test_who_looks_for_the_sign_first_is_less_sure(mean: float, deviation: float) -> None:
    inverse = theta(Belief(-abs(mean), deviation, 0.0, 0.5), inverted=True)
    as_written = theta(Belief(abs(mean), deviation, 0.0, 0.5))
    assert inverse == pytest.approx(2 * as_written - 1, abs=1e-12)
    assert 0.0 <= inverse <= as_written


@pytest.mark.parametrize("lags", [0, 1, 4])
def test_the_error_is_that_of_statsmodels(lags: int) -> None:
    x = np.convolve(np.random.default_rng(2).normal(0, 1, 304), np.ones(5) / 5, "valid")
    fitted = sm.OLS(x, np.ones(len(x))).fit(
        cov_type="HAC", cov_kwds={"maxlags": lags, "use_correction": True}
    )
    assert standard_error(x, lags) == pytest.approx(fitted.bse[0], rel=1e-12)


def test_an_error_needs_two_sessions() -> None:
    assert np.isnan(standard_error(np.array([0.1]), 0))
    assert np.isnan(standard_error(np.array([0.1, 0.1]), 0))
