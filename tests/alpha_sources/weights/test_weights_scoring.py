"""Scoring without torch gives what torch gives, row by row, and survives being stored."""

from __future__ import annotations

import json
import subprocess
import sys

import numpy as np
import pytest
import torch
from weights_markets import changed, world

from alpha_sources.snapshot import Snapshot
from alpha_sources.weights import Fitted, WeightsConfig, fit
from alpha_sources.weights.forms import FORMS, FormKind
from alpha_sources.weights.market import MarketScale
from alpha_sources.weights.networks import network_of
from engine.errors import ShapeError

MODELS = ("mlp", "gated", "experts", "ridge", "ic", "equal")


def quick(model, **options):
    epochs = {"epochs": 3} if model in ("mlp", "gated", "experts") else {}
    return WeightsConfig(model=model, **epochs, **options)


@pytest.fixture(scope="module")
def of():
    return world(1, unknown=0.2, names=17, alphas=5)


@pytest.fixture(scope="module")
def priced(of):
    prices = np.random.default_rng(3).normal(size=(*of.data.labels.shape, 2)) + 1
    prices[::7, ::3] = np.nan
    return changed(of.data, prices=prices)


@pytest.fixture(scope="module", params=MODELS)
def fitted(request, of):
    return fit(of.data, quick(request.param), seed=3)


def test_a_session_by_itself_scores_to_the_bit_as_among_others(fitted, of):
    together = fitted.scores(of.alphas, of.state)
    weights = fitted.weights(of.state)
    for row in range(0, len(together), 7):
        one = slice(row, row + 1)
        assert fitted.scores(of.alphas[one], of.state[one]).tobytes() == together[one].tobytes()
        copied = fitted.scores(of.alphas[one].copy(order="F"), of.state[one].copy())
        assert copied.tobytes() == together[one].tobytes()
        assert fitted.weights(of.state[one]).tobytes() == weights[one].tobytes()


def test_prices_of_a_session_are_made_comparable_by_itself(priced):
    for model in ("ridge", "mlp", "gated"):
        fitted = fit(priced, quick(model, inputs="alphas+prices"), seed=3)
        together = fitted.scores(priced.alphas, priced.state, priced.prices)
        one = slice(21, 22)
        alone = fitted.scores(priced.alphas[one], priced.state[one], priced.prices[one])
        assert alone.tobytes() == together[one].tobytes()


def test_scores_are_sums_of_alphas_where_the_model_says_so(fitted, of):
    if fitted.model == "mlp":
        pytest.skip("its scores are not linear")
    by_hand = np.einsum("rna,ra->rn", np.nan_to_num(of.alphas), fitted.weights(of.state))
    by_hand[np.isnan(of.alphas).all(axis=2)] = np.nan
    np.testing.assert_allclose(fitted.scores(of.alphas, of.state), by_hand, rtol=1e-12, atol=1e-16)
    linear = fitted.linear_scores(of.alphas, fitted.weights(of.state))
    np.testing.assert_allclose(linear, fitted.scores(of.alphas, of.state), rtol=1e-12, atol=1e-16)


def test_sizes_of_the_weights_of_a_training_session_add_up_to_one(fitted, of):
    rows = np.isfinite(of.data.labels).any(axis=1)
    sums = np.abs(fitted.weights(of.data.state[rows])).sum(axis=1)
    assert sums.mean() == pytest.approx(1, rel=0.05)


@pytest.mark.parametrize("model", ["mlp", "gated", "experts"])
@pytest.mark.parametrize(("dtype", "near"), [(torch.float64, 1e-12), (torch.float32, 1e-5)])
def test_the_networks_in_torch_give_the_same_scores(model, dtype, near, of):
    config = quick(model, ensemble=4)
    fitted = fit(of.data, config, seed=3)
    network = network_of(config, 5, 3)
    parameters = {name: torch.from_numpy(array.copy()).to(dtype) for name, array in fitted.arrays.items()}
    x = torch.from_numpy(np.nan_to_num(of.alphas)).to(dtype)
    z = np.zeros((len(of.state), 3))
    if "state_mean" in fitted.arrays:
        scale = MarketScale(fitted.arrays["state_mean"], fitted.arrays["state_inverse"], 3.0)
        z = scale.scaled(of.state)
    with torch.no_grad():
        in_torch = network.scores(parameters, x, torch.from_numpy(z).to(dtype)).mean(dim=0).double().numpy()
    ours = fitted.scores(of.alphas, of.state)
    known = np.isfinite(ours)
    assert np.abs(ours - in_torch)[known].max() < near * np.abs(ours[known]).max()


