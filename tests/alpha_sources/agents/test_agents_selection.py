"""Who is kept: thresholds, categories, repeats, and what happens when nobody passes."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alpha_sources.agents.config import CommitteeConfig
from alpha_sources.agents.decision import Fallback, Verdict
from alpha_sources.agents.selection import Candidate, Chosen, choose


def chosen(scores: dict[str, float], twins: dict[str, str] | None = None, **settings: Any) -> Chosen:
    """Names are ``category.alpha``; the ICIR is the score less one half."""
    kept: list[str] = []

    def repeats(name: str) -> str | None:
        if (other := (twins or {}).get(name)) in kept:
            return f"repeats {other}"
        kept.append(name)
        return None

    candidates = [Candidate(name, name.split(".")[0], score, score - 0.5) for name, score in scores.items()]
    return choose(candidates, CommitteeConfig(**settings), repeats)


SCORES = {"m.a": 0.9, "m.b": 0.8, "m.c": 0.7, "v.a": 0.6, "v.b": 0.4, "g.a": 0.3, "q.a": 0.2}


def test_several_are_two_of_a_category() -> None:
    found = chosen(SCORES, least_categories=0)
    assert found.kept == ["m.a", "m.b", "v.a"]
    assert found.why["m.c"] == (Verdict.CATEGORY_FULL, "2 of m are kept already")
    assert found.why["v.b"][0] is Verdict.BELOW_THRESHOLD


def test_best_is_one_and_all_above_are_all() -> None:
    assert chosen(SCORES, pick="best", least_categories=0).kept == ["m.a", "v.a"]
    assert chosen(SCORES, pick="all_above", least_categories=0).kept == ["m.a", "m.b", "m.c", "v.a"]


def test_missing_categories_get_their_best_the_best_of_them_first() -> None:
    found = chosen(SCORES, least_categories=3)
    assert found.kept == ["m.a", "m.b", "v.a", "g.a"]
    assert found.why["g.a"][0] is Verdict.KEPT_FOR_BALANCE
    assert "q.a" not in found.kept


def test_the_threshold_may_be_a_quantile_of_the_scores() -> None:
    found = chosen(SCORES, threshold_quantile=0.5, pick="all_above", least_categories=0)
    assert found.threshold == 0.6
    assert found.kept == ["m.a", "m.b", "m.c", "v.a"]


def test_a_score_that_equals_the_threshold_passes() -> None:
    assert chosen({"m.a": 0.5}, threshold=0.5, least_categories=0).kept == ["m.a"]


def test_of_two_that_are_alike_the_better_is_kept_and_the_next_moves_up() -> None:
    found = chosen(SCORES, {"m.b": "m.a"}, least_categories=0)
    assert found.kept == ["m.a", "m.c", "v.a"]
    assert found.why["m.b"] == (Verdict.DUPLICATE, "repeats m.a")


def test_the_committee_has_room_for_so_many() -> None:
    found = chosen(SCORES, pick="all_above", most=2, least_categories=0)
    assert found.kept == ["m.a", "m.b"]
    assert found.why["v.a"][0] is Verdict.COMMITTEE_FULL


def test_when_nobody_passes_the_icir_decides() -> None:
    found = chosen(SCORES, threshold=0.95, fallback_count=4)
    assert found.fallback is Fallback.ICIR
    assert found.kept == ["m.a", "m.b", "v.a", "v.b"]
    assert all(found.why[name][0] is Verdict.KEPT_BY_FALLBACK for name in found.kept)
    assert "kept 4 by ICIR, 1 of which foresaw nothing or the opposite" in found.notes[0]


def test_an_unknown_icir_is_no_fallback() -> None:
    candidates = [Candidate("a", "m", 0.1, math.nan), Candidate("b", "m", 0.1, 0.2)]
    assert choose(candidates, CommitteeConfig(), lambda _: None).kept == ["b"]


def test_one_category_alone_is_said() -> None:
    found = chosen({"m.a": 0.9, "m.b": 0.8}, least_categories=3)
    assert found.kept == ["m.a", "m.b"]
    assert "of one category, fewer than the 3 wanted" in found.notes[0]


@given(
    st.dictionaries(
        st.sampled_from([f"{c}.{i}" for c in "mvgq" for i in range(4)]), st.floats(0, 1), min_size=1
    ),
    st.sampled_from(["best", "several", "all_above"]),
    st.integers(0, 4),
)
def test_the_order_of_the_seeds_decides_nothing(scores: dict[str, float], pick: str, least: int) -> None:
    found = chosen(scores, pick=pick, least_categories=least)
    turned = chosen(dict(reversed(scores.items())), pick=pick, least_categories=least)
    assert found.kept == turned.kept and found.why == turned.why
    assert set(found.why) == set(scores) and len(set(found.kept)) == len(found.kept)
    assert found.kept, "something is always kept"


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (
            {"profile": "bold"},
            "agents.profile: there is no risk agent 'bold' (conservative, neutral, aggressive)",
        ),
        ({"threshold": 7}, "agents.threshold must be at most 1, not 7"),
        ({"treshold": 0.5}, "agents.treshold: unknown key; did you mean threshold?"),
        ({"bound": 0.9}, "agents.bound must be at most 0.5, not 0.9"),
        ({"profiles": {"confidence": {}}}, "agents.profiles: 'confidence' is the name of another agent"),
        ({"profiles": {"mine": {"gian": 1}}}, "agents.profiles.mine.gian: unknown key; did you mean gain?"),
        ({"most": 2}, "agents.most: 2 alphas cannot be of 3 categories"),
    ],
)
def test_settings_that_make_no_sense_are_refused_in_one_line(settings: Any, message: str) -> None:
    from engine.errors import ConfigError

    with pytest.raises(ConfigError) as refused:
        CommitteeConfig.read(settings)
    assert str(refused.value) == message


def test_a_profile_of_ones_own_joins_the_three_and_a_weight_of_0_leaves_one_out() -> None:
    config = CommitteeConfig(profiles={"mine": {"gain": 2.0}, "neutral": {"weight": 0}})
    assert list(config.risk_agents()) == ["conservative", "aggressive", "mine"]
