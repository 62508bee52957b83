"""What cannot be learned from, and what was tampered with, is said in one line."""

from __future__ import annotations

import copy

import numpy as np
import pytest
import torch
from weights_markets import changed, world

from alpha_sources.weights import Fitted, TrainingSet, WeightsConfig, WeightsError, fit, weights_config
from engine.errors import AlphaloomError, ConfigError, LookAheadError, ShapeError
from engine.metrics import rank_ic

MODELS = ("mlp", "gated", "experts", "ridge", "ic")


def quick(model, **options):
    return WeightsConfig(model=model, **({"epochs": 3} if model in MODELS[:3] else {}), **options)


@pytest.fixture(scope="module")
def data():
    return world(1).data


def refused(data, config, *words):
    with pytest.raises(WeightsError) as problem:
        fit(data, config, seed=1)
    message = str(problem.value)
    assert "\n" not in message
    assert all(word in message for word in words), message


@pytest.mark.parametrize("model", MODELS)
def test_too_few_sessions(model, data):
    few = TrainingSet(data.alphas[-60:], data.labels[-60:], data.state[-60:], None, data.names)
    refused(few, quick(model), "sessions for training, at least 60", "of 60 sessions 58 can be learned from")
    refused(data, quick(model, validation=0.02), "6 sessions for validation, at least 10")


@pytest.mark.parametrize("model", MODELS)
def test_alphas_of_which_nothing_is_known(model, data):
    unknown = np.full_like(data.alphas, np.nan)
    refused(changed(data, alphas=unknown), quick(model), "a known alpha")
    refused(changed(data, alphas=0 * data.alphas), quick(model), "every alpha is unknown or 0")


@pytest.mark.parametrize("model", MODELS)
def test_labels_that_say_nothing(model, data):
    same = np.where(np.isnan(data.labels), np.nan, 0.01)
    refused(changed(data, labels=same), quick(model), "all the same")
    refused(changed(data, labels=np.full_like(same, np.nan)), quick(model), "names with a label")


def test_a_session_of_which_too_little_is_known_is_left_out(data):
    alphas, labels, state = data.alphas.copy(), data.labels.copy(), data.state.copy()
    alphas[3, 5:] = np.nan
    labels[4, 9:] = np.nan
    labels[5] = 0.02
    labels[6, 0] = np.inf
    state[7, 1] = np.nan
    less = changed(data, alphas=alphas, labels=labels, state=state)
    for model, lost in (("mlp", 3), ("gated", 4)):
        report = fit(less, quick(model), seed=1).report
        whole = fit(data, quick(model), seed=1).report
        found, had = (r["sessions_train"] + r["sessions_validation"] for r in (report, whole))
        assert had - found == lost


@pytest.mark.parametrize("model", MODELS)
def test_an_alpha_of_which_nothing_is_known_has_no_weight(model, data):
    alphas = data.alphas.copy()
    alphas[:, :, 2] = np.nan
    alphas[:, :, 5] = 0.0
    fitted = fit(changed(data, alphas=alphas), quick(model), seed=1)
    weights = fitted.weights(data.state)
    assert not weights[:, [2, 5]].any()
    assert weights[:, [0, 1, 3, 4, 6, 7]].all()
    assert any("alpha_2, alpha_5" in warning for warning in fitted.report["warnings"])
    # and still none where it is known one day
    scores = fitted.scores(data.alphas[:1], data.state[:1])
    assert np.isfinite(scores).all()


@pytest.mark.parametrize("model", MODELS)
def test_one_alpha_weighs_the_sign_of_its_ic(model):
    of = world(2, alphas=1, ic=0.3)
    for sign in (1, -1):
        fitted = fit(changed(of.data, alphas=sign * of.data.alphas), quick(model), seed=1)
        right = sign * np.sign(np.mean(rank_ic(of.data.alphas[:-2, :, 0], of.data.labels[:-2])))
        np.testing.assert_array_equal(fitted.weights(of.state), np.full((200, 1), right))
        assert any("only one alpha" in warning for warning in fitted.report["warnings"])
        again = Fitted.from_parts(fitted.payload, fitted.arrays)
        assert again.scores(of.alphas, of.state).tobytes() == fitted.scores(of.alphas, of.state).tobytes()


def test_where_no_ic_is_positive_there_are_no_positive_weights():
    of = world(2, alphas=2, ic=0.3)
    ics = [np.mean(rank_ic(of.data.alphas[:-2, :, a], of.data.labels[:-2])) for a in range(2)]
    down = changed(of.data, alphas=-of.data.alphas * np.sign(ics))
    refused(down, quick("ic", non_negative=True), "weights.model: ic gives every alpha the weight 0")


