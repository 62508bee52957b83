"""Whoever knows the future is caught, and the way is named; the honest twin passes."""

from __future__ import annotations

from dataclasses import replace

import conformance_providers as theirs
import numpy as np
import pandas as pd
import pytest

from alpha_sources.conformance import CHEATS, Fault, Options, Verdict, check_here
from alpha_sources.scores_file import ScoresFileProvider

CHEATING = [
    (theirs.NegativeShift, "future_in_scores", Fault.NEGATIVE_SHIFT, theirs.Momentum),
    (theirs.FullSampleNormalisation, "future_in_scores", Fault.FULL_SAMPLE, theirs.Standardised),
    (theirs.FullSampleRank, "future_in_scores", Fault.FULL_SAMPLE, theirs.Standardised),
    (theirs.BackwardFill, "future_in_scores", Fault.BACKWARD_FILL, theirs.ForwardFilled),
    (theirs.RefitOnAllData, "future_in_refresh", Fault.REFIT, theirs.Learner),
    (theirs.RefitInScores, "future_in_scores", Fault.REFIT, theirs.Learner),
    (theirs.LabelLeakage, "future_in_refresh", Fault.LABEL_LEAKAGE, theirs.Learner),
    (theirs.NegativeShiftInPanel, "scores_panel", Fault.NEGATIVE_SHIFT, theirs.MomentumInPanel),
    (theirs.FullSampleNormalisationInPanel, "scores_panel", Fault.FULL_SAMPLE, theirs.Standardised),
    (theirs.BackwardFillInPanel, "scores_panel", Fault.BACKWARD_FILL, theirs.ForwardFilled),
    (theirs.Survivors, "future_in_scores", Fault.SURVIVORSHIP, theirs.Momentum),
    (theirs.SampleLength, "future_in_scores", Fault.SAMPLE_LENGTH, theirs.Momentum),
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
    assert "the next session (t+1)" in verdict(theirs.NegativeShift, "future_in_scores").message
    assert "the session 5 later (t+5)" in verdict(lambda: theirs.NegativeShift(5), "future_in_scores").message
    assert (
        "sessions within t+21 .. t+40"
        in verdict(lambda: theirs.NegativeShift(40), "future_in_scores").message
    )


def test_how_far_labels_reach_is_said(verdict):
    assert "depends on sessions t+1 .. t+5" in verdict(theirs.LabelLeakage, "future_in_refresh").message


def test_the_first_failing_symbol_is_a_member(verdict, market):
    found = verdict(theirs.NegativeShift, "future_in_scores")
    members = market.symbols[market.universe[market.row(found.session)]]
    assert found.symbol == members[0]
    assert found.symbol in found.message


def test_a_peek_that_shows_only_under_noise_is_caught(verdict):
    found = verdict(theirs.PeeksIfItCan, "future_in_scores")
    assert found.verdict is Verdict.FAILED
    assert "replaced by noise" in found.message


def test_on_sixty_sessions_of_five_stocks_the_ways_are_told_apart_too(make_panel, verdict):
    panel = make_panel(120)
    for kind, check, fault in (CHEATING[0][:3], CHEATING[1][:3], CHEATING[4][:3], CHEATING[6][:3]):
        assert verdict(kind, check, panel=panel).fault is fault


# -- data of its own


def returns_file(market, folder, shift):
    close = pd.DataFrame(market.field("close"), index=market.dates, columns=market.symbols)
    path = folder / "returns.parquet"
    close.pct_change(fill_method=None).shift(shift).to_parquet(path)
    return str(path)


def test_a_file_that_knows_tomorrow_is_caught_by_what_it_knows(market, verdict, tmp_path):
    path = returns_file(market, tmp_path, -1)
    found = verdict(lambda: theirs.OwnFile(path), "own_data", sessions=8)
    assert (found.verdict, found.fault) == (Verdict.FAILED, Fault.OWN_DATA)
    assert (
        "correlation of scores with the return of the next 1 session is +1.00 over 8 sessions"
        in found.message
    )


def test_a_file_of_what_was_known_is_noted_by_its_name(market, verdict, tmp_path):
    path = returns_file(market, tmp_path, 0)
    found = verdict(lambda: theirs.OwnFile(path), "own_data", sessions=8)
    assert found.verdict is Verdict.NOTED
    assert "data of its own (returns.parquet)" in found.message


def test_whoever_loads_the_market_by_himself_is_caught(verdict):
    found = verdict(theirs.OwnMarketInRefresh, "own_data", sessions=1)
    assert (found.verdict, found.fault) == (Verdict.FAILED, Fault.OWN_DATA)
    assert "loads a market of its own" in found.message


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


def test_industries_and_other_facts_of_names_are_not_mistaken_for_cheating(market):
    class ByBoard(theirs.Momentum):
        def scores(self, view, snapshot):
            return np.array([len(board) for board in view.instruments.boards], float)

    assert "own_data" in [f.check for f in check_here(ByBoard, market, Options(sessions=2)).findings]


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
    assert verdict(theirs.NegativeShift, "future_in_scores", panel=one).fault is Fault.NEGATIVE_SHIFT
    assert verdict(theirs.Momentum, "future_in_scores", panel=one).verdict is Verdict.PASSED
