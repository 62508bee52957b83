"""Runs side by side: over the sessions they share, against the same index, or refused by name."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from alphaloom import backtest, load_panel
from alphaloom.cli.app import app
from alphaloom.compare import Comparison, compare
from engine import metrics as m
from engine.errors import AlphaloomError, DataError, OutputError
from engine.result import Result

AUTUMN = ["span.start=2023-10-01", "span.end=2023-12-31"]


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Result]:
    panel = load_panel("sse50")
    return {
        "wide": backtest("quickstart", sets=["strategy.params.topk=20", *AUTUMN], panel=panel),
        "narrow": backtest("quickstart", sets=AUTUMN, panel=panel),
        "early": backtest("equal_weight", sets=["span.start=2023-09-01", "span.end=2023-11-30"], panel=panel),
        "before": backtest("quickstart", sets=["span.start=2023-08-01", "span.end=2023-08-31"], panel=panel),
    }


@pytest.fixture(scope="module")
def folder(runs: dict[str, Result], tmp_path_factory: pytest.TempPathFactory) -> Path:
    base = tmp_path_factory.mktemp("runs")
    for name, result in runs.items():
        result.save(base / name)
    return base


def of(folder: Path, *names: str) -> Comparison:
    return compare([folder / name for name in names])


def test_over_the_same_span_the_measures_are_those_of_the_runs(folder: Path, runs: dict[str, Result]) -> None:
    comparison = of(folder, "wide", "narrow")
    assert comparison.same_span
    for found, name in zip(comparison.measures(), ("wide", "narrow"), strict=True):
        for key, value in found.items():
            assert value == pytest.approx(runs[name].metrics[key], rel=1e-9, abs=1e-9), key


def test_over_different_spans_only_the_common_sessions_count(folder: Path, runs: dict[str, Result]) -> None:
    comparison = of(folder, "narrow", "early")
    dates = comparison.dates
    assert (f"{dates[0]:%Y-%m-%d}", f"{dates[-1]:%Y-%m-%d}") == ("2023-10-09", "2023-11-30")
    early = runs["early"].equity.set_index("date")["equity"]
    before = early[early.index < dates[0]].iloc[-1]
    narrow, found = comparison.measures()
    assert found["total_return"] == pytest.approx(early.loc[dates[-1]] / before - 1)
    assert narrow["total_return"] == pytest.approx(
        runs["narrow"].equity.set_index("date")["equity"].loc[dates[-1]] / 10_000_000 - 1
    )
    levels = runs["narrow"].benchmark[: len(dates) + 1]
    for one in (narrow, found):
        assert one["benchmark_total_return"] == pytest.approx(m.total_return(levels))


def test_the_index_is_shown_only_where_all_runs_have_the_same(folder: Path, tmp_path: Path) -> None:
    assert of(folder, "wide", "narrow").benchmark is not None
    backtest("quickstart", sets=["benchmark=null", *AUTUMN]).save(tmp_path / "bare")
    comparison = compare([folder / "narrow", tmp_path / "bare"])
    assert comparison.benchmark is None
    assert "beta" not in comparison.measures()[0]
    assert "000016.SH" not in comparison.html().split("Configuration</h2>")[0]


def test_only_keys_that_differ_are_listed(folder: Path) -> None:
    assert of(folder, "wide", "narrow").differences() == {"strategy.params.topk": [20, 13]}
    differences = of(folder, "narrow", "early").differences()
    assert differences["strategy.params.topk"] == [13, None]
    assert differences["span.start"] == ["2023-10-01", "2023-09-01"]
    assert "broker.cash" not in differences


def test_years_multiply_to_the_whole_and_a_run_moves_with_itself(folder: Path) -> None:
    comparison = of(folder, "wide", "narrow")
    years, returns = comparison.yearly()
    assert years == [2023]
    assert [r[0] for r in returns] == pytest.approx([one["total_return"] for one in comparison.measures()])
    matrix = np.array(comparison.correlation())
    assert np.allclose(np.diag(matrix), 1.0)
    assert 0 < matrix[0, 1] < 1


def test_runs_are_called_by_what_tells_them_apart(folder: Path) -> None:
    assert of(folder, "narrow", "early").labels == ("quickstart", "equal_weight")
    assert of(folder, "wide", "narrow").labels == ("wide", "narrow")


def test_the_page_is_the_same_every_time_and_leads_to_the_runs(folder: Path, tmp_path: Path) -> None:
    done = CliRunner().invoke(
        app, ["compare", str(folder / "wide"), str(folder / "narrow"), "--out", str(folder / "c.html")]
    )
    assert done.exit_code == 0, done.output
    html = (folder / "c.html").read_text(encoding="utf-8")
    assert 'href="wide/report.html"' in html
    assert html == of(folder, "wide", "narrow").html(["wide/report.html", "narrow/report.html"])
    assert "<strong>" in html
    assert "Max drawdown" in done.output
    (folder / "c.html").unlink()


@pytest.mark.parametrize(
    ("names", "words"),
    [
        (["wide"], "needs two run folders or more, not 1"),
        (["wide", "wide"], "stands twice"),
        (["wide", "nowhere"], "nowhere is no run folder: it does not exist"),
        (["wide", "."], "lacks config.yaml, result.json, equity.parquet"),
        (["wide", "before"], r"no session in common: .*2023-10-09\.\..*2023-08-01\.\."),
        (["wide", "wide/report.html"], "is no run folder: it is a file"),
    ],
)
def test_what_cannot_be_compared_is_refused_and_nothing_is_written(
    folder: Path, tmp_path: Path, names: list[str], words: str
) -> None:
    out = tmp_path / "c.html"
    done = CliRunner().invoke(app, ["compare", *(str(folder / n) for n in names), "--out", str(out)])
    assert isinstance(done.exception, AlphaloomError)
    with pytest.raises(DataError, match=words):
        of(folder, *names)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("broken", ["config.yaml", "result.json", "equity.parquet"])
@pytest.mark.parametrize("content", ["", "[1, 2]", "{}"])
def test_a_damaged_run_folder_is_refused_by_name(
    folder: Path, tmp_path: Path, broken: str, content: str
) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(folder / "wide", copy)
    (copy / broken).write_text(content)
    with pytest.raises(DataError, match="copy cannot be read as a run folder"):
        compare([folder / "narrow", copy])


def test_a_file_is_replaced_only_by_force(folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "c.html"
    out.write_text("precious")
    command = ["compare", str(folder / "wide"), str(folder / "narrow"), "--out", str(out)]
    refused = CliRunner().invoke(app, command)
    assert isinstance(refused.exception, OutputError)
    assert "--force" in str(refused.exception)
    assert out.read_text() == "precious"
    assert CliRunner().invoke(app, [*command, "--force"]).exit_code == 0
    assert out.read_text(encoding="utf-8").startswith("<!doctype html>")
    assert [path.name for path in tmp_path.iterdir()] == ["c.html"]
