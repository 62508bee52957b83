"""The parts of the baselines, each against a second opinion."""

from __future__ import annotations

import dataclasses
import pickle
import subprocess
import sys

import numpy as np
import pytest
import torch
from baseline_kinds import learned, small
from baseline_markets import market
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from alpha_sources.baselines import (
    Genetic,
    GradientBoosting,
    LstmSequences,
    MlpFeatures,
    Momentum,
    RandomAlphas,
)
from alpha_sources.baselines.extras import MissingExtraError, require
from alpha_sources.baselines.grammar import MOST_LOOKBACK, Grammar, Sort, read, written
from alpha_sources.baselines.lessons import labels_from, lesson_of
from alpha_sources.baselines.networks import lstm_scores, mlp_scores
from alpha_sources.baselines.settings import FittedSettings
from alpha_sources.baselines.training import LastState
from alpha_sources.evaluation.labels import forward_returns
from alpha_sources.formula import parse, similarity
from alpha_sources.formula.evaluator import evaluate
from engine.errors import ConfigError, DataError
from engine.metrics import rank_ic

MARKET = market(150, names=15, seed=3)
VIEW = MARKET.view(149)


# -- lessons


@pytest.mark.parametrize("horizon", [1, 5])
def test_no_label_that_trains_reaches_into_a_session_that_validates(horizon):
    lesson = lesson_of(VIEW, FittedSettings(horizon_sessions=horizon, min_sessions=40))
    # a decision at t is over at the open of t + 1 + h
    assert lesson.train[-1] + 1 + horizon <= lesson.validate[0]
    assert lesson.validate[-1] == 149 - 1 - horizon
    assert np.isnan(lesson.targets[-1 - horizon :]).all()
    assert len(lesson.validate) == np.ceil(0.2 * (149 - horizon))


def test_targets_are_standard_deviations_of_the_session():
    lesson = lesson_of(VIEW, FittedSettings(min_sessions=40))
    labels = forward_returns(VIEW, 1)[lesson.first + 10]
    expected = (labels - np.nanmean(labels)) / np.nanstd(labels)
    np.testing.assert_allclose(lesson.targets[10], expected, rtol=1e-12)


def test_shuffled_labels_are_the_same_ones_of_each_session_on_other_names():
    real = labels_from(VIEW, 5, FittedSettings())
    shuffled = labels_from(VIEW, 5, FittedSettings(shuffle_labels=1))
    np.testing.assert_array_equal(np.isnan(real), np.isnan(shuffled))
    np.testing.assert_array_equal(np.sort(real, axis=1), np.sort(shuffled, axis=1))
    assert abs(np.nanmean(rank_ic(real, shuffled))) < 0.06
    # and on the same ones at every refresh
    earlier = labels_from(MARKET.view(100), 5, FittedSettings(shuffle_labels=1))
    np.testing.assert_array_equal(earlier[:90], shuffled[:90])


def test_a_rolling_window_holds_so_many_realised_sessions():
    lesson = lesson_of(VIEW, FittedSettings(min_sessions=40, window_sessions=60))
    assert lesson.first == 148 - 60
    assert np.isfinite(lesson.targets).any(axis=1).sum() == 60


# -- networks


def test_a_perceptron_scores_as_torch_does():
    torch.manual_seed(1)
    network = nn.Sequential(nn.Linear(6, 5), nn.ReLU(), nn.Linear(5, 4), nn.ReLU(), nn.Linear(4, 1))
    arrays = {
        f"{i}.{name}": getattr(network[2 * i], name).detach().numpy()
        for i in range(3)
        for name in ("weight", "bias")
    }
    x = np.random.default_rng(0).normal(size=(40, 6))
    expected = network(torch.from_numpy(x).float()).detach().numpy()[:, 0]
    scores = mlp_scores(x, arrays)
    np.testing.assert_allclose(scores, expected, atol=1e-6)
    np.testing.assert_array_equal(mlp_scores(x[7:8], arrays), scores[7:8])


def test_an_lstm_scores_as_torch_does():
    torch.manual_seed(1)
    network = LastState(3, 7)
    arrays = {name: value.detach().numpy() for name, value in network.state_dict().items()}
    as_scored = LstmSequences()._as_scored(arrays)
    x = np.random.default_rng(0).normal(size=(12, 9, 3))
    expected = network(torch.from_numpy(x).float()).detach().numpy()
    np.testing.assert_allclose(lstm_scores(x, as_scored), expected, atol=1e-6)


