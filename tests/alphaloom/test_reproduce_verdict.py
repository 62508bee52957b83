"""What the numbers of a reproduction are said to mean, and the numbers themselves."""

from __future__ import annotations

import math
from dataclasses import replace
from itertools import combinations

import numpy as np
import pytest
import statsmodels.api as sm
from hypothesis import given
from hypothesis import strategies as st

from alphaloom.config import load_config
from alphaloom.reproduce import claims
from alphaloom.reproduce.foresight import Judgement, MeanIc, kept_in_force
from alphaloom.reproduce.statistics import Likeness, Spread, jaccard, likeness, share_below
from alphaloom.reproduce.verdict import (
    Answer,
    on_foresight,
    on_others,
    on_placebo,
    on_portfolio,
    on_selection,
    passes,
    share,
)

NAN = math.nan


def ic(mean: float, error: float) -> MeanIc:
    return MeanIc(10, 242, mean, mean / error, mean - 1.96 * error, mean + 1.96 * error)


# -- the portfolio


def said(
    ours: Spread | None,
    place: float,
    before: float | None = None,
    null: int = 200,
    equal_weight: float | None = -0.09,
    market: float | None = -0.1173,
    claim: float | None = claims.RETURNS["woven"],
) -> tuple[Answer, str]:
    verdict = on_portfolio(
        ours,
        place=place,
        place_before_costs=place if before is None else before,
        null_size=null,
        market=market,
        equal_weight=equal_weight,
        claim=claim,
    )
    return verdict.answer, verdict.because


def test_a_portfolio_that_beats_everything_under_every_seed_is_a_yes() -> None:
    answer, words = said(Spread(0.20, 0.15, 0.25, 3), 0.99)
    assert answer is Answer.YES
    assert words == (
        "it returned +20.0 % (median of 3 seeds, +15.0 % to +25.0 %), the index −11.7 %, all members equally "
        "weighted −9.0 %; it exceeds 99 % of 200 random portfolios, before costs 99 %. The paper prints "
        "+53.2 %, which no seed reaches: the best has +25.0 %."
    )


def test_a_return_like_the_papers_is_not_said_to_be_below_it() -> None:
    assert said(Spread(0.50, 0.40, 0.60, 3), 0.99)[1].endswith("The paper prints +53.2 %.")


def test_of_another_market_or_year_the_papers_return_is_not_spoken_of() -> None:
    words = said(Spread(0.20, 0.15, 0.25, 3), 0.99, claim=None)[1]
    assert "paper" not in words
    assert words.endswith("before costs 99 %.")


def test_a_portfolio_that_chance_reaches_is_a_no_though_it_beats_the_market() -> None:
    answer, words = said(Spread(0.05, 0.01, 0.09, 3), 0.60)
    assert answer is Answer.NO
    assert "before costs 60 %: 40 % of the random portfolios do as well. The paper" in words
    assert "does not beat" not in words


def test_a_portfolio_that_holding_beats_is_a_no_though_chance_does_worse() -> None:
    answer, words = said(Spread(-0.10, -0.11, -0.08, 3), 0.99)
    assert answer is Answer.NO
    assert "it does not beat all members equally weighted. The paper" in words
    assert "do as well" not in words
    both = said(Spread(-0.30, -0.31, -0.28, 3), 0.50)[1]
    assert "beats neither the index nor all members equally weighted, and 50 % of the random" in both


def test_beating_chance_only_because_chance_pays_more_costs_is_no_beating() -> None:
    answer, words = said(Spread(0.05, 0.01, 0.09, 3), 0.995, before=0.6)
    assert answer is Answer.NO
    assert "it exceeds 99.5 % of 200 random portfolios, before costs 60 %" in words
    assert "40 % of the random portfolios do as well where nobody pays costs" in words


def test_more_than_usual_is_unclear_and_the_doubt_is_named() -> None:
    answer, words = said(Spread(0.05, 0.01, 0.09, 3), 0.90)
    assert answer is Answer.UNCLEAR
    assert "but 10 % of the random portfolios do as well. The paper" in words
    # the median beats all, one seed does not
    answer, words = said(Spread(0.20, -0.10, 0.25, 3), 0.99)
    assert answer is Answer.UNCLEAR
    assert "but not every seed beats all members equally weighted. The paper" in words
    answer, words = said(Spread(0.20, 0.15, 0.25, 3), 0.99, equal_weight=None)
    assert answer is Answer.UNCLEAR
    assert "but nothing is known of all members equally weighted." in words


