"""What else can be wrong with a provider, and what is not."""

from __future__ import annotations

import random

import conformance_providers as theirs
import numpy as np
import pytest

from alpha_sources.conformance import CHECKS, Fault, Options, Verdict, check_here
from alpha_sources.formula_provider import FormulaProvider
from alpha_sources.reversal import ReversalProvider
from alphaloom import load_panel
from alphaloom.config import load_config
from engine.errors import DataError


def saying(kind):
    return lambda: theirs.Saying(kind)


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
            "stands where 600000.SH belongs; return series.reindex(view.symbols)",
        ),
        ("members", Fault.NOT_A_ROW, "they have (50,); one score for each member is too few"),
        ("column", Fault.NOT_A_ROW, "they have (77, 1)"),
        ("text", Fault.NOT_A_ROW, "must be floats; they are <U"),
        ("bool", Fault.NOT_A_ROW, "must be floats; they are bool"),
        ("dict", Fault.NOT_A_ROW, "must have the shape (77,)"),
        ("none", Fault.NOT_A_ROW, "must have the shape (77,)"),
        ("masked", Fault.NOT_A_ROW, "return scores.filled(np.nan)"),
        ("infinite", Fault.INFINITE, "is inf; NaN is no opinion"),
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
    found = verdict(theirs.Raising, "shape")
    assert found.fault is Fault.RAISES
    assert "raises KeyError: 'close_adj' (" in found.message
    assert "conformance_providers.py:" in found.message


def test_leaving_the_program_is_an_exception_like_others(verdict):
    assert verdict(theirs.Leaving, "shape").fault is Fault.RAISES


@pytest.mark.parametrize(
    ("kind", "fault"), [(theirs.LearnsADict, Fault.NOT_A_SNAPSHOT), (theirs.LearnsAnObject, Fault.RAISES)]
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
        (theirs.RaisesOnShortViews, "on a view of 1 session scores at "),
    ],
)
def test_what_is_allowed_but_odd_is_noted(verdict, make, words):
    found = verdict(make, "nan_rules")
    assert found.verdict is Verdict.NOTED
    assert words in found.message


def test_how_many_have_a_score_is_said(verdict):
    assert "3 of 50 members have a score" in verdict(saying("three"), "nan_rules").message


# -- chance and memory


@pytest.mark.parametrize("kind", [theirs.Dice, theirs.GlobalDice, theirs.DiceInRefresh])
def test_chance_without_a_seed_fails(verdict, kind):
    assert verdict(kind, "determinism").fault is Fault.RANDOM


def test_the_global_generator_is_recognised_and_left_as_it_was(verdict):
    random.seed(5)
    np.random.seed(5)  # noqa: NPY002
    expected = random.Random(5).random()
    assert "draws from the global random generator" in verdict(theirs.GlobalDice, "determinism").message
    assert random.random() == expected


def test_chance_with_a_seed_passes_with_a_note(market):
    found = check_here(theirs.SeededDice, market, Options(sessions=2))
    assert found.conforms, str(found)
    assert "by the places of symbols" in found.finding("symbols").message


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        (theirs.Counting, "asked after later sessions"),
        (theirs.Smoothed, "asked after later sessions"),
        (theirs.CachedBySession, "keeps what it computed from the market"),
        (theirs.LearnsIntoItself, "that has refreshed): it remembers something between calls"),
    ],
)
def test_hidden_state_is_found(verdict, kind, words):
    found = verdict(kind, "hidden_state")
    assert (found.verdict, found.fault) == (Verdict.FAILED, Fault.HIDDEN_STATE)
    assert words in found.message
    assert found.session is not None
    assert found.symbol is not None


# -- reach


@pytest.mark.parametrize("kind", [theirs.UndeclaredHistory, theirs.ShortHistory])
def test_a_history_too_short_is_found_and_the_right_one_said(verdict, kind):
    found = verdict(kind, "history")
    assert found.fault is Fault.SHORT_HISTORY
    assert found.message.endswith("20 sessions are enough here: set self.history = 20")


def test_a_look_back_without_bound_is_found(verdict):
    assert "no look-back short of all data is enough" in verdict(theirs.FromTheStart, "history").message


def test_counting_rows_from_the_start_is_found(verdict):
    # of 20 rows or more one is odd
    found = verdict(theirs.ByRowNumber, "history", sessions=20)
    assert "it is not the numbers of earlier sessions that it needs but their count" in found.message


def test_a_recursion_with_a_burn_in_is_noted(verdict):
    found = verdict(theirs.Faded, "history")
    assert found.verdict is Verdict.NOTED
    assert "as recursions do" in found.message


@pytest.mark.parametrize("history", [-1, 2.5, "20", None, True])
def test_a_history_that_is_no_number_of_sessions_is_refused(verdict, history):
    class Wrong(theirs.Momentum):
        def __init__(self):
            self.history = history

    assert "history must be a number of sessions" in verdict(Wrong, "shape").message


@pytest.mark.parametrize("kind", [theirs.ByPlace, theirs.Poisoned])
def test_a_newcomer_without_data_must_not_move_the_others(verdict, kind):
    found = verdict(kind, "symbols", sessions=12)
    assert found.fault is Fault.COLUMN_PLACES
    assert "000001.SZ" in found.message


def test_other_values_in_the_same_order_pass(verdict):
    assert verdict(theirs.RankedAmongAll, "symbols").verdict is Verdict.PASSED


def test_a_snapshot_that_goes_by_place_is_noted(verdict):
    found = verdict(theirs.ArraysByPlace, "symbols")
    assert found.verdict is Verdict.NOTED
    assert "keep the symbols in the snapshot" in found.message


# -- moving


def test_what_cannot_be_pickled_is_named(verdict):
    found = verdict(theirs.HoldsALock, "worker")
    assert found.fault is Fault.NOT_PORTABLE
    assert "attribute 'lock'; leave it out in __getstate__" in found.message


def test_a_class_within_a_function_cannot_go_to_another_process(verdict):
    class Local(theirs.Momentum):
        pass

    assert "define the class at the top of a module" in verdict(Local, "worker").message


@pytest.mark.parametrize("kind", [theirs.ForgetsOnPickling, theirs.ByHash])
def test_another_score_in_another_process_is_found(verdict, kind):
    found = verdict(kind, "worker")
    assert found.fault is Fault.NOT_PORTABLE
    assert "(this process, a worker process)" in found.message


def test_a_snapshot_goes_through_the_disk(verdict):
    found = verdict(theirs.Learner, "snapshot")
    assert found.verdict is Verdict.PASSED
    assert "comes back from disk the same" in found.message


# -- what it is checked on


def test_without_members_there_is_nothing_to_check_on(market):
    with pytest.raises(DataError, match="no session with members to check on"):
        check_here(theirs.Momentum, market.truncate(3), Options(first=4))


def test_the_last_sessions_of_short_data_will_do(market):
    found = check_here(theirs.Momentum, market.truncate(4), Options(sessions=8))
    assert found.conforms, str(found)


def test_the_same_seed_draws_the_same_sessions(market):
    drawn = [check_here(theirs.Momentum, market, Options(sessions=2, seed=s)).market for s in (1, 1, 2)]
    assert drawn[0] == drawn[1] != drawn[2]
