from __future__ import annotations

from datetime import date

import pytest

from engine.rules.dividend_tax import dividend_tax_percent
from engine.rules.table import day_of


def percent(bought: str, sold: str) -> int:
    return dividend_tax_percent(day_of(date.fromisoformat(bought)), day_of(date.fromisoformat(sold)))


@pytest.mark.parametrize(
    ("bought", "sold", "expected"),
    [
        ("2023-05-24", "2023-05-25", 20),
        ("2023-05-24", "2023-06-24", 20),  # the day before the sale completes the month
        ("2023-05-24", "2023-06-25", 10),
        ("2023-05-24", "2024-05-24", 10),
        ("2023-05-24", "2024-05-25", 0),
        ("2023-05-24", "2033-05-25", 0),
    ],
)
def test_tax_falls_with_the_holding_period(bought: str, sold: str, expected: int) -> None:
    assert percent(bought, sold) == expected


@pytest.mark.parametrize(
    ("bought", "last_day_at_20", "first_day_at_10"),
    [
        ("2023-01-31", "2023-02-28", "2023-03-01"),
        ("2024-01-31", "2024-02-29", "2024-03-01"),
        ("2023-01-29", "2023-02-28", "2023-03-01"),
        ("2023-03-31", "2023-04-30", "2023-05-01"),
        ("2023-02-28", "2023-03-28", "2023-03-29"),
        ("2023-12-31", "2024-01-31", "2024-02-01"),
        ("2023-12-15", "2024-01-15", "2024-01-16"),
    ],
)
def test_a_month_is_a_calendar_month_even_at_its_end(
    bought: str, last_day_at_20: str, first_day_at_10: str
) -> None:
    assert percent(bought, last_day_at_20) == 20
    assert percent(bought, first_day_at_10) == 10


def test_a_year_from_a_leap_day_ends_on_the_last_of_february() -> None:
    assert percent("2024-02-29", "2025-02-28") == 10
    assert percent("2024-02-29", "2025-03-01") == 0


def test_long_holdings_are_exempt_from_2015_on_and_paid_a_quarter_before() -> None:
    assert percent("2014-01-06", "2015-09-07") == 5
    assert percent("2014-01-06", "2015-09-08") == 0


def test_before_2013_the_table_is_silent_and_nothing_is_owed() -> None:
    assert percent("2012-12-03", "2012-12-31") == 0
    assert percent("2012-12-28", "2013-01-04") == 20
