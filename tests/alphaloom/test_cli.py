"""The command line from outside: what it prints, where it writes, and how it leaves."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from cli_helpers import ROOT, Cli, listing

import alphaloom
from alphaloom.cli.output import default_run_folder
from engine.errors import OutputError
from engine.result import Result

WEEK = ("--set", "span.start=2023-12-25", "--set", "span.end=2023-12-29")
FILES = {
    "config.yaml", "equity.parquet", "fills.parquet", "orders.parquet", "positions.parquet", "report.html",
    "events.parquet", "result.json", "run.json",
}  # fmt: skip


def in_process_of_its_own(*args: str, cwd: Path, **env: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        args, cwd=cwd, env={**os.environ, "PYTHONPATH": str(ROOT), **env}, capture_output=True, text=True
    )


def test_version_is_printed(cli: Cli) -> None:
    assert cli("--version").out == f"alphaloom {alphaloom.__version__}\n"


@pytest.mark.parametrize("command", [("--help",), ("backtest", "--help"), ("data", "check", "--help")])
def test_help_names_the_options_within_80_columns(
    cli: Cli, monkeypatch: pytest.MonkeyPatch, command: tuple[str, ...]
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    ran = cli(*command)
    assert ran.code == 0
    assert "--set" in ran.out or command == ("--help",)
    assert max(map(len, ran.out.splitlines())) <= 80


def test_help_waits_for_no_heavy_package(tmp_path: Path) -> None:
    script = """
import sys
from alphaloom.cli import main

def loaded_after(*commands):
    for command in commands:
        sys.argv = ["alphaloom", *command]
        try:
            main()
        except SystemExit as leave:
            assert not leave.code, (command, leave.code)
    heavy = "numpy numba pandas pyarrow backtrader torch akshare openai yaml exchange_calendars apscheduler"
    print("loaded:", *sorted({*heavy.split(), "loguru", "pydantic"} & set(sys.modules)))

