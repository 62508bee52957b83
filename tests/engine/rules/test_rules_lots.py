from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.market.board import Board
from engine.rules.lots import LotRule, lot_rule
from engine.rules.table import day_of

MAIN, STAR, BSE = LotRule(100, 100), LotRule(200, 1), LotRule(100, 1)


@pytest.mark.parametrize(
    ("board", "day", "rule"),
    [
        (Board.MAIN, "2023-06-01", MAIN),
        (Board.CHINEXT, "2019-01-02", MAIN),
        (Board.CHINEXT, "2023-06-01", MAIN),
        (Board.STAR, "2019-07-22", STAR),
        (Board.BSE, "2021-11-15", BSE),
        (Board.UNKNOWN, "2023-06-01", MAIN),
    ],
)
def test_lots_by_board(board: Board, day: str, rule: LotRule) -> None:
    assert lot_rule(board, day_of(date.fromisoformat(day)))[:2] == rule[:2]


@pytest.mark.parametrize(
    ("rule", "wanted", "bought"),
    [
        (MAIN, 99, 0),
        (MAIN, 100, 100),
        (MAIN, 199, 100),
        (MAIN, 1_050, 1_000),
        (STAR, 150, 0),
        (STAR, 199, 0),
        (STAR, 200, 200),
        (STAR, 201, 201),
        (BSE, 99, 0),
        (BSE, 100, 100),
        (BSE, 101, 101),
    ],
)
def test_buys_are_cut_to_what_the_board_allows(rule: LotRule, wanted: int, bought: int) -> None:
    assert rule.buyable(wanted) == bought


@pytest.mark.parametrize(
    ("rule", "wanted", "held", "sold"),
    [
        (MAIN, 150, 150, 150),  # a whole holding, odd lot included
        (MAIN, 50, 50, 50),
        (MAIN, 100, 150, 100),
        (MAIN, 120, 150, 100),  # half of the odd lot cannot be sold
        (MAIN, 50, 150, 50),  # the odd lot alone can
        (MAIN, 60, 150, 50),
        (MAIN, 40, 150, 0),
        (MAIN, 250, 350, 250),  # full lots together with the odd lot
        (MAIN, 300, 350, 300),
        (MAIN, 99, 1_000, 0),
        (STAR, 150, 300, 0),
        (STAR, 201, 300, 201),
        (STAR, 150, 150, 150),  # less than 200 left: only as a whole
        (STAR, 100, 150, 0),
        (BSE, 101, 300, 101),
        (BSE, 99, 99, 99),
    ],
)
def test_an_odd_remainder_is_sold_whole(rule: LotRule, wanted: int, held: int, sold: int) -> None:
    assert rule.sellable(wanted, held, free=held) == sold


@pytest.mark.parametrize(
    ("wanted", "held", "free", "sold"),
    [
        (300, 300, 200, 200),  # 100 were bought today
        (250, 250, 150, 150),  # 100 were bought today; the odd 50 belong to the older shares
        (300, 300, 0, 0),
    ],
)
def test_only_free_shares_are_sold(wanted: int, held: int, free: int, sold: int) -> None:
    assert MAIN.sellable(wanted, held, free) == sold


@settings(deadline=None)
@given(
    rule=st.sampled_from([MAIN, STAR, BSE]),
    wanted=st.integers(0, 2_000),
    held=st.integers(1, 2_000),
    locked=st.integers(0, 500),
)
def test_a_sale_is_whole_lots_with_or_without_the_whole_odd_remainder(
    rule: LotRule, wanted: int, held: int, locked: int
) -> None:
    free = max(0, held - locked)
    sold = rule.sellable(wanted, held, free)
    assert 0 <= sold <= min(wanted, free)
    if rule is MAIN:
        assert sold % 100 in {0, held % 100}
    elif sold < held:
        assert sold == 0 or sold >= rule.minimum
    if wanted >= held and locked == 0:
        assert sold == held


@settings(deadline=None)
@given(rule=st.sampled_from([MAIN, STAR, BSE]), wanted=st.integers(0, 5_000))
def test_a_buy_is_the_largest_allowed_number_of_shares(rule: LotRule, wanted: int) -> None:
    allowed = [0, *range(rule.minimum, 5_001, rule.step)]
    assert rule.buyable(wanted) == max(shares for shares in allowed if shares <= wanted)
