"""What a provider reads besides the view is seen; what libraries and the system read of their own is not."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from peeking_providers import Momentum

from alpha_sources.conformance.reading import WHOLE_MARKET, of_their_own, watching


def read_by(what) -> list[str]:
    seen: list[str] = []
    with watching(seen):
        what()
    return seen


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    np.save(tmp_path / "weights.npy", np.ones(3))
    pd.DataFrame({"x": [1.0]}).to_csv(tmp_path / "x.csv")
    pd.DataFrame({"x": [1.0]}).to_parquet(tmp_path / "x.parquet")
    (tmp_path / "model.json").write_text("{}")
    (tmp_path / "run.yaml").write_text("a: 1")
    return tmp_path


@pytest.mark.parametrize(
    ("read", "name"),
    [
        (lambda f: np.load(f / "weights.npy"), "weights.npy"),
        (lambda f: np.load(f / "weights.npy", mmap_mode="r"), "weights.npy"),
        (lambda f: pd.read_csv(f / "x.csv"), "x.csv"),
        (lambda f: pd.read_parquet(f / "x.parquet"), "x.parquet"),
        (lambda f: json.loads((f / "model.json").read_text()), "model.json"),
        (lambda f: open(f / "model.json", "rb").close(), "model.json"),  # noqa: PTH123
        (lambda f: open(str(f / "model.json"), "r+").close(), "model.json"),  # noqa: PTH123
    ],
)
def test_however_a_file_is_read_its_name_is_known(folder, read, name):
    assert of_their_own(read_by(lambda: read(folder)), Momentum) == [name]


def test_what_is_written_is_not_read(folder):
    assert read_by(lambda: (folder / "log.txt").write_text("x")) == []


def test_settings_are_parameters(folder):
    assert read_by((folder / "run.yaml").read_text) == []


def test_what_lies_among_libraries_counts_only_for_a_provider_that_lies_there(folder):
    lying = next(Path(pd.__file__).parent.rglob("*.html.tpl"), None) or next(
        Path(pd.__file__).parent.rglob("*.tpl")
    )
    seen = read_by(lying.read_text)
    assert of_their_own(seen, Momentum) == []
    assert of_their_own(seen, pd.DataFrame) == [lying.name]
    assert of_their_own(seen, np.ndarray) == []


def test_what_the_system_keeps_does_not_count():
    assert of_their_own(read_by(Path("/etc/hosts").read_text), Momentum) == []


def test_a_library_that_reads_while_it_is_imported_reads_for_itself():
    pytest.importorskip("lightgbm")
    code = (
        "from alpha_sources.conformance.reading import watching\n"
        "seen = []\n"
        "with watching(seen):\n"
        "    import lightgbm\n"
        "print(seen)"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "[]"


def test_a_whole_market_is_told_apart_from_files():
    from alphaloom import load_panel

    seen = read_by(lambda: load_panel("sse50"))
    assert seen[0] == WHOLE_MARKET


def test_open_is_as_it_was_afterwards_whatever_happens(folder):
    before = (open, sys.getprofile())
    with pytest.raises(FileNotFoundError):
        read_by((folder / "nothing").read_text)
    assert (open, sys.getprofile()) == before


def test_a_profiler_that_runs_is_left_alone(folder):
    code = (
        "import cProfile, sys\n"
        "from alpha_sources.conformance.reading import watching\n"
        "profile = cProfile.Profile()\n"
        "profile.enable()\n"
        "seen = []\n"
        "with watching(seen):\n"
        f"    open({str(folder / 'model.json')!r}).close()\n"
        "sum(range(3))\n"
        "profile.disable()\n"
        "print(len(seen), 'built-in method builtins.sum' in str([e.code for e in profile.getstats()]))"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout.split() == ["1", "True"]
