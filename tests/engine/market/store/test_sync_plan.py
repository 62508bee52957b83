"""What is asked for: what is missing, and not for ever what nobody has."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.market.calendar import xshg
from engine.market.corporate import CorporateAction
from engine.market.sources.delivery import DailyBars
from engine.market.store.files import StoreError
from engine.market.store.sync.journal import Asked, Journal
from engine.market.store.sync.plan import Span, spans
from engine.market.store.sync.references import with_references

SESSIONS = xshg().between(np.datetime64("2022-01-04"), np.datetime64("2023-12-29"))
DUE = date(2023, 6, 1)
NOW = int(np.searchsorted(SESSIONS, np.datetime64(DUE)))


def day(at: int) -> date:
    found: date = SESSIONS[at].astype(object)
    return found


def plan(stored: list[int], *, first: int = 0, last: int = NOW, due: int = NOW, **more: object) -> list[Span]:
    return spans(
        SESSIONS,
        stored=SESSIONS[stored],
        due=day(due),
        first=day(first),
        last=day(last),
        **more,  # type: ignore[arg-type]
    )


def places(found: list[Span]) -> list[list[int]]:
    return [np.searchsorted(SESSIONS, span.wanted).tolist() for span in found]


def asked(first: int, last: int, due: int) -> Asked:
    return Asked("bars", "x", day(first), day(last), day(due))


def test_a_new_name_is_one_question() -> None:
    (span,) = plan([], first=10)
    assert (span.first, span.last) == (day(10), DUE)


def test_nothing_is_asked_about_what_is_stored() -> None:
    assert plan(list(range(NOW + 1))) == []


def test_a_day_later_one_session_is_missing_and_the_one_before_ties_it() -> None:
    (span,) = plan(list(range(NOW)))
    assert (span.first, span.last) == (day(NOW - 1), DUE)
    assert span.wanted.tolist() == [DUE]


def test_gaps_far_from_each_other_are_questions_of_their_own() -> None:
    stored = [i for i in range(NOW + 1) if i not in (20, 22, 200)]
    assert places(plan(stored)) == [[20, 22], [200]]


def test_suspended_sessions_are_not_asked_for() -> None:
    halts = [(day(NOW - 3), None)]
    assert plan(list(range(NOW - 3)), halts=halts) == []
    assert places(plan(list(range(NOW - 3)), halts=[(day(NOW - 3), day(NOW - 1))])) == [[NOW - 1, NOW]]


def test_after_its_end_a_name_is_not_asked_for() -> None:
    assert plan(list(range(100)), last=99) == []


def test_what_did_not_come_is_asked_for_again_at_once_only_while_it_is_young() -> None:
    stored = [i for i in range(NOW + 1) if i not in (NOW, NOW - 30)]
    assert places(plan(stored, asked=[asked(0, NOW, NOW)])) == [[NOW]]


@given(st.integers(0, 250), st.integers(0, 100))
def test_an_old_gap_is_asked_for_again_after_a_fifth_of_its_age(age: int, passed: int) -> None:
    gap = 20
    then = gap + age
    found = plan(
        [i for i in range(then + passed + 1) if i != gap],
        last=then + passed,
        due=then + passed,
        asked=[asked(0, then, then)],
    )
    assert bool(found) == (passed >= age // 5)


def test_a_name_that_ended_costs_ever_fewer_questions() -> None:
    questions: list[Asked] = []
    when = []
    for due in range(100, NOW):  # a sync after every session
        if plan(list(range(100)), last=due, due=due, asked=questions):
            when.append(due)
            questions = [asked(0, due, due)]
    gaps = np.diff(when)
    assert gaps[:20].tolist() == [1] * 20  # it may be suspended
    assert gaps[-1] >= 10
    assert len(when) < 90


class TestJournal:
    def test_questions_are_kept_and_wider_ones_take_the_place_of_those_within(self, tmp_path: Path) -> None:
        with Journal(tmp_path) as journal:
            assert journal.of("bars", "x") == []
            journal.note([asked(5, 9, 20), asked(30, 40, 50), asked(0, 10, 50)])
            journal.note([Asked("actions", "x", day(0), day(5), day(5))])
        with Journal(tmp_path) as journal:
            assert set(journal.of("bars", "x")) == {asked(0, 10, 50), asked(30, 40, 50)}
            assert journal.of("bars", "y") == []

    def test_a_file_that_is_none_is_named_and_the_store_said_to_be_unharmed(self, tmp_path: Path) -> None:
        (tmp_path / "asked.db").write_text("no database, " * 100)
        with (
            Journal(tmp_path) as journal,
            pytest.raises(StoreError, match=r"asked\.db cannot be used.*unharmed: delete it"),
        ):
            journal.of("bars", "x")


def closes(*prices: float, days: list[int] | None = None) -> DailyBars:
    at = days or list(range(len(prices)))
    values = {name: np.array(prices) for name in ("open", "high", "low", "close")}
    return DailyBars(
        np.array(["600519.SH"]), np.zeros(len(prices), dtype=np.intp), SESSIONS[at],
        {**values, "volume": np.ones(len(prices))},
    )  # fmt: skip


class TestReferences:
    CASH = CorporateAction(1.0, 0.0, 0.0, 0.0)
    BONUS = CorporateAction(0.0, 1.0, 0.0, 0.0)

    def test_the_reference_on_an_ex_date_follows_from_the_terms_and_nowhere_else(self) -> None:
        out = with_references(closes(20.0, 20.0, 19.0, 19.0), [(day(2), self.CASH)])
        assert np.isnan(out.number("preclose")).tolist() == [True, True, False, True]
        assert out.number("preclose")[2] == 19.0
        assert np.isnan(out.number("adj_factor")).all()

    def test_two_ex_dates_during_a_suspension_act_one_after_the_other(self) -> None:
        suspended = closes(20.0, 9.5, days=[0, 5])
        out = with_references(suspended, [(day(2), self.CASH), (day(4), self.BONUS)])
        assert out.number("preclose")[1] == 9.5

    def test_a_stored_factor_is_carried_on(self) -> None:
        out = with_references(closes(20.0, 19.0, 19.5), [(day(1), self.CASH)], known=3.0)
        assert out.number("adj_factor").tolist() == [3.0, 3.0 * 20 / 19, 3.0 * 20 / 19]

    def test_what_the_vendor_says_itself_stands(self) -> None:
        said = closes(20.0, 19.0)
        said = DailyBars(
            said.symbols, said.column, said.session, {**said.values, "preclose": np.array([1, 18.5])}
        )
        assert with_references(said, [(day(1), self.CASH)]).number("preclose").tolist() == [1.0, 18.5]

    def test_terms_of_the_first_row_or_outside_do_nothing(self) -> None:
        out = with_references(closes(20.0, 20.0), [(day(0), self.CASH), (day(9), self.CASH)])
        assert np.isnan(out.number("preclose")).all()
