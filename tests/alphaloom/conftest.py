from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest
from cli_helpers import Cli, Ran

from alphaloom.cli import main


@pytest.fixture
def cli(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Cli:
    """Run ``alphaloom ARGS`` within this process, in an empty working folder."""
    monkeypatch.chdir(tmp_path)
    for name in [name for name in os.environ if name.startswith("ALPHALOOM")]:
        monkeypatch.delenv(name)

    def run(*args: object) -> Ran:
        monkeypatch.setattr(sys, "argv", ["alphaloom", *map(str, args)])
        try:
            main()
            code = 0
        except SystemExit as leave:
            code = leave.code if isinstance(leave.code, int) else 0
        said = capsys.readouterr()
        return Ran(code, said.out, said.err)

    return run
