"""``alphaloom rules show``: what holds, and why."""

from __future__ import annotations

from datetime import date

import pytest
from typer.testing import CliRunner

from alphaloom.cli.app import app
from engine.errors import AlphaloomError
from engine.rules.explain import explain


def holds(symbol: str, day: date) -> dict[str, str]:
    return {row.rule: row.value for row in explain(symbol, day)}


def test_a_star_stock_on_the_day_stamp_duty_was_halved() -> None:
    rules = holds("688981.SH", date(2023, 8, 28))
    assert rules["board"] == "star"
    assert rules["price limit"] == rules["price limit, ST"] == "±20 %"
    assert rules["new listings"] == "first 5 sessions unlimited"
    assert rules["lot, buys"] == "at least 200, in steps of 1"
    assert rules["largest limit order"] == "100,000 shares"
    assert rules["stamp duty, sales"] == "0.05 %"
    assert rules["handling fee"] == "0.00341 %"
    assert holds("688981.SH", date(2023, 8, 25))["stamp duty, sales"] == "0.1 %"


def test_every_rule_but_the_board_names_its_notice_and_date() -> None:
    for row in explain("600519.SH", date(2026, 7, 6)):
        assert row.source
        assert row.rule == "board" or row.since


def test_main_board_st_limits_widen_on_2026_07_06() -> None:
    assert holds("600519.SH", date(2026, 7, 5))["price limit, ST"] == "±5 %"
    assert holds("600519.SH", date(2026, 7, 6))["price limit, ST"] == "±10 %"


def test_either_code_of_a_stock_says_which_one_holds_on_the_day() -> None:
    for given in ("000022.SZ", "001872.SZ"):
        assert holds(given, date(2018, 12, 25))["code"] == "000022.SZ (001872.SZ from 2018-12-26)"
        assert holds(given, date(2018, 12, 26))["code"] == "001872.SZ (000022.SZ before)"
    assert "code" not in holds("600519.SH", date(2023, 1, 3))


def test_an_old_code_of_beijing_that_the_table_lacks_is_not_passed_over() -> None:
    assert "code" not in holds("831010.BJ", date(2025, 9, 30))
    assert holds("831010.BJ", date(2025, 10, 9))["code"].startswith("replaced by a 920 code")
    assert "code" not in holds("920002.BJ", date(2025, 10, 9))


@pytest.mark.parametrize(
    ("symbol", "day", "hours"),
    [
        ("688981.SH", date(2019, 7, 22), True),
        ("300750.SZ", date(2020, 8, 21), False),
        ("300750.SZ", date(2020, 8, 24), True),
        ("600519.SH", date(2026, 7, 3), False),
        ("600519.SH", date(2026, 7, 6), True),
    ],
)
def test_after_hours_trading_came_board_by_board(symbol: str, day: date, hours: bool) -> None:
    assert ("after-hours trading" in holds(symbol, day)) is hours


def test_sessions_without_a_limit_settlement_and_commission_are_told() -> None:
    rules = holds("600519.SH", date(2023, 8, 28))
    assert rules["delisting period"] == rules["relisting"] == "first session unlimited"
    assert "delisting period" not in holds("600519.SH", date(2020, 12, 30))
    assert rules["settlement"] == "T+1: sellable from the next session"
    assert rules["commission"] == "at most 0.3 %, least 5 CNY an order"
    assert rules["lot, sales"] == "in steps of 100; a remainder below 100 is sold whole"


def test_an_unknown_board_says_that_its_limit_is_not_tested() -> None:
    assert holds("900901.SH", date(2023, 1, 3))["price limit"] == "unknown: not tested"


def test_the_command_prints_the_rules_of_any_spelling() -> None:
    shown = CliRunner().invoke(app, ["rules", "show", "SZ300750", "2020-08-24"], env={"COLUMNS": "200"})
    assert shown.exit_code == 0
    assert "300750.SZ on 2020-08-24" in shown.output
    assert "±20 %" in shown.output


@pytest.mark.parametrize("words", [["nonsense", "2023-01-03"], ["600519.SH", "yesterday"]])
def test_nonsense_is_refused(words: list[str]) -> None:
    shown = CliRunner().invoke(app, ["rules", "show", *words])
    assert isinstance(shown.exception, AlphaloomError)
