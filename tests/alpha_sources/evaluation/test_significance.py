"""How good the best of many useless alphas looks, against mpmath, statsmodels, scipy and simulation."""

from __future__ import annotations

import mpmath
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from scipy import stats
from statsmodels.stats.multitest import multipletests

from alpha_sources.evaluation.significance import (
    Dependence,
    effective_trials,
    expected_maximum,
    false_discovery_q,
    needed_t,
    p_after_trials,
    p_value,
)
from alpha_sources.evaluation.significance_errors import SignificanceError
from alpha_sources.evaluation.significance_sharpe import (
    SharpeMoments,
    deflated_sharpe,
    probabilistic_sharpe,
    sharpe_moments,
)
from alpha_sources.evaluation.significance_verdict import Levels, Verdict, judgement

EULER = float(mpmath.euler)


def approximate_maximum(trials: float) -> float:
    """Bailey & López de Prado's closed form."""
    return float(
        (1 - EULER) * stats.norm.ppf(1 - 1 / trials) + EULER * stats.norm.ppf(1 - 1 / (trials * np.e))
    )


def exact_maximum(trials: int, two_sided: bool) -> float:
    """The mean of the largest of N, as the integral of x times its density, to thirty digits."""
    with mpmath.workdps(30):
        half = mpmath.mpf(1) / 2

        def density(x):
            below = mpmath.erf(x / mpmath.sqrt(2)) if two_sided else half * mpmath.erfc(-x / mpmath.sqrt(2))
            factor = 2 if two_sided else 1
            return x * trials * below ** (trials - 1) * factor * mpmath.npdf(x)

        return float(mpmath.quad(density, [0 if two_sided else -14, 1, 2, 3, 4, 5, 6, 8, 14]))


@pytest.mark.parametrize("two_sided", [False, True])
@pytest.mark.parametrize("trials", [1, 2, 3, 10, 158, 10_000])
def test_the_expected_maximum_is_the_integral(trials: int, two_sided: bool) -> None:
    assert expected_maximum(trials, two_sided=two_sided) == pytest.approx(
        exact_maximum(trials, two_sided), abs=1e-9
    )


def test_small_numbers_have_closed_forms() -> None:
    assert expected_maximum(2) == pytest.approx(1 / np.sqrt(np.pi), abs=1e-12)
    assert expected_maximum(3) == pytest.approx(1.5 / np.sqrt(np.pi), abs=1e-12)
    assert expected_maximum(1, two_sided=True) == pytest.approx(np.sqrt(2 / np.pi), abs=1e-12)
    assert expected_maximum(1) == pytest.approx(0.0, abs=1e-12)


@pytest.mark.parametrize("trials", [10, 100, 1000, 1e6, 1e9])
def test_the_published_approximation_is_near(trials: float) -> None:
    assert expected_maximum(trials) == pytest.approx(approximate_maximum(trials), rel=0.03)


@pytest.mark.parametrize("freedom", [4.0, 30.0])
def test_heavy_tails_raise_the_maximum_as_simulation_says(freedom: float) -> None:
    draws = np.abs(np.random.default_rng(1).standard_t(freedom, (200_000, 20))).max(axis=1)
    value = expected_maximum(20, two_sided=True, degrees_of_freedom=freedom)
    assert value == pytest.approx(draws.mean(), abs=4 * draws.std() / np.sqrt(len(draws)))
    assert value > expected_maximum(20, two_sided=True)


@given(trials=st.floats(1, 1e8), more=st.floats(1.01, 100))
def test_more_trials_want_more(trials: float, more: float) -> None:
    for two_sided in (False, True):
        least, most = (expected_maximum(n, two_sided=two_sided) for n in (trials, trials * more))
        assert least < most
    assert needed_t(trials) < needed_t(trials * more)
    # the maximum is exceeded one time in twenty at the needed t: that lies above its mean
    assert expected_maximum(trials, two_sided=True) < needed_t(trials)


def test_the_needed_t_is_passed_by_the_best_of_noise_one_time_in_twenty() -> None:
    draws = np.abs(np.random.default_rng(2).normal(size=(40_000, 158))).max(axis=1)
    assert (draws > needed_t(158)).mean() == pytest.approx(0.05, abs=0.004)
    assert needed_t(1) == pytest.approx(stats.norm.ppf(0.975))
    assert needed_t(1, two_sided=False, degrees_of_freedom=9) == pytest.approx(stats.t.ppf(0.95, 9))
    assert needed_t(158) == pytest.approx(3.5948, abs=1e-4)


