"""What baselines learn: what is there to be found, nothing from shuffled labels, always the same."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from baseline_kinds import SMALL, learned, small
from baseline_markets import market

from alpha_sources.baselines import RandomAlphas
from alpha_sources.evaluation.labels import forward_returns
from alpha_sources.honesty import Honesty, Label
from alpha_sources.snapshot import Snapshot
from engine.errors import ProviderError
from engine.market.calendar import to_session
from engine.metrics import rank_ic

HERE = Path(__file__).parent
LEARNED_AT, NAMES = 220, list(SMALL)


@pytest.fixture(scope="module")
def echo():
    """A market on which what rose falls back."""
    return market(300, echo=-0.4)


def foresight(provider, snapshot, panel) -> float:
    """Mean rank IC on the sessions after those that were learned from."""
    view = panel.view(len(panel.dates) - 1)
    scores = provider.scores_panel(view, snapshot, LEARNED_AT + 1)
    return float(np.nanmean(rank_ic(scores, forward_returns(view, 1)[LEARNED_AT + 1 :])))


@pytest.mark.parametrize("name", NAMES)
def test_what_foretells_returns_is_found_and_lost_when_labels_are_shuffled(echo, name):
    provider = small(name)
    snapshot = learned(provider, echo.view(LEARNED_AT))
    found = foresight(provider, snapshot, echo)
    # the return of the session itself, which is all there is to know, has a rank IC of 0.38
    assert found > 0.25
    view = echo.view(len(echo.dates) - 1)
    row = view.view(260)
    np.testing.assert_array_equal(
        provider.scores_panel(view, snapshot, 250)[10], provider.scores(row, snapshot)
    )
    assert np.isnan(provider.scores(row, snapshot)[~row.universe[-1]]).all()
    shuffled = []
    for shuffle in range(1, 4 if name in ("gradient_boosting", "mlp_features") else 9):
        provider = small(name, shuffle_labels=shuffle)
        shuffled.append(foresight(provider, learned(provider, echo.view(LEARNED_AT)), echo))
    # a sign that is learned from noise is right as often as not
    assert abs(np.mean(shuffled)) < 0.4 * found


@pytest.mark.parametrize("name", NAMES)
def test_a_stored_snapshot_scores_the_same(echo, name, tmp_path):
    options = {"shuffle_labels": 1} if name == "genetic" else {}
    provider = small(name, **options)
    snapshot = learned(provider, echo.truncate(150).view(150))
    assert snapshot == learned(small(name, **options), echo.view(150))  # later sessions change nothing
    stored = Snapshot.load(snapshot.save(tmp_path))
    view = echo.view(170)
    np.testing.assert_array_equal(
        small(name, **options).scores(view, stored), provider.scores(view, snapshot)
    )
    assert [section.title for section in provider.sections([snapshot, stored])]
    assert provider.sections([]) == []


def test_another_process_learns_the_same():
    script = (
        "import json, sys; sys.path.insert(0, sys.argv[1])\n"
        "from baseline_kinds import SMALL, learned, small; from baseline_markets import market\n"
        "panel = market(130, names=14)\n"
        "print(json.dumps({n: learned(small(n), panel.view(129)).hash for n in SMALL}))\n"
    )
    environment = {**os.environ, "PYTHONHASHSEED": "77"}
    told = subprocess.run(
        [sys.executable, "-c", script, str(HERE)], env=environment, capture_output=True, text=True, check=True
    )
    panel = market(130, names=14)
    here = {name: learned(small(name), panel.view(129)).hash for name in NAMES}
    assert json.loads(told.stdout) == here


def test_learning_leaves_the_random_numbers_of_others_alone():
    panel = market(130, names=14)
    before = random.getstate(), torch.random.get_rng_state()
    for name in ("genetic", "mlp_features", "lstm"):
        learned(small(name), panel.view(129))
    assert random.getstate() == before[0]
    assert torch.equal(torch.random.get_rng_state(), before[1])


@pytest.mark.parametrize("name", ["lstm", "genetic", "random_alphas"])
def test_another_seed_learns_something_else(name):
    panel = market(130, names=14)
    one, other = (learned(small(name, seed=seed), panel.view(129)) for seed in (1, 2))
    assert one != other


def test_nothing_outside_the_window_is_learned_from(echo):
    import dataclasses

    options = {"window_sessions": 60, "count": 6}
    noisy = dataclasses.replace(
        echo,
        fields={
            **echo.fields,
            # a past long gone, with other prices: 40 sessions before the window's formulas begin
            "open": np.vstack([echo.fields["open"][:30] * 3, echo.fields["open"][30:]]),
        },
    )
    assert learned(small("random_alphas", **options), echo.view(260)) == learned(
        small("random_alphas", **options), noisy.view(260)
    )


@pytest.mark.parametrize("name", NAMES)
def test_too_short_a_past_is_refused(echo, name):
    with pytest.raises(ProviderError, match=r"29 sessions with members .* alpha\.params\.min_sessions is 40"):
        small(name).refresh(echo.view(30), None)


@pytest.mark.parametrize("name", NAMES)
def test_without_a_refresh_there_is_no_score(echo, name):
    with pytest.raises(ProviderError, match=r"nothing was learned yet: set alpha\.refresh"):
        small(name).scores(echo.view(30), None)


@pytest.mark.parametrize("name", NAMES)
def test_the_snapshot_of_another_is_refused(echo, name):
    strange = learned(small("random_alphas" if name != "random_alphas" else "lstm"), market(60, 14).view(59))
    if name == "genetic":
        strange = Snapshot(payload={"something": 1})
    with pytest.raises(ProviderError, match="refresh anew"):
        small(name).scores(echo.view(230), strange)


def test_alpha158_is_clean_after_2020_and_not_before():
    provenance = small("gradient_boosting").provenance()
    assert len(provenance.seeds) == 137
    for year, label in ((2023, Label.CLEAN), (2019, Label.CONTAMINATED)):
        start, end = (to_session(f"{year}-{day}").astype(object) for day in ("01-03", "12-28"))
        assert label in Honesty.of(start, end, (), provenance).labels
    assert small("lstm").provenance().seeds == ()


def test_the_fingerprint_is_that_of_what_learns(monkeypatch):
    import alpha_sources.baselines.learned as module

    before = {name: small(name).fingerprint() for name in NAMES}
    real = module.version
    monkeypatch.setattr(module, "version", lambda name: "0" if name == "deap" else real(name))
    after = {name: small(name).fingerprint() for name in NAMES}
    assert [name for name in NAMES if before[name] != after[name]] == ["genetic"]


def test_random_alphas_by_a_coin_know_nothing_of_labels(echo):
    view = echo.view(200)
    one, other = (
        learned(RandomAlphas(min_sessions=40, sign="random", seed=3, shuffle_labels=shuffle), view)
        for shuffle in (None, 1)
    )
    chosen = [[(f["formula"], f["sign"]) for f in s.payload["formulas"]] for s in (one, other)]
    assert chosen[0] == chosen[1]
    assert {sign for _, sign in chosen[0]} == {-1, 1}
