"""What the tests of the command line share."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

import alphaloom
from alphaloom.cli import main

ROOT = Path(alphaloom.__file__).resolve().parents[1]


@dataclass(frozen=True)
class Ran:
    """What a command left on the terminal."""

    code: int
    out: str
    err: str

    def refused(self) -> str:
        """The message of a refusal, which must be one line without a traceback."""
        assert self.code == 2, (self.code, self.out, self.err)
        assert self.err.startswith("error: ")
        assert self.err.count("\n") == 1, self.err
        assert "Traceback" not in self.out + self.err
        return self.err.removeprefix("error: ").rstrip("\n")


Cli = Callable[..., Ran]


def commands(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    before: tuple[str, ...] = (),
    after: tuple[str, ...] = (),
) -> Cli:
    """What runs ``alphaloom BEFORE ARGS AFTER`` within this process."""

    def run(*args: object) -> Ran:
        monkeypatch.setattr(sys, "argv", ["alphaloom", *before, *map(str, args), *after])
        try:
            main()
            code = 0
        except SystemExit as leave:
            code = leave.code if isinstance(leave.code, int) else 0
        said = capsys.readouterr()
        return Ran(code, said.out, said.err)

    return run


def listing(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if "__pycache__" not in path.parts}
