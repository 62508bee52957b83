"""Whatever a user gets wrong: exit code 2, one line that names the place, and nothing written."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest
from cli_helpers import Cli, listing

from alphaloom.sample import sample_paths

BARS = """date,symbol,open,high,low,close,volume
2023-12-25,600519.SH,10,11,9,10,1000
2023-12-26,600519.SH,10,11,9,10,1000
2023-12-27,600519.SH,10,11,9,10,1000
2023-12-28,600519.SH,10,11,9,10,1000
2023-12-29,600519.SH,10,11,9,10,1000
"""
PROVIDERS = """
import numpy as np
from alphaloom import AlphaProvider


class Raises(AlphaProvider):
    def scores(self, view, snapshot):
        return {}["θ"]


class Wrong(AlphaProvider):
    def scores(self, view, snapshot):
        return np.zeros(3)


class Text(AlphaProvider):
    def scores(self, view, snapshot):
        return ["high"] * len(view.symbols)


class Unmade(AlphaProvider):
    def __init__(self, n):
        raise ValueError("two\\nlines")

    def scores(self, view, snapshot):
        return None
"""
STRATEGIES = """
import backtrader as bt


class Fails(bt.Strategy):
    def next(self):
        1 / 0
"""


def sets(*values: str) -> list[str]:
    return [part for value in values for part in ("--set", value)]


def provider(name: str, *more: str) -> list[str]:
    return sets("span.start=2023-12-25", f"alpha.provider=mine.py:{name}", *more)


def file(text: str = BARS) -> list[str]:
    Path("bars.csv").write_text(text)
    return sets(
        "data={source: file, path: bars.csv, universe: all}", "benchmark=null", "span=null",
        "span={start: 2023-12-26}", "alpha={provider: reversal, params: {lookback: 1}}",
        "strategy.params={topk: 1, n_drop: 1}",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("args", "words"),
    [
        (["nothing"], ["there is no configuration 'nothing'", "quickstart"]),
        (sets("broker.slipage_bps=3"), ["--set broker.slipage_bps: unknown key; did you mean slippage_bps?"]),
        (sets("broker.slippage_bps=abc"), ["--set broker.slippage_bps: must be a number, not 'abc'"]),
        (sets("broker.cash=.inf"), ["--set broker.cash: must be a finite number"]),
        (sets("broker.cash=1e400"), ["--set broker.cash: must be a finite number"]),
        (sets("broker.cash="), ["--set broker.cash: must be a number, not empty"]),
        (sets("cash=1"), ["--set cash: unknown key; did you mean broker.cash?"]),
        (sets("zzz=1"), ["--set zzz: unknown key; known here: name, seed, benchmark, data"]),
        (sets("cash"), ["--set 'cash': write it as key=value"]),
        (sets("span.start=2023-02-30"), ["span.start: must be a date like 2023-01-03, not '2023-02-30'"]),
        (sets("span.start=2024-12-30"), ["span: start 2024-12-30 lies after end 2023-12-31"]),
        (sets("span.start=2010-01-01"), ["span.start 2010-01-01 lies before the data", "2019-12-31"]),
        (sets("span.end=2024-06-01"), ["span.end 2024-06-01 lies after the data", "2023-12-29"]),
        (sets("span.start=2020-01-02"), ["universe is unknown", "2020-12-14"]),
        (sets("span.start=2023-12-30"), ["holds no session"]),
        (sets("strategy.params.topk=51"), ["strategy.params.topk: 51", "universe of 50", "50 or less"]),
        (sets("strategy.params.topk=0"), ["strategy.params.topk: must be at least 1, not 0"]),
        (sets("strategy.params.n_drop=14"), ["strategy.params: n_drop 14 is larger than topk 13"]),
        (sets("strategy.params.topK=3"), ["strategy.params.topK", "did you mean topk?"]),
        (sets("strategy.name=topk"), ["no strategy is called 'topk'", "topk_dropn"]),
        (sets("strategy.name=theirs.py:Fails"), ["strategy Fails failed at 2020-12-31", "ZeroDivisionError"]),
        (sets("alpha.provider=nothing"), ["no alpha provider is called 'nothing'", "reversal"]),
        (sets("alpha.provider=nothing.py:X"), ["there is no file", "nothing.py"]),
        (sets("alpha.params.formula=3"), ["'formulas' has no parameter 'formula'", "did you mean formulas?"]),
        (sets("alpha.refresh=sometimes"), ["alpha.refresh: 'sometimes' is no schedule", "month_end"]),
        (provider("Raises"), ["mine.py:Raises failed at 2023-12-22 in scores: KeyError", "θ", "mine.py:8"]),
        (provider("Wrong"), ["mine.py:Wrong at 2023-12-22 in scores: expected shape (77,), got (3,)"]),
        (provider("Text"), ["mine.py:Text at 2023-12-22 in scores: expected floats"]),
        (provider("Unmade"), ["mine.py:Unmade' needs the parameter n"]),
        (provider("Unmade", "alpha.params.n=1"), ["mine.py:Unmade' cannot be made: ValueError: two lines"]),
        (provider("Nine"), ["mine.py has no class 'Nine'", "Raises"]),
        (sets("data.universe=csi500"), ["--set data.universe: is one of all, sse50, csi300"]),
        (sets("data.universe=3"), ["--set data.universe: must be text or a list, not 3"]),
        (sets("benchmark=000016.XX"), ["benchmark 000016.XX", "000016.SH"]),
        (sets("data.source=file"), ["set data.path"]),
        (sets("data.path=nowhere.csv"), ["nowhere.csv: no such file"]),
        (sets("alpha.provider=scores_file"), ["'scores_file' needs the parameter path"]),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else str(value),
)  # fmt: skip
def test_a_mistake_is_one_line(cli: Cli, tmp_path: Path, args: list[str], words: list[str]) -> None:
    Path("mine.py").write_text(PROVIDERS, encoding="utf-8")
    Path("theirs.py").write_text(STRATEGIES, encoding="utf-8")
    message = cli("backtest", *args).refused()
    for word in words:
        assert word in message
    assert listing(tmp_path) == {"mine.py", "theirs.py"}


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("27,600519.SH,10,11", "27,600519.SH,10,x11", "bars.csv, line 4, column high: 'x11' is no number"),
        ("2023-12-27", "2023-12-32", "bars.csv, line 4, column date: '2023-12-32' is no date"),
        (
            "27,600519.SH,10,11,9,10",
            "27,600519.SH,10,11,-9,10",
            "bad_price: 1 row with a price of zero or below",
        ),
        ("27,600519.SH,10,11", "27,600519.SH,10,8", "bad_ohlc: 1 row"),
        ("2023-12-27", "2023-12-26", "duplicate: 1 row repeating a symbol and date"),
        ("2023-12-29", "2023-12-30", "off_calendar: 1 row on 1 day that is no session"),
        (
            "27,600519.SH,10,11,9",
            "27,600519.SH,10,11",
            "bars.csv, line 4: 6 cells, but line 1 names 7 columns",
        ),
        ("600519.SH", "600519.XX", "600519.XX"),
        ("low", "bottom", "bars.csv lacks the column low"),
    ],
)
def test_a_bad_row_is_named_by_file_line_column_and_content(
    cli: Cli, tmp_path: Path, old: str, new: str, words: str
) -> None:
    assert old in BARS
    message = cli("backtest", *file(BARS.replace(old, new))).refused()
    assert words in message
    assert str(tmp_path / "bars.csv") in message
    assert listing(tmp_path) == {"bars.csv"}


def test_the_same_file_without_the_mistake_runs(cli: Cli) -> None:
    ran = cli("backtest", *file(), "--out", "out")
    assert (ran.code, ran.err) == (0, "")


def test_scores_for_names_the_data_lack_are_refused_by_name(cli: Cli, tmp_path: Path) -> None:
    known = pd.DataFrame({"date": ["2023-12-25"], "symbol": ["600519.SH"], "score": [1.0]})
    pd.concat([known, known.assign(symbol="000001.SZ")]).to_csv("s.csv", index=False)
    args = sets("span.start=2023-12-25", "alpha.provider=scores_file", "alpha.params.path=s.csv")
    message = cli("backtest", *args).refused()
    assert f"{tmp_path / 's.csv'}: 1 symbol is not in the market data (000001.SZ)" in message
    assert "alpha.params.unknown: ignore" in message
    assert listing(tmp_path) == {"s.csv"}
    assert cli("backtest", *args, *sets("alpha.params.unknown=ignore"), "--out", "out").code == 0


def test_mistakes_in_a_file_are_named_by_its_line(cli: Cli, tmp_path: Path) -> None:
    Path("my.yaml").write_text(
        "name: my\nbroker:\n  cash: a lot\n  fes: {buy: 1}\nspan: {start: 2023-02-30}\n"
    )
    expected = [
        ([], "my.yaml, line 5: span.start must be a date like 2023-01-03, not '2023-02-30' (and 2 more)"),
        (
            ["span.start=2023-01-03"],
            "my.yaml, line 3: broker.cash must be a number, not 'a lot' (and 1 more)",
        ),
        (
            ["span.start=2023-01-03", "broker.cash=1"],
            "my.yaml, line 4: unknown key 'broker.fes'; did you mean fees?",
        ),
    ]
    for said, message in expected:
        assert cli("backtest", "my.yaml", *sets(*said)).refused() == message
    assert listing(tmp_path) == {"my.yaml"}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"broker: {}\nseed: 1\nbroker: {}\n", ", line 3: the key broker was written on line 1 already"),
        (b"name: x\nbroker: {cash: 1\n", ", line 3: expected ',' or '}', but got '<stream end>'"),
        (b"- 1\n", ": a configuration is a mapping of keys, not a list"),
        ("name: 策略".encode("gb18030"), " is no text in UTF-8; save it as such"),
        (b"1: 2\n", ", line 1: unknown key '1'; known here: name, seed, benchmark, data, span, alpha"),
    ],
)
def test_a_file_that_is_no_configuration_is_refused(cli: Cli, content: bytes, message: str) -> None:
    Path("my.yaml").write_bytes(content)
    assert cli("backtest", "my.yaml").refused().startswith(f"my.yaml{message}")


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("ALPHALOOM__BROKER__CASH", "abc", "broker.cash must be a number, not 'abc'"),
        ("ALPHALOOM__BROKR__CASH", "1", "unknown key 'brokr'; did you mean broker?"),
        ("ALPHALOOM__BROKER", "{cash: 1", "'{cash: 1' is no YAML value"),
        ("ALPHALOOM__", "1", "write it like ALPHALOOM__BROKER__CASH, or unset it"),
    ],
)
def test_a_mistake_in_the_environment_names_the_variable(
    cli: Cli, monkeypatch: pytest.MonkeyPatch, name: str, value: str, message: str
) -> None:
    monkeypatch.setenv(name, value)
    assert cli("backtest").refused().startswith(f"environment variable {name}: {message}")


def test_a_code_without_quotes_stays_a_code(cli: Cli) -> None:
    symbols = pd.read_parquet(sample_paths()["path"], columns=["symbol"])["symbol"].unique()
    message = cli("backtest", *sets("data.universe=[000001, 600519.SH]")).refused()
    assert "000001" in message, f"not read as the number one, and not among {len(symbols)} Shanghai names"
