"""The formula benchmark compares engines that compute the same, and its lines can be read."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

BENCHMARKS = Path(__file__).resolve().parents[1] / "benchmarks"
KEYS = ["engine", "set", "stocks", "sessions", "dtype", "seconds", "peak_mb", "panels"]


MEASURE = """
import json, sys
sys.path.insert(0, sys.argv[1])
import numpy as np
from run_formula_peer import timed
held = np.ones(1 << 22)
print(json.dumps(timed(lambda: float((held + 1.0).sum()), 2)))
"""


@pytest.fixture
def bench(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    monkeypatch.syspath_prepend(str(BENCHMARKS / "peers"))
    import bench_formula
    import bench_panels
    import run_formula_alphaloom
    import run_formula_peer

    return SimpleNamespace(
        formula=bench_formula, panels=bench_panels, alphaloom=run_formula_alphaloom, peer=run_formula_peer
    )


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(BENCHMARKS / "bench_formula.py"), *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=300)


def test_engines_that_compute_the_same_answer_with_one_line_of_json_and_a_broken_one_fails() -> None:
    present = [name for name in ("bottleneck", "pandas") if importlib.util.find_spec(name)]
    peers = dict.fromkeys(present, sys.executable) | {"kunquant": "/no/such/python"}
    words = [word for name, python in peers.items() for word in ("--peer", f"{name}={python}")]
    ran = run("--sizes", "20x80", "--sets", "eighteen", "--repeat", "1", "--json", *words)
    assert ran.returncode == 1
    assert ran.stderr.startswith("kunquant: failed: ")
    lines = [json.loads(line) for line in ran.stdout.splitlines()]
    assert [line["engine"] for line in lines] == ["alphaloom", *present]
    assert all(list(line)[: len(KEYS)] == KEYS for line in lines)
    assert all(line["seconds"] > 0 for line in lines)
    for peer in lines[1:]:
        # rounding and the breaking of ties apart
        assert 0 < peer["apart"] <= 0.15
        assert peer["ratio"] == pytest.approx(peer["seconds"] / lines[0]["seconds"], rel=0.05)
    assert lines[0]["formulas"] == 18
    assert 0.05 < lines[0]["saved"] < 0.2


def test_a_peer_that_computes_something_else_is_refused(bench: SimpleNamespace) -> None:
    ours = np.random.default_rng(0).normal(size=(50, 20))
    ours[:5] = np.nan
    assert bench.formula.distance("rank", ours, ours + 0.01) == pytest.approx(0.01, rel=0.1)
    with pytest.raises(bench.formula.RunError, match=r"rank: its values are .* from ours"):
        bench.formula.distance("rank", ours, -ours)
    missing = np.where(np.arange(50)[:, None] < 20, np.nan, ours)
    with pytest.raises(bench.formula.RunError, match="rank: it knows 67% of our values"):
        bench.formula.distance("rank", ours, missing)


@pytest.mark.parametrize(
    ("option", "value", "said"),
    [
        ("--sizes", "large", "300x1250"),
        ("--sets", "alpha360", "is none of eighteen"),
        ("--dtype", "float16", "is none of float64, float32"),
        ("--peer", "polars=python", "is not one of bottleneck"),
        ("--repeat", "0", "at least 1"),
    ],
)
def test_what_cannot_be_measured_is_refused_before_anything_is_made(
    bench: SimpleNamespace, capsys: pytest.CaptureFixture[str], option: str, value: str, said: str
) -> None:
    with pytest.raises(SystemExit) as ended:
        bench.formula.main([option, value])
    assert ended.value.code == 2
    assert said in capsys.readouterr().err


def test_memory_is_what_a_run_adds_to_a_process() -> None:
    if not Path("/proc/self/clear_refs").exists():
        pytest.skip("Linux alone tells")
    # in a process of its own: what this one has freed could be taken again without its growing
    said = subprocess.run(
        [sys.executable, "-c", MEASURE, str(BENCHMARKS / "peers")], capture_output=True, text=True, check=True
    )
    spent = json.loads(said.stdout)
    assert 25 < spent["peak_mb"] < 100
    assert spent["seconds"] < 5


def test_what_common_parts_save_is_counted_in_operations(bench: SimpleNamespace) -> None:
    from alpha_sources.formula import parse
    from alphaloom import load_panel

    panel = load_panel("sse50")
    view = panel.view(10)
    # rank, then its negative: the first alone needs one operation, the second two, both two
    pair = [parse("rank(volume)"), parse("-rank(volume)")]
    alone = bench.alphaloom.saved(pair[:1], view)
    assert alone == 0.0
    assert bench.alphaloom.saved(pair, view) > bench.alphaloom.saved([parse("rank(close)"), pair[0]], view)


@pytest.mark.parametrize("what", ["last_session", "next_session"])
def test_one_session_is_set_beside_all_sessions_and_its_look_back(bench: SimpleNamespace, what: str) -> None:
    from alpha_sources.formula import parse
    from alphaloom import load_panel

    panel = load_panel("sse50")
    formulas = [parse("ts_mean(close, 10)"), parse("rank(delta(close, 5))")]
    said = bench.alphaloom.measured(what, formulas, panel.view(400), "float64", 1)
    assert (said["formulas"], said["look_back"]) == (2, 10)
    assert said["share_of_all_sessions"] > 0 and said["share_of_look_back"] > 0
    # a session, not the sixty that a stream is advanced by
    assert said["share_of_all_sessions"] < 0.5
    assert len(bench.alphaloom.tail(panel.view(400), 10)) == 10


def test_a_stream_needs_sessions_beyond_its_look_back(bench: SimpleNamespace) -> None:
    from alpha_sources.formula import parse
    from alphaloom import load_panel

    view = load_panel("sse50").view(8)
    with pytest.raises(SystemExit, match="looks back 10 sessions and needs more"):
        bench.alphaloom.measured("next_session", [parse("ts_mean(close, 10)")], view, "float64", 1)