def test_p_values_are_those_of_scipy_and_of_sidak() -> None:
    t = np.array([-3.0, 0.0, 1.5, 12.0, np.nan])
    assert_allclose(p_value(t), 2 * stats.norm.sf(np.abs(t)), rtol=1e-13)
    assert_allclose(p_value(t, two_sided=False, degrees_of_freedom=7), stats.t.sf(t, 7), rtol=1e-12)
    p = np.array([1e-18, 0.001, 0.2, 1.0])
    sidak = multipletests(p, method="sidak")[1]
    assert_allclose(p_after_trials(p, 4), sidak, rtol=1e-12, atol=1e-300)
    assert_allclose(p_after_trials(p_value(needed_t(158)), 158), 0.05, rtol=1e-12)


p_values = st.lists(
    st.one_of(st.floats(0, 1), st.sampled_from([0.0, 0.01, 0.05, 1.0])), min_size=1, max_size=40
)


@given(p=p_values, dependence=st.sampled_from(list(Dependence)))
def test_q_values_are_those_of_statsmodels(p: list[float], dependence: Dependence) -> None:
    method = {Dependence.POSITIVE: "fdr_bh", Dependence.ANY: "fdr_by"}[dependence]
    assert_allclose(
        false_discovery_q(p, dependence=dependence),
        multipletests(p, method=method)[1],
        rtol=1e-9,
        atol=1e-300,
    )


@given(p=p_values, failures=st.integers(0, 30))
def test_those_not_shown_count_as_failures(p: list[float], failures: int) -> None:
    shown = false_discovery_q(p, tests=len(p) + failures)
    assert_allclose(shown, false_discovery_q([*p, *[1.0] * failures])[: len(p)])
    assert (shown >= false_discovery_q(p) - 1e-15).all()


def test_an_alpha_that_could_not_be_tested_is_no_member_of_the_batch() -> None:
    q = false_discovery_q([0.01, np.nan, 0.02])
    assert_array_equal(np.isnan(q), [False, True, False])
    assert_allclose(q[[0, 2]], false_discovery_q([0.01, 0.02]))
    assert np.isnan(false_discovery_q([np.nan])).all()


def test_of_a_thousand_noise_alphas_at_most_a_handful_survive_and_a_planted_one_does() -> None:
    random = np.random.default_rng(3)
    sessions, names = 500, 50
    forward = random.normal(size=(sessions, names))
    forward -= forward.mean(axis=1, keepdims=True)
    forward /= np.sqrt((forward**2).sum(axis=1, keepdims=True))
    alphas = random.normal(size=(1000, sessions, names)).astype(np.float32)
    alphas[17] += 0.07 * np.sqrt(names) * forward
    alphas -= alphas.mean(axis=2, keepdims=True)
    alphas /= np.sqrt((alphas**2).sum(axis=2, keepdims=True))
    ic = np.einsum("asn,sn->sa", alphas, forward)
    t = ic.mean(axis=0) / (ic.std(axis=0, ddof=1) / np.sqrt(sessions))
    p = p_value(t, degrees_of_freedom=sessions - 1)
    assert (p < 0.05).sum() > 30, "alone, dozens of useless alphas would have passed"
    survivors = np.flatnonzero(false_discovery_q(p) <= 0.05)
    assert 17 in survivors and len(survivors) <= 5
    verdicts = [judgement(float(x), 1000).verdict for x in t]
    assert verdicts[17] is Verdict.DISTINCT and verdicts.count(Verdict.DISTINCT) <= 2
    assert effective_trials(ic.astype(np.float64)) > 900


@pytest.mark.parametrize("alphas", [50, 400])
def test_independent_alphas_are_that_many_trials_whatever_the_number_of_sessions(alphas: int) -> None:
    noise = np.random.default_rng(4).normal(size=(250, alphas))
    assert effective_trials(noise) == pytest.approx(alphas, rel=0.02)


