"""What docs/seeds.md shows works as it stands there."""

from __future__ import annotations

import re
import runpy
import shlex
from pathlib import Path

import openpyxl
import pytest
import yaml
from document_makers import ENGLISH
from llm_server import KEY, LlmServer
from typer.testing import CliRunner

from alpha_sources.seed import FactorySettings, load_seeds
from alpha_sources.seed.proposal import Reason
from alphaloom.cli.app import app

PAGE = (Path(__file__).resolve().parents[4] / "docs" / "seeds.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, server: LlmServer) -> Path:
    """A working folder with all that the page's commands name; the model is the local server."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DEEPSEEK_API_KEY", KEY)
    (tmp_path / "papers").mkdir()
    words = f"{ENGLISH[0]}\n\nDrift: ts_rank(turnover, 11) - ts_rank(vwap, 23)\n"
    (tmp_path / "papers" / "note.md").write_text(words, encoding="utf-8")
    (config,) = (text for text in blocks("yaml") if text.startswith("name: mine"))
    local = config.replace("https://api.deepseek.com/v1", server.url)
    (tmp_path / "mine.yaml").write_text(local, encoding="utf-8")
    (tmp_path / "mine.csv").write_text("名称,公式\na,returns\nb,2 * returns\n", encoding="utf-8")
    book = openpyxl.Workbook()
    assert book.active is not None
    for row in (("name", "formula"), ("c", "close / open")):
        book.active.append(row)
    book.save(tmp_path / "mine.xlsx")
    return tmp_path


@pytest.mark.slow
def test_every_command_of_the_page_runs(folder: Path) -> None:
    commands = [line[2:] for block in blocks("console") for line in block.splitlines()]
    assert len(commands) == 10 and all(command.startswith("alphaloom ") for command in commands)
    for command in commands:
        shown = CliRunner().invoke(app, shlex.split(command)[1:], env={"COLUMNS": "200"})
        assert shown.exit_code == 0, (command, shown.output, shown.exception)
    assert (folder / "again.yaml").read_bytes() == (folder / "mined.yaml").read_bytes()
    assert len(load_seeds(folder / "list.yaml")) == 1


def test_the_example_in_python_runs(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (code,) = blocks("python")
    (folder / "example.py").write_text(code, encoding="utf-8")
    runpy.run_path(str(folder / "example.py"), run_name="__main__")
    assert "'momentum': 11" in capsys.readouterr().out and len(load_seeds(folder / "python.yaml")) == 93


def test_the_tables_name_every_reason_and_every_setting_with_its_default() -> None:
    assert set(re.findall(r"^\| `(\w+)` \|", PAGE.split("## The file")[0], re.M)) >= set(Reason)
    table = PAGE.split("<!-- settings -->")[1].split("<!-- /settings -->")[0]
    shown: dict[str, str] = {}
    for line in table.splitlines():
        names = re.findall(r"`(\w+)`", line.split("|")[1]) if line.startswith("| `") else []
        values = [value.strip() for value in line.split("|")[2].split(",")] if names else []
        shown |= dict(zip(names, values, strict=True))
    plain = FactorySettings().plain()
    assert set(shown) == set(plain)
    for name, text in shown.items():
        if name != "against":
            assert yaml.safe_load(text) == plain[name], name


def test_the_entry_shown_is_one() -> None:
    (entry,) = (yaml.safe_load(text)[0] for text in blocks("yaml") if text.startswith("- name"))
    assert entry["mined"]["origin"] == "model" and entry["category"] == "liquidity"
