"""What is in the data is found, and what is not is not."""

from __future__ import annotations

import numpy as np
import pytest
from weights_markets import changed, direction, world

from alpha_sources.weights import Fitted, WeightsConfig, fit
from engine.metrics import rank_ic

DYNAMIC = ("gated", "experts")
STATIC = ("ridge", "ic", "mlp")


def future_ics(fitted, of):
    return rank_ic(fitted.scores(of.alphas, of.state), of.labels)


@pytest.fixture(scope="module")
def flipping():
    return world(3, flips=True)


@pytest.fixture(scope="module")
def static_ics(flipping):
    return {m: future_ics(fit(flipping.data, WeightsConfig(model=m), seed=1), flipping) for m in STATIC}


@pytest.mark.parametrize(
    ("model", "loss"), [("gated", "mse"), ("gated", "rank_ic"), ("experts", "mse"), ("experts", "pairwise")]
)
def test_weights_that_turn_with_the_regime_are_found_in_both(model, loss, flipping, static_ics):
    fitted = fit(flipping.data, WeightsConfig(model=model, loss=loss), seed=1)
    calm = np.array([[1.0, 0.0, 0.0], [-1.0, 0.0, 0.0]])
    right = flipping.right[0] * np.sign(flipping.state[0, 0])
    found = direction(fitted.weights(calm)) @ direction(right)
    turned = flipping.right[:, 0] * flipping.right[0, 0] > 0
    assert found[0] * found[1] < 0
    assert np.abs(found).min() > 0.8
    ics = future_ics(fitted, flipping)
    assert np.mean(ics[turned]) > 0.06
    assert np.mean(ics[~turned]) > 0.06
    # three standard errors of the difference, session by session, from every one that stands still
    for static in static_ics.values():
        better = ics - static
        assert np.mean(better) > 3 * np.std(better) / np.sqrt(len(better))


@pytest.mark.parametrize("model", [*STATIC, *DYNAMIC])
def test_weights_that_stand_still_are_found(model):
    of = world(5)
    fitted = fit(of.data, WeightsConfig(model=model), seed=1)
    assert (direction(fitted.weights(of.state)) * of.right).sum(axis=1).mean() > 0.9
    assert np.mean(future_ics(fitted, of)) > 0.1


@pytest.mark.parametrize("model", [*STATIC, *DYNAMIC])
def test_where_nothing_is_planted_nothing_is_earned(model):
    of = world(7, ic=0.0)
    ics = future_ics(fit(of.data, WeightsConfig(model=model), seed=1), of)
    assert abs(np.mean(ics)) < 3 * np.std(ics) / np.sqrt(len(ics))


@pytest.mark.parametrize("model", ["ridge", "ic"])
def test_shuffled_labels_teach_nothing(model):
    of = world(9)
    random = np.random.default_rng(1)
    found = []
    for _ in range(12):
        labels = of.data.labels.copy()
        random.permuted(labels[:-2], axis=1, out=labels[:-2])
        weights = fit(changed(of.data, labels=labels), WeightsConfig(model=model), seed=1).weights(
            of.state[:1]
        )
        found.append(float(direction(weights)[0] @ of.right[0]))
    # the cosine of a random direction among 8 alphas has deviation 1 / sqrt(8)
    assert abs(np.mean(found)) < 3 / np.sqrt(8 * len(found))
    weights = fit(of.data, WeightsConfig(model=model), seed=1).weights(of.state[:1])
    assert direction(weights)[0] @ of.right[0] > 0.9


def test_the_paper_in_batches_of_rows_finds_the_weights_too():
    of = world(5)
    config = WeightsConfig(model="mlp", batch_of="rows", ensemble=1)
    fitted = fit(of.data, config, seed=1)
    assert np.mean(future_ics(fitted, of)) > 0.1
    assert fitted.report["losses"][-1] < fitted.report["losses"][0]


def test_prices_are_used_where_they_are_asked_for():
    of = world(11, ic=0.0)
    # the first is a price of about 100, the second a small ratio that says nothing
    prices = np.random.default_rng(2).normal(size=(*of.data.labels.shape, 2)) * [5.0, 0.01] + [100.0, 0.0]
    labels = np.where(np.isnan(of.data.labels), np.nan, of.data.labels + 0.004 * (prices[..., 0] - 100) / 5)
    data = changed(of.data, prices=prices, labels=labels)
    for model in ("ridge", "gated"):
        seen = fit(data, WeightsConfig(model=model, inputs="alphas+prices"), seed=1)
        unseen = fit(data, WeightsConfig(model=model), seed=1)
        assert seen.price_names == ("price_1", "price_2")
        weight = seen.price_weights(of.state[:1])[0]
        assert weight[0] > 5 * abs(weight[1])
        assert seen.weights(of.state).shape == unseen.weights(of.state).shape
        rows = slice(0, 100)
        ics = [
            np.mean(rank_ic(f.scores(data.alphas[rows], data.state[rows], prices[rows]), labels[rows]))
            for f in (seen, unseen)
        ]
        assert ics[0] > ics[1] + 0.05
        assert isinstance(seen, Fitted)
