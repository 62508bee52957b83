"""Scripts that read documents, with a guard and without one."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

READS = 'print(len(read_folder(r"{notes}").read), "read")'
SCRIPT = "from alpha_sources.seed.documents import read_folder\n"


@pytest.fixture
def notes(tmp_path: Path) -> Path:
    folder = tmp_path / "notes"
    folder.mkdir()
    (folder / "note.txt").write_text("Stocks that fell come back.", encoding="utf-8")
    return folder


def run(path: Path, text: str) -> subprocess.CompletedProcess[str]:
    path.write_text(text, encoding="utf-8")
    return subprocess.run([sys.executable, str(path)], capture_output=True, text=True, timeout=120)


def test_a_script_with_a_guard_reads_documents(notes: Path, tmp_path: Path) -> None:
    guarded = f'{SCRIPT}if __name__ == "__main__":\n    {READS.format(notes=notes)}\n'
    done = run(tmp_path / "script.py", guarded)
    assert (done.returncode, done.stdout) == (0, "1 read\n"), done.stderr


def test_a_script_without_a_guard_is_told_to_have_one(notes: Path, tmp_path: Path) -> None:
    done = run(tmp_path / "script.py", f"{SCRIPT}{READS.format(notes=notes)}\n")
    assert done.returncode == 1 and not done.stdout
    last = done.stderr.strip().splitlines()[-1]
    assert "DocumentError: documents are read in a process of their own" in last
    assert 'put what your script does under `if __name__ == "__main__":`' in last
    # one traceback, that of the script: the process that was started ends without one
    assert done.stderr.count("Traceback") == 1 and "RuntimeError" not in done.stderr