def test_a_card_that_is_not_there(data, monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    for model in MODELS:
        refused(data, quick(model, device="cuda"), "weights.device: cuda", "auto or cpu")
    assert fit(data, quick("mlp", device="auto"), seed=1).report["device"] == "cpu"


@pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no CUDA device")
@pytest.mark.parametrize("model", MODELS)
def test_a_card_learns_what_the_processor_learns(model):
    of = world(5)
    both = [fit(of.data, WeightsConfig(model=model, device=device), seed=1) for device in ("cpu", "cuda")]
    scores = [fitted.scores(of.alphas, of.state) for fitted in both]
    assert np.mean(rank_ic(scores[0], scores[1])) > 0.98


def test_what_is_asked_for_and_absent(data):
    refused(data, quick("ridge", inputs="alphas+prices"), "alphas+prices", "no prices")
    stateless = changed(data, state=np.zeros((300, 0)), state_names=())
    refused(stateless, quick("gated"), "follows the market state")
    assert fit(stateless, quick("mlp"), seed=1).weights(np.zeros((2, 0))).shape == (2, 8)
    unknown = changed(data, state=np.full_like(data.state, np.nan))
    refused(unknown, quick("experts"), "follows the market state, but none is known")
    in_turn = data.state.copy()
    in_turn[::2, 0] = np.nan
    in_turn[1::2, 1] = np.nan
    refused(changed(data, state=in_turn), quick("experts"), "market state is not wholly known")


def test_a_feature_that_is_never_known_is_neutral(data):
    state = np.concatenate([data.state, np.full((300, 1), np.nan)], axis=1)
    more = changed(data, state=state, state_names=(*data.state_names, "turnover"))
    fitted = fit(more, quick("gated"), seed=1)
    known, unknown = np.zeros((1, 4)), np.array([[0.0, 0.0, 0.0, np.nan]])
    known[0, 3] = 5.0
    np.testing.assert_array_equal(fitted.weights(known), fitted.weights(unknown))
    assert fitted.report["sessions_train"] == fit(data, quick("gated"), seed=1).report["sessions_train"]


def test_training_that_diverges(data):
    refused(data, quick("mlp", learning_rate=1e30), "diverged", "learning_rate")


def test_a_label_from_the_future():
    of = world(1)
    labels = of.data.labels.copy()
    labels[-2, 3] = 0.01
    with pytest.raises(LookAheadError, match="row 298 of 300"):
        changed(of.data, labels=labels)


@pytest.mark.parametrize(
    "fields",
    [
        {"labels": np.zeros((300, 39))},
        {"state": np.zeros((299, 3))},
        {"names": tuple("abcdefg")},
        {"names": tuple("aabcdefg")},
        {"prices": np.zeros((300, 40))},
        {"state_names": ("a", "b")},
        {"horizon_sessions": 0},
        {"alphas": np.zeros((300, 40))},
    ],
)
def test_arrays_that_do_not_go_together(fields, data):
    with pytest.raises(ShapeError):
        changed(data, **fields)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"modell": "mlp"}, "alpha.params.weights.modell: unknown key, did you mean 'model'?"),
        ({"model": "forest"}, "alpha.params.weights.model must be"),
        ({"ensemble": 0}, "alpha.params.weights.ensemble must be at least 1, not 0"),
        ({"learning_rate": "fast"}, "alpha.params.weights.learning_rate must be a number"),
        ({"model": "ridge", "loss": "rank_ic"}, "alpha.params.weights.loss: rank_ic is for networks"),
        ({"model": "gated", "missing": "mask"}, "alpha.params.weights.missing: mask is for model mlp"),
        ({"model": "gated", "batch_of": "rows"}, "alpha.params.weights.batch_of: rows is for model mlp"),
        ({"non_negative": True}, "alpha.params.weights.non_negative: is for model ic"),
        ({"model": "ridge", "validation": 0}, "alpha.params.weights.penalty: give one"),
        ({"model": "ic", "inputs": "alphas+prices"}, "alpha.params.weights.inputs: alphas+prices is for"),
    ],
)
def test_configurations_that_are_none(options, message):
    with pytest.raises(ConfigError) as problem:
        weights_config(**options)
    assert message.split(", did")[0] in str(problem.value)
    assert "\n" not in str(problem.value)


def _dropped(payload, arrays):
    del arrays["gate_out"]


def _added(payload, arrays):
    arrays["extra"] = np.zeros(3)


def _reshaped(payload, arrays):
    arrays["base"] = arrays["base"][:, :-1]


def _flat(payload, arrays):
    arrays["gate_in"] = arrays["gate_in"].reshape(-1)


def _not_a_number(payload, arrays):
    arrays["base"][0, 0] = np.nan


def _endless(payload, arrays):
    arrays["state_inverse"][1] = np.inf


def _narrow(payload, arrays):
    arrays["base"] = arrays["base"].astype(np.float32)


def _renamed(payload, arrays):
    payload["names"][0] = payload["names"][1]


def _forgotten(payload, arrays):
    payload["names"].pop()


def _another_form(payload, arrays):
    payload["form"] = "mlp"


def _no_form(payload, arrays):
    payload["form"] = "oracle"


def _newer(payload, arrays):
    payload["version"] = 2


def _no_key(payload, arrays):
    del payload["size"]


def _no_number(payload, arrays):
    payload["size"] = ["large"] * 5


def _no_json(payload, arrays):
    payload["report"] = {"ic": float("nan")}


def _no_clip(payload, arrays):
    payload["state_clip"] = 0


@pytest.mark.parametrize(
    "tamper",
    [
        _dropped,
        _added,
        _reshaped,
        _flat,
        _not_a_number,
        _endless,
        _narrow,
        _renamed,
        _forgotten,
        _another_form,
        _no_form,
        _newer,
        _no_key,
        _no_number,
        _no_json,
        _no_clip,
    ],
)
def test_weights_that_were_tampered_with(tamper, gated):
    payload = copy.deepcopy(dict(gated.payload))
    arrays = {name: array.copy() for name, array in gated.arrays.items()}
    assert Fitted.from_parts(payload, arrays).payload == gated.payload
    tamper(payload, arrays)
    with pytest.raises(WeightsError, match="stored weights") as problem:
        Fitted.from_parts(payload, arrays)
    assert "\n" not in str(problem.value)
    assert isinstance(problem.value, AlphaloomError)


@pytest.fixture(scope="module")
def gated(data):
    return fit(data, quick("gated"), seed=1)
