"""What else can be wrong with a provider, and what is not."""

from __future__ import annotations

import random

import keeping_providers as keeping
import learning_providers as learning
import misshapen_providers as misshapen
import moving_providers as moving
import numpy as np
import peeking_providers as peeking
import pytest
import reaching_providers as reaching
import remembering_providers as remembering

from alpha_sources.conformance import CHECKS, Fault, Options, Subject, Verdict, check_here
from alpha_sources.formula_provider import FormulaProvider
from alpha_sources.reversal import ReversalProvider
from alphaloom import load_panel
from alphaloom.config import load_config
from engine.errors import DataError


def saying(kind):
    return lambda: misshapen.Saying(kind)


# -- what is shipped


QUICKSTART = load_config("quickstart").alpha.params


@pytest.mark.parametrize(
    "make", [ReversalProvider, lambda: FormulaProvider(**QUICKSTART)], ids=["reversal", "formulas"]
)
def test_what_is_shipped_conforms_without_a_note(make):
    found = check_here(make, load_panel("sse50"), Options(sessions=3))
    assert found.conforms, str(found)
    assert {f.verdict for f in found.findings} == {Verdict.PASSED, Verdict.SKIPPED}
    assert [f.check for f in found.findings] == list(CHECKS)
    assert found.seconds < 30


# -- a row of scores


@pytest.mark.parametrize("kind", ["float", "float32", "list", "series", "int"])
def test_rows_that_a_backtest_takes_are_taken(verdict, kind):
    assert verdict(saying(kind), "shape").verdict is Verdict.PASSED


def test_that_integers_are_taken_as_floats_is_said(verdict):
    assert (
        verdict(saying("int"), "shape").message == "77 scores a session, int64; integers are taken as floats"
    )


@pytest.mark.parametrize(
    ("kind", "fault", "words"),
    [
        (
            "other order",
            Fault.OTHER_ORDER,
            "return series.reindex(view.symbols); 600010.SH stands where 600000.SH belongs",
        ),
        ("members", Fault.NOT_A_ROW, "expected shape (77,), got (50,); one score for each member is too few"),
        ("column", Fault.NOT_A_ROW, "expected shape (77,), got (77, 1)"),
        ("text", Fault.NOT_A_ROW, "expected floats, got dtype <U"),
        ("bool", Fault.NOT_A_ROW, "expected floats, got dtype bool"),
        ("dict", Fault.NOT_A_ROW, "expected shape (77,), got ()"),
        ("none", Fault.NOT_A_ROW, "expected shape (77,), got ()"),
        ("ragged", Fault.NOT_A_ROW, "list is no array"),
        ("object", Fault.NOT_A_ROW, "expected floats, got dtype object"),
        ("frame", Fault.NOT_A_ROW, "expected shape (77,), got (77, 1)"),
        ("too many", Fault.NOT_A_ROW, "expected shape (77,), got (78,)"),
        ("masked", Fault.NOT_A_ROW, "return scores.filled(np.nan)"),
        ("infinite", Fault.INFINITE, "is infinite; NaN is no opinion"),
    ],
)
def test_rows_that_a_backtest_refuses_are_refused(verdict, kind, fault, words):
    found = verdict(saying(kind), "shape")
    assert (found.verdict, found.fault) == (Verdict.FAILED, fault)
    assert words in found.message
    assert found.session in found.message


def test_the_name_of_an_infinite_score_is_said(verdict, market):
    found = verdict(saying("infinite"), "shape")
    assert market.universe[market.row(found.session), market.column(found.symbol)]


def test_an_exception_is_told_with_its_line(verdict):
    found = verdict(misshapen.Raising, "shape")
    assert found.fault is Fault.RAISES
    assert "raises KeyError: 'close_adj' (" in found.message
    assert "misshapen_providers.py:" in found.message


def test_leaving_the_program_is_an_exception_like_others(verdict):
    assert verdict(misshapen.Leaving, "shape").fault is Fault.RAISES


