"""Whoever knows the future is caught, and the way is named; the honest twin passes."""

from __future__ import annotations

import pickle
from dataclasses import replace

import bringing_providers as bringing
import coarse_providers as coarse
import keeping_providers as keeping
import learning_providers as learning
import numpy as np
import pandas as pd
import peeking_providers as peeking
import pytest

from alpha_sources.conformance import CHEATS, Fault, Options, Verdict, check_here
from alpha_sources.conformance.worlds import without_gaps
from alpha_sources.scores_file import ScoresFileProvider

CHEATING = [
    (peeking.NegativeShift, "future_in_scores", Fault.NEGATIVE_SHIFT, peeking.Momentum),
    (peeking.FullSampleNormalisation, "future_in_scores", Fault.FULL_SAMPLE, peeking.Standardised),
    (peeking.FullSampleRank, "future_in_scores", Fault.FULL_SAMPLE, peeking.Standardised),
    (peeking.BackwardFill, "future_in_scores", Fault.BACKWARD_FILL, peeking.ForwardFilled),
    (learning.RefitOnAllData, "future_in_refresh", Fault.REFIT, learning.Learner),
    (learning.RefitInScores, "future_in_scores", Fault.REFIT, learning.Learner),
    (learning.LabelLeakage, "future_in_refresh", Fault.LABEL_LEAKAGE, learning.Learner),
    (peeking.NegativeShiftInPanel, "scores_panel", Fault.NEGATIVE_SHIFT, peeking.MomentumInPanel),
    (peeking.FullSampleNormalisationInPanel, "scores_panel", Fault.FULL_SAMPLE, peeking.Standardised),
    (peeking.BackwardFillInPanel, "scores_panel", Fault.BACKWARD_FILL, peeking.ForwardFilled),
    (peeking.FullSampleBins, "future_in_scores", Fault.FULL_SAMPLE, peeking.Standardised),
    (peeking.UpTomorrow, "future_in_scores", Fault.NEGATIVE_SHIFT, peeking.Momentum),
    (keeping.KeepsTomorrowInItsModule, "future_in_scores", Fault.NEGATIVE_SHIFT, keeping.KeepsByContent),
    (keeping.KeepsTheSampleOnItsClass, "future_in_scores", Fault.FULL_SAMPLE, keeping.KeepsByContent),
    (keeping.KeepsWhatItLearnedOnAllData, "future_in_refresh", Fault.REFIT, learning.Learner),
    (peeking.Survivors, "future_in_scores", Fault.SURVIVORSHIP, peeking.Momentum),
    (peeking.SampleLength, "future_in_scores", Fault.SAMPLE_LENGTH, peeking.Momentum),
]
HONEST = sorted({twin for *_, twin in CHEATING}, key=lambda kind: kind.__name__)


@pytest.mark.parametrize(("kind", "check", "fault"), [row[:3] for row in CHEATING], ids=lambda x: str(x))
def test_a_cheat_is_caught_and_its_way_is_named(verdict, kind, check, fault):
    found = verdict(kind, check)
    assert (found.verdict, found.fault) == (Verdict.FAILED, fault)
    assert fault in CHEATS
    assert found.session is not None
    assert found.session in found.message


@pytest.mark.parametrize("kind", HONEST, ids=lambda kind: kind.__name__)
def test_the_honest_twin_conforms(market, kind):
    found = check_here(kind, market, Options(sessions=3))
    assert found.conforms, str(found)
    assert not [f for f in found.findings if f.verdict is Verdict.NOTED]


@pytest.mark.parametrize("seed", [1, 2, 3])
@pytest.mark.parametrize(("kind", "check", "fault"), [row[:3] for row in CHEATING[:7]], ids=lambda x: str(x))
def test_the_name_does_not_depend_on_the_draw(verdict, kind, check, fault, seed):
    assert verdict(kind, check, sessions=2, seed=seed).fault is fault


def test_how_far_a_shift_reaches_is_said(verdict):
    assert "the next session (t+1)" in verdict(peeking.NegativeShift, "future_in_scores").message
    assert (
        "the session 5 later (t+5)" in verdict(lambda: peeking.NegativeShift(5), "future_in_scores").message
    )
    assert (
        "sessions within t+21 .. t+40"
        in verdict(lambda: peeking.NegativeShift(40), "future_in_scores").message
    )


def test_how_far_labels_reach_is_said(verdict):
    assert "depends on sessions t+1 .. t+5" in verdict(learning.LabelLeakage, "future_in_refresh").message


def test_the_first_failing_symbol_is_a_member(verdict, market):
    found = verdict(peeking.NegativeShift, "future_in_scores")
    members = market.symbols[market.universe[market.row(found.session)]]
    assert found.symbol == members[0]
    assert found.symbol in found.message


def test_a_peek_that_shows_only_under_noise_is_caught(verdict):
    found = verdict(peeking.PeeksIfItCan, "future_in_scores")
    assert found.verdict is Verdict.FAILED
    assert "replaced by noise" in found.message


def test_on_sixty_sessions_of_five_stocks_the_ways_are_told_apart_too(make_panel, verdict):
    panel = make_panel(120)
    for kind, check, fault in (CHEATING[0][:3], CHEATING[1][:3], CHEATING[4][:3], CHEATING[6][:3]):
        assert verdict(kind, check, panel=panel).fault is fault


