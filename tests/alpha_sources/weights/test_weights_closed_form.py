from __future__ import annotations

import numpy as np
import pytest
import scipy.stats
from weights_markets import changed, world

from alpha_sources.weights import WeightsConfig, fit


def stacked(data):
    """Rows with a label, alphas unknown as 0, labels less the mean of their session."""
    counted = np.isfinite(data.labels) & np.isfinite(data.alphas).any(axis=2)
    x_rows, y_rows = [], []
    for session in np.flatnonzero(counted.any(axis=1)):
        names = counted[session]
        x_rows.append(np.nan_to_num(data.alphas[session, names]))
        y_rows.append(data.labels[session, names] - data.labels[session, names].mean())
    return np.concatenate(x_rows), np.concatenate(y_rows)


@pytest.mark.parametrize("penalty", [0.0, 0.05, 3.0])
def test_ridge_is_the_textbook_solution(penalty):
    data = world(1, unknown=0.1).data
    fitted = fit(data, WeightsConfig(model="ridge", penalty=penalty, validation=0), seed=0)
    x, y = stacked(data)
    unit = np.sqrt((x**2).mean(axis=0))
    # least squares on the data and, for the penalty, a row more for each alpha
    bound = np.sqrt(penalty * len(x)) * np.eye(x.shape[1])
    wanted = np.linalg.lstsq(
        np.vstack([x / unit, bound]), np.concatenate([y, np.zeros(x.shape[1])]), rcond=None
    )[0]
    wanted /= unit
    wanted /= np.abs(wanted).sum()
    np.testing.assert_allclose(fitted.weights(data.state[:1])[0], wanted, rtol=1e-5, atol=1e-7)


def test_ridge_takes_the_penalty_that_validates_best_and_then_all_sessions():
    data = world(2).data
    chosen = fit(data, WeightsConfig(model="ridge"), seed=0)
    table = dict(chosen.report["validation_by_penalty"])
    assert table[chosen.report["penalty"]] == max(table.values()) == chosen.report["validation_rank_ic"]
    fixed = fit(data, WeightsConfig(model="ridge", penalty=chosen.report["penalty"]), seed=0)
    np.testing.assert_array_equal(chosen.arrays["weights"], fixed.arrays["weights"])
    whole = fit(data, WeightsConfig(model="ridge", penalty=chosen.report["penalty"], validation=0), seed=0)
    # the scale of the alphas is of the training sessions, which differ
    np.testing.assert_allclose(chosen.arrays["weights"], whole.arrays["weights"], rtol=0.02)


def test_ridge_on_ranks_fits_the_ranks():
    data = world(1).data
    ranked = np.array([scipy.stats.rankdata(row) if np.isfinite(row).all() else row for row in data.labels])
    options = {"model": "ridge", "penalty": 0.1, "validation": 0}
    by_option = fit(data, WeightsConfig(labels="rank", **options), seed=0)
    by_hand = fit(changed(data, labels=ranked), WeightsConfig(labels="zscore", **options), seed=0)
    np.testing.assert_allclose(by_option.arrays["weights"], by_hand.arrays["weights"], rtol=1e-6)


@pytest.mark.parametrize("horizon", [1, 5])
def test_ic_weights_are_mean_over_deviation_shrunk_by_t(horizon):
    data = world(4, horizon=horizon).data
    rows = data.sessions - horizon - 1
    ics = np.array(
        [
            [
                scipy.stats.spearmanr(data.alphas[t, :, a], data.labels[t]).statistic
                for a in range(len(data.names))
            ]
            for t in range(rows)
        ]
    )
    ratio = ics.mean(axis=0) / ics.std(axis=0, ddof=1)
    t_squared = ratio**2 * rows / horizon
    wanted = ratio * t_squared / (t_squared + 1)
    wanted /= np.abs(wanted).sum()
    fitted = fit(data, WeightsConfig(model="ic"), seed=0)
    np.testing.assert_allclose(fitted.weights(data.state[:1])[0], wanted, rtol=1e-4, atol=1e-7)
    np.testing.assert_allclose(fitted.report["mean_rank_ic"], ics.mean(axis=0), rtol=1e-4)
    positive = fit(data, WeightsConfig(model="ic", non_negative=True), seed=0).weights(data.state[:1])[0]
    np.testing.assert_array_equal(positive > 0, wanted > 0)
    assert positive.sum() == pytest.approx(1)


def test_equal_weights_are_equal_and_need_no_labels():
    data = changed(world(1).data, labels=np.full((300, 40), np.nan))
    fitted = fit(data, WeightsConfig(model="equal"), seed=0)
    np.testing.assert_array_equal(fitted.weights(data.state[:2]), np.full((2, 8), 1 / 8))
    np.testing.assert_allclose(
        fitted.scores(data.alphas, data.state), data.alphas.mean(axis=2), rtol=1e-12, atol=1e-15
    )
