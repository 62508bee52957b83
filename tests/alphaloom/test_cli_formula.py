"""``alphaloom formula``: explain, list, eval."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from cli_helpers import ROOT, Cli

from alpha_sources.formula.operators import OPERATORS
from alphaloom import load_panel

STOCHASTIC = "(close - ts_min(low, 14)) / (ts_max(high, 14) - ts_min(low, 14))"

PAGE = (ROOT / "docs" / "formulas.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("command", re.findall(r"^\$ alphaloom (.*)$", PAGE, re.MULTILINE))
def test_a_command_of_the_page_works_as_printed(
    cli: Cli, monkeypatch: pytest.MonkeyPatch, command: str
) -> None:
    monkeypatch.setenv("ALPHALOOM__SPAN__START", "2023-12-01")
    ran = cli(*shlex.split(command))
    assert (ran.code, ran.err) == (0, "")
    assert ran.out


def test_explain_takes_a_formula_apart(cli: Cli) -> None:
    ran = cli("formula", "explain", STOCHASTIC)
    assert (ran.code, ran.err) == (0, "")
    titles = [line for line in ran.out.splitlines() if line and not line.startswith(" ")]
    assert titles == [
        "Formula", "Also known as", "How it is built", "What it reads", "What comes out", "Normal form",
    ]  # fmt: skip
    assert "\x1b" not in ran.out


def test_a_formula_may_begin_with_a_minus(cli: Cli) -> None:
    assert cli("formula", "explain", "-returns").code == 0
    assert cli("formula", "eval", "-ts_std(returns, 20)", "--symbol", "600519").code == 0


def test_a_dialect_is_chosen(cli: Cli) -> None:
    assert "delay(close, 5)" in cli("formula", "explain", "Ref($close, 5)", "--dialect", "qlib").out
    assert cli("formula", "explain", "close", "--dialect", "wq").code == 2


@pytest.mark.parametrize(
    ("words", "text", "at"),
    [
        (["explain"], "rank(clos)", "clos"),
        (["eval"], "rank(clos)", "clos"),
        (["explain"], "delay(close, -1)", "-1"),
        (["explain"], "close.real", "."),
        (["explain", "--strict"], "close + market_cap", "+"),
        (["eval"], "index_close", "index_close"),
        (["eval"], "delta(close, 4000)", "delta"),
    ],
)
def test_a_wrong_formula_is_shown_with_a_caret_and_nothing_else(
    cli: Cli, words: list[str], text: str, at: str
) -> None:
    ran = cli("formula", *words, text)
    assert (ran.code, ran.out) == (2, "")
    assert ran.err.startswith("error: ")
    lines = ran.err.splitlines()
    assert lines[1] == f"  {text}"
    assert lines[2].index("^") == 2 + text.index(at)
    assert "Traceback" not in ran.err


def test_a_formula_in_a_configuration_is_shown_with_a_caret_too(cli: Cli) -> None:
    ran = cli("backtest", "--set", "alpha.params.formulas={mine: 'rank(clos)'}")
    assert (ran.code, ran.out) == (2, "")
    lines = ran.err.splitlines()
    assert lines[0].startswith("error: alpha provider 'formulas': alpha.params.formulas, mine: no field")
    assert lines[1:3] == ["  rank(clos)", "       ^"]


def test_list_names_every_operator(cli: Cli) -> None:
    ran = cli("formula", "list")
    assert all(f"  {operator.signature}  " in ran.out for operator in OPERATORS.values())
    technical = cli("formula", "list", "--family", "technical").out
    assert "rsi(x=close, n=14)" in technical and "ts_mean" not in technical
    assert "raw_close  price  " in cli("formula", "list", "--fields").out


def test_list_says_all_about_one_operator(cli: Cli) -> None:
    out = cli("formula", "list", "HHV").out
    assert "ts_max(x, n)" in out and "any NaN inside gives NaN" in out
    assert "did you mean ts_max?" in cli("formula", "list", "ts_maxx").err
    assert "did you mean technical?" in cli("formula", "list", "--family", "technicals").err


def test_eval_shows_the_members_of_the_last_session_from_high_to_low(cli: Cli) -> None:
    panel = load_panel("sse50")
    ran = cli("formula", "eval", "pct_change(close, 5)")
    rows = [line.split() for line in ran.out.splitlines()]
    assert rows[0] == ["2023-12-29"]
    assert {row[0] for row in rows[1:]} == set(panel.symbols[panel.universe[-1]])
    values = [float(row[1]) for row in rows[1:]]
    assert values == sorted(values, reverse=True)
    close = panel.adjusted("close")
    column = panel.column(rows[1][0])
    assert values[0] == pytest.approx(close[-1, column] / close[-6, column] - 1, abs=1e-6)


def test_eval_shows_chosen_stocks_session_by_session(cli: Cli) -> None:
    ran = cli(
        "formula", "eval", "close", "--symbol", "600519", "--symbol", "SH601318",
        "--date", "2023-06-30", "--last", "12",
    )  # fmt: skip
    rows = [line.split() for line in ran.out.splitlines()]
    assert rows[0] == ["600519.SH", "601318.SH"]
    assert len(rows) == 13 and rows[-1][:2] == ["2023-06-30", "1691"]
    few = cli("formula", "eval", "close", "--symbol", "600519", "--last", "3").out.splitlines()
    assert few[1].split()[0] == "600519.SH" and len(few[0].split()) == 3


@pytest.mark.parametrize("name", ["v.csv", "v.parquet"])
def test_eval_writes_what_the_provider_of_files_reads(cli: Cli, tmp_path: Path, name: str) -> None:
    ran = cli("formula", "eval", "-returns", "--last", "20", "--out", name)
    assert (ran.code, ran.err) == (0, "")
    path = tmp_path / name
    table = pd.read_csv(path, parse_dates=["date"]) if name.endswith("csv") else pd.read_parquet(path)
    assert list(table) == ["date", "symbol", "score"]
    assert table["date"].nunique() == 20 and len(table) == 20 * 50
    assert np.isfinite(table["score"]).all()
    sets = ["span.start=2023-12-20", "alpha.provider=scores_file", f"alpha.params.path={path}"]
    assert cli("backtest", *[word for one in sets for word in ("--set", one)], "--out", "run").code == 0


def test_eval_reads_other_data_and_their_own_columns(cli: Cli, tmp_path: Path) -> None:
    days = pd.date_range("2023-01-03", "2023-01-31", freq="B")
    bars = [
        {"date": day, "symbol": symbol, "open": 10, "high": 11, "low": 9, "close": 10 + i / 100 * k,
         "volume": 1000, "mood": i * k}
        for i, day in enumerate(day for day in days if day < pd.Timestamp("2023-01-21"))
        for k, symbol in ((1, "600000.SH"), (-1, "600519.SH"))
    ]  # fmt: skip
    pd.DataFrame(bars).to_csv("bars.csv", index=False)
    out = cli("formula", "eval", "mood + 1", "--data", "bars.csv").out.splitlines()
    assert [line.split()[:2] for line in out[1:]] == [["600000.SH", "14"], ["600519.SH", "-12"]]
    lacking = cli("formula", "eval", "1 / pe_ttm", "--data", "bars.csv")
    assert lacking.code == 2 and "this panel has no field 'pe_ttm'" in lacking.err
    assert "alphaloom data sync --with ratios" in " ".join(lacking.err.split())


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--date", "2023-07-01"], "2023-07-01 is no session"),
        (["--symbol", "600001.SH"], "600001.SH is not in the market data"),
        (["--symbol", "nonsense"], "nonsense"),
        (["--out", "x.xlsx"], "written as .csv or .parquet"),
        (["--data", "nothing.csv"], "no such file"),
    ],
)
def test_eval_refuses_what_is_not_there(cli: Cli, words: list[str], said: str) -> None:
    assert said in cli("formula", "eval", "close", *words).refused()


def test_doubts_about_a_formula_do_not_get_into_its_values(cli: Cli) -> None:
    ran = cli("formula", "eval", "close + volume", "--symbol", "600519")
    assert "adds a price and a number of shares" in ran.err
    assert len(ran.out.splitlines()) == 2
