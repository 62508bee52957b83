"""Kernels compile wherever they may keep their machine code, and where they may keep it nowhere."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from engine import jit

SCRIPT = """
import numpy as np
from alpha_sources.formula.context import Context
from alpha_sources.formula.kernels import recursive
from engine import jit
x = np.arange(6.0).reshape(3, 2)
print(recursive.ema(Context(np.ones(x.shape, dtype=bool)), x, 1)[-1].tolist(), jit.cache_folder())
"""


def run(tmp_path: Path, **environment: str) -> str:
    repository = Path(jit.__file__).parents[1]
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT],
        env={"PATH": "", "PYTHONPATH": str(repository), **environment},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_machine_code_is_kept_where_the_user_says(tmp_path: Path) -> None:
    folder = tmp_path / "cache"
    assert run(tmp_path, NUMBA_CACHE_DIR=str(folder)) == f"[4.0, 5.0] {folder}"
    assert list(folder.rglob("*.nbi"))


@pytest.mark.slow
def test_machine_code_is_kept_elsewhere_where_home_cannot_be_written(tmp_path: Path) -> None:
    no_folder, temporary = tmp_path / "file", tmp_path / "temporary"
    no_folder.write_text("")
    temporary.mkdir()
    found = run(tmp_path, HOME=str(no_folder), XDG_CACHE_HOME=str(no_folder), TMPDIR=str(temporary))
    assert found.startswith(f"[4.0, 5.0] {temporary}")


def test_no_folder_at_all_is_no_obstacle(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jit, "cache_folder", lambda: None)
    assert jit.jit(lambda x: x + 1)(2) == 3


def test_a_folder_that_others_may_write_to_is_not_trusted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shared, private = tmp_path / "shared", tmp_path / "private"
    shared.mkdir()
    shared.chmod(0o777)
    monkeypatch.setattr(jit, "_candidates", lambda: iter([shared, private]))
    jit.cache_folder.cache_clear()
    try:
        assert jit.cache_folder() == private
    finally:
        jit.cache_folder.cache_clear()
