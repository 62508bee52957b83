"""docs/formulas.md: its tables are the language's own, and every example runs."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import yaml

from alpha_sources.formula import FormulaError, evaluate, parse
from alpha_sources.formula.dialects import DIALECTS
from alpha_sources.formula.reference import described, find_operator, markdown, markdown_fields
from alpha_sources.formula_provider import FormulaProvider
from alphaloom import load_panel
from engine.market import MarketView

ROOT = Path(__file__).resolve().parents[3]
PAGE = (ROOT / "docs" / "formulas.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```(\w+)\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
EXAMPLES = [line for kind, text in BLOCKS if kind == "formula" for line in text.splitlines()]


@pytest.fixture(scope="module")
def view() -> MarketView:
    return load_panel("sse50").view("2023-06-30")


@pytest.mark.parametrize(("name", "lines"), [("fields", markdown_fields), ("operators", markdown)])
def test_a_table_is_what_the_language_has(name: str, lines: object) -> None:
    (body,) = re.findall(rf"<!-- {name} -->\n(.*?)\n<!-- /{name} -->", PAGE, re.DOTALL)
    wanted = "\n".join(lines()).rstrip()  # type: ignore[operator]
    assert body == wanted, "run: python benchmarks/formula_reference.py --write"


@pytest.mark.parametrize("text", EXAMPLES)
def test_an_example_has_values(view: MarketView, text: str) -> None:
    assert np.isfinite(evaluate(text, view)[0, -1]).sum() > 40


def test_the_python_example_says_what_comes_out(view: MarketView) -> None:
    (code,) = (text for kind, text in BLOCKS if kind == "python")
    names: dict[str, object] = {}
    exec(compile(code, "docs/formulas.md", "exec"), names)
    said = re.search(r'# (\d+), "(.*)", "(.*)"', code)
    assert said is not None
    formula = parse("close / ts_max(high, 240)")
    assert (str(formula.lookback), formula.units, formula.canonical) == said.groups()
    values = names["values"]
    assert isinstance(values, np.ndarray) and values.shape == (2, len(view), len(view.symbols))


def test_the_providers_example_scores(view: MarketView) -> None:
    (text,) = (text for kind, text in BLOCKS if kind == "yaml")
    params = yaml.safe_load(text)["alpha"]["params"]
    assert np.isfinite(FormulaProvider(**params).scores(view, None)).sum() == 50


def test_every_parameter_of_the_provider_is_documented() -> None:
    table = PAGE.split("| parameter | default | meaning |")[1].split("\n\n")[0]
    import inspect

    parameters = inspect.signature(FormulaProvider).parameters
    assert re.findall(r"^\| `(\w+)` \|", table, re.MULTILINE) == list(parameters)


@pytest.mark.parametrize(
    ("dialect", "text", "meant"),
    [
        ("alphaloom", "max(close, 14)", "ts_max(close, 14)"),
        ("qlib", "Max($close, 14)", "ts_max(close, 14)"),
        ("qlib", "Greater($close, $open)", "max(close, open)"),
        ("qlib", "Rank($close, 5)", "ts_rank(close, 5)"),
        ("qlib", "IdxMax($close, 5)", "5 - ts_argmax(close, 5)"),
        ("gtja191", "SMA(CLOSE, 5, 1)", "sma(close, 5, 1)"),
        ("gtja191", "SMA(CLOSE, 5)", "ts_mean(close, 5)"),
        ("gtja191", "WMA(CLOSE, 5)", "decay_power(close, 5, 0.9)"),
        ("gtja191", "close = open ? 1 : 2 * close", "where(close == open, 1, 2 * close)"),
        ("alpha101", "delta(close, 8.93)", "delta(close, 8)"),
        ("alpha101", "adv20", "ts_mean(amount, 20)"),
        ("gtja191", "(close ./ open) .* high", "close / open * high"),
        ("gtja191", "delay(close)", "delay(close, 1)"),
    ],
)
def test_the_table_of_dialects_is_right(dialect: str, text: str, meant: str) -> None:
    assert parse(text, dialect) == parse(meant)


@pytest.mark.parametrize(
    ("dialect", "text"),
    [
        ("alphaloom", "close = open"), ("alphaloom", "delta(close, 8.93)"), ("alphaloom", "adv20"),
        ("alphaloom", "delay(close, -1)"), ("qlib", "Ref($close, 0)"), ("qlib", "Ref($close, -1)"),
        ("qlib", "$close ^ 2"), ("alpha101", "close ./ open"), ("alphaloom", "delay(close)"),
    ],
)  # fmt: skip
def test_what_the_table_calls_refused_is(dialect: str, text: str) -> None:
    with pytest.raises(FormulaError):
        parse(text, dialect)


def test_an_operator_is_found_by_any_common_name() -> None:
    assert find_operator("HHV").name == "ts_max"
    said = dict(described(find_operator("ts_max")))
    assert "hhv" in said["spelled"] and "max (qlib)" in said["spelled"]
    assert set(DIALECTS) == {"alphaloom", "alpha101", "gtja191", "qlib"}


def test_a_spelling_of_several_operators_is_found_with_what_it_means() -> None:
    assert described(find_operator("EVERY")) == [
        ("operator", "every(p, n)"),
        ("family", "time series"),
        ("computes", "ts_count(p, n) == n"),
    ]
    assert find_operator("SumIf").signature == "sumif(x, n, p)"
    assert dict(described(find_operator("IdxMax")))["spelled"] == "idxmax (qlib)"
    assert find_operator("Greater").name == "max"
    assert dict(described(find_operator("delay")))["spelled"] == "lag, ref, shift, ts_delay"
    with pytest.raises(FormulaError, match="did you mean every"):
        find_operator("evry")


@pytest.mark.slow
def test_coverage_guided_fuzzing_finds_no_other_exception() -> None:
    pytest.importorskip("atheris", reason="atheris is not installed: pip install -e '.[fuzz]'")
    script = [sys.executable, "benchmarks/fuzz_formulas.py", "--runs=20000", "--seconds=40"]
    ran = subprocess.run(script, cwd=ROOT, capture_output=True, text=True, errors="replace", check=False)
    assert ran.returncode == 0, ran.stderr[-2000:]
    assert "Done " in ran.stderr