def test_an_lstm_sees_the_sessions_up_to_the_one_it_scores():
    provider = small("lstm")
    snapshot = learned(provider, MARKET.view(120))
    scores = provider.scores(VIEW, snapshot)
    short = VIEW.window(provider.history + 1)
    np.testing.assert_array_equal(provider.scores(short, snapshot), scores)
    assert not np.array_equal(provider.scores(MARKET.view(148), snapshot), scores)


# -- features


def test_a_feature_that_the_market_cannot_compute_is_left_out():
    fields = {name: values for name, values in MARKET.fields.items() if name != "vwap"}
    provider = small("gradient_boosting", trees=3)
    snapshot = learned(provider, dataclasses.replace(MARKET, fields=fields).view(149))
    names = [name for name, _ in snapshot.payload["features"]]
    assert "VWAP0" not in names
    assert len(names) == 136
    assert abs(sum(snapshot.payload["gains"].values()) - 1) < 1e-9


def test_a_market_of_closes_alone_has_no_labels(make_panel):
    with pytest.raises(DataError, match="the market has no field 'open'"):
        names = tuple(f"{600000 + n}.SH" for n in range(12))
        small("gradient_boosting").refresh(make_panel(80, symbols=names).view(79), None)


# -- formulas


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 2**31), depth=st.integers(1, 5))
def test_drawn_formulas_make_sense(seed, depth):
    grammar = Grammar.of(VIEW)
    random = np.random.default_rng(seed)
    tree = grammar.drawn(random, Sort.RATIO, depth, whole=True)
    formula = read(written(tree))
    if formula is None:  # a constant, or one that looks back too far
        return
    # the formula language objects to no unit in it
    assert parse(formula.text, strict=True).units == "ratio"
    assert formula.lookback <= MOST_LOOKBACK
    assert not formula.unbounded


def test_every_operator_of_the_grammar_is_drawn_sooner_or_later():
    grammar, random = Grammar.of(VIEW), np.random.default_rng(0)
    drawn = {rule.name for _ in range(3000) for rule in grammar.drawn(random, Sort.RATIO, 3, whole=True)}
    assert {name.split(":")[0].rstrip("0123456789").rstrip("_") for name in drawn} >= {
        "add", "div", "delay", "ts_corr", "rank", "log", "decay_linear", "turnover", "volume",
    }  # fmt: skip


def test_random_formulas_differ_and_a_seed_draws_the_same_again():
    grammar = Grammar.of(VIEW)
    drawn = grammar.formulas(np.random.default_rng(4), 50, 3)
    assert len({formula.canonical for formula in drawn}) == 50
    assert grammar.formulas(np.random.default_rng(4), 50, 3) == drawn


def test_genetic_formulas_are_worth_what_is_said_and_are_not_alike():
    provider = Genetic(min_sessions=40, population=40, generations=3, keep=5, depth=3, most_alike=0.5)
    snapshot = learned(provider, VIEW)
    formulas = snapshot.payload["formulas"]
    labels = forward_returns(VIEW, 1)
    panels = []
    for part in formulas:
        values = evaluate(part["formula"], VIEW)[0]
        assert np.nan_to_num(rank_ic(values, labels)[:-2]).mean() == pytest.approx(part["ic"], abs=1e-12)
        assert part["sign"] == np.sign(part["ic"])
        panels.append(np.where(MARKET.universe, values, np.nan))
    alike = [np.nanmean(rank_ic(a, b)) for i, a in enumerate(panels) for b in panels[:i]]
    assert max(map(abs, alike)) < 0.65
    assert all(
        similarity(a["formula"], b["formula"]) < 1 for i, a in enumerate(formulas) for b in formulas[:i]
    )


def test_the_blend_is_the_mean_of_signed_ranks():
    provider = RandomAlphas(min_sessions=40, count=3)
    snapshot = learned(provider, VIEW)
    members = MARKET.universe[-1]
    expected = np.zeros(members.sum())
    for part in snapshot.payload["formulas"]:
        values = evaluate(part["formula"], VIEW)[0][-1][members]
        assert np.isfinite(values).all()
        ranks = np.array([(values < v).sum() + ((values == v).sum() + 1) / 2 for v in values])
        expected += part["sign"] * (ranks - ranks.mean()) / len(ranks)
    np.testing.assert_allclose(provider.scores(VIEW, snapshot)[members], expected / 3, atol=1e-12)


