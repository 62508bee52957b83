"""Labels of a run: what was learnt inside the test, what could know it, and what was hidden from models."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alpha_sources.honesty import Honesty, Knowledge, Label, Provenance
from alpha_sources.libraries import load_library
from alpha_sources.llm import LlmConfig
from alpha_sources.signal import Refresh

START, END = date(2023, 1, 3), date(2023, 12, 29)
EVE = START - timedelta(days=1)
PROFILE = {"base_url": "http://127.0.0.1:1/v1", "model": "thinker-1"}


def judged(*refreshes: Refresh, **provenance: object) -> Honesty:
    known = Provenance(**provenance) if provenance else None  # type: ignore[arg-type]
    return Honesty.of(START, END, refreshes, known)


def llm(cutoff: date | None, mode: str = "live") -> LlmConfig:
    return LlmConfig(mode=mode, profiles={"a": {**PROFILE, "knowledge_cutoff": cutoff}})


def test_a_provider_that_says_nothing_and_learns_nothing_bears_no_label() -> None:
    assert judged().labels == ()
    assert judged().sentences() == []


def test_only_refreshes_inside_the_test_that_left_something_count() -> None:
    days = ["2022-12-30", "2023-01-03", "2023-06-30", "2023-12-29", "2024-01-02"]
    found = judged(*(Refresh(day, "ab") for day in days), Refresh("2023-07-31", None))
    assert found.in_test == ("2023-01-03", "2023-06-30", "2023-12-29")
    assert found.labels == (Label.IN_TEST_REFRESH,)
    assert found.plain()["in_test_refreshes"] == {"count": 3, "sessions": list(found.in_test)}
    (sentence,) = found.sentences()
    assert "learnt 3 times" in sentence and "2023-01-03 to 2023-12-29" in sentence


def test_a_library_that_ends_before_the_test_is_clean_and_one_that_knows_it_is_not() -> None:
    old, new = load_library("alpha101"), load_library("paper_seeds")
    assert Honesty.of(START, END, (), Provenance.of(old)).labels == (Label.CLEAN,)
    found = Honesty.of(START, END, (), Provenance.of([*old, *new]))
    assert found.labels == (Label.CONTAMINATED,)
    assert f"{len(new)} of {len(old) + len(new)} seeds" in found.reasons[0]
    assert "up to 2026-11-22" in found.reasons[0]


@pytest.mark.parametrize(
    ("seed", "words"),
    [
        (Knowledge("a", START), "chosen by who could know it, up to 2023-01-03 (a)"),
        (Knowledge("a", None), "nobody says what whoever chose them could know"),
        (Knowledge("a", EVE, made_on=START), "mined after it began, up to 2023-01-03"),
    ],
)
def test_a_seed_contaminates_for_a_reason_that_is_said(seed: Knowledge, words: str) -> None:
    found = judged(seeds=(seed, Knowledge("b", EVE, made_on=EVE)))
    assert found.labels == (Label.CONTAMINATED,)
    (reason,) = found.reasons
    assert words in reason and "1 of 2 seeds" in reason


def test_a_model_contaminates_by_its_cutoff_and_an_unknown_one_always() -> None:
    assert Honesty.of(START, END, (), Provenance.of(llm=llm(EVE))).labels == (Label.CLEAN,)
    for cutoff, words in ((START, "has read until 2023-01-03"), (None, "nobody says until when the model")):
        found = Honesty.of(START, END, (), Provenance.of(llm=llm(cutoff)))
        assert found.labels == (Label.CONTAMINATED,)
        assert words in found.reasons[0] and "thinker-1" in found.reasons[0]


def test_a_model_that_is_not_asked_contaminates_nothing() -> None:
    assert Provenance.of(llm=llm(None, "offline")).models == ()
    two = LlmConfig(mode="live", profiles={"a": PROFILE, "b": {**PROFILE, "model": "other"}})
    assert [model.name for model in Provenance.of(llm=two, profiles=["b"]).models] == ["other"]


def test_a_masked_run_is_never_clean() -> None:
    assert judged(masked=True).labels == (Label.MASKED,)
    both = judged(masked=True, models=(Knowledge("thinker-1"),))
    assert both.labels == (Label.CONTAMINATED, Label.MASKED)
    assert "does not count as clean" in both.sentences()[-1]


knowledge = st.builds(
    Knowledge,
    st.text("abc", min_size=1, max_size=3),
    st.none() | st.dates(date(2020, 1, 1), date(2026, 1, 1)),
    st.none() | st.dates(date(2020, 1, 1), date(2026, 1, 1)),
)


@given(st.lists(knowledge, max_size=6), st.lists(knowledge, max_size=3), st.booleans(), st.dates())
def test_clean_is_exactly_what_can_know_nothing_and_saw_everything(
    seeds: list[Knowledge], models: list[Knowledge], masked: bool, start: date
) -> None:
    known = Provenance(tuple(seeds), tuple(models), masked)
    labels = Honesty.of(start, start, (), known).labels
    hindsight = any(k.until is None or k.until >= start for k in [*seeds, *models])
    hindsight |= any(s.made_on is not None and s.made_on >= start for s in seeds)
    assert (Label.CONTAMINATED in labels) == hindsight
    assert (Label.MASKED in labels) == masked
    assert (Label.CLEAN in labels) == (not hindsight and not masked)
