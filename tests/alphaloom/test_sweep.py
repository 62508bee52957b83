"""Sweeps: the product of a grid, over real processes, resumable, and never quietly wrong."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from datetime import date
from pathlib import Path

import pandas as pd
import pytest
from typer.testing import CliRunner

from alphaloom import backtest
from alphaloom.cli.app import app
from alphaloom.sweep import Sweep, parse_grid, sweep
from alphaloom.sweep.grid import as_sets, check_grid, flow, product, short_names
from alphaloom.sweep.results import expected_best_sharpe
from alphaloom.yaml_reader import read_document
from engine.errors import AlphaloomError, ConfigError, DataError, OutputError

DECEMBER = ["span.start=2023-12-01", "span.end=2023-12-31"]
GRID = {"strategy.params.topk": [10, 13], "broker.slippage_bps": [0, 5]}


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> Sweep:
    return sweep("quickstart", GRID, sets=DECEMBER, out=tmp_path_factory.mktemp("sweep") / "s", jobs=1)


def invoke(*arguments: str) -> str:
    done = CliRunner().invoke(app, ["sweep", *arguments])
    assert isinstance(done.exception, AlphaloomError), (done.exception, done.output)
    return str(done.exception)


def entries(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


# -- grids


def test_values_are_yaml_and_what_stands_in_brackets_is_one_value() -> None:
    assert parse_grid(["a.b=10, 1e-3,null, yes please", "c={sell: open, buy: vwap},open"]) == {
        "a.b": [10, 0.001, None, "yes please"],
        "c": [{"sell": "open", "buy": "vwap"}, "open"],
    }


@pytest.mark.parametrize(
    "value",
    [1, -0.5, 1e-7, "1e6", "000001", "null", "a: b", "", None, True, date(2023, 1, 3), [1, {"k": "v, w"}]],
)
def test_a_value_written_as_a_set_reads_back_as_itself(value: object) -> None:
    assert read_document(flow(value)).value == value


def test_the_product_turns_the_last_key_fastest() -> None:
    points = product({"a": [1, 2], "b": ["x", "y"]})
    assert [as_sets(point) for point in points] == [
        ['a=1', 'b="x"'], ['a=1', 'b="y"'], ['a=2', 'b="x"'], ['a=2', 'b="y"'],
    ]  # fmt: skip


def test_keys_are_shortened_as_far_as_they_differ() -> None:
    assert short_names(["strategy.params.topk", "alpha.params.n", "broker.n"]) == {
        "strategy.params.topk": "topk",
        "alpha.params.n": "params.n",
        "broker.n": "broker.n",
    }


@pytest.mark.parametrize(
    ("items", "words"),
    [
        ([], "the grid is empty"),
        (["strategy.params.topk"], "write it as key=value"),
        (["a..b=1"], "write it as key=value"),
        (["strategy.params.topk="], "has no values"),
        (["broker.cash=[1"], "no YAML values"),
        (["strategy.params.topk=10", "strategy.params.topk=20"], "stands twice"),
        (["strategy.params.topk=10,20,10"], "the value 10 stands twice"),
        (["broker.fees.minimum=1,5", "broker.fees={buy: 0, sell: 0}"], "overlap"),
        (["span.start=2023-12-01,2023-12-05"], "span.start say the same"),
        (["strategy.params.topkk=10"], "did you mean topk?"),
        (["broker.slipage_bps=1"], "--grid broker.slipage_bps: unknown key; did you mean slippage_bps?"),
        (["alpha.params.normalize=rank"], "did you mean normalise?"),
        (["strategy.params.topk=13,0"], "--grid strategy.params.topk=0"),
        (["strategy.name=topk_dropn,nonsense"], "nonsense"),
        (["data.path=/nowhere.parquet"], "nowhere.parquet"),
    ],
)
def test_a_wrong_grid_is_refused_before_anything_runs(items: list[str], words: str, tmp_path: Path) -> None:
    out = tmp_path / "out"
    sets = [part for one in DECEMBER for part in ("--set", one)]
    grid = [part for one in items for part in ("--grid", one)]
    message = invoke("quickstart", *grid, *sets, "--out", str(out))
    assert words in message
    assert "\n" not in message
    assert not out.exists()


def test_a_span_that_the_data_do_not_cover_is_refused_before_anything_runs(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"span\.end 2024-06-30 lies after the data"):
        sweep("quickstart", {"span.end": ["2023-12-31", "2024-06-30"]}, out=tmp_path / "o", jobs=1)
    assert not (tmp_path / "o").exists()


def test_a_grid_may_turn_a_key_beside_one_that_is_set() -> None:
    assert check_grid({"strategy.params.topk": [1]}, ["strategy.params.n_drop=1"])


# -- points


def test_every_point_is_the_run_that_backtest_makes(found: Sweep, tmp_path: Path) -> None:
    assert found.folder is not None
    assert [tuple(p.values.values()) for p in found.points] == [(10, 0), (10, 5), (13, 0), (13, 5)]
    point = found.points[2]
    sets = [*DECEMBER, "strategy.params.topk=13", "broker.slippage_bps=0"]
    alone = backtest("quickstart", sets=sets).save(tmp_path / "alone")
    there = found.folder / point.id
    assert {p.name for p in there.iterdir()} == {p.name for p in alone.iterdir()}
    for name in ("result.json", "config.yaml", "report.html"):
        assert (there / name).read_bytes() == (alone / name).read_bytes(), name
    assert json.loads((there / "result.json").read_text()) == point.metrics


def test_processes_change_nothing_in_what_is_written(found: Sweep, tmp_path: Path) -> None:
    assert found.folder is not None
    sets = [part for one in DECEMBER for part in ("--set", one)]
    grid = ["--grid", "strategy.params.topk=10,13", "--grid", "broker.slippage_bps=0,5"]
    command = [
        sys.executable,
        "-m",
        "alphaloom",
        "sweep",
        "quickstart",
        *grid,
        *sets,
        "--out",
        "p",
        "-j",
        "2",
    ]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    assert "Best of 4 tries" in done.stdout
    for name in ("sweep.json", "sweep.csv", "sweep.html", "sweep.parquet"):
        assert (tmp_path / "p" / name).read_bytes() == (found.folder / name).read_bytes(), name
    assert {p.name for p in (tmp_path / "p").iterdir()} == {p.name for p in found.folder.iterdir()}


def test_the_tables_hold_every_point_with_its_values(found: Sweep) -> None:
    assert found.folder is not None
    frame = pd.read_parquet(found.folder / "sweep.parquet")
    pd.testing.assert_frame_equal(frame, found.frame)
    assert frame["strategy.params.topk"].tolist() == [10, 10, 13, 13]
    assert frame["sharpe"].tolist() == [p.metrics["sharpe"] for p in found.points if p.metrics]
    content = json.loads((found.folder / "sweep.json").read_text(encoding="utf-8"))
    assert content["tries"] == 4
    assert content["grid"] == GRID
    assert [point["values"] for point in content["points"]] == [dict(p.values) for p in found.points]
    assert "seconds" not in json.dumps(content)


def test_the_report_counts_the_tries_and_leads_to_every_point(found: Sweep) -> None:
    assert found.folder is not None
    html = (found.folder / "sweep.html").read_text(encoding="utf-8")
    assert "Best of 4 tries" in html
    assert "Expect the best of 4 random ones to look good too" in html
    for point in found.points:
        assert f'href="{point.id}/report.html"' in html
    assert 'class="heat"' in html, "two keys make a heat map"


def test_one_key_makes_lines_and_nothing_is_written_unless_asked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    one = sweep("quickstart", {"broker.slippage_bps": [0, 5]}, sets=DECEMBER, jobs=1)
    assert not list(tmp_path.iterdir())
    assert one.folder is None
    sharpe = [p.metrics["sharpe"] for p in one.points if p.metrics]
    assert one.best() is one.points[sharpe.index(max(sharpe))]
    from alphaloom.sweep.report import sweep_html

    assert "Sharpe by slippage_bps" in sweep_html(one)


def test_more_tries_make_a_better_best_by_chance() -> None:
    assert expected_best_sharpe(1, 252) == 0
    few, many = expected_best_sharpe(10, 252), expected_best_sharpe(1000, 252)
    assert 1.5 < few < 1.6  # 1.57 standard errors, of 1.0 a year each
    assert 3.2 < many < 3.3
    assert expected_best_sharpe(10, 1008) == pytest.approx(few / 2)


# -- a folder


def test_a_rerun_runs_only_what_is_missing(found: Sweep) -> None:
    assert found.folder is not None
    before = entries(found.folder)
    missing = found.folder / found.points[1].id
    for path in missing.iterdir():
        path.unlink()
    missing.rmdir()
    stamps = {p.id: (found.folder / p.id).stat().st_mtime_ns for p in found.points if p.id != missing.name}
    again = sweep("quickstart", GRID, sets=DECEMBER, out=found.folder, jobs=1)
    assert [p.metrics for p in again.points] == [p.metrics for p in found.points]
    assert stamps == {key: (found.folder / key).stat().st_mtime_ns for key in stamps}
    after = entries(found.folder)
    assert {k: v for k, v in after.items() if not k.endswith("run.json")} == {
        k: v for k, v in before.items() if not k.endswith("run.json")
    }


@pytest.mark.parametrize(
    ("grid", "sets", "what"),
    [
        ({**GRID, "broker.slippage_bps": [0, 7]}, DECEMBER, "grid"),
        (GRID, [*DECEMBER, "seed=7"], "configuration"),
        (GRID, [*DECEMBER, "data.actions=null"], "configuration"),
    ],
)
def test_the_folder_of_another_sweep_is_refused(found: Sweep, grid: dict, sets: list[str], what: str) -> None:
    assert found.folder is not None
    before = entries(found.folder)
    with pytest.raises(OutputError, match=rf"holds another sweep \(another {what}\); name a new --out"):
        sweep("quickstart", grid, sets=sets, out=found.folder, jobs=1)
    assert entries(found.folder) == before


def test_changed_scores_under_the_same_name_are_another_sweep(tmp_path: Path) -> None:
    scores = tmp_path / "scores.csv"
    sets = [f"alpha={{provider: scores_file, params: {{path: {scores}}}}}", *DECEMBER]
    grid = {"strategy.params.topk": [1]}
    scores.write_text("date,symbol,score\n2023-12-04,600519.SH,1\n")
    sweep("quickstart", grid, sets=[*sets, "strategy.params.n_drop=1"], out=tmp_path / "s", jobs=1)
    scores.write_text("date,symbol,score\n2023-12-04,600036.SH,1\n")
    with pytest.raises(OutputError, match="another content of files"):
        sweep("quickstart", grid, sets=[*sets, "strategy.params.n_drop=1"], out=tmp_path / "s", jobs=1)


def test_a_folder_with_something_else_in_it_is_refused(tmp_path: Path) -> None:
    (tmp_path / "precious.txt").write_text("x")
    with pytest.raises(OutputError, match="is not empty and holds no sweep"):
        sweep("quickstart", GRID, sets=DECEMBER, out=tmp_path, jobs=1)
    assert [p.name for p in tmp_path.iterdir()] == ["precious.txt"]


def test_a_point_that_fails_is_named_and_the_others_go_on(tmp_path: Path) -> None:
    sets = [part for one in DECEMBER for part in ("--set", one)]
    out = tmp_path / "s"
    message = invoke(
        "quickstart", "--grid", "strategy.params.topk=51,10", *sets, "--out", str(out), "--jobs", "1"
    )
    assert message.startswith("1 of 2 points failed: 1-")
    assert "(topk=51)" in message
    assert "universe of 50" in message
    content = json.loads((out / "sweep.json").read_text(encoding="utf-8"))
    assert [point["metrics"] is None for point in content["points"]] == [True, False]
    assert "universe of 50" in content["points"][0]["error"]
    html = (out / "sweep.html").read_text(encoding="utf-8")
    assert "Points that failed" in html
    assert "Best of 2 tries" in html, "a try that failed is a try"
    assert not (out / content["points"][0]["id"]).exists()


def test_no_jobs_are_refused() -> None:
    with pytest.raises(ConfigError, match="--jobs must be 1 or more"):
        sweep("quickstart", GRID, jobs=0)


@pytest.mark.skipif(os.name != "posix", reason="sends SIGINT to a process group")
def test_ctrl_c_stops_every_process_and_the_sweep_can_go_on(tmp_path: Path) -> None:
    out = tmp_path / "s"
    grid = {"strategy.params.topk": [5, 10, 13, 20], "broker.slippage_bps": [0, 1, 5]}
    items = [f"{key}={','.join(map(str, values))}" for key, values in grid.items()]
    command = [sys.executable, "-m", "alphaloom", "sweep", "quickstart", "--jobs", "2", "--out", str(out)]
    for option, values in (("--grid", items), ("--set", DECEMBER)):
        command += [part for value in values for part in (option, value)]
    running = subprocess.Popen(command, start_new_session=True, stderr=subprocess.PIPE, text=True)
    deadline = time.monotonic() + 90
    while not list(out.glob("[0-9]*/result.json")):
        assert time.monotonic() < deadline
        assert running.poll() is None
        time.sleep(0.02)
    os.killpg(running.pid, signal.SIGINT)
    assert running.wait(60) == 130
    _, said = running.communicate()
    assert f"go on with --out {out}" in said
    assert "Traceback" not in said
    done = {path.parent.name: path.stat().st_mtime_ns for path in out.glob("[0-9]*/result.json")}
    assert 0 < len(done) < 12
    assert not list(out.glob(".*")), "nothing half-written is left"
    assert not (out / "sweep.json").exists()
    while _alive(running.pid):  # Python's own resource tracker ends a moment after its parent
        assert time.monotonic() < deadline, "a worker is left"
        time.sleep(0.05)
    rest = sweep("quickstart", grid, sets=DECEMBER, out=out, jobs=1)
    assert len(rest.done) == 12
    assert done == {key: (out / key / "result.json").stat().st_mtime_ns for key in done}


def _alive(group: int) -> bool:
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    return True
