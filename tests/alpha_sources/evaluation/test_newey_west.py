"""Newey-West t values against statsmodels."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from alpha_sources.evaluation._summary import foresight
from alpha_sources.evaluation.measures import two_sided_p

api = pytest.importorskip("statsmodels.api")


def ours(series, lags, horizon=1, inside=None):
    out = np.empty(7)
    inside = np.ones(len(series), dtype=bool) if inside is None else inside
    foresight(series, np.flatnonzero(inside), lags, horizon, out)
    return out


def autocorrelated(n, seed, memory=0.7):
    random = np.random.default_rng(seed)
    out = random.normal(size=n)
    for t in range(1, n):
        out[t] += memory * out[t - 1]
    return out + 0.1


@given(st.integers(20, 400), st.integers(0, 30), st.integers(0, 10_000))
def test_t_is_statsmodels_with_the_same_lags(n, lags, seed):
    series = autocorrelated(n, seed)
    fitted = api.OLS(series, np.ones(n)).fit(
        cov_type="HAC", cov_kwds={"maxlags": min(lags, n - 1), "use_correction": True}, use_t=True
    )
    found = ours(series, min(lags, n - 1))
    assert found[4] == pytest.approx(fitted.tvalues[0], rel=1e-10)
    p = two_sided_p(found[4:5], found[:1])[0]
    assert p == pytest.approx(fitted.pvalues[0], rel=1e-9, abs=1e-300)


def test_without_lags_it_is_the_ordinary_t_test():
    series = np.random.default_rng(3).normal(0.05, 1, 300)
    found = ours(series, 0)
    expected = stats.ttest_1samp(series, 0)
    assert found[4] == pytest.approx(expected.statistic, rel=1e-12)
    assert two_sided_p(found[4:5], found[:1])[0] == pytest.approx(expected.pvalue, rel=1e-12)
    assert (found[1], found[2]) == (pytest.approx(series.mean()), pytest.approx(series.std(ddof=1)))
    assert found[6] == (series > 0).mean()


def test_overlapping_labels_inflate_the_plain_t_and_lags_take_it_back():
    """Means of 20 neighbours of noise: a plain t above 2 is common, a Newey-West one much less so."""
    random = np.random.default_rng(0)
    plain, lagged = [], []
    for _ in range(300):
        noise = random.normal(size=519)
        series = np.convolve(noise, np.ones(20) / 20, mode="valid")
        plain.append(abs(ours(series, 0)[4]) > 1.96)
        lagged.append(abs(ours(series, 19)[4]) > 1.96)
    assert np.mean(plain) > 0.5
    assert np.mean(lagged) < 0.25


def test_automatic_lags_follow_newey_and_west_but_cover_the_overlap():
    series = autocorrelated(500, 1)
    automatic = int(4 * (500 / 100) ** (2 / 9))
    assert ours(series, -1)[4] == ours(series, automatic)[4]
    assert ours(series, -1, horizon=20)[4] == ours(series, 19)[4]


def test_lags_are_counted_in_sessions_also_across_gaps():
    series = autocorrelated(200, 5)
    series[50:60] = np.nan
    known = ~np.isnan(series)
    around = np.where(known, series - series[known].mean(), 0.0)
    n = known.sum()
    long_run = around @ around
    for lag in (1, 2, 3):
        long_run += 2 * (1 - lag / 4) * (around[lag:] @ around[:-lag])
    expected = series[known].mean() / np.sqrt(long_run / n / (n - 1))
    assert ours(series, 3)[4] == pytest.approx(expected, rel=1e-12)
    # leaving sessions out by a group is the same as not knowing them
    full = np.where(known, series, 7.0)
    assert ours(full, 3, inside=known)[4] == ours(series, 3)[4]


@pytest.mark.parametrize("series", [[], [0.1], [0.1, 0.1, 0.1], [np.nan] * 5])
def test_what_has_no_spread_has_no_t(series):
    assert np.isnan(ours(np.array(series, dtype=float), 0)[4])
