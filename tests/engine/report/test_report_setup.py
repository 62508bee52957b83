"""The line that says what was run: from the configuration, and only what it says."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from alphaloom.config import load_config
from engine.report.setup import setup_line


def line(config: Any, **given: Any) -> str:
    scored = {} if given.pop("unscored", False) else {"signal_hash": "0"}
    result: Any = SimpleNamespace(config=config, metrics=scored, run={"given": given} if given else {})
    return setup_line(result).replace("\u00a0", " ")


def of(*sets: str) -> str:
    return line(load_config(sets=sets).plain())


def test_the_quickstart_in_one_line() -> None:
    assert of() == (
        "Top-13/Drop-5 on formulas (6 formulas, normalise rank) · fills at the next open · commission "
        "0.025%, at least 5 CNY, with stamp duty and transfer fee · slippage 5 bps · "
        "starting cash 10,000,000 CNY · SSE 50 of the bundled sample · benchmark 000016.SH"
    )


@pytest.mark.parametrize(
    ("said", "part"),
    [
        ("broker.fill={sell: open, buy: vwap}", "sells at the next open, buys at the next VWAP"),
        ("broker.fees={buy: 0.0005, sell: 0.0015, minimum: 0}", "fees 0.05% on buys, 0.15% on sales ·"),
        ("broker.fees={buy: 0, sell: 0}", "· no fees ·"),
        ("broker.slippage_bps=0", "no slippage"),
        ("strategy.params={topk: 9, hold_thresh: 3}", "Top-9/Drop-5 (hold_thresh 3) on"),
        (
            "alpha={provider: /home/me/own.py:Mine, params: {path: /data/x.csv}}",
            "on own.py:Mine (path x.csv)",
        ),
        ("alpha={provider: reversal, params: {a: 1, b: 2, c: 3, d: 4, e: 5}}", "(a 1, b 2, c 3, d 4, …)"),
        ("data.universe=[600000.SH, 600519.SH]", "2 names chosen"),
    ],
)
def test_what_is_set_is_said(said: str, part: str) -> None:
    assert part in of(said)
    assert "/home" not in of(said)


def test_parameters_left_to_the_strategy_are_not_made_up() -> None:
    assert line({"strategy": {"name": "topk_dropn"}, "alpha": {"provider": "a"}}) == "Top-k/Drop-n on a"
    assert line({"strategy": {"name": "topk_dropn", "params": {"topk": 9}}}) == "Top-9/Drop-n"


def test_a_strategy_of_its_own_is_named_without_its_parameters() -> None:
    config = {"strategy": {"name": "own.py:Mine", "params": {"a": 1}}, "alpha": {"provider": "reversal"}}
    assert line(config) == "own.py:Mine on reversal"
    assert line(config, unscored=True) == "own.py:Mine", "a strategy that reads no scores has no provider"


def test_an_object_handed_over_is_named_instead_of_the_configuration() -> None:
    said = line(load_config().plain(), provider="Silent", panel=True)
    assert "on Silent ·" in said
    assert "panel in memory" in said
    assert "sample" not in said


@pytest.mark.parametrize("config", [{}, {"broker": None}, {"broker": {"fill": "open", "fees": 3}}])
def test_what_is_missing_is_left_out(config: dict[str, Any]) -> None:
    assert line(config) == ""


def test_fill_prices_alone_start_with_a_capital() -> None:
    assert line({"broker": {"fill": {"sell": "open", "buy": "open"}}}) == "Fills at the next open"