def test_without_a_null_or_a_method_or_a_market_nothing_is_answered() -> None:
    assert said(None, NAN)[0] is Answer.UNKNOWN
    answer, words = said(Spread(0.2, 0.2, 0.2, 1), NAN, null=0)
    assert answer is Answer.UNKNOWN
    assert "0 random portfolios: too few" in words
    assert "one seed" in words
    assert said(Spread(0.2, 0.2, 0.2, 1), 1.0, null=19)[0] is Answer.UNKNOWN
    answer, words = said(Spread(0.2, 0.2, 0.2, 1), 1.0, market=None, equal_weight=None)
    assert answer is Answer.UNKNOWN
    assert "neither an index nor" in words


@given(
    median=st.floats(-0.9, 3),
    below=st.floats(0, 0.5),
    place=st.floats(0, 1),
    before=st.floats(0, 1),
    equal_weight=st.floats(-0.9, 3),
)
def test_yes_is_never_said_of_what_holding_or_chance_equals(
    median: float, below: float, place: float, before: float, equal_weight: float
) -> None:
    answer, words = said(Spread(median, median - below, median, 3), place, before, equal_weight=equal_weight)
    assert ("does not beat" in words or "beats neither" in words) == (median <= max(equal_weight, -0.1173))
    assert (answer is Answer.UNCLEAR) == ("; but " in words)
    assert ("do as well" in words) <= (min(place, before) < 0.95)
    if answer is Answer.YES:
        assert median - below > max(equal_weight, -0.1173)
        assert min(place, before) >= 0.95


def test_the_others_are_told_with_what_so_many_tries_are_worth() -> None:
    assert on_others(["a"], 10) == (
        "Of 10 other methods 1 would be a yes: a; without any skill at most 0.5 of 10 would be placed so "
        "high."
    )
    assert on_others([], 1).startswith("Of 1 other method none would be a yes;")
    assert on_others([], 0) == ""
    assert passes(Spread(0.2, 0.1, 0.3, 3), 0.95, [0.05])
    assert not passes(Spread(0.2, 0.0, 0.3, 3), 0.95, [0.05])
    assert not passes(Spread(0.2, 0.1, 0.3, 3), 0.94, [0.05])
    assert not passes(Spread(0.2, 0.1, 0.3, 3), 1.0, [])


# -- selections


def test_selections_that_follow_the_regime_are_a_yes() -> None:
    found = Likeness(0.8, 0.3, 0.04, 3, 24)
    assert on_selection(found).answer is Answer.YES
    assert (
        "share 80 % of their alphas, two of different regimes 30 %; only 4 %" in on_selection(found).because
    )
    alone = on_selection(replace(found, regimes=1, selections=1, p=NAN)).because
    assert alone.startswith("1 sitting fell into 1 regime with two or more")
    assert on_selection(replace(found, p=0.3)).answer is Answer.UNCLEAR
    assert on_selection(replace(found, within=0.3, across=0.4)).answer is Answer.NO
    assert on_selection(replace(found, regimes=1, p=NAN)).answer is Answer.UNCLEAR
    assert on_selection(None).answer is Answer.UNKNOWN


def test_likeness_is_the_mean_overlap_of_pairs() -> None:
    picks = [["a", "b"], ["a", "b"], ["c"], ["c", "a"], ["a", "b"]]
    regimes = ["bull", "bull", "bear", "bear", "bull"]
    found = likeness(picks, regimes)
    pairs = list(combinations(range(5), 2))
    within = [jaccard(picks[i], picks[j]) for i, j in pairs if regimes[i] == regimes[j]]
    across = [jaccard(picks[i], picks[j]) for i, j in pairs if regimes[i] != regimes[j]]
    assert found.within == pytest.approx(np.mean(within))
    assert found.across == pytest.approx(np.mean(across))
    assert found.p == 1 / 5  # no other rotation tells them apart so well
    assert (found.regimes, found.selections) == (2, 5)


