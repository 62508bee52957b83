"""The parts, each against another way to compute the same."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.stats
import torch
from hypothesis import given
from hypothesis import strategies as st
from weights_markets import world

from alpha_sources.weights import WeightsConfig, fit
from alpha_sources.weights.adam import Adam
from alpha_sources.weights.batches import Batches
from alpha_sources.weights.config import Labels, Loss
from alpha_sources.weights.cross_section import comparable, target
from alpha_sources.weights.learning import mean_gradient
from alpha_sources.weights.losses import pairwise_loss, rank_correlation_loss, squared_error
from alpha_sources.weights.networks import MlpNetwork
from alpha_sources.weights.ranks import centred_ranks, correlation
from alpha_sources.weights.sample import gather
from alpha_sources.weights.split import split

rows = st.lists(st.integers(-5, 5), min_size=2, max_size=20)


@given(rows, st.randoms(use_true_random=False))
def test_ranks_are_those_of_scipy(values, random):
    counted = np.array([random.random() < 0.7 for _ in values])
    counted[:2] = True
    x = np.array(values, dtype=float)
    ranks = centred_ranks(torch.tensor(x)[None], torch.tensor(counted)[None])[0].numpy()
    wanted = scipy.stats.rankdata(x[counted])
    np.testing.assert_array_equal(ranks[counted], wanted - wanted.mean())
    assert not ranks[~counted].any()
    both = torch.stack([torch.tensor(ranks), torch.tensor(ranks)])
    found = correlation(both[0], -both[1])
    assert found.isnan() if len(set(x[counted])) == 1 else found == pytest.approx(-1)


@given(rows)
def test_labels_are_centred_and_those_that_do_not_vary_are_none(values):
    x = np.array(values, dtype=float) / 7
    for kind in Labels:
        found = target(x, kind)
        if len(set(values)) == 1:
            assert found is None
            continue
        assert found.mean() == pytest.approx(0, abs=1e-12)
        if kind is not Labels.DEMEANED:
            assert found.std() == pytest.approx(1)
    if len(set(values)) > 1:
        np.testing.assert_allclose(target(x, Labels.RANK), scipy.stats.zscore(scipy.stats.rankdata(x)))


def test_prices_are_z_scores_of_the_members():
    prices = np.random.default_rng(1).normal(size=(30, 2)) * 50 + 7
    prices[3, 0] = np.nan
    prices[:, 1] = 4.2
    members = np.arange(30) % 5 > 0
    found = comparable(prices, members)
    counted = members & np.isfinite(prices[:, 0])
    wanted = np.clip(scipy.stats.zscore(prices[counted, 0]), -3, 3)
    np.testing.assert_allclose(found[counted, 0], wanted, rtol=1e-10)
    assert not found[~counted, 0].any()
    assert not found[:, 1].any()


@given(st.sets(st.integers(0, 300), min_size=1), st.floats(0, 0.5), st.integers(2, 21))
def test_no_label_that_trains_reaches_into_validation(chosen, share, purge):
    sessions = np.array(sorted(chosen))
    parts = split(sessions, share, purge)
    train, held_back = sessions[: parts.train], sessions[parts.validate :]
    assert len(held_back) == parts.validation == np.ceil(share * len(sessions))
    if len(train) and len(held_back):
        # the label at t is known at t + h + 1 = t + purge
        assert train[-1] + purge < held_back[0]
        wasted = sessions[parts.train : parts.validate]
        assert all(row + purge >= held_back[0] for row in wasted)


def test_losses_by_hand():
    random = np.random.default_rng(2)
    scores, y = random.normal(size=(2, 4, 9)), random.normal(size=(4, 9))
    counted = random.random((4, 9)) < 0.8
    y[~counted] = 0.0
    tensors = [torch.tensor(part) for part in (scores, y, counted)]
    wanted = [((s - y)[counted] ** 2).mean() for s in scores]
    np.testing.assert_allclose(squared_error(*tensors), wanted)
    ranks = centred_ranks(tensors[1], tensors[2])
    wanted = [
        1
        - np.mean(
            [
                np.corrcoef(s[c], scipy.stats.rankdata(v[c]))[0, 1]
                for s, v, c in zip(each, y, counted, strict=True)
            ]
        )
        for each in scores
    ]
    np.testing.assert_allclose(rank_correlation_loss(tensors[0], ranks, tensors[2]), wanted, rtol=1e-9)
    shifts = [1, 4]
    for e, each in enumerate(scores):
        terms = [
            np.log1p(np.exp(-np.sign(y[b, i] - y[b, j]) * (each[b, i] - each[b, j])))
            for shift in shifts
            for b in range(4)
            for i in range(9)
            if counted[b, i] and counted[b, j := (i - shift) % 9]
        ]
        assert float(pairwise_loss(*tensors, shifts)[e]) == pytest.approx(np.mean(terms))


def test_a_loss_is_least_where_the_order_is_right():
    y = torch.tensor([[0.1, -0.3, 0.2, 0.0]], dtype=torch.float64)
    counted = torch.ones(1, 4, dtype=torch.bool)
    ranks = centred_ranks(y, counted)
    right, wrong = ranks[None] * 5, -ranks[None] * 5
    assert float(rank_correlation_loss(right, ranks, counted)) == pytest.approx(0, abs=1e-9)
    assert float(rank_correlation_loss(wrong, ranks, counted)) == pytest.approx(2)
    pairs = [float(pairwise_loss(scores, y, counted, [1, 2])) for scores in (right, wrong)]
    assert pairs[0] < 0.02 < 5 < pairs[1]


def test_steps_are_those_of_torch():
    random = torch.Generator().manual_seed(1)
    begun = {"weights": torch.randn(3, 4, generator=random), "bias": torch.randn(3, generator=random)}
    ours = Adam(begun, lambda name: 0.03 if name == "weights" else 0.0, 0.05)
    theirs = {name: value.clone().requires_grad_(True) for name, value in begun.items()}
    groups = [{"params": [theirs["weights"]], "weight_decay": 0.03}, {"params": [theirs["bias"]]}]
    reference = torch.optim.Adam(groups, lr=0.05)

    def loss(parameters):
        return ((parameters["weights"].sum(dim=1) - parameters["bias"].exp()) ** 2).sum()

    for _ in range(30):
        ours.step(loss(ours.parameters()))
        reference.zero_grad()
        loss(theirs).backward()
        reference.step()
    for name, value in ours.parameters().items():
        np.testing.assert_allclose(value.detach(), theirs[name].detach(), rtol=1e-4, atol=1e-6)


def linear_network(config, weights):
    """An mlp that is a linear function: every pair of units gives its two halves."""
    D = len(weights)
    network = MlpNetwork(config, D, 0)
    hidden_in = torch.zeros(1, D, 2)
    hidden_in[0, :, 0], hidden_in[0, :, 1] = torch.tensor(weights), -torch.tensor(weights)
    return network, {
        "hidden_in": hidden_in,
        "hidden_bias": torch.zeros(1, 2),
        "out": torch.tensor([[1.0, -1.0]]),
        "out_bias": torch.zeros(1),
    }


def test_the_mean_gradient_of_a_linear_network_is_its_weights():
    config = WeightsConfig(model="mlp", hidden=2, ensemble=1)
    data = world(1, unknown=0.1).data
    batches = Batches(gather(data, config, None), 0, 100, Loss.MSE, 32, torch.device("cpu"))
    weights = [0.5, -1.0, 0.25, 2.0, 0.0, -0.125, 3.0, 1.0]
    network, parameters = linear_network(config, weights)
    np.testing.assert_allclose(mean_gradient(network, parameters, batches)[0], weights, rtol=1e-12)


def test_the_mean_gradient_is_what_autograd_finds():
    config = WeightsConfig(model="mlp", ensemble=2)
    sample = gather(world(1).data, config, None)
    batches = Batches(sample, 0, 50, Loss.MSE, 32, torch.device("cpu"))
    network = MlpNetwork(config, 8, 0)
    parameters = network.begin(torch.Generator().manual_seed(1))
    x = torch.from_numpy(sample.x[:50]).requires_grad_(True)
    scores = network.scores(parameters, x, torch.zeros(50, 0))
    for member in range(2):
        (gradient,) = torch.autograd.grad(scores[member].sum(), x, retain_graph=True)
        wanted = gradient[torch.from_numpy(sample.counted[:50])].double().mean(dim=0)
        found = mean_gradient(network, parameters, batches)[member]
        np.testing.assert_allclose(found, wanted, rtol=1e-5, atol=1e-7)


def test_members_of_an_ensemble_do_not_meddle_with_one_another():
    """What a member learns does not depend on who else is there, but for what they draw."""
    config = WeightsConfig(model="gated", ensemble=3)
    sample = gather(world(3, flips=True).data, config, np.random.default_rng(1))
    from alpha_sources.weights.networks import GatedNetwork
    from alpha_sources.weights.training import train

    def trained(begun):
        size = len(begun["base"])
        options = WeightsConfig(model="gated", ensemble=size, epochs=5)
        generator = torch.Generator().manual_seed(7)
        network = GatedNetwork(options, 8, 3)
        network.begin = lambda _: begun  # draws nothing, so that batches come in the same order
        return train(network, sample, options, torch.device("cpu"), generator, begun).parameters

    begun = GatedNetwork(config, 8, 3).begin(torch.Generator().manual_seed(3))
    together = trained(begun)
    alone = trained({name: value[1:2] for name, value in begun.items()})
    for name, value in alone.items():
        np.testing.assert_allclose(value[0], together[name][1], rtol=1e-4, atol=1e-6)


def test_labels_without_a_mean_in_common_and_alphas_in_other_units_change_nothing():
    of = world(4)
    fitted = fit(of.data, WeightsConfig(model="ridge", penalty=0.1), seed=0)
    moved = of.data.labels + np.random.default_rng(1).normal(size=(300, 1))
    from weights_markets import changed

    same = fit(changed(of.data, labels=moved), WeightsConfig(model="ridge", penalty=0.1), seed=0)
    np.testing.assert_allclose(same.weights(of.state), fitted.weights(of.state), rtol=1e-4)
    units = np.array([1, 10, 1, 1, 0.01, 1, 1, 1.0])
    other = fit(
        changed(of.data, alphas=of.data.alphas * units), WeightsConfig(model="ridge", penalty=0.1), seed=0
    )
    a, b = other.scores(of.alphas * units, of.state), fitted.scores(of.alphas, of.state)
    np.testing.assert_allclose(a / np.abs(a).max(), b / np.abs(b).max(), atol=1e-5)