def test_a_fill_is_told_from_survivorship_where_numbers_really_end(market, verdict):
    close = without_gaps(market).fields["close"].copy()
    close[5:, np.flatnonzero(market.universe[5:].all(axis=0))[:2]] = np.nan
    ended = replace(market, fields={**market.fields, "close": close})
    found = verdict(peeking.BackwardFill, "future_in_scores", panel=ended)
    assert found.fault is Fault.BACKWARD_FILL


@pytest.mark.parametrize("seed", range(5))
def test_one_that_cheats_on_the_last_quarter_only_is_caught_whatever_is_drawn(market, verdict, seed):
    since = str(market.dates[-len(market.dates) // 4])
    found = verdict(lambda: peeking.FromADateOn(since), "future_in_scores", sessions=8, seed=seed)
    assert found.fault is Fault.NEGATIVE_SHIFT
    assert found.session >= since


def test_in_a_panel_of_scores_too(market, verdict):
    since = str(market.dates[len(market.dates) // 2 - 20])
    found = verdict(lambda: peeking.FromADateOnInPanel(since), "scores_panel", sessions=8)
    assert found.fault is Fault.NEGATIVE_SHIFT


# -- data of its own


def returns_file(market, folder, shift):
    close = pd.DataFrame(market.adjusted("close"), index=market.dates, columns=market.symbols)
    path = folder / "returns.parquet"
    close.pct_change(fill_method=None).shift(shift).to_parquet(path)
    return str(path)


def test_a_file_that_knows_tomorrow_is_caught_by_what_it_knows(market, verdict, tmp_path):
    path = returns_file(market, tmp_path, -1)
    found = verdict(lambda: bringing.OwnFile(path), "own_data", sessions=8)
    assert (found.verdict, found.fault) == (Verdict.FAILED, Fault.OWN_DATA)
    assert (
        "correlation of scores with the return of the next 1 session is +1.00 over 8 sessions"
        in found.message
    )


def test_a_file_of_what_was_known_is_noted_by_its_name(market, verdict, tmp_path):
    path = returns_file(market, tmp_path, 0)
    found = verdict(lambda: bringing.OwnFile(path), "own_data", sessions=8)
    assert found.verdict is Verdict.NOTED
    assert "data of its own (returns.parquet)" in found.message


def test_whoever_loads_the_market_by_himself_is_caught(verdict):
    found = verdict(bringing.OwnMarketInRefresh, "own_data", sessions=1)
    assert (found.verdict, found.fault) == (Verdict.FAILED, Fault.OWN_DATA)
    assert "loads a market of its own" in found.message


@pytest.mark.parametrize(
    "kind",
    [bringing.OwnModel, bringing.OwnModelReadOnce, bringing.OwnModelInRefresh],
    ids=lambda k: k.__name__,
)
def test_a_model_of_its_own_is_noted_by_its_name(market, tmp_path, kind):
    path = tmp_path / "trained.pkl"
    path.write_bytes(pickle.dumps(2.0))
    finding = check_here(lambda: kind(str(path)), market, Options(sessions=2)).finding("own_data")
    assert finding.verdict is Verdict.NOTED
    assert "besides the view it reads files (trained.pkl)" in finding.message


@pytest.mark.parametrize(
    "kind",
    [
        coarse.Sign,
        coarse.Count,
        coarse.DatesItsModel,
        coarse.StateOfTheIndex,
        coarse.StateOfTheMarket,
        coarse.WhoIsAMember,
        coarse.ByBoard,
    ],
    ids=lambda kind: kind.__name__,
)
def test_who_learns_little_from_the_view_is_not_taken_to_bring_data(verdict, kind):
    found = verdict(kind, "own_data", sessions=8)
    assert found.verdict is Verdict.PASSED, found.message


def test_a_file_of_scores_conforms_with_a_note(market, tmp_path):
    random = np.random.default_rng(0).normal(size=market.shape)
    frame = pd.DataFrame(random, index=market.dates, columns=market.symbols).rename_axis("date")
    frame.to_parquet(tmp_path / "scores.parquet")
    found = check_here(lambda: ScoresFileProvider(tmp_path / "scores.parquet"), market, Options(sessions=3))
    assert found.conforms, str(found)
    assert [f.check for f in found.findings if f.verdict is Verdict.NOTED] == ["own_data"]
    assert "scores.parquet" in found.finding("own_data").message


def test_a_monthly_file_of_scores_is_checked_where_it_has_scores(market, tmp_path):
    rows = np.arange(5, market.shape[0], 20)
    values = np.random.default_rng(0).normal(size=(len(rows), market.shape[1]))
    frame = pd.DataFrame(values, index=market.dates[rows], columns=market.symbols).rename_axis("date")
    frame.to_parquet(tmp_path / "scores.parquet")
    found = check_here(lambda: ScoresFileProvider(tmp_path / "scores.parquet"), market, Options(sessions=3))
    assert found.conforms, str(found)


def test_a_cheat_with_one_name_only(market, verdict):
    one = replace(
        market,
        symbols=market.symbols[:1],
        fields={name: values[:, :1].copy() for name, values in market.fields.items()},
        universe=np.ones((market.shape[0], 1), dtype=bool),
        listed=market.listed[:1],
        instruments=type(market.instruments).from_symbols(market.symbols[:1]),
        actions=type(market.actions).empty(),
    )
    assert verdict(peeking.NegativeShift, "future_in_scores", panel=one).fault is Fault.NEGATIVE_SHIFT
    assert verdict(peeking.Momentum, "future_in_scores", panel=one).verdict is Verdict.PASSED
