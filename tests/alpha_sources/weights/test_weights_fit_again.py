"""The same learning gives the same bytes; what comes too late changes none; what was learned is kept."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from weights_markets import changed, direction, world

from alpha_sources.weights import WeightsConfig, fit
from engine.hashing import canonical_json, hash_arrays
from engine.metrics import rank_ic

NETWORKS = ("mlp", "gated", "experts")
MODELS = (*NETWORKS, "ridge", "ic")


def quick(model, **options):
    epochs = {"epochs": 4, "ensemble": 2} if model in NETWORKS else {}
    return WeightsConfig(model=model, **(epochs | options))


def digest(fitted):
    arrays = hash_arrays(sorted(fitted.arrays.items()))
    return hashlib.sha256((canonical_json(fitted.payload) + arrays).encode()).hexdigest()


ELSEWHERE = """
import json, sys
import torch
torch.set_num_threads(2)
sys.path.insert(0, sys.argv[1])
from test_weights_fit_again import MODELS, digest, quick
from weights_markets import world
from alpha_sources.weights import fit
data = world(6, flips=True).data
print(json.dumps({m: digest(fit(data, quick(m), seed=5)) for m in MODELS}))
"""


def test_the_same_data_give_the_same_bytes_here_and_in_another_process():
    data = world(6, flips=True).data
    here = {model: digest(fit(data, quick(model), seed=5)) for model in MODELS}
    torch.manual_seed(123)  # nobody's business
    assert {model: digest(fit(data, quick(model), seed=5)) for model in MODELS} == here
    command = [sys.executable, "-c", ELSEWHERE, str(Path(__file__).parent)]
    ran = subprocess.run(command, capture_output=True, text=True, check=True)
    assert json.loads(ran.stdout) == here
    for model in NETWORKS:
        assert digest(fit(data, quick(model), seed=6)) != here[model]


def test_torch_is_left_as_it_was():
    before = torch.get_num_threads(), torch.get_deterministic_debug_mode(), torch.get_rng_state().tolist()
    fit(world(6).data, quick("mlp", threads=before[0] + 1), seed=5)
    after = torch.get_num_threads(), torch.get_deterministic_debug_mode(), torch.get_rng_state().tolist()
    assert after == before


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("horizon", [1, 4])
def test_alphas_without_a_realised_label_teach_nothing(model, horizon):
    data = world(6, horizon=horizon).data
    alphas, state = data.alphas.copy(), data.state.copy()
    alphas[-horizon - 1 :] *= -3
    state[-horizon - 1 :] = 17.0
    assert digest(fit(changed(data, alphas=alphas, state=state), quick(model), seed=5)) == digest(
        fit(data, quick(model), seed=5)
    )


@pytest.mark.parametrize("model", NETWORKS)
@pytest.mark.parametrize("horizon", [1, 4])
def test_the_purged_sessions_change_no_network(model, horizon):
    data = world(6, horizon=horizon).data
    learnable = data.sessions - horizon - 1
    first = learnable - int(np.ceil(0.2 * learnable))
    learned = digest(fit(data, quick(model), seed=5))

    def spoiled(rows):
        alphas, labels, state = data.alphas.copy(), data.labels.copy(), data.state.copy()
        alphas[rows] = -alphas[rows]
        labels[rows] = 0.5 - 7 * labels[rows] ** 2
        state[rows] += 9.0
        return digest(fit(changed(data, alphas=alphas, labels=labels, state=state), quick(model), seed=5))

    assert spoiled(slice(first - horizon - 1, first)) == learned
    # and the sessions on either side do count
    assert spoiled(slice(first - horizon - 2, first - horizon - 1)) != learned
    assert spoiled(slice(first, first + 1)) != learned


@pytest.mark.parametrize("model", NETWORKS)
def test_a_warm_start_begins_where_the_last_fit_ended(model):
    of = world(6, flips=True)
    config = WeightsConfig(model=model, ensemble=2, learning_rate=1e-9, epochs=1)
    trained = fit(of.data, WeightsConfig(model=model, ensemble=2, epochs=40), seed=5)
    again = fit(of.data, config, seed=8, previous=trained)
    assert again.report["began"] == "with the previous weights"
    np.testing.assert_allclose(again.weights(of.state), trained.weights(of.state), rtol=1e-3, atol=1e-4)
    cold = fit(
        of.data, WeightsConfig(**(config.model_dump() | {"warm_start": False})), seed=8, previous=trained
    )
    assert cold.report["began"] == "anew"
    assert not np.allclose(cold.weights(of.state), trained.weights(of.state), atol=0.05)


@pytest.mark.parametrize("model", NETWORKS)
def test_a_warm_start_knows_alphas_by_name_and_moves_with_the_units(model):
    of = world(6, flips=True)
    trained = fit(of.data, WeightsConfig(model=model, ensemble=2, epochs=40), seed=5)
    # the last alpha is forgotten, the others stand the other way round and have become five times as large, a
    # new one comes first, and the market is another: what was learned for given values stays
    order = [6, 5, 4, 3, 2, 1, 0]
    new = np.random.default_rng(4).normal(size=(*of.data.labels.shape, 1))
    later = changed(
        of.data,
        alphas=np.concatenate([new, 5 * of.data.alphas[:, :, order]], axis=2),
        names=("new", *(of.data.names[i] for i in order)),
        state=3 * of.data.state + 2,
    )
    config = WeightsConfig(model=model, ensemble=2, learning_rate=1e-9, epochs=1)
    again = fit(later, config, seed=8, previous=trained)
    usual = of.state[np.abs(of.state).max(axis=1) < 2]
    found, had = again.weights(usual), trained.weights(usual)[:, order]
    assert np.abs(found[:, 0]).max() < 1e-6
    if model != "mlp":
        np.testing.assert_allclose(direction(found[:, 1:]), direction(had), atol=1e-3)
        return
    # its weights are means over other cross-sections now: the network is what is kept
    nothing = np.zeros_like(of.alphas[:, :, :1])
    kept = again.scores(np.concatenate([nothing, of.alphas[:, :, order]], axis=2), of.state)
    without = trained.scores(np.concatenate([of.alphas[:, :, :7], nothing], axis=2), of.state)
    assert np.mean(rank_ic(kept, without)) > 0.999


def test_a_warm_start_from_another_kind_begins_anew_and_says_why():
    of = world(6)
    gated = fit(of.data, quick("gated"), seed=5)
    for config, of_what, why in (
        (quick("mlp"), of.data, "it was gated"),
        (quick("gated", ensemble=3), of.data, "its ensemble was of 2"),
        (quick("gated", gate_hidden=3), of.data, "its gate_hidden was 2, not 3"),
        (quick("gated"), changed(of.data, state_names=("a", "b", "c")), "another market state"),
        (quick("gated"), changed(of.data, names=tuple("abcdefgh")), "it knew none of the alphas"),
    ):
        fitted = fit(of_what, config, seed=5, previous=gated)
        assert fitted.report["began"] == "anew"
        assert [w for w in fitted.report["warnings"] if why in w]


def test_training_stops_when_validation_no_longer_gets_better():
    data = world(7, ic=0.0).data
    fitted = fit(data, WeightsConfig(model="gated", patience=3), seed=1)
    report = fitted.report
    assert len(report["losses"]) == max(report["best_epochs"]) + 3 < 200
    assert len(report["validation_curve"]) == len(report["losses"])
    whole = fit(data, WeightsConfig(model="gated", validation=0, epochs=5), seed=1).report
    assert whole["best_epochs"] == [5] * 5
    assert whole["validation_rank_ic"] is None


def test_what_is_validated_is_what_the_stored_weights_score():
    data = world(5).data
    for model in MODELS[:3]:
        fitted = fit(data, quick(model), seed=2)
        first = data.sessions - 2 - fitted.report["sessions_validation"]
        rows = slice(first, data.sessions - 2)
        ics = rank_ic(fitted.scores(data.alphas[rows], data.state[rows]), data.labels[rows])
        assert np.mean(ics) == pytest.approx(fitted.report["validation_rank_ic"], abs=1e-4)
