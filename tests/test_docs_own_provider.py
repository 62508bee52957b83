"""``docs/own_provider.md``: every block, in order, in one folder, as a reader would go through it."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

from alphaloom.cli import main

ROOT = Path(__file__).resolve().parents[1]
PAGE = (ROOT / "docs" / "own_provider.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```(\w+)\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)


@pytest.fixture
def typed(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Callable[[str], str]:
    def run(command: str) -> str:
        if command.startswith("pytest "):
            ran = subprocess.run(
                [sys.executable, "-m", *shlex.split(command)], capture_output=True, text=True
            )
            assert ran.returncode == 0, ran.stdout + ran.stderr
            return ran.stdout
        monkeypatch.setattr(sys, "argv", shlex.split(command))
        try:
            main()
        except SystemExit as leave:
            said = capsys.readouterr()
            refused = leave.code == 1 and "does not conform" in said.out  # which the page shows
            assert refused or not leave.code, f"{command}: {said.err}{said.out}"
            return said.out
        return capsys.readouterr().out

    return run


def edit(diff: str) -> None:
    """Change a file as a diff says: each line that goes is there once."""
    header, *lines = diff.splitlines()
    file = Path(header.removeprefix("--- "))
    text = file.read_text()
    for gone, come in zip(lines[::2], lines[1::2], strict=True):
        assert gone[0] == "-" and come[0] == "+"
        assert text.count(gone[1:] + "\n") == 1, gone
        text = text.replace(gone[1:] + "\n", come[1:] + "\n")
    file.write_text(text)


def matches(printed: str, shown: list[str]) -> bool:
    """Whether a page shows what was printed; a line of dots stands for any lines."""
    pattern = "".join(r"(?:.*\n)*" if line.strip() == "..." else re.escape(line) + "\n" for line in shown)
    return re.fullmatch(pattern, printed) is not None


@pytest.mark.slow
def test_every_block_works_in_order(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, typed: Callable[[str], str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    ran = []
    for kind, text in BLOCKS:
        first = text.splitlines()[0]
        match kind:
            case "console":
                command, *shown = text.splitlines()
                printed = typed(command.removeprefix("$ "))
                assert matches(printed, shown), f"{command} printed\n{printed}"
            case "sh":
                for command in text.splitlines():
                    assert "does not conform" not in typed(command)
            case "diff":
                edit(text)
            case "python" if first.startswith('"""'):
                assert Path("pullback.py").read_text() == text, "the page shows what is written"
            case "python" | "yaml" if re.fullmatch(r"# \w+\.(py|yaml)", first):
                Path(first.removeprefix("# ")).write_text(text)
            case "python":
                exec(text, {})
            case "toml":
                assert text.partition("\n")[2] in Path("my_alphas/pyproject.toml").read_text()
            case _:
                pytest.fail(f"a block of {kind} that nobody runs")
        ran.append(kind)
    assert {"console", "sh", "diff", "python", "yaml", "toml"} == set(ran)
    for run in ("pullback", "ten"):
        assert len(pd.read_parquet(f"runs/{run}/fills.parquet")) > 0
    assert any(path.name.startswith("which_way") for path in Path("runs").iterdir())


def test_the_provider_has_twenty_lines_at_most() -> None:
    (whole,) = (text for kind, text in BLOCKS if kind == "python" and text.startswith('"""'))
    assert len(whole.splitlines()) <= 20


def test_links_lead_somewhere() -> None:
    for target in re.findall(r"\]\(([^)#]+)[^)]*\)", PAGE):
        assert (ROOT / "docs" / target).exists(), target


def test_what_is_printed_is_compared() -> None:
    assert matches("a\nb\nc\n", ["a", "...", "c"])
    assert matches("a\n", ["...", "a", "..."])
    assert not matches("a\nb\n", ["a"])
