"""The probability of backtest overfitting, against a loop that halves the sessions one way after another."""

from __future__ import annotations

from itertools import combinations
from math import comb

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from scipy.stats import rankdata

from alpha_sources.evaluation import overfitting as module
from alpha_sources.evaluation.overfitting import Score, overfitting
from alpha_sources.evaluation.significance_errors import SignificanceError


def one_by_one(performance, blocks, purge=0, score=Score.RATIO, either_sign=False):
    """The definition, written down as it reads."""
    rows = np.array_split(np.arange(len(performance)), blocks)
    rows = [r[: len(r) - purge] if b < blocks - 1 else r for b, r in enumerate(rows)]

    def scored(chosen):
        part = performance[np.concatenate([rows[b] for b in chosen])]
        mean = np.nanmean(part, axis=0)
        return mean / np.nanstd(part, axis=0, ddof=1) if score is Score.RATIO else mean

    out = []
    for chosen in combinations(range(blocks), blocks // 2):
        inside = scored(chosen)
        outside = scored([b for b in range(blocks) if b not in chosen])
        if either_sign:
            outside = outside * np.where(inside < 0, -1, 1)
            inside = np.abs(inside)
        best = int(np.argmax(inside))
        share = rankdata(outside)[best] / (len(outside) + 1)
        out.append((np.log(share / (1 - share)), best, inside[best], outside[best]))
    return [np.array(column) for column in zip(*out, strict=True)]


@pytest.mark.parametrize("either_sign", [False, True])
@pytest.mark.parametrize("score", list(Score))
@pytest.mark.parametrize(("sessions", "purge"), [(80, 0), (83, 0), (97, 3)])
def test_it_is_what_a_loop_over_all_halves_finds(sessions, purge, score, either_sign):
    random = np.random.default_rng(sessions)
    performance = random.normal(0.02, 1, (sessions, 9)) * random.uniform(0.1, 3, 9) + 0.05
    performance[random.random(performance.shape) < 0.1] = np.nan
    found = overfitting(performance, blocks=8, purge=purge, score=score, either_sign=either_sign)
    logits, chosen, inside, outside = one_by_one(performance, 8, purge, score, either_sign)
    assert_array_equal(found.chosen, chosen)
    assert_allclose(found.logits, logits, atol=1e-12)
    assert_allclose(found.in_sample, inside, rtol=1e-9)
    assert_allclose(found.out_of_sample, outside, rtol=1e-9, atol=1e-12)
    assert found.probability == (logits <= 0).mean()
    assert found.probability_of_loss == (outside < 0).mean()
    assert found.degradation == pytest.approx(np.polyfit(inside, outside, 1)[0])


def test_all_ways_are_tried_in_pieces_as_at_once(monkeypatch):
    performance = np.random.default_rng(1).normal(size=(200, 30))
    whole = overfitting(performance)
    assert len(whole.logits) == comb(16, 8) == 12_870
    monkeypatch.setattr(module, "_CELLS", 30 * 1000)
    assert_array_equal(overfitting(performance).logits, whole.logits)


def test_selecting_among_noise_overfits_and_selecting_a_true_alpha_does_not():
    random = np.random.default_rng(2)
    probabilities = [overfitting(random.normal(size=(240, 20)), blocks=8).probability for _ in range(40)]
    assert 0.45 < np.mean(probabilities) < 0.7
    noise = random.normal(size=(480, 50))
    noise[:, 11] += 0.25
    planted = overfitting(noise)
    assert planted.probability < 0.02
    assert np.bincount(planted.chosen).argmax() == 11


def test_an_alpha_that_works_upside_down_is_found_where_its_sign_may_be_turned():
    noise = np.random.default_rng(3).normal(size=(480, 50))
    noise[:, 11] -= 0.25
    assert overfitting(noise, either_sign=True).probability < 0.02
    assert overfitting(noise).probability > 0.3


@given(seed=st.integers(0, 10_000), scale=st.floats(1e-3, 1e3))
def test_ratios_do_not_depend_on_the_units_of_performance(seed, scale):
    performance = np.random.default_rng(seed).normal(size=(60, 6))
    one, other = overfitting(performance, blocks=6), overfitting(performance * scale, blocks=6)
    assert one.probability == other.probability
    assert_allclose(one.in_sample, other.in_sample, rtol=1e-6)


def test_twins_share_their_rank():
    column = np.random.default_rng(4).normal(size=(64, 1))
    found = overfitting(np.repeat(column, 5, axis=1), blocks=4, score=Score.MEAN)
    assert_allclose(found.logits, 0.0, atol=1e-12)
    assert found.probability == 1.0


def test_sessions_before_the_first_value_and_after_the_last_say_nothing():
    performance = np.random.default_rng(7).normal(size=(96, 6))
    nothing = np.full((30, 6), np.nan)
    around = np.concatenate([nothing, performance, nothing[:7]])
    assert_array_equal(overfitting(around, blocks=8).logits, overfitting(performance, blocks=8).logits)
    with pytest.raises(SignificanceError, match="0 sessions are too few"):
        overfitting(nothing)


def test_alphas_that_cannot_be_compared_are_named_and_left_out():
    performance = np.random.default_rng(5).normal(0.1, 1, (96, 6))
    performance[:13, 1] = np.nan  # no value in the first block
    performance[:, 3] = 0.02  # never varies
    found = overfitting(performance, blocks=8)
    assert found.left_out == (1, 3)
    assert set(found.chosen) <= {0, 2, 4, 5}
    alone = overfitting(performance[:, [0, 2, 4, 5]], blocks=8)
    assert_array_equal(found.logits, alone.logits)


@pytest.mark.parametrize(
    ("shape", "options", "words"),
    [
        ((100, 5), {"blocks": 7}, "even number from 2 to 20, not 7"),
        ((100, 5), {"blocks": 22}, "even number from 2 to 20, not 22"),
        ((100, 5), {"purge": -1}, "at least 0 sessions, not -1"),
        ((20, 5), {}, "20 sessions are too few for 16 blocks of 2 or more; use fewer"),
        ((64, 5), {"purge": 3}, "too few for 16 blocks of 2 or more less 3 purged"),
        ((100, 1), {}, "1 of 1 alphas vary"),
        ((100,), {}, r"array, not \(100,\)"),
    ],
)
def test_what_allows_no_comparison_is_refused(shape, options, words):
    with pytest.raises(SignificanceError, match=words):
        overfitting(np.random.default_rng(6).normal(size=shape), **options)