def test_infinities_in_a_panel_of_scores_are_refused(verdict):
    found = verdict(misshapen.EndlessPanel, "scores_panel")
    assert (found.verdict, found.fault) == (Verdict.FAILED, Fault.INFINITE)
    assert found.symbol in found.message


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        (misshapen.OddWhenMade, "it cannot be made: Odd: not me ("),
        (misshapen.OddHistory, "history raises Odd: not now ("),
    ],
)
def test_one_that_cannot_even_be_made_is_told_as_others_are(market, kind, words):
    found = check_here(kind, market)
    assert [f.check for f in found.failures] == ["shape"]
    assert found.faults == {Fault.RAISES}
    assert words in found.failures[0].message
    assert [f.check for f in found.findings] == list(CHECKS)


def test_ctrl_c_is_not_the_providers(market):
    with pytest.raises(KeyboardInterrupt):
        check_here(misshapen.Interrupting, market)


@pytest.mark.parametrize(
    ("kind", "fault"),
    [(misshapen.LearnsADict, Fault.NOT_A_SNAPSHOT), (misshapen.LearnsAnObject, Fault.RAISES)],
)
def test_what_is_no_snapshot_is_refused(verdict, kind, fault):
    found = verdict(kind, "shape")
    assert (found.verdict, found.fault) == (Verdict.FAILED, fault)


def test_after_a_row_that_is_none_nothing_else_is_judged(market):
    found = check_here(saying("text"), market, Options(sessions=2))
    assert [f.check for f in found.failures] == ["shape"]
    assert {f.verdict for f in found.findings[1:]} == {Verdict.SKIPPED}
    assert found.sentence() == "Saying does not conform: 1 of 1 checks failed (no row of scores)"


# -- no opinion


def test_no_score_at_all_fails(verdict):
    assert verdict(saying("nan"), "nan_rules").fault is Fault.EMPTY


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (saying("three"), "too few names: at "),
        (saying("same"), "all scores of a session are the same"),
        (misshapen.RaisesOnShortViews, "on a view of 1 session scores at "),
    ],
)
def test_what_is_allowed_but_odd_is_noted(verdict, make, words):
    found = verdict(make, "nan_rules")
    assert found.verdict is Verdict.NOTED
    assert words in found.message


def test_how_many_have_a_score_is_said(verdict):
    assert "3 of 50 members have a score" in verdict(saying("three"), "nan_rules").message


# -- chance and memory


@pytest.mark.parametrize("kind", [remembering.Dice, remembering.GlobalDice, remembering.DiceInRefresh])
def test_chance_without_a_seed_fails(verdict, kind):
    assert verdict(kind, "determinism").fault is Fault.RANDOM


def test_the_global_generator_is_recognised_and_left_as_it_was(verdict):
    random.seed(5)
    np.random.seed(5)  # noqa: NPY002
    expected = random.Random(5).random()
    assert "draws from the global random generator" in verdict(remembering.GlobalDice, "determinism").message
    assert random.random() == expected


def test_chance_with_a_seed_passes_with_a_note(market):
    found = check_here(remembering.SeededDice, market, Options(sessions=2))
    assert found.conforms, str(found)
    assert "by the places of symbols" in found.finding("symbols").message


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        (remembering.Counting, "asked after later sessions"),
        (remembering.Smoothed, "asked after later sessions"),
        (remembering.CachedBySession, "keeps what it computed from the market"),
        (keeping.KeepsBySession, "on its class, in its module or in a cache that does not go by the data"),
        (remembering.LearnsIntoItself, "that has refreshed): it remembers something between calls"),
    ],
)
def test_hidden_state_is_found(verdict, kind, words):
    found = verdict(kind, "hidden_state")
    assert (found.verdict, found.fault) == (Verdict.FAILED, Fault.HIDDEN_STATE)
    assert words in found.message
    assert found.session is not None
    assert found.symbol is not None


# -- reach


