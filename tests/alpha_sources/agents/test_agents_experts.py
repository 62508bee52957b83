"""Agents that predicted well count for more, and only what is realised by now says who did."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from alpha_sources.agents.config import CommitteeConfig
from alpha_sources.agents.decision import Decision, Fallback, Mark, Opinion, Verdict
from alpha_sources.agents.experts import agreement, base_weights, earlier, gains, learned_weights

DATES = np.arange("2022-01-03", "2022-01-23", dtype="datetime64[D]")
NAMES = [f"s{i}" for i in range(6)]


def decided(day: str, **marks: list[float]) -> Decision:
    opinions = tuple(
        Opinion(
            name,
            "m",
            "close",
            "close",
            Verdict.KEPT,
            "",
            marks={a: Mark(v[i], v[i]) for a, v in marks.items()},
        )
        for i, name in enumerate(NAMES)
    )
    return Decision(
        day, None, 1, 300, "bull_calm", "all", 300, opinions, (), 0.5, Fallback.NONE,
        dict.fromkeys(marks, 0.5),
    )  # fmt: skip


RISING = [0.1, 0.2, 0.3, 0.4, 0.5, 0.6]


def test_the_settings_share_rho_out_by_weight() -> None:
    weights = base_weights(CommitteeConfig(confidence_weight=0.6, profiles={"neutral": {"weight": 2}}))
    assert weights == pytest.approx(
        {"confidence": 0.6, "conservative": 0.1, "neutral": 0.2, "aggressive": 0.1}
    )
    assert base_weights(CommitteeConfig(profile="neutral")) == {"confidence": 0.6, "neutral": 0.4}


def test_an_agent_gains_what_its_scores_foretold() -> None:
    one = decided("2022-01-05", right=RISING, wrong=RISING[::-1])
    daily = {name: np.full(20, 0.01 * i) for i, name in enumerate(NAMES)}
    assert gains([one], daily, DATES) == {"right": [pytest.approx(1.0)], "wrong": [pytest.approx(-1.0)]}


def test_a_decision_answers_for_the_sessions_up_to_the_next() -> None:
    first, second = (decided(day, a=RISING) for day in ("2022-01-05", "2022-01-12"))
    daily = {
        name: np.where(np.datetime64("2022-01-12") > DATES, i, -i) * 0.01 for i, name in enumerate(NAMES)
    }
    assert gains([first, second], daily, DATES)["a"] == pytest.approx([1.0, -1.0])


def test_what_is_not_realised_says_nothing() -> None:
    one = decided("2022-01-20", a=RISING)
    daily = {
        name: np.where(np.datetime64("2022-01-20") > DATES, 0.01 * i, np.nan) for i, name in enumerate(NAMES)
    }
    assert gains([one], daily, DATES) == {}


def test_an_inverted_alpha_is_held_to_what_it_was_used_for() -> None:
    one = decided("2022-01-05", a=RISING)
    one = replace(one, opinions=tuple(replace(opinion, sign=-1) for opinion in one.opinions))
    daily = {name: np.full(20, -0.01 * i) for i, name in enumerate(NAMES)}
    assert gains([one], daily, DATES)["a"] == pytest.approx([1.0])


def test_later_decisions_are_no_past() -> None:
    days = [decided(day, a=RISING) for day in ("2022-01-12", "2022-01-05", "2022-01-10")]
    assert [one.as_of for one in earlier(days, np.datetime64("2022-01-10"))] == ["2022-01-05"]


def test_hedge_by_hand() -> None:
    found = learned_weights({"a": 0.5, "b": 0.5}, {"a": [1.0, 0.5], "b": [-0.5]}, 0.5)
    assert found["a"] / found["b"] == pytest.approx(math.exp(0.5 * 2.0))


@given(st.lists(st.floats(-1, 1), max_size=30), st.lists(st.floats(-1, 1), max_size=30), st.floats(0, 2))
def test_weights_add_to_one_and_follow_the_gains(a: list[float], b: list[float], rate: float) -> None:
    found = learned_weights({"a": 0.5, "b": 0.5}, {"a": a, "b": b}, rate)
    assert sum(found.values()) == pytest.approx(1.0)
    if rate * (sum(a) - sum(b)) > 1e-9:
        assert found["a"] > found["b"]


def test_agreement_needs_five_pairs() -> None:
    assert math.isnan(agreement([1, 2, 3, 4], [1, 2, 3, 4]))
    assert agreement(RISING, RISING) == pytest.approx(1.0)
    assert math.isnan(agreement([0.5] * 6, RISING))
