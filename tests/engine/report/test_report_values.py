"""Numbers as the report prints them."""

import datetime as dt
import math
from decimal import Decimal

import numpy as np
import pandas as pd
import pytest

from engine.report.section import Format
from engine.report.values import headline, plain, plains, printed


@pytest.mark.parametrize(
    ("value", "format", "text"),
    [
        (0.1234, Format.PERCENT, "12.34%"),
        (-0.05, Format.PERCENT, "−5.00%"),
        (1234567.891, Format.NUMBER, "1,234,567.89"),
        (0.125, Format.NUMBER, "0.13"),
        (-0.125, Format.NUMBER, "−0.13"),
        (-0.001, Format.NUMBER, "0.00"),
        (1.00005, Format.PRECISE, "1.0001"),
        (12000, Format.INTEGER, "12,000"),
        (1e18, Format.NUMBER, "1.00e+18"),
        (1234.5, Format.MONEY, "1,234.50"),
        (None, Format.NUMBER, "—"),
        (math.nan, Format.NUMBER, "—"),
        ("n/a", Format.PERCENT, "n/a"),
        (True, Format.TEXT, "yes"),
        (dt.date(2024, 1, 2), Format.DATE, "2024-01-02"),
        (pd.Timestamp("2024-01-02"), Format.DATE, "2024-01-02"),
        (pd.NaT, Format.DATE, "—"),
        (Decimal("3.14159"), Format.NUMBER, "3.14"),
        (np.float64(0.5), Format.PERCENT, "50.00%"),
        (np.int64(7), Format.INTEGER, "7"),
    ],
)
def test_a_cell_prints_its_value(value, format, text):
    assert printed(plain(value, format), format) == text


def test_a_headline_sum_has_the_currency_and_no_fen_where_large():
    assert headline(10_482_331.52, Format.MONEY) == "¥10,482,332"
    assert headline(-512.5, Format.MONEY) == "−¥512.50"
    assert headline(None, Format.MONEY) == "—"


def test_an_array_of_dates_keeps_its_days():
    assert plains(np.array(["2024-01-02", "NaT"], "datetime64[ns]"), Format.DATE) == ["2024-01-02", None]