@pytest.mark.parametrize("name", ["genetic", "random_alphas"])
def test_every_formula_tried_is_counted_over_all_refreshes(name):
    provider = small(name)
    first = learned(provider, MARKET.view(120))
    second = learned(provider, VIEW, first)
    tried = [snapshot.payload["record"]["tried"] for snapshot in (first, second)]
    assert tried[0] >= 4
    assert provider.trials(first) == tried[0]
    assert provider.trials(second) == sum(tried)


# -- momentum


def test_momentum_is_the_rise_of_the_year_without_its_last_month():
    close = MARKET.fields["close"]
    scores = Momentum(100, 20).scores(VIEW, None)
    expected = close[149 - 20] / close[149 - 100] - 1
    members = MARKET.universe[-1]
    np.testing.assert_array_equal(np.argsort(scores[members]), np.argsort(expected[members]))
    assert np.isnan(scores[~members]).all()
    assert Momentum().history == 252


# -- what a user gets wrong


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: GradientBoosting(trees=0), r"alpha\.params\.trees must be at least 1, not 0"),
        (lambda: GradientBoosting(normalise="raw"), r"alpha\.params\.normalise must be 'rank' or 'zscore'"),
        (lambda: MlpFeatures(validation=0.9), r"alpha\.params\.validation must be at most 0\.5, not 0\.9"),
        (lambda: MlpFeatures(labels="raw"), r"alpha\.params\.labels must be 'demeaned', 'zscore' or 'rank'"),
        (lambda: LstmSequences(sessions=1), r"alpha\.params\.sessions must be at least 2, not 1"),
        (lambda: LstmSequences(learning_rate=float("nan")), r"alpha\.params\.learning_rate"),
        (lambda: Genetic(elite=120), r"alpha\.params\.elite: 120 trees of a population of 120"),
        (lambda: Genetic(shuffle_labels=-1), r"alpha\.params\.shuffle_labels must be at least 0, not -1"),
        (lambda: RandomAlphas(sign="best"), r"alpha\.params\.sign must be 'ic' or 'random', not 'best'"),
        (
            lambda: RandomAlphas(window_sessions=100),
            r"alpha\.params\.window_sessions: 100 sessions are fewer than min_sessions 250",
        ),
        (lambda: RandomAlphas(start="soon"), r"alpha\.params\.start must be a date like 2023-01-03"),
        (
            lambda: Momentum(20, 20),
            r"alpha\.params\.skip_sessions: 20 leaves nothing of lookback_sessions 20",
        ),
        (lambda: Momentum(True), r"alpha\.params\.lookback_sessions must be a whole number"),
    ],
)
def test_a_wrong_parameter_is_named_in_one_line(make, message):
    with pytest.raises(ConfigError, match=message) as problem:
        make()
    assert "\n" not in str(problem.value)


def test_a_library_that_cannot_be_loaded_says_why(tmp_path, monkeypatch):
    (tmp_path / "halfboost.py").write_text(
        "raise OSError('libgomp.so.1: cannot open\\nshared object file')\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(
        MissingExtraError, match=r"cannot be loaded \(libgomp\.so\.1: cannot open shared"
    ) as problem:
        require("gradient_boosting", "halfboost", "boost")
    again = pickle.loads(pickle.dumps(problem.value))  # it may come from another process
    assert (type(again), str(again)) == (MissingExtraError, str(problem.value))


def test_a_missing_library_is_named_with_its_extra_and_takes_no_other_baseline_with_it():
    script = (
        "import sys\n"
        "sys.modules['lightgbm'] = sys.modules['deap'] = None\n"  # as if they were not installed
        "from alpha_sources.baselines import *\n"
        "for cls in (GradientBoosting, Genetic):\n"
        "    try:\n"
        "        cls()\n"
        "    except MissingExtraError as problem:\n"
        "        print(problem)\n"
        "print(MlpFeatures().history, LstmSequences().history, RandomAlphas().history)\n"
    )
    told = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert told.stdout.splitlines() == [
        "gradient_boosting needs lightgbm, which is not installed: pip install 'alphaloom[boost]'",
        "genetic needs deap, which is not installed: pip install 'alphaloom[baselines]'",
        "60 39 121",
    ]