def test_twins_are_one_trial_whatever_their_sign_and_scale() -> None:
    random = np.random.default_rng(5)
    one = random.normal(size=(300, 1))
    twins = 0.5 + one * random.choice([-3.0, 0.01, 1.0], 80)
    assert effective_trials(twins) == pytest.approx(1.0, abs=1e-6)
    groups = random.normal(size=(300, 6))[:, np.repeat(np.arange(6), 50)]
    assert effective_trials(groups) == pytest.approx(6.0, rel=0.02)
    assert effective_trials(np.column_stack([groups, np.zeros(300)])) == pytest.approx(6.0, rel=0.02)


@given(seed=st.integers(0, 10_000), shared=st.floats(0, 3), alphas=st.integers(1, 40))
def test_effective_trials_lie_between_one_and_all_and_do_not_depend_on_units(
    seed: int, shared: float, alphas: int
) -> None:
    random = np.random.default_rng(seed)
    ic = shared * random.normal(size=(60, 1)) + random.normal(size=(60, alphas))
    count = effective_trials(ic)
    assert 1.0 <= count <= alphas
    assert effective_trials(ic * random.uniform(0.1, 5, alphas) + 7) == pytest.approx(count, rel=1e-6)


@pytest.mark.parametrize("shared", [0.5, 1.0, 2.0])
def test_a_t_needed_after_the_effective_number_is_passed_by_noise_no_more_than_it_may(shared: float) -> None:
    random = np.random.default_rng(6)
    mixing = np.ones((1, 100)) * shared
    ic = random.normal(size=(400, 1)) @ mixing + random.normal(size=(400, 100))
    count = effective_trials(ic)
    assert count < 90
    draws = random.normal(size=(20_000, 1)) @ mixing + random.normal(size=(20_000, 100))
    best = np.abs(draws / np.sqrt(1 + shared**2)).max(axis=1)
    assert (best > needed_t(count)).mean() <= 0.05 + 0.004


def test_the_worked_example_of_the_deflated_sharpe_ratio() -> None:
    # Bailey & López de Prado (2014): annual Sharpe 2.5 over 1,250 days, skewness -3, kurtosis 10,
    # variance of the annual Sharpe ratios 0.5, 100 trials: SR0 = 0.1132 a day, DSR = 0.9004
    given = SharpeMoments(*map(np.asarray, (2.5 / np.sqrt(250), -3.0, 10.0, 1250.0)))
    deviation = np.sqrt(0.5 / 250)
    assert deviation * approximate_maximum(100) == pytest.approx(0.1132, abs=1e-4)
    assert probabilistic_sharpe(given, deviation * approximate_maximum(100)) == pytest.approx(
        0.9004, abs=1e-4
    )
    exact = deflated_sharpe(given, trials=100, sharpe_deviation=deviation)
    assert 0.9004 < exact < 0.91
    # and with 46 trials 95 % are reached
    assert probabilistic_sharpe(given, deviation * approximate_maximum(46)) == pytest.approx(0.95, abs=2e-3)


@given(st.integers(0, 1000))
def test_moments_are_those_of_scipy(seed: int) -> None:
    returns = np.random.default_rng(seed).standard_t(4, (90, 3)) * 0.01
    returns[:10, 1] = np.nan
    moments = sharpe_moments(returns)
    for a, column in enumerate([returns[:, 0], returns[10:, 1], returns[:, 2]]):
        assert moments.sharpe[a] == pytest.approx(column.mean() / column.std(ddof=1))
        assert moments.skewness[a] == pytest.approx(stats.skew(column))
        assert moments.kurtosis[a] == pytest.approx(stats.kurtosis(column, fisher=False))
        assert moments.sessions[a] == len(column)


def test_the_probabilistic_sharpe_ratio_is_right_about_as_often_as_it_says() -> None:
    true = 0.1
    returns = np.random.default_rng(7).normal(true, 1.0, (250, 20_000))
    confidence = probabilistic_sharpe(sharpe_moments(returns), true)
    assert (confidence > 0.95).mean() == pytest.approx(0.05, abs=0.005)
    assert confidence.mean() == pytest.approx(0.5, abs=0.01)


def test_the_best_of_noise_has_no_deflated_sharpe_ratio_to_show() -> None:
    random = np.random.default_rng(8)
    passed = []
    for _ in range(200):
        returns = random.normal(size=(250, 50))
        moments = sharpe_moments(returns)
        deviation = float(moments.sharpe.std(ddof=1))
        passed.append(deflated_sharpe(moments, trials=50, sharpe_deviation=deviation).max() > 0.95)
    assert np.mean(passed) < 0.1
    naive = probabilistic_sharpe(moments).max()
    assert naive > 0.95


