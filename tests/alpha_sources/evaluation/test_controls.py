"""Random controls keep everything of an alpha but what it knew of each name."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_array_equal

from alpha_sources.evaluation.controls import Control, control_percentile, random_controls
from alpha_sources.evaluation.significance_errors import SignificanceError
from engine.errors import ShapeError
from engine.metrics import rank_ic

KINDS = st.sampled_from(list(Control))


def alpha(seed, sessions=40, names=12, missing=0.2):
    random = np.random.default_rng(seed)
    values = random.normal(size=(sessions, names)).cumsum(axis=0)
    values[random.random(values.shape) < missing] = np.nan
    values[random.random(values.shape) < missing / 4] = np.inf
    return values, random.random(values.shape) < 0.9


@given(seed=st.integers(0, 10_000), kind=KINDS, missing=st.sampled_from([0.0, 0.2, 0.95]))
def test_every_session_keeps_its_values_and_its_coverage(seed, kind, missing):
    values, universe = alpha(seed, missing=missing)
    kept = np.where(universe & np.isfinite(values), values, np.nan)
    for control in random_controls(values, universe, kind=kind, count=3, seed=seed):
        assert_array_equal(np.isnan(control), np.isnan(kept))
        assert_array_equal(np.sort(control, axis=1), np.sort(kept, axis=1))


@given(seed=st.integers(0, 10_000))
def test_with_exchanged_names_nobody_keeps_a_value(seed):
    values, universe = alpha(seed)
    for control in random_controls(values, universe, count=3, seed=seed):
        several = (~np.isnan(control)).sum(axis=1) > 1
        assert not (control == values)[several].any()


@given(seed=st.integers(0, 10_000), kind=KINDS)
def test_a_seed_says_it_all_and_the_count_changes_nothing(seed, kind):
    values, universe = alpha(seed)
    few = list(random_controls(values, universe, kind=kind, count=2, seed=seed))
    more = list(random_controls(values, universe, kind=kind, count=5, seed=seed))
    other = next(random_controls(values, universe, kind=kind, count=1, seed=seed + 1))
    for k in range(2):
        assert_array_equal(few[k], more[k])
    assert not np.array_equal(more[0], more[1], equal_nan=True)
    assert not np.array_equal(more[0], other, equal_nan=True)


def autocorrelation(values):
    return np.nanmean(rank_ic(values[:-1], values[1:]))


def test_what_lasts_in_an_alpha_lasts_with_exchanged_names_and_not_when_dealt_each_session():
    random = np.random.default_rng(1)
    values = random.normal(size=(300, 50)).cumsum(axis=0)
    values[random.random(values.shape) < 0.02] = np.nan
    lasting = autocorrelation(values)
    exchanged = autocorrelation(next(random_controls(values, count=1)))
    dealt = autocorrelation(next(random_controls(values, kind=Control.EACH_SESSION, count=1)))
    assert lasting > 0.95 and exchanged > 0.85
    assert abs(dealt) < 0.05


def test_with_all_names_present_each_keeps_one_partner_for_the_whole_span():
    values = np.arange(10)[None, :] + 100.0 * np.arange(30)[:, None]
    control = next(random_controls(values, count=1))
    partner = control - 100.0 * np.arange(30)[:, None]
    assert_array_equal(partner, np.repeat(partner[:1], 30, axis=0))


@pytest.mark.parametrize("kind", list(Control))
def test_every_name_gets_every_other_one_s_values_equally_often(kind):
    values = np.arange(6.0)[None, :].repeat(2, axis=0)
    counts = np.zeros((6, 6))
    for control in random_controls(values, kind=kind, count=6000, seed=9):
        counts[np.arange(6), control[0].astype(int)] += 1
    if kind is Control.EXCHANGED_NAMES:
        assert not np.diag(counts).any()
        counts = counts[~np.eye(6, dtype=bool)]
    expected = counts.sum() / counts.size
    assert np.abs(counts - expected).max() < 5 * np.sqrt(expected)


def test_only_an_alpha_that_knows_the_names_beats_its_controls():
    random = np.random.default_rng(2)
    forward = random.normal(size=(200, 40))
    knows = forward * 0.1 + random.normal(size=forward.shape)
    noise = random.normal(size=forward.shape)

    def share(values):
        mean = [np.mean(rank_ic(control, forward)) for control in random_controls(values, count=60)]
        return control_percentile(np.mean(rank_ic(values, forward)), mean)

    assert share(knows) == pytest.approx(60 / 61)
    assert share(noise) < 0.95


def test_a_slow_alpha_is_judged_against_slow_controls():
    # what never changes meets returns that have a lasting part too: its mean IC is large by chance alone
    random = np.random.default_rng(3)
    spreads = {kind: [] for kind in Control}
    forward = random.normal(size=(100, 30)) + random.normal(0, 0.3, 30)
    still = np.repeat(random.normal(size=(1, 30)), 100, axis=0)
    for kind in Control:
        for control in random_controls(still, kind=kind, count=100):
            spreads[kind].append(np.mean(rank_ic(control, forward)))
    assert np.std(spreads[Control.EXCHANGED_NAMES]) > 2 * np.std(spreads[Control.EACH_SESSION])


@given(st.lists(st.floats(-1, 1), min_size=1, max_size=50), st.floats(-1, 1))
def test_the_percentile_counts_the_alpha_among_its_controls(controls, statistic):
    share = control_percentile(statistic, [*controls, float("nan")])
    larger = sum(abs(c) >= abs(statistic) for c in controls)
    assert share == pytest.approx(1 - (1 + larger) / (1 + len(controls)))
    assert 0.0 <= share < 1.0


def test_nothing_to_compare_has_no_percentile():
    assert np.isnan(control_percentile(float("nan"), [0.1]))
    assert np.isnan(control_percentile(0.1, [float("nan")]))


def test_no_control_and_arrays_that_do_not_fit_are_refused():
    with pytest.raises(SignificanceError, match="at least 1 control, not 0"):
        next(random_controls(np.ones((2, 2)), count=0))
    with pytest.raises(ShapeError, match=r"values \(2, 2\) and universe \(2, 3\)"):
        next(random_controls(np.ones((2, 2)), np.ones((2, 3), dtype=bool)))