def test_selections_that_drift_with_time_alone_are_not_taken_for_the_regimes_doing() -> None:
    # every selection shares one name with the next, whatever the regime
    picks = [[str(i), str(i + 1)] for i in range(40)]
    regimes = ["bull" if (i // 10) % 2 else "bear" for i in range(40)]
    found = likeness(picks, regimes)
    assert found.within > found.across
    assert found.p > 0.05


# -- foresight


def test_foresight_is_a_yes_where_neither_interval_holds_zero() -> None:
    every = ic(0.008, 0.003)
    assert on_foresight(ic(0.04, 0.01), every, ic(0.03, 0.01)).answer is Answer.YES
    assert on_foresight(ic(0.04, 0.01), every, ic(0.03, 0.02)).answer is Answer.UNCLEAR
    assert on_foresight(ic(0.01, 0.01), every, ic(0.03, 0.01)).answer is Answer.UNCLEAR
    assert on_foresight(ic(0.001, 0.01), every, ic(-0.007, 0.01)).answer is Answer.NO
    assert on_foresight(None, every, None).answer is Answer.UNKNOWN
    # better than the rest, and yet of no use
    useless = on_foresight(ic(-0.01, 0.01), ic(-0.04, 0.01), ic(0.03, 0.01))
    assert useless.answer is Answer.NO
    assert "these foresee nothing" in useless.because
    doubts = on_foresight(ic(0.01, 0.01), every, ic(0.01, 0.02)).because
    assert doubts.endswith("the difference may be zero and their own IC may be zero.")


def test_a_groups_t_is_that_of_the_average_after_newey_and_west() -> None:
    random = np.random.default_rng(0)
    ics = random.normal(0.02, 0.1, size=(242, 5)) + random.normal(0, 0.1, size=(242, 1))
    ics[:30, 2] = np.nan
    ics[7] = np.nan
    found = MeanIc.of(ics)
    daily = np.nanmean(np.delete(ics, 7, axis=0), axis=1)
    lags = int(4 * (len(daily) / 100) ** (2 / 9))
    fitted = sm.OLS(daily, np.ones(len(daily))).fit(
        cov_type="HAC", cov_kwds={"maxlags": lags, "use_correction": True}
    )
    assert found.mean == pytest.approx(daily.mean())
    assert found.t == pytest.approx(fitted.tvalues[0])
    low, high = fitted.conf_int()[0]
    assert (found.low, found.high) == (pytest.approx(low), pytest.approx(high))
    assert (found.formulas, found.sessions) == (5, 241)


def test_kept_seeds_count_from_their_selection_to_the_next() -> None:
    days = np.array(["2023-01-03", "2023-01-04", "2023-01-05", "2023-01-06"])
    ics = np.array([[1.0, 2.0, 3.0], [1.0, 2.0, 3.0], [1.0, 2.0, np.nan], [1.0, 2.0, 3.0]])
    judged = Judgement(days, np.array(["a", "b", "c"]), np.array(["x"] * 3), ics)
    kept = [{"as_of": "2022-12-30", "names": ["a", "b"]}, {"as_of": "2023-01-05", "names": ["b", "c"]}]
    daily, ever = kept_in_force(judged, kept)
    assert daily.tolist() == [1.5, 1.5, 2.0, 2.5]
    assert ever == 3
    assert np.isnan(kept_in_force(judged, [])[0]).all()


# -- shuffled labels


def test_an_edge_that_survives_shuffling_is_no_edge() -> None:
    dead = {
        "a": (0.05, (0.0, 0.01, -0.02, 0.02, 0.0)),
        "b": (0.01, (-0.01, 0.02, 0.0, 0.01, -0.03)),
        "c": (0.0, (0.0, 0.0, 0.0, 0.0, 0.01)),
        "d": (0.0, (0.01, 0.02, -0.01, 0.0, 0.02)),
    }
    answer, words = on_placebo(dead, low=-0.03, high=0.03)
    assert answer is Answer.YES
    assert "of 20 deals of labels none lies above it, and luck alone would put 0.5 there" in words
    assert "As it is, a (+0.0500, on shuffled labels +0.0000) lies above that." in words
    # one deal in twenty is luck, and the median of the method says so
    one = {**dead, "a": (0.05, (0.04, 0.01, -0.02, 0.02, 0.0))}
    answer, words = on_placebo(one, low=-0.03, high=0.03)
    assert answer is Answer.YES
    assert "1 lies above it" in words
    # a few here and there are more than luck explains
    several = {**one, "b": (0.01, (0.04, 0.05, 0.0, 0.01, -0.03)), "d": (0.0, (0.04, 0.0, 0.0, 0.0, 0.0))}
    answer, words = on_placebo(several, low=-0.03, high=0.03)
    assert answer is Answer.UNCLEAR
    assert "yet of 20 deals of labels 4 lie above it" in words
    # a method whose median deal is as good as ever has learned nothing from its labels
    alive = {**dead, "b": (0.04, (0.04, 0.05, 0.04, 0.01, 0.03))}
    answer, words = on_placebo(alive, low=-0.03, high=0.03)
    assert answer is Answer.NO
    assert "b still lies above it in the median" in words
    none = {"a": (0.01, (0.0,))}
    assert "there was no edge to destroy" in on_placebo(none, low=-0.03, high=0.03)[1]
    assert on_placebo({}, low=-0.03, high=0.03)[0] is Answer.UNKNOWN
    assert on_placebo(dead, low=NAN, high=NAN)[0] is Answer.UNKNOWN


@given(count=st.integers(0, 40), tries=st.integers(1, 40))
def test_luck_is_counted_as_a_binomial_counts_it(count: int, tries: int) -> None:
    from scipy.stats import binom

    deals = [1.0] * min(count, tries) + [-1.0] * (tries - min(count, tries))
    answer, _ = on_placebo({str(i): (0.0, (ic,)) for i, ic in enumerate(deals)}, low=0.0, high=2.0)
    assert answer is Answer.YES
    # every method has two more deals below, so that no median lies above
    pairs = {str(i): (0.0, (ic, -1.0, -1.0)) for i, ic in enumerate(deals)}
    answer, _ = on_placebo(pairs, low=0.0, high=0.5)
    tail = binom.sf(min(count, tries) - 1, 3 * tries, 0.025)
    assert answer is (Answer.UNCLEAR if tail < 0.05 else Answer.YES)


# -- numbers


def test_the_spread_of_seeds_leaves_out_what_is_unknown() -> None:
    assert Spread.of([3.0, None, 1.0, NAN, 2.0]) == Spread(2.0, 1.0, 3.0, 3)
    assert Spread.of([None, NAN]) is None


@given(st.lists(st.floats(-1, 1), min_size=1, max_size=50), st.floats(-1, 1))
def test_a_place_among_others_is_symmetric(others: list[float], value: float) -> None:
    place = share_below(value, others)
    assert 0.0 <= place <= 1.0
    assert place + share_below(-value, [-other for other in others]) == pytest.approx(1.0)


def test_without_others_there_is_no_place() -> None:
    assert math.isnan(share_below(0.0, []))


def test_a_share_is_printed_as_finely_as_two_hundred_portfolios_tell() -> None:
    assert [share(x) for x in (0.995, 0.7, 1.0, 0.0, NAN)] == ["99.5 %", "70 %", "100 %", "0 %", ""]


@pytest.mark.parametrize(
    ("sets", "printed"),
    [
        ((), 0.5317),
        (("spans.test={start: 2023-01-01, end: 2023-06-30}",), None),
        (("benchmark=null",), None),
    ],
)
def test_the_papers_return_stands_beside_the_same_market_and_year_alone(
    sets: tuple[str, ...], printed: float | None
) -> None:
    base = load_config("paper_sse50", sets=list(sets))
    assert claims.return_of("woven", base) == printed
    assert claims.return_of("", base) is None


def test_what_the_paper_leaves_open_is_filled_in_from_the_configuration() -> None:
    sets = ["broker.fill={sell: open, buy: vwap}", "alpha.params.agents={threshold: 0.6}"]
    said = dict(claims.left_open(load_config("paper_sse50", sets=sets)))
    assert said["Fill price"] == "the open (sales), vwap (purchases) of the session after the decision"
    assert said["Threshold of the score"] == "0.6"
    assert said["Rhythm of learning"] == "anew at quarter end"
    usual = dict(claims.left_open(load_config("paper_sse50")))
    assert usual["Fill price"] == "the open of the session after the decision"
    assert "none is asked here" in usual["Which language model saw what"]


def test_the_papers_index_is_the_index_of_the_bundled_data() -> None:
    from alphaloom import load_panel

    panel = load_panel()
    close = panel.view(len(panel.dates) - 1).index("000016.SH")
    days = panel.dates.astype("datetime64[D]")
    before = close[np.searchsorted(days, np.datetime64("2022-12-31")) - 1]
    assert close[-1] / before - 1 == pytest.approx(claims.RETURNS["index"], abs=5e-5)