loaded_after(["--help"], ["--version"])
loaded_after(["backtest", "--help"], ["data", "check", "--help"])
"""
    ran = in_process_of_its_own(sys.executable, "-c", script, cwd=tmp_path)
    first, second = [line for line in ran.stdout.splitlines() if line.startswith("loaded:")]
    assert first == "loaded:"
    assert second in ("loaded:", "loaded: pydantic"), "typer itself reads a command's options with pydantic"


def test_python_dash_m_is_the_command(tmp_path: Path) -> None:
    ran = in_process_of_its_own(sys.executable, "-m", "alphaloom", "--version", cwd=tmp_path)
    assert (ran.returncode, ran.stdout) == (0, f"alphaloom {alphaloom.__version__}\n")


def test_a_backtest_prints_a_summary_and_fills_the_folder_named(cli: Cli, tmp_path: Path) -> None:
    ran = cli("backtest", *WEEK, "--out", "runs/first")
    assert ran.code == 0
    lines = ran.out.splitlines()
    assert lines[0] == "quickstart"
    assert lines[1].split() == ["Span", "2023-12-25", "..", "2023-12-29", "(5", "sessions)"]
    assert lines[-1] == "report  runs/first/report.html"
    assert not [line for line in lines if line != line.rstrip()], "no trailing blanks in a pipe"
    assert ran.err == "", "no progress bar in a pipe"
    assert {path.name for path in (tmp_path / "runs/first").iterdir()} == FILES
    assert {path.name for path in tmp_path.iterdir()} == {"runs"}


def test_without_out_the_run_lies_under_runs_in_the_working_folder(cli: Cli, tmp_path: Path) -> None:
    places = [Path(cli("backtest", *WEEK).out.splitlines()[-1].removeprefix("report  ")) for _ in range(2)]
    assert len(set(places)) == 2, "two runs within a second do not collide"
    for place in places:
        assert place.is_file()
        assert place.parents[1] == tmp_path / "runs"
        assert place.parent.name.startswith("quickstart-")


def test_a_configuration_elsewhere_finds_its_files_from_any_folder(cli: Cli, tmp_path: Path) -> None:
    there = tmp_path / "there"
    there.mkdir()
    (there / "mine.py").write_text(
        "import numpy as np\nfrom alphaloom import AlphaProvider\n\n\nclass Mine(AlphaProvider):\n"
        "    def scores(self, view, snapshot):\n        return np.arange(float(len(view.symbols)))\n"
    )
    (there / "run.yaml").write_text(
        "name: mine\nalpha: {provider: mine.py:Mine}\nspan: {start: 2023-12-25}\n"
        "strategy: {params: {topk: 2, n_drop: 1}}\n"
    )
    ran = cli("backtest", "there/run.yaml", "--out", "out")
    assert (ran.code, ran.err) == (0, "")
    again = cli("backtest", "out/config.yaml", "--out", "again")
    assert again.code == 0
    assert Path("out/result.json").read_bytes() == Path("again/result.json").read_bytes()


def test_the_environment_beats_the_file_and_set_beats_both(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALPHALOOM__BROKER__CASH", "2e6")
    monkeypatch.setenv("ALPHALOOM__STRATEGY__PARAMS__TOPK", "9")
    monkeypatch.setenv("ALPHALOOM__BROKER__FILL", "{sell: open, buy: vwap}")
    assert cli("backtest", *WEEK, "--set", "strategy.params.topk=7", "--out", "out").code == 0
    config = yaml.safe_load(Path("out/config.yaml").read_text(encoding="utf-8"))
    assert config["broker"]["cash"] == 2_000_000
    assert config["broker"]["fill"] == {"sell": "open", "buy": "vwap"}
    assert config["strategy"]["params"] == {"topk": 7, "n_drop": 5}
    assert json.loads(Path("out/result.json").read_text(encoding="utf-8"))["final_equity"] < 3_000_000


def refuse_to_run(*_: object, **__: object) -> Result:
    raise AssertionError("the run began before its folder was looked at")


@pytest.mark.parametrize(
    ("out", "words"),
    [
        ("taken", "taken is not empty; name a new folder"),
        ("file", "file is a file"),
        ("file/below", "cannot write to"),
        ("/proc/nowhere", "cannot write to /proc"),
    ],
)
def test_an_impossible_folder_is_refused_before_the_run(
    cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, out: str, words: str
) -> None:
    (tmp_path / "taken").mkdir()
    (tmp_path / "taken" / "precious").write_text("x")
    (tmp_path / "file").write_text("x")
    before = listing(tmp_path)
    monkeypatch.setattr("alphaloom.api.backtest", refuse_to_run)
    assert words in cli("backtest", "--out", out).refused()
    assert listing(tmp_path) == before


def test_an_empty_folder_is_taken(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    assert cli("backtest", *WEEK, "--out", "empty").code == 0
    assert {path.name for path in (tmp_path / "empty").iterdir()} == FILES


def test_a_run_that_fails_leaves_no_folder(cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full_disk(self: Result) -> str:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Result, "report_html", full_disk)
    assert "No space left on device" in cli("backtest", *WEEK, "--out", "out").refused()
    assert listing(tmp_path) == set()


def test_nothing_is_ever_written_to_the_root_of_the_file_system(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ALPHALOOM_HOME", str(tmp_path / "home"))
    monkeypatch.chdir("/")
    assert default_run_folder("x").parent == tmp_path / "home" / "runs"
    monkeypatch.setenv("ALPHALOOM_HOME", "/proc/nonexistent")
    monkeypatch.setenv("TMPDIR", str(tmp_path / "tmp"))
    folder = default_run_folder("../ a/b")
    assert folder.is_relative_to(tmp_path / "tmp")
    assert folder.name.startswith("----a-b-")


def test_with_nowhere_to_write_the_remedy_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir("/")
    monkeypatch.setattr("alphaloom.cli.output._parents", lambda: iter([Path("/proc/a"), Path("/proc/b")]))
    with pytest.raises(OutputError, match="choose --out DIR"):
        default_run_folder("x")


@pytest.mark.parametrize(("name", "file"), [("engine", "engine/__init__.py"), ("live", "live.py")])
def test_an_intruder_with_the_name_of_one_of_our_packages_is_named(
    tmp_path: Path, name: str, file: str
) -> None:
    strange = tmp_path / "strange" / file
    strange.parent.mkdir(parents=True)
    strange.write_text("raise SystemExit('the intruder was imported')\n")
    path = os.pathsep.join([str(tmp_path / "strange"), str(ROOT)])
    script = "from alphaloom.cli import main; main()"
    ran = in_process_of_its_own(sys.executable, "-c", script, "--version", cwd=tmp_path, PYTHONPATH=path)
    assert ran.returncode == 2
    assert ran.stdout == ""
    assert ran.stderr.startswith(
        f"error: the package {name!r} that Python finds is {tmp_path / 'strange' / name}"
    )
    assert ran.stderr.count("\n") == 1


def test_a_folder_without_code_is_no_intruder(tmp_path: Path) -> None:
    (tmp_path / "engine").mkdir()
    ran = in_process_of_its_own(sys.executable, "-m", "alphaloom", "--version", cwd=tmp_path)
    assert ran.returncode == 0
