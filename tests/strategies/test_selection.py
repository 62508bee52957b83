"""The selection against a plain pandas transcript of Qlib's rule (FACTS section 2), and by example."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from strategies.selection import Selection, round_scores, select

NAN = math.nan


def by_the_book(
    scores: list[float], held: list[int], topk: int, n_drop: int, tradable: list[bool] | None
) -> tuple[set[int], list[int], int]:
    """Steps 1 to 3 of Top-k/Drop-n, written in pandas: (sell, candidates, wanted)."""
    tens = [float(f"{s:.9e}") if not math.isnan(s) else -math.inf for s in scores]
    score = pd.Series(tens, dtype=float)
    usable = pd.Series(True if tradable is None else tradable, index=score.index, dtype=bool)

    def best_first(columns: list[int]) -> list[int]:
        table = pd.DataFrame({"score": score[columns], "column": columns})
        return list(table.sort_values(["score", "column"], ascending=[False, True])["column"])

    last = best_first([c for c in held if usable[c]])
    others = [c for c in score.index if c not in held and usable[c] and not math.isnan(scores[c])]
    today = best_first(others)[: max(0, n_drop + topk - len(held))]
    comb = best_first(last + today)
    lowest = comb[-n_drop:] if n_drop else []
    sell = [c for c in last if c in lowest]
    return set(sell), today, min(len(today), max(0, len(sell) + topk - len(held)))


@st.composite
def markets(draw: st.DrawFn) -> tuple[list[float], list[int], int, int, list[bool] | None]:
    n = draw(st.integers(1, 14))
    tied = st.integers(-3, 3).map(float)
    noisy = st.builds(lambda base, noise: base * (1 + noise), tied, st.sampled_from([0.0, 1e-13, -1e-13]))
    one = st.one_of(st.just(NAN), tied, noisy, st.floats(-1e6, 1e6))
    scores = draw(st.lists(one, min_size=n, max_size=n))
    held = draw(st.lists(st.integers(0, n - 1), unique=True))
    topk = draw(st.integers(1, n))
    n_drop = draw(st.integers(0, topk))
    tradable = draw(st.none() | st.lists(st.booleans(), min_size=n, max_size=n))
    return scores, held, topk, n_drop, tradable


@settings(deadline=None)
@given(markets())
def test_selection_follows_the_book(
    market: tuple[list[float], list[int], int, int, list[bool] | None],
) -> None:
    scores, held, topk, n_drop, tradable = market
    chosen = select(
        np.array(scores),
        held,
        topk=topk,
        n_drop=n_drop,
        tradable=None if tradable is None else np.array(tradable),
    )
    sell, candidates, wanted = by_the_book(scores, held, topk, n_drop, tradable)
    assert set(chosen.sell) == sell
    assert list(chosen.candidates) == candidates
    assert chosen.wanted == wanted


@settings(deadline=None)
@given(markets())
def test_what_always_holds(market: tuple[list[float], list[int], int, int, list[bool] | None]) -> None:
    scores, held, topk, n_drop, _ = market
    sell, candidates, wanted = select(np.array(scores), held, topk=topk, n_drop=n_drop)
    assert set(sell) <= set(held)
    assert not set(candidates) & set(held)
    assert not any(math.isnan(scores[c]) for c in candidates)
    assert len(sell) <= n_drop
    assert wanted <= len(candidates)
    if len(held) <= topk:
        assert len(held) - len(sell) + wanted <= topk


@settings(deadline=None)
@given(markets(), st.randoms())
def test_the_order_of_the_holdings_does_not_matter(
    market: tuple[list[float], list[int], int, int, list[bool] | None], random: object
) -> None:
    scores, held, topk, n_drop, _ = market
    shuffled = list(held)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    assert select(np.array(scores), held, topk=topk, n_drop=n_drop) == select(
        np.array(scores), shuffled, topk=topk, n_drop=n_drop
    )


# -- by example


def pick(scores: list[float], held: list[int], topk: int, n_drop: int) -> Selection:
    return select(np.array(scores), held, topk=topk, n_drop=n_drop)


def test_an_empty_portfolio_buys_the_best() -> None:
    assert pick([1, 5, 3, 4, 2], [], 3, 1) == Selection((), (1, 3, 2, 4), 3)


def test_a_better_name_replaces_the_worst_held() -> None:
    assert pick([1, 5, 3, 4, 2], [1, 2, 0], 3, 1) == Selection((0,), (3,), 1)


def test_nothing_is_sold_for_a_worse_name() -> None:
    assert pick([5, 4, 3, 1], [0, 1, 2], 3, 1) == Selection((), (3,), 0)


def test_at_most_n_names_are_exchanged() -> None:
    assert pick([1, 2, 3, 7, 8, 9], [0, 1, 2], 3, 2) == Selection((1, 0), (5, 4), 2)


def test_a_portfolio_that_is_short_of_names_fills_up_without_selling() -> None:
    """Two of three are held: the lowest of all is a candidate, not a holding."""
    assert pick([9, 8, 7, 6, 5], [0, 1], 3, 1) == Selection((), (2, 3), 1)


def test_a_portfolio_with_too_many_names_sells_without_buying() -> None:
    assert pick([4, 3, 2, 1, 9], [0, 1, 2, 3], 3, 1) == Selection((3,), (), 0)


def test_a_held_name_without_a_score_is_sold_first() -> None:
    assert pick([NAN, 2, 1, 9], [0, 1, 2], 3, 1) == Selection((0,), (3,), 1)


def test_a_held_name_without_a_score_is_sold_even_where_nothing_can_replace_it() -> None:
    assert pick([NAN, 2, 1], [0, 1, 2], 3, 1) == Selection((0,), (), 0)


def test_a_name_without_a_score_is_never_bought() -> None:
    assert pick([NAN, NAN, 1], [], 3, 1) == Selection((), (2,), 1)


def test_ties_go_by_symbol() -> None:
    assert pick([1, 1, 1, 1], [], 2, 0) == Selection((), (0, 1), 2)
    assert pick([1, 1, 1, 1], [0, 1], 2, 1) == Selection((), (2,), 0)
    assert pick([1, 1, 1, 1], [2, 3], 2, 1) == Selection((3,), (0,), 1)


def test_float_noise_does_not_decide_between_equals() -> None:
    assert pick([0.1 + 0.2, 0.3], [1], 1, 1) == Selection((1,), (0,), 1)
    assert pick([0.3, 0.1 + 0.2], [0], 1, 1) == Selection((), (1,), 0)


def test_names_that_may_not_be_traded_are_neither_sold_nor_bought() -> None:
    tradable = np.array([False, True, True, False])
    chosen = select(np.array([1.0, 2.0, 3.0, 9.0]), [0, 1], topk=2, n_drop=1, tradable=tradable)
    assert chosen == Selection((1,), (2,), 1)


# -- rounding


@settings(deadline=None)
@given(st.lists(st.one_of(st.just(NAN), st.floats(-1e300, 1e300)), min_size=1, max_size=20))
def test_scores_are_rounded_to_ten_significant_digits(scores: list[float]) -> None:
    for before, after in zip(scores, round_scores(np.array(scores)), strict=True):
        if math.isnan(before):
            assert math.isnan(after)
        else:
            assert after == pytest.approx(before, rel=5.1e-10, abs=0)


def test_scores_so_small_that_powers_of_ten_overflow_are_still_scores() -> None:
    """A softmax underflows to numbers like these."""
    tiny = [1e-320, 3e-305, 2e-305, NAN, 5e-324]
    assert pick(tiny, [], 4, 0).candidates == (1, 2, 0, 4)


def test_rounding_leaves_its_input_alone() -> None:
    scores = np.array([0.1 + 0.2, NAN])
    round_scores(scores)
    assert scores[0] == 0.1 + 0.2
