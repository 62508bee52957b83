"""What counts as the same alpha: form, order of values, and when it foresees."""

from __future__ import annotations

from typing import Any

import numpy as np

from alpha_sources.agents.likeness import Distinct
from alpha_sources.formula import parse

SESSIONS, NAMES = 40, 30
random = np.random.default_rng(4)
VALUES = {name: random.normal(size=(SESSIONS, NAMES)) for name in "abc"}
DAILY = {name: random.normal(0, 0.2, 250) for name in "abc"}


def distinct(**changes: Any) -> Distinct:
    given: dict[str, Any] = {
        "samples": VALUES,
        "formulas": {},
        "daily": DAILY,
        "signs": dict.fromkeys("abc", 1),
        "correlation": 0.9,
        "ic_correlation": 0.95,
        "min_names": 10,
    }
    return Distinct(np.ones((SESSIONS, NAMES), dtype=bool), **{**given, **changes})


def test_strangers_are_all_new() -> None:
    found = distinct()
    assert [found.repeats(name) for name in "abc"] == [None] * 3


def test_the_same_order_is_a_repeat_either_way() -> None:
    found = distinct(samples={**VALUES, "b": np.exp(VALUES["a"]), "c": -VALUES["a"]})
    assert found.repeats("a") is None
    assert found.repeats("b") == "orders the names as a does (rank correlation +1.00)"
    assert found.repeats("c") == "orders the names as a does (rank correlation -1.00)"


def test_the_same_form_is_a_repeat_whatever_the_sample_says() -> None:
    forms = {"a": parse("close / open"), "b": parse("2 * close / open - 1")}
    found = distinct(formulas=forms)
    assert found.repeats("a") is None
    assert found.repeats("b") == "is a written otherwise (affine)"


def test_alphas_that_foresee_together_are_one() -> None:
    together = {**DAILY, "b": DAILY["a"] + random.normal(0, 0.02, 250)}
    found = distinct(daily=together)
    assert found.repeats("a") is None
    assert (found.repeats("b") or "").startswith("foresees when a does (correlation of daily rank ICs")
    # used with the other sign it foresees when the first fails
    turned = distinct(daily=together, signs={"a": 1, "b": -1, "c": 1})
    assert [turned.repeats("a"), turned.repeats("b")] == [None, None]


def test_too_few_shared_sessions_say_nothing() -> None:
    short = np.where(np.arange(250) < 30, DAILY["a"], np.nan)
    found = distinct(daily={**DAILY, "b": short})
    assert [found.repeats("a"), found.repeats("b")] == [None, None]


def test_what_orders_nothing_is_no_alpha() -> None:
    found = distinct(samples={**VALUES, "a": np.ones((SESSIONS, NAMES))})
    assert found.repeats("a") == "orders nothing on the sessions compared"
