"""The benchmark of the market store runs, and its market is one that the store takes."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).resolve().parents[1] / "benchmarks" / "bench_store.py"


def run(*options: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, SCRIPT, *options], capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def figures(tmp_path_factory):
    place = tmp_path_factory.mktemp("bench")
    size = ("--names", "100", "--sessions", "30", "--qlib-names", "5", "--runs", "1")
    done = run(*size, "--store", str(place / "store"), "--json", str(place / "out.json"))
    assert done.returncode == 0, done.stderr
    return {row["figure"]: row for row in json.loads((place / "out.json").read_text())["figures"]}


def test_every_figure_is_taken(figures):
    assert list(figures) == [
        "store", "memory", "panel, all", "panel, 50 from 2021", "panel, all, first ever", "daily step",
        "import-qlib",
    ]  # fmt: skip
    for figure in ("panel, all", "panel, 50 from 2021", "daily step", "import-qlib"):
        row = figures[figure]
        assert row["wall"] > 0
        assert row["user"] + row["system"] > 0
        assert row["peak_gb"] > 0.05
    assert figures["store"]["what"].startswith("2,900 bars, ")
    assert figures["panel, all"]["what"] == "100 × 29, 15 fields"


def test_the_whole_market_is_taken_in_with_one_partition(figures):
    assert figures["daily step"]["what"].startswith("1 partition touched, ")
    # suspended sessions are no rows of a Qlib folder
    stored = int(figures["import-qlib"]["what"].split(", ")[1].split()[0])
    assert 140 <= stored <= 150


def test_a_market_that_is_too_small_is_refused():
    done = run("--names", "60")
    assert done.returncode == 2
    assert "at least 100 names and 3 sessions" in done.stderr
