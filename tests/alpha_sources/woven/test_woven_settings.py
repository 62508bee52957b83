from __future__ import annotations

import os
import subprocess
import sys

import pytest

from alpha_sources.woven import WovenProvider
from engine.errors import AlphaloomError, ConfigError


@pytest.mark.parametrize(
    ("params", "said"),
    [
        ({"horizon_sessions": 0}, "alpha.params.horizon_sessions must be at least 1, not 0"),
        ({"min_sessions": "many"}, "alpha.params.min_sessions must be a whole number, not 'many'"),
        ({"normalise": "loud"}, "alpha.params.normalise must be"),
        ({"weights": {"model": "oracle"}}, "alpha.params.weights.model must be"),
        ({"weights": {"modell": "mlp"}}, "alpha.params.weights.modell: unknown key; did you mean model?"),
        ({"agents": {"treshold": 0.5}}, "alpha.params.agents.treshold: unknown key; did you mean threshold?"),
        ({"agents": {"threshold": 2}}, "alpha.params.agents.threshold must be at most 1, not 2"),
        ({"alphas_refresh": "sometimes"}, "alpha.params.alphas_refresh: 'sometimes' is no schedule"),
        ({"winsorize": -1}, "alpha.params.winsorize: -1 is neither"),
        ({"window_sessions": 100}, "window_sessions: 100 sessions are fewer than min_sessions 250"),
        (
            {"agents": {"profiles": {"mine": {"gian": 1}}}},
            "alpha.params.agents.profiles.mine.gian: unknown key; did you mean gain?",
        ),
        ({"on_failure": "hide"}, "alpha.params.on_failure must be"),
        ({"start": "soon"}, "alpha.params.start"),
    ],
)
def test_a_parameter_that_is_not_allowed_is_named(params, said):
    with pytest.raises(ConfigError) as problem:
        WovenProvider(**params)
    assert said in str(problem.value)
    assert "\n" not in str(problem.value)


def test_an_unknown_library_names_the_nearest():
    with pytest.raises(AlphaloomError, match="paper_seeds"):
        _ = WovenProvider(seeds="paper_seed").seeds


def test_seeds_that_say_nothing_of_their_own_are_left_out():
    released = WovenProvider(seeds="paper_released").seeds
    names = {seed.name for seed in released}
    assert 0 < len(names) < 37
    assert not any(mark.kind in ("duplicate_of", "constant", "level") for s in released for mark in s.marks)


def test_the_committee_has_the_providers_first_session_and_index_unless_it_says_otherwise():
    provider = WovenProvider(min_sessions=120, index_symbol="000016.SH")
    assert provider.settings.committee.least_sessions == 120
    assert provider.settings.committee.index_symbol == "000016.SH"
    own = WovenProvider(min_sessions=120, agents={"least_sessions": 90})
    assert own.settings.committee.least_sessions == 90


CONSTRUCTED = """
import sys
from alpha_sources.woven import WovenProvider
from engine.errors import ConfigError
WovenProvider()
assert "torch" not in sys.modules, "torch was imported by a provider that does not ask for a card"
WovenProvider(weights={"model": "ridge", "device": "cuda"})
assert "torch" not in sys.modules, "torch was imported for a model that needs no card"
try:
    WovenProvider(weights={"device": "cuda"})
except ConfigError as problem:
    print(problem)
"""


def test_a_card_that_is_not_there_is_missed_when_the_provider_is_made():
    # no card is visible, whatever the machine has
    environ = {**os.environ, "CUDA_VISIBLE_DEVICES": ""}
    done = subprocess.run(
        [sys.executable, "-c", CONSTRUCTED], env=environ, capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("alpha.params.weights.device: cuda, but torch finds no CUDA device")