@pytest.mark.parametrize("kind", [reaching.UndeclaredHistory, reaching.ShortHistory])
def test_a_history_too_short_is_found_and_the_right_one_said(verdict, kind):
    found = verdict(kind, "history")
    assert found.fault is Fault.SHORT_HISTORY
    assert found.message.endswith("20 sessions are enough here: set self.history = 20")


def test_a_look_back_without_bound_is_found(verdict):
    assert "no look-back short of all data is enough" in verdict(reaching.FromTheStart, "history").message


def test_counting_rows_from_the_start_is_found(verdict):
    # of 20 rows or more one is odd
    found = verdict(reaching.ByRowNumber, "history", sessions=20)
    assert "it is not the numbers of earlier sessions that it needs but their count" in found.message


def test_a_recursion_with_a_burn_in_is_noted(verdict):
    found = verdict(reaching.Faded, "history")
    assert found.verdict is Verdict.NOTED
    assert "as recursions do" in found.message


@pytest.mark.parametrize("history", [-1, 2.5, "20", None, True])
def test_a_history_that_is_no_number_of_sessions_is_refused(verdict, history):
    class Wrong(peeking.Momentum):
        def __init__(self):
            self.history = history

    assert "history must be a number of sessions" in verdict(Wrong, "shape").message


@pytest.mark.parametrize("kind", [reaching.ByPlace, reaching.Poisoned])
def test_a_newcomer_without_data_must_not_move_the_others(verdict, kind):
    found = verdict(kind, "symbols", sessions=12)
    assert found.fault is Fault.COLUMN_PLACES
    assert "000001.SZ" in found.message


def test_other_values_in_the_same_order_pass(verdict):
    assert verdict(reaching.RankedAmongAll, "symbols").verdict is Verdict.PASSED


def test_a_snapshot_that_goes_by_place_is_noted(verdict):
    found = verdict(reaching.ArraysByPlace, "symbols")
    assert found.verdict is Verdict.NOTED
    assert "keep the symbols in the snapshot" in found.message


# -- moving


def test_what_cannot_be_pickled_is_named(verdict):
    found = verdict(moving.HoldsALock, "worker")
    assert found.fault is Fault.NOT_PORTABLE
    assert "attribute 'lock'; leave it out in __getstate__" in found.message


def test_a_class_within_a_function_cannot_go_to_another_process(verdict):
    class Local(peeking.Momentum):
        pass

    assert "define the class at the top of a module" in verdict(Local, "worker").message


@pytest.mark.parametrize("kind", [moving.ForgetsOnPickling, moving.ByHash])
def test_another_score_in_another_process_is_found(verdict, kind):
    found = verdict(kind, "worker")
    assert found.fault is Fault.NOT_PORTABLE
    assert "(this process, a worker process)" in found.message


def test_a_snapshot_goes_through_the_disk(verdict):
    found = verdict(learning.Learner, "snapshot")
    assert found.verdict is Verdict.PASSED
    assert "comes back from disk the same" in found.message


# -- what it is checked on


def test_without_members_there_is_nothing_to_check_on(market):
    with pytest.raises(DataError, match="no session with members to check on"):
        check_here(peeking.Momentum, market.truncate(3), Options(first=4))


def test_the_last_sessions_of_short_data_will_do(market):
    found = check_here(peeking.Momentum, market.truncate(4), Options(sessions=8))
    assert found.conforms, str(found)


def test_the_same_seed_draws_the_same_sessions_one_from_each_part_of_the_span(market):
    drawn = [Subject("", peeking.Momentum, market, Options(seed=seed)).rows for seed in (1, 1, 2)]
    assert drawn[0] == drawn[1] != drawn[2]
    members = np.flatnonzero(market.universe.any(axis=1))
    parts = np.array_split(members[(members >= 1) & (members < len(market.dates) - 1)], 8)
    for rows in drawn:
        assert [row in part for row, part in zip(rows, parts, strict=True)] == [True] * 8