def test_unknown_is_neutral_and_a_name_nothing_is_known_of_has_no_score(fitted, of):
    alphas = of.alphas[:1].copy()
    alphas[0, 3] = np.nan
    alphas[0, 4, 0] = np.nan
    scores = fitted.scores(alphas, of.state[:1])[0]
    np.testing.assert_array_equal(np.isnan(scores), np.isnan(alphas[0]).all(axis=1))
    alphas[0, 4, 0] = 0.0
    assert fitted.scores(alphas, of.state[:1])[0, 4] == scores[4]


def test_an_unknown_state_is_the_mean_of_the_past():
    of = world(3, flips=True)
    fitted = fit(of.data, quick("gated"), seed=1)
    unknown = fitted.weights(np.full((1, 3), np.nan))
    mean = fitted.weights(fitted.arrays["state_mean"][None])
    np.testing.assert_array_equal(unknown, mean)
    far = fitted.weights(np.array([[1e9, 0.0, 0.0]]))
    assert np.isfinite(far).all()


def test_the_shares_of_the_experts_add_up_to_one(of):
    fitted = fit(of.data, quick("experts", experts=4, ensemble=2), seed=1)
    shares = fitted.mixture(of.state)
    assert shares.shape == (len(of.state), 2, 4)
    np.testing.assert_allclose(shares.sum(axis=2), 1, rtol=1e-12)
    by_hand = np.einsum("rek,ekd->rd", shares, fitted.arrays["experts"]) / 2
    np.testing.assert_allclose(fitted.weights(of.state), by_hand, rtol=1e-10)


@pytest.mark.parametrize("inputs", ["alphas", "alphas+prices"])
@pytest.mark.parametrize("missing", ["neutral", "mask"])
def test_what_went_through_a_snapshot_scores_to_the_bit(inputs, missing, priced, tmp_path):
    fitted = fit(priced, quick("mlp", inputs=inputs, missing=missing), seed=3)
    snapshot = Snapshot(payload={"weights": fitted.payload}, arrays=fitted.arrays)
    read = Snapshot.load(snapshot.save(tmp_path))
    again = Fitted.from_parts(read.payload["weights"], read.arrays)
    assert again.payload == fitted.payload
    rows = slice(0, 5)
    part = (priced.alphas[rows], priced.state[rows], priced.prices[rows])
    assert again.scores(*part).tobytes() == fitted.scores(*part).tobytes()


def test_whether_an_alpha_is_known_can_be_an_input():
    of = world(2, ic=0.0)
    alphas = of.data.alphas.copy()
    unknown = np.random.default_rng(1).random(alphas.shape[:2]) < 0.5
    alphas[unknown, 0] = np.nan
    labels = of.data.labels + 0.02 * unknown
    data = changed(of.data, alphas=alphas, labels=labels)
    told = fit(data, WeightsConfig(model="mlp", missing="mask"), seed=1)
    blind = fit(data, WeightsConfig(model="mlp"), seed=1)
    # a network can tell by the 0 that stands for it, but not by any linear weight
    assert told.report["validation_rank_ic"] > blind.report["validation_rank_ic"] + 0.015
    assert told.report["readout_correlation"] > 0.9
    assert blind.report["readout_correlation"] < 0.5
    assert any("read out" in warning for warning in blind.report["warnings"])
    assert told.weights(of.state[:1]).shape == (1, 8)


def test_other_shapes_are_refused(fitted, of):
    for alphas, state in [
        (of.alphas[:, :, :4], of.state),
        (of.alphas, of.state[:, :2]),
        (of.alphas[:3], of.state[:2]),
        (of.alphas[0], of.state),
    ]:
        with pytest.raises(ShapeError):
            fitted.scores(alphas, state)


def test_every_form_says_what_its_arrays_are(of):
    kinds = {m: FormKind(fit(of.data, quick(m), seed=0).payload["form"]) for m in MODELS}
    assert set(kinds.values()) == set(FormKind)
    for kind in kinds.values():
        assert {*FORMS[kind].by_input, *FORMS[kind].by_size} <= set(FORMS[kind].shapes)


def test_scoring_imports_no_torch(of, tmp_path):
    fitted = fit(of.data, quick("gated"), seed=1)
    np.savez(tmp_path / "arrays.npz", **fitted.arrays)
    (tmp_path / "payload.json").write_text(json.dumps(fitted.payload))
    code = (
        "import sys, json, numpy as np\n"
        "from alpha_sources.weights import Fitted, WeightsConfig, weights_config, TrainingSet, fit\n"
        f"arrays = dict(np.load({str(tmp_path / 'arrays.npz')!r}))\n"
        f"fitted = Fitted.from_parts(json.load(open({str(tmp_path / 'payload.json')!r})), arrays)\n"
        "fitted.scores(np.zeros((2, 4, 5)), np.zeros((2, 3)))\n"
        "weights_config(model='gated')\n"
        "print('torch' in sys.modules)"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "False"
