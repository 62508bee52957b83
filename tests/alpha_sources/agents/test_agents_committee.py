"""One refresh of the committee: what it rests on, what it never sees, what it does when things are odd."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from alpha_sources.agents import CommitteeConfig, Decision, decide
from alpha_sources.agents.book import Ride
from alpha_sources.agents.brief import make_brief
from alpha_sources.agents.decision import Fallback, Verdict
from alpha_sources.agents.reading import decisions_in
from alpha_sources.evaluation import ResultStore, judge
from alpha_sources.libraries import LibraryEntry
from alpha_sources.libraries.categories import Category
from alpha_sources.snapshot import Snapshot
from engine.errors import ConfigError, DataError, ProviderError
from engine.hashing import canonical_json
from engine.market.panel import MarketPanel

DAY = "2022-03-31"
INDEX = "000016.SH"
Seeds = tuple[LibraryEntry, ...]
#: the small market has 160 sessions
SMALL = CommitteeConfig(least_sessions=100, min_names=5, quantiles=3)


def text(decision: Decision) -> str:
    return canonical_json(decision.to_payload())


def altered(panel: MarketPanel, after: int) -> MarketPanel:
    """The same market up to a row, and another one afterwards."""
    random = np.random.default_rng(11)
    fields = {}
    for name, values in panel.fields.items():
        changed = np.array(values, copy=True)
        noise = np.exp(random.normal(0, 0.3, changed[after + 1 :].shape))
        changed[after + 1 :] *= noise if name != "trading" else 1.0
        fields[name] = changed
    universe = panel.universe.copy()
    universe[after + 1 :] = random.permuted(universe[after + 1 :], axis=1)
    indices = {
        symbol: {name: np.concatenate([x[: after + 1], x[after + 1 :] * 0.5]) for name, x in bars.items()}
        for symbol, bars in panel.indices.items()
    }
    return replace(panel, fields=fields, universe=universe, indices=indices)


def test_nothing_after_the_refresh_can_change_a_decision(
    sample: MarketPanel, seeds: Seeds, decision: Decision
) -> None:
    t = sample.view(DAY).t
    earlier = decide(sample.view("2022-02-28"), seeds, CommitteeConfig())
    config = CommitteeConfig(experts="learned", allow_inverted=True)

    def whole(panel: MarketPanel) -> str:
        view = panel.view(t)
        brief = make_brief(view, index_symbol=INDEX, charts=True)
        return text(decide(view, seeds, config, previous=[earlier], brief=brief))

    cut = sample.truncate(t)
    assert text(decide(cut.view(t), seeds, CommitteeConfig())) == text(decision)
    known = whole(sample)
    assert whole(cut) == known
    assert whole(altered(sample, t)) == known


def test_a_record_says_why_and_comes_back_the_same(decision: Decision) -> None:
    again = Decision.from_payload(decision.to_payload())
    assert again == decision and text(again) == text(decision)
    # a snapshot freezes what it keeps, and sorts its keys
    kept = Snapshot(payload={"decision": decision.to_payload()}, as_of=DAY)
    (read,) = decisions_in([kept, Snapshot(payload={})])
    assert text(read) == text(decision) and read.agents == decision.agents
    for name in decision.kept:
        one = decision[name]
        assert one.because and one.book and one.like_today and one.marks["confidence"].value == one.theta
        assert (
            one.score is not None and one.score >= decision.threshold
        ) or one.verdict is Verdict.KEPT_FOR_BALANCE


def test_the_numbers_are_those_of_the_judge(sample: MarketPanel, seeds: Seeds, decision: Decision) -> None:
    view = sample.view(DAY)
    name = next(name for name in decision.kept if decision[name].level == decision.level)
    formula = next(one.parsed for one in seeds if one.name == name)
    found = judge({name: formula}, view)
    overall, one = found.frame.loc[name], decision[name]
    assert one.overall is not None and one.book is not None
    assert one.overall.mean == pytest.approx(overall["rank_ic_mean"])
    assert one.overall.mean / one.overall.error == pytest.approx(overall["rank_ic_t"])
    level = "trend" if decision.level in ("bull", "sideways", "bear") else "regime"
    table = found.by(level).loc[(name, decision.level)]
    assert one.like_today is not None and one.like_today.mean == pytest.approx(table["rank_ic_mean"])
    net = found[name].series["long_top_net"].dropna().to_numpy()
    assert one.book.gain == pytest.approx(Ride.of(net).gain)
    assert decision.evidence_until == "2022-03-29"
    assert one.score == pytest.approx(0.6 * one.theta + 0.4 * one.rho)


def test_an_alpha_seldom_seen_in_such_a_market_is_taken_as_it_was_overall(decision: Decision) -> None:
    one = decision["long_reversal"]
    assert decision.level == "bear" and one.level == "all"
    assert one.like_today == one.overall


def test_no_alpha_repeats_another(
    sample: MarketPanel, seeds: Seeds, seed: Callable[..., LibraryEntry]
) -> None:
    base = next(one for one in seeds if one.name == "low_volatility")
    twins = (
        base,
        seed("twin", f"2 * ({base.formula}) + 1", Category.GROWTH),
        seed("nearly", f"({base.formula}) + 0.0001 * volume / ts_mean(volume, 20) * 0.001", Category.QUALITY),
    )
    found = decide(sample.view(DAY), twins, CommitteeConfig(threshold=0.0, pick="all_above"))
    assert len(found.kept) == 1
    dropped = [one for one in found.opinions if not one.kept]
    assert [one.verdict for one in dropped] == [Verdict.DUPLICATE] * 2
    assert all(found.kept[0] in one.because for one in dropped)


def test_a_store_changes_nothing_and_is_asked_first(
    sample: MarketPanel, seeds: Seeds, decision: Decision, tmp_path: Any
) -> None:
    with ResultStore(tmp_path) as store:
        for _ in range(2):
            assert text(decide(sample.view(DAY), seeds, CommitteeConfig(), store=store)) == text(decision)
        assert len(store) == 100


def test_a_refresh_of_a_hundred_seeds_takes_well_under_five_seconds(
    sample: MarketPanel, seeds: Seeds, decision: Decision
) -> None:
    began = time.process_time()
    decide(sample.view(DAY), seeds, CommitteeConfig())
    assert time.process_time() - began < 5.0


@pytest.mark.slow
def test_monthly_refreshes_take_their_share_of_what_two_years_may(train: MarketPanel, seeds: Seeds) -> None:
    months = train.dates.astype("datetime64[M]")
    ends = [t for t in range(len(months) - 1) if months[t] != months[t + 1]][-6:]
    began, past = time.process_time(), list[Decision]()
    for t in ends:
        past.append(decide(train.view(t), seeds, CommitteeConfig(experts="learned"), previous=past))
    assert time.process_time() - began < 6 * 90.0 / 24
    assert past[-1].weights != past[0].weights and all(one.kept for one in past)


def test_an_alpha_without_values_is_not_judged_and_said(
    small: MarketPanel, seed: Callable[..., LibraryEntry]
) -> None:
    given = [
        seed("works", "ts_sum(returns, 2)"),
        seed("empty", "log(close - 10 * close)"),
        seed("lacks", "eps_ttm"),
    ]
    found = decide(small.view(159), given, SMALL)
    assert found["empty"].verdict is Verdict.NOT_JUDGED and "no coverage" in found["empty"].because
    assert found["lacks"].verdict is Verdict.NOT_JUDGED and "unreadable" in found["lacks"].because
    assert found["empty"].score is None
    assert "2 of 3 seeds could not be judged: 1 no coverage, 1 unreadable" in found.notes
    assert found.kept == ("works",)


def test_an_alpha_that_was_seldom_seen_is_not_judged(
    small: MarketPanel, seed: Callable[..., LibraryEntry]
) -> None:
    given = [seed("works", "ts_sum(returns, 2)"), seed("young", "delay(returns, 120)")]
    found = decide(small.view(159), given, SMALL)
    assert found["young"].because == "too few sessions: a rank IC on 37 sessions; at least 60"


def test_when_no_seed_can_be_judged_the_first_reason_is_given(
    small: MarketPanel, seed: Callable[..., LibraryEntry]
) -> None:
    with pytest.raises(DataError, match=r"none of 1 seeds can be judged at .*; empty: no member has a value"):
        decide(small.view(159), [seed("empty", "log(close - 10 * close)")], SMALL)


def test_too_few_sessions_are_refused_with_the_remedy(
    small: MarketPanel, seed: Callable[..., LibraryEntry]
) -> None:
    with pytest.raises(
        DataError,
        match=r"needs 250 sessions with a known universe up to 2022-\d\d-\d\d and has 160; start later",
    ):
        decide(small.view(159), [seed("a", "close")], CommitteeConfig())


def test_seeds_have_names_of_their_own(small: MarketPanel, seed: Callable[..., LibraryEntry]) -> None:
    with pytest.raises(ConfigError, match="no seed"):
        decide(small.view(159), [], SMALL)
    with pytest.raises(ConfigError, match="'a' twice"):
        decide(small.view(159), [seed("a", "close"), seed("a", "open")], SMALL)


def test_all_seeds_below_the_threshold_leave_the_icir(
    small: MarketPanel, seed: Callable[..., LibraryEntry]
) -> None:
    given = [
        seed("works", "ts_sum(returns, 2)"),
        seed("opposite", "-delay(returns, 1)"),
        seed("noise", "ts_std(amount, 5)"),
    ]
    config = SMALL.model_copy(update={"threshold": 1.0, "fallback_count": 1})
    found = decide(small.view(159), given, config)
    assert found.fallback is Fallback.ICIR and len(found.kept) == 1
    best = max((one for one in found.opinions), key=lambda one: one.like_today.ratio)
    assert found.kept == (best.name,)
    assert any("no alpha reached 1.000" in note for note in found.notes)


def test_an_alpha_that_foresees_the_opposite_is_inverted_only_if_that_is_allowed(
    small: MarketPanel, seed: Callable[..., LibraryEntry]
) -> None:
    given = [seed("wrong", "-delay(returns, 1)")]
    as_written = decide(small.view(159), given, SMALL)["wrong"]
    config = SMALL.model_copy(update={"allow_inverted": True})
    inverted = decide(small.view(159), given, config)
    one = inverted["wrong"]
    assert as_written.sign == 1 and as_written.theta < 0.05
    assert one.sign == -1 and inverted.signs == {"wrong": -1}
    assert one.overall.mean == pytest.approx(-as_written.overall.mean)
    # as sure of the opposite, less what looking for the sign costs
    assert one.theta == pytest.approx(1 - 2 * as_written.theta)
    right = decide(small.view(159), [seed("right", "delay(returns, 1)")], SMALL)["right"]
    assert one.book == right.book


def test_without_an_index_all_sessions_count_alike(
    small: MarketPanel, seed: Callable[..., LibraryEntry]
) -> None:
    bare = replace(small, indices={})
    found = decide(bare.view(159), [seed("works", "ts_sum(returns, 2)")], SMALL)
    assert (found.regime, found.level) == ("unknown", "all")
    assert any("no index" in note for note in found.notes)


def test_the_agents_of_the_settings_are_those_that_vote(sample: MarketPanel, seeds: Seeds) -> None:
    few = [
        one for one in seeds if one.name in ("reversal_week", "low_volatility", "turnover", "aroon", "macd")
    ]
    alone = decide(sample.view(DAY), few, CommitteeConfig(profile="aggressive"))
    assert alone.agents == ("confidence", "aggressive")
    mine = CommitteeConfig(
        profiles={"mine": {"gain": 0.0, "volatility": 5.0}}, confidence_weight=0.0, profile="mine"
    )
    scores = {one.name: one.score for one in decide(sample.view(DAY), few, mine).opinions}
    assert max(scores, key=scores.__getitem__) in ("low_volatility", "turnover")


def test_profiles_hold_books_as_wild_as_they_are_named(sample: MarketPanel, seeds: Seeds) -> None:
    wild = []
    for name in ("conservative", "neutral", "aggressive"):
        config = CommitteeConfig(
            profile=name, confidence_weight=0.0, threshold_quantile=0.85, pick="all_above", least_categories=0
        )
        found = decide(sample.view(DAY), seeds, config)
        wild.append(np.mean([found[kept].book.volatility for kept in found.kept]))
    assert wild[0] < wild[1] < wild[2]


def test_what_is_no_record_is_refused() -> None:
    with pytest.raises(ProviderError, match="version None; this program reads 1"):
        Decision.from_payload({})
    with pytest.raises(ProviderError, match="cannot be read"):
        Decision.from_payload({"version": 1})
