"""Questions asked reply by reply, allowances, and what can be used of an answer with faults."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from typing import Annotated, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from llm_questions import MOOD, Mood, Seed, Seeds, question
from llm_server import LlmServer, completion, says, status
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from alpha_sources.llm import Allowance, Door, Line, UnitInterval
from alpha_sources.llm.answer_reading import Faults, read_answer
from alpha_sources.llm.errors import AnswerError, BudgetError, RefusalError, TruncatedError
from alpha_sources.llm.salvage import salvaged

Opener = Callable[..., Door]


class Mark(BaseModel):
    model_config = ConfigDict(extra="forbid")
    name: Line
    score: UnitInterval


class Marks(BaseModel):
    model_config = ConfigDict(extra="forbid")
    marks: Annotated[list[Mark], Field(max_length=20)]
    words: Annotated[list[Line], Field(max_length=5)]


GOOD = {"name": "a", "score": 0.5}


def reply(*marks: Any, words: Any = ()) -> str:
    return json.dumps({"marks": list(marks), "words": list(words)})


# ---- what can be used of an answer with faults


@pytest.mark.parametrize(
    ("bad", "why"),
    [
        ({"name": "b", "score": 7.3}, "score: Input should be less than or equal to 1"),
        ({"name": "b", "score": math.nan}, "it holds NaN or Infinity"),
        ({"name": "b", "score": 1e999}, "it holds NaN or Infinity"),
        ({"name": "b", "score": "0.5"}, "score: Input should be a valid number"),
        ({"name": "b" * 301, "score": 0.5}, "name: String should have at most 300 characters"),
        ({"name": "b", "score": 0.5, "tool": "rm"}, "tool: Extra inputs are not permitted"),
        ({"name": "b"}, "score: Field required"),
        ("prose", "Input should be an object"),
        (None, "Input should be an object"),
    ],
)
def test_one_bad_entry_does_not_spoil_the_others(bad: Any, why: str) -> None:
    content = reply(GOOD, bad, {"name": "c", "score": 1.0})
    assert isinstance(read_answer(content, Marks), Faults)
    found = salvaged(content, Marks)
    assert [one.name for one in found.answer.marks] == ["a", "c"]
    (spoilt,) = found.spoilt
    assert (spoilt.field, spoilt.number) == ("marks", 2) and spoilt.why == why
    assert spoilt.label("name")[:1] in ("b", "")


def test_a_number_that_is_none_is_named_and_not_a_part_of_the_reply() -> None:
    found = read_answer(reply(GOOD, {"name": "b", "score": math.nan}, GOOD), Marks)
    assert str(found) == "NaN is no number in JSON"


@pytest.mark.parametrize(
    "content",
    [
        reply({"name": "b", "score": 7.3}),  # nothing is left
        json.dumps({"marks": [GOOD, {"name": "b", "score": 7}]}),  # a field is missing
        json.dumps({"marks": [GOOD] * 21, "words": []}),  # too many
        json.dumps({"marks": "none", "words": []}),
        json.dumps({"marks": [GOOD, 1], "words": [], "orders": "obey"}),
        "no JSON at all",
        "",
        "[" * 5000,
        '{"marks": ' + '{"a":' * 800 + "1" + "}" * 800 + ', "words": []}',
    ],
)
def test_where_something_else_is_wrong_nothing_is_used(content: str) -> None:
    assert salvaged(content, Marks) is None


def test_a_whole_answer_needs_no_salvage() -> None:
    assert salvaged(reply(GOOD), Marks) is None


def test_an_answer_of_which_every_entry_is_needed_is_not_salvaged() -> None:
    class Exactly(BaseModel):
        marks: Annotated[list[Mark], Field(min_length=2, max_length=2)]

    assert salvaged(json.dumps({"marks": [GOOD, {"name": "b", "score": 2}]}), Exactly) is None


entries = st.one_of(
    st.fixed_dictionaries({"name": st.text(max_size=5), "score": st.floats()}),
    st.fixed_dictionaries({"name": st.just("x"), "score": st.floats(0, 1)}),
    st.none(),
    st.integers(),
)


@given(st.lists(entries, max_size=8), st.lists(st.text(max_size=3), max_size=4))
def test_what_is_left_is_every_entry_that_is_good_by_itself(marks: list[Any], words: list[str]) -> None:
    # each in an answer of its own, by the reader of whole answers
    good = [one for one in marks if isinstance(read_answer(reply(one), Marks), Marks)]
    said = [one for one in words if isinstance(read_answer(reply(words=[one]), Marks), Marks)]
    found = salvaged(reply(*marks, words=words), Marks)
    if (len(good), len(said)) == (len(marks), len(words)) or not (good or said):
        assert found is None
        return
    assert [one.score for one in found.answer.marks] == [one["score"] for one in good]
    assert len(found.answer.words) == len(said)
    assert len(found.spoilt) == len(marks) + len(words) - len(good) - len(said)


def test_the_door_gives_the_good_entries_of_the_last_reply_to_who_asks_for_them(
    server: LlmServer, open_door: Opener
) -> None:
    seed = {
        "formula": "close / open",
        "category": "momentum",
        "confidence": 0.5,
        "horizon_sessions": 5,
        "rationale": "Because.",
    }
    broken = json.dumps({"seeds": [seed, {**seed, "rationale": "x" * 301}, {**seed, "confidence": 7.3}]})
    server.then(*[says(broken)] * 3)
    found = open_door().consult(question(), Seeds, partly=True)
    assert found.answer.seeds == [Seed.model_validate(seed, strict=False)]
    assert [one.number for one in found.spoilt] == [2, 3]
    assert len(server.asked) == 3  # it was sent back first
    server.then(*[says(broken)] * 3)
    with pytest.raises(AnswerError):
        open_door().ask(question(), Seeds)
    server.then(*[says("prose")] * 3)
    with pytest.raises(AnswerError):
        open_door().consult(question(), Seeds, partly=True)


def test_what_was_good_before_outlives_a_later_reply_that_is_worse(
    server: LlmServer, open_door: Opener
) -> None:
    server.then(says(reply(GOOD, None)), says("sorry"), says("sorry"))
    found = open_door("record").consult(question(), Marks, partly=True)
    assert [one.name for one in found.answer.marks] == ["a"]
    again = open_door("replay").consult(question(), Marks, partly=True)
    assert again == found and len(server.asked) == 3


# ---- reply by reply


def test_a_question_is_asked_reply_by_reply(server: LlmServer, open_door: Opener) -> None:
    server.then(says("prose"), says("more prose"), says(MOOD))
    door = open_door()
    asked = door.inquire(question(), Mood)
    assert not server.asked and asked.may_go_on
    assert asked.step() is None and asked.step() is None and asked.may_go_on
    assert door.costs().repaired == 1
    assert asked.step().answer.score == 0.5
    assert asked.replies == len(server.asked) == 3 and not asked.may_go_on
    with pytest.raises(ValueError, match="settled"):
        asked.step()


def test_a_question_asked_reply_by_reply_reads_what_one_asked_at_once_recorded(
    server: LlmServer, open_door: Opener
) -> None:
    server.then(says("prose"), says(MOOD))
    whole = open_door("record").consult(question(), Mood)
    asked = open_door("replay").inquire(question(), Mood)
    assert asked.step() is None and asked.step() == whole


def test_the_end_of_a_question_is_an_error_that_says_why(server: LlmServer, open_door: Opener) -> None:
    server.then(says(None, refusal="No."))
    declined = open_door().inquire(question(), Mood)
    with pytest.raises(RefusalError):
        declined.step()
    assert not declined.may_go_on and declined.replies == 1
    server.then(status(400))
    refused = open_door().inquire(question(), Mood)
    with pytest.raises(Exception, match="refused the request"):
        refused.step()
    assert not refused.may_go_on and refused.replies == 0


# ---- an allowance


def test_an_allowance_ends_repairs(server: LlmServer, open_door: Opener) -> None:
    server.then(says("prose"), says("prose"), says(MOOD))
    allowance = Allowance(2)
    with pytest.raises(AnswerError, match=r"in 2 replies \(last: .*\); no reply is left of the 2 allowed"):
        open_door().within(allowance).ask(question(), Mood)
    assert len(server.asked) == 2 == allowance.used
    with pytest.raises(AnswerError, match="was not asked; no reply is left"):
        open_door().within(allowance).ask(question("Another?"), Mood)
    assert len(server.asked) == 2


def test_an_allowance_ends_replies_that_do_not_fit(server: LlmServer, open_door: Opener) -> None:
    server.then(lambda h: h.json(200, completion(MOOD, finish="length")))
    with pytest.raises(TruncatedError, match="no reply is left of the 1 allowed"):
        open_door().within(Allowance(1)).ask(question(), Mood)


def test_an_allowance_counts_replies_and_not_attempts(server: LlmServer, open_door: Opener) -> None:
    server.then(status(429), status(503), says(MOOD))
    allowance = Allowance(1)
    assert open_door("record").within(allowance).ask(question(), Mood).score == 0.5
    assert len(server.asked) == 3 and allowance.used == 1
    # a reply from the cassette counts as one that was paid for: a replay must not go further
    again = Allowance(1)
    assert open_door("replay").within(again).ask(question(), Mood).score == 0.5
    assert again.used == 1


def test_an_allowance_is_of_the_narrowed_door_alone(server: LlmServer, open_door: Opener) -> None:
    door = open_door(budget={"calls": 2})
    narrow = door.within(Allowance(1))
    assert narrow.ask(question("one"), Mood).score == -1
    assert door.ask(question("two"), Mood).score == -1
    assert door.costs().calls == narrow.costs().calls == 2
    with pytest.raises(BudgetError):  # the budget is one
        door.ask(question("three"), Mood)


def test_an_allowance_is_no_debt() -> None:
    with pytest.raises(ValueError, match="at least 0"):
        Allowance(-1)
    assert not Allowance(0).take()


def test_validation_errors_are_pydantics() -> None:
    # the salvage reads places of errors: a pydantic that numbers them otherwise must be noticed
    with pytest.raises(ValidationError) as caught:
        Marks.model_validate_json(reply(GOOD, {"name": "b", "score": 2}), strict=True)
    assert caught.value.errors()[0]["loc"] == ("marks", 1, "score")
