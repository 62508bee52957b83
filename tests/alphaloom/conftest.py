from __future__ import annotations

import os
from pathlib import Path

import pytest
from cli_helpers import Cli, commands


@pytest.fixture
def cli(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Cli:
    """Run ``alphaloom ARGS`` within this process, in an empty working folder."""
    monkeypatch.chdir(tmp_path)
    for name in [name for name in os.environ if name.startswith("ALPHALOOM")]:
        monkeypatch.delenv(name)
    return commands(monkeypatch, capsys)
