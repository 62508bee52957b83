from __future__ import annotations

from datetime import date
from decimal import ROUND_HALF_UP, Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.errors import RuleError
from engine.rules.fees import AShareFees, Fees, PlainFees
from engine.rules.table import day_of

MILLION = 1_000_000_00  # CNY in fen


def on(text: str) -> int:
    return day_of(date.fromisoformat(text))


def half_up(value: Decimal) -> int:
    return int(value.quantize(Decimal(1), rounding=ROUND_HALF_UP))


@pytest.mark.parametrize(
    ("symbol", "is_buy", "day", "stamp_cny", "transfer_cny"),
    [
        ("600519.SH", False, "2023-08-25", 1000, 10),
        ("600519.SH", False, "2023-08-28", 500, 10),
        ("600519.SH", True, "2023-08-25", 0, 10),
        ("600519.SH", True, "2023-08-28", 0, 10),
        ("600519.SH", True, "2022-04-28", 0, 20),
        ("600519.SH", True, "2022-04-29", 0, 10),
        ("000001.SZ", False, "2022-04-28", 1000, 20),
        ("000001.SZ", False, "2022-04-29", 1000, 10),
        ("000001.SZ", True, "2015-07-31", 0, 0),
        ("000001.SZ", True, "2015-08-03", 0, 20),
        ("600519.SH", True, "2015-08-03", 0, 20),
        ("830799.BJ", False, "2021-11-15", 1000, 20),
        ("830799.BJ", False, "2023-08-28", 500, 10),
    ],
)
def test_stamp_duty_and_transfer_fee_on_a_million_by_date(
    symbol: str, is_buy: bool, day: str, stamp_cny: int, transfer_cny: int
) -> None:
    fees = AShareFees(commission=0.0003).charge(symbol, is_buy, MILLION, on(day))
    assert fees == Fees(300_00, stamp_cny * 100, transfer_cny * 100)
    assert fees.total == (300 + stamp_cny + transfer_cny) * 100


@settings(deadline=None)
@given(
    amount_fen=st.integers(1, 10**12),
    is_buy=st.booleans(),
    commission=st.sampled_from(["0.00025", "0.0003", "0.000854", "0.003", "0.0001"]),
    day=st.sampled_from(["2015-08-03", "2022-04-28", "2022-04-29", "2023-08-25", "2023-08-28"]),
)
def test_every_fee_rounds_half_up_to_a_fen(amount_fen: int, is_buy: bool, commission: str, day: str) -> None:
    fees = AShareFees(float(commission), minimum=0).charge("600519.SH", is_buy, amount_fen, on(day))
    stamp = Decimal("0.001") if day < "2023-08-28" else Decimal("0.0005")
    transfer = Decimal("0.00002") if day < "2022-04-29" else Decimal("0.00001")
    assert fees.commission == half_up(amount_fen * Decimal(commission))
    assert fees.stamp_duty == (0 if is_buy else half_up(amount_fen * stamp))
    assert fees.transfer_fee == half_up(amount_fen * transfer)


@pytest.mark.parametrize(
    ("amount_fen", "stamp_fen"), [(49_999, 50), (50_000, 50), (50_499, 50), (50_500, 51), (499, 0), (500, 1)]
)
def test_half_a_fen_of_stamp_duty_is_a_fen(amount_fen: int, stamp_fen: int) -> None:
    assert AShareFees().charge("600519.SH", False, amount_fen, on("2023-08-25")).stamp_duty == stamp_fen


@pytest.mark.parametrize(
    ("amount_cny", "commission_fen"),
    [(100, 500), (19_999, 500), (20_000, 500), (20_040, 501), (100_000, 2500)],
)
def test_commission_is_at_least_five_yuan(amount_cny: int, commission_fen: int) -> None:
    fees = AShareFees(0.00025, 5.0).charge("600519.SH", True, amount_cny * 100, on("2023-06-01"))
    assert fees.commission == commission_fen


def test_a_date_before_the_tables_is_refused_with_table_and_date() -> None:
    with pytest.raises(
        RuleError, match=r"'transfer_fee' has no row for SH on 2008-09-18; its first is 2008-09-19"
    ):
        AShareFees().charge("600519.SH", True, MILLION, on("2008-09-18"))


@settings(deadline=None)
@given(st.integers(1, 10**12), st.booleans(), st.sampled_from([0.0, 0.01, 5.0]))
def test_plain_fees_are_a_rate_a_side_with_a_minimum(amount: int, is_buy: bool, minimum: float) -> None:
    fees = PlainFees(buy=0.0005, sell=0.0015, minimum=minimum).charge("X", is_buy, amount, 0)
    exact = half_up(amount * Decimal("0.0005" if is_buy else "0.0015"))
    assert fees == Fees(max(exact, round(minimum * 100)), 0, 0)