def test_a_series_without_risk_or_history_has_no_sharpe_ratio() -> None:
    returns = np.array(
        [[0.01, np.nan, 0.01], [0.01, np.nan, 0.02], [0.01, 0.02, np.nan], [0.01, 0.0, np.nan]]
    )
    assert np.isnan(sharpe_moments(returns).sharpe).all()
    assert np.isnan(probabilistic_sharpe(sharpe_moments(returns))).all()


@pytest.mark.parametrize(
    ("given", "verdict", "words"),
    [
        (
            {"t": 2.41, "trials": 158},
            Verdict.NOISE,
            "indistinguishable from noise after 158 trials: |t| 2.41",
        ),
        ({"t": 2.41, "trials": 158}, Verdict.NOISE, "3.59 is needed; alone it would have passed"),
        ({"t": 0.3, "trials": 1}, Verdict.NOISE, "indistinguishable from noise after 1 trial: |t| 0.30"),
        ({"t": -4.4, "trials": 158, "q": 0.01, "control": 0.99}, Verdict.DISTINCT, "after 158 trials"),
        ({"t": 3.1, "trials": 9158, "q": 0.01}, Verdict.UNPROVEN, "(q 0.010), but not after 9,158 trials"),
        ({"t": 5.0, "trials": 158, "q": 0.2}, Verdict.UNPROVEN, "no discovery of its batch (q 0.200)"),
        ({"t": 5.0, "trials": 158, "control": 0.7}, Verdict.NOISE, "beats 70% of its own values dealt out"),
        ({"t": 5.0, "trials": 158, "q": float("nan"), "control": float("nan")}, Verdict.DISTINCT, "5.00"),
        ({"t": float("nan"), "trials": 158}, Verdict.UNDEFINED, "it has no t value"),
        ({"t": 3.7, "trials": 158, "degrees_of_freedom": 20}, Verdict.NOISE, "4.33 is needed"),
    ],
)
def test_the_verdict_says_in_words_what_the_numbers_allow(
    given: dict[str, float], verdict: Verdict, words: str
) -> None:
    found = judgement(**given)  # type: ignore[arg-type]
    assert found.verdict is verdict
    assert words in str(found)


@given(t=st.floats(0, 10), trials=st.integers(1, 10**6), q=st.floats(0, 1), control=st.floats(0, 1))
def test_more_trials_never_make_an_alpha_more_credible(
    t: float, trials: int, q: float, control: float
) -> None:
    order = list(Verdict)
    now = judgement(t, trials, q=q, control=control)
    assert order.index(judgement(t, trials * 2, q=q, control=control).verdict) <= order.index(now.verdict)
    assert order.index(now.verdict) <= order.index(judgement(t, trials).verdict) or q <= 0.05
    assert (now.verdict is Verdict.DISTINCT) == (t > now.needed_t and q <= 0.05 and control >= 0.95)
    assert judgement(-t, trials, q=q, control=control) == now


@pytest.mark.parametrize(
    ("ask", "words"),
    [
        (lambda: expected_maximum(0), "at least 1 trial, not 0"),
        (lambda: expected_maximum(float("nan")), "at least 1 trial"),
        (lambda: expected_maximum(10, degrees_of_freedom=1), "has no mean"),
        (lambda: needed_t(10, level=1.0), "between 0 and 1, not 1"),
        (lambda: false_discovery_q([0.1, 1.2]), "lies in 0..1; this is 1.2"),
        (lambda: false_discovery_q([0.1, 0.2], tests=1), "2 p-values are more than the 1"),
        (lambda: effective_trials(np.zeros((50, 3))), "no alpha varies"),
        (lambda: effective_trials(np.zeros(50)), r"array, not \(50,\)"),
        (lambda: deflated_sharpe(sharpe_moments([1.0, 2, 4]), trials=2, sharpe_deviation=-1), "at least 0"),
        (lambda: Levels(discovery=0), "'discovery' lies between"),
        (lambda: judgement(2.0, 0), "at least 1 trial, not 0"),
        (lambda: judgement(2.0, 5, q=1.5), "q is a share in 0..1, not 1.5"),
    ],
)
def test_numbers_that_mean_nothing_are_refused(ask, words: str) -> None:
    with pytest.raises(SignificanceError, match=words):
        ask()
