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
