"""Everything the README tells a new user to type, typed in an empty folder."""

from __future__ import annotations

import re
import shlex
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

from alphaloom.cli import main
from alphaloom.sample import sample_paths

ROOT = Path(__file__).resolve().parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```(\w+)\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)
#: Commands of shell blocks and of the prose, without those that install.
COMMANDS = [
    *(
        line
        for kind, text in BLOCKS
        if kind == "sh"
        for line in text.splitlines()
        if line.startswith("alphaloom")
    ),
    *re.findall(r"`(alphaloom [^`]+)`", README),
]
MY_STRATEGY = """
import backtrader as bt


class MyStrategy(bt.Strategy):
    def __init__(self):
        self.stock = self.getdatabyname("600519.SH")

    def next(self):
        if not self.getposition(self.stock).size:
            self.buy(self.stock, size=100)
"""


NOTE = """
# Turnover

Quiet stocks went on to earn more: `-ts_mean(turnover, 40)` ordered them well.
"""


def block(kind: str, words: str) -> str:
    (text,) = (text for found, text in BLOCKS if found == kind and words in text)
    return text


@pytest.fixture
def user_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The files that the README's user has: their own bars in Chinese and lots, members, scores, code."""
    monkeypatch.chdir(tmp_path)
    paths = sample_paths()
    bars = pd.read_parquet(paths["path"])
    bars = bars[bars["date"] >= "2023-01-01"]
    columns = dict(pair.split(": ") for pair in re.findall(r"columns: \{(.*)\}", README)[0].split(", "))
    theirs = bars[[*columns, "adj_factor", "turnover_pct"]].assign(volume=bars["volume"] / 100)
    theirs.rename(columns=columns).to_parquet("bars.parquet")
    for name in ("membership", "actions", "index"):
        shutil.copy(
            paths[name], {"membership": "members.csv", "actions": "actions.csv"}.get(name, "index.parquet")
        )
    scores = bars[["date", "symbol"]].assign(score=-bars["turnover_pct"])
    scores.to_parquet("scores.parquet")
    scores.to_parquet("predictions.parquet")
    Path("my_strategy.py").write_text(MY_STRATEGY)
    Path("my_alpha.py").write_text(block("python", "# my_alpha.py"))
    Path("my_run.yaml").write_text(block("yaml", "# my_run.yaml"), encoding="utf-8")
    # a user's afternoon, in a second: the last weeks of the data, and an index of fifty names
    monkeypatch.setenv("ALPHALOOM__SPAN__START", "2023-12-01")
    monkeypatch.setenv("ALPHALOOM_HOME", str(tmp_path / "home"))
    return tmp_path


@pytest.fixture
def typed(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Callable[[str], str]:
    def run(command: str) -> str:
        monkeypatch.setattr(sys, "argv", shlex.split(command, comments=True))
        try:
            main()
        except SystemExit as leave:
            said = capsys.readouterr()
            assert not leave.code, f"{command}: {said.err}{said.out}"
            return said.out
        return capsys.readouterr().out

    return run


def test_there_is_something_to_type() -> None:
    assert len(COMMANDS) >= 6
    assert {"alphaloom backtest my_run.yaml", "alphaloom data check my_run.yaml"} <= set(COMMANDS)


#: one needs more than this user has; the others want a network, a folder or minutes, and have their own tests
ELSEWHERE = {
    "alphaloom data check bars.parquet",
    *(c for c in COMMANDS if re.match(r"alphaloom (reproduce|data sync|data import-qlib|paper run)\b", c)),
}


@pytest.mark.parametrize("command", [c for c in COMMANDS if c not in ELSEWHERE])
def test_a_command_works_as_printed(
    user_folder: Path, typed: Callable[[str], str], monkeypatch: pytest.MonkeyPatch, command: str
) -> None:
    if "my_run.yaml" in command:
        monkeypatch.setenv("ALPHALOOM__DATA__UNIVERSE", "sse50")
    if "compare" in command:
        typed("alphaloom backtest --out runs/first")
        typed("alphaloom backtest --set strategy.params.topk=20 --out runs/top20")
    if "seed mine" in command:
        Path("papers").mkdir()
        Path("papers/2021-05-06 note.md").write_text(NOTE, encoding="utf-8")
    if "runs/woven" in command:
        # the day that the README asks about
        monkeypatch.setenv("ALPHALOOM__SPAN__START", "2023-06-20")
        monkeypatch.setenv("ALPHALOOM__SPAN__END", "2023-07-07")
        if "backtest" not in command:
            typed("alphaloom backtest woven_sse50 --out runs/woven")
    if "data status" in command:
        typed("alphaloom data import-csv sse50")
    if "paper status" in command or "paper halt" in command:
        typed("alphaloom paper replay paper_demo --from 2023-12-01 --to 2023-12-05 --db demo.db")
    printed = typed(command)
    if "data check" in command:
        assert "no errors, no warnings" in printed
    elif "backtest" in command:
        report = Path(printed.splitlines()[-1].removeprefix("report  "))
        assert report.is_file()
        assert len(pd.read_parquet(report.parent / "fills.parquet")) > 0
    elif "formula explain" in command:
        assert "How it is built" in printed
    elif "formula eval" in command:
        assert "600519.SH" in printed
    elif "paper replay" in command:
        assert "43 of 43 sessions equal their back-test" in printed
        assert len(pd.read_parquet("runs/paper/fills.parquet")) > 0
    elif "paper status" in command:
        assert "At the close of 2023-12-05" in printed
    elif "paper halt" in command:
        assert "resume" in printed
    elif "data status" in command:
        assert "2023-12-29" in printed
    elif "evaluate" in command:
        assert "1 trial in project quickstart" in printed
    elif "library list" in command:
        assert "alpha101" in printed
    elif "seed mine" in command:
        assert "ts_mean(turnover, 40)" in Path("seeds.yaml").read_text(encoding="utf-8")
    elif "agents" in command:
        assert "2023-06-30" in printed
    elif "snapshot show" in command:
        assert "formula" in printed
    elif "import-csv" in command:
        assert (Path("home") / "store" / "market" / "manifest.json").is_file()
    elif "rules" in command:
        assert "stamp duty, sales" in printed
    elif "new provider" in command:
        assert Path("low_turnover.py").is_file()
    elif "check-provider" in command:
        assert "conforms" in printed
    elif "providers" in command:
        assert "scores_file" in printed
    else:
        assert Path(printed.splitlines()[-1].removeprefix("report  ")).is_file()


def test_a_file_of_bars_is_checked_as_printed(user_folder: Path, typed: Callable[[str], str]) -> None:
    pd.read_parquet(sample_paths()["path"]).to_parquet("bars.parquet")
    assert "no errors" in typed("alphaloom data check bars.parquet")


def test_the_first_run_prints_what_is_shown(
    tmp_path: Path, typed: Callable[[str], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    command, *expected = block("console", "$ alphaloom").splitlines()
    printed = typed(command.removeprefix("$ ")).splitlines()
    cut = expected.index("  ...")
    assert printed[:cut] == expected[:cut]
    assert printed[-1:] == expected[cut + 1 :]
    folder = Path("runs/first")
    named = set(
        re.findall(
            r"`(\w+\.(?:html|json|parquet|yaml))`", README.split("A run folder holds")[1].split("\n\n")[0]
        )
    )
    assert {path.name for path in folder.iterdir()} == named


def test_the_python_example_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    space: dict[str, object] = {}
    exec(block("python", 'backtest("quickstart"'), space)
    assert "Final equity" in capsys.readouterr().out
    assert (tmp_path / "runs" / "top20" / "report.html").is_file()
    assert [path.name for path in tmp_path.iterdir()] == ["runs"]


def test_links_lead_somewhere() -> None:
    for target in re.findall(r"\]\(([^)#]+)[^)]*\)", README):
        if "://" not in target:
            assert (ROOT / target).exists(), target


def test_files_that_are_named_exist() -> None:
    for name in re.findall(
        r"`((?:engine|benchmarks|docs|configs)/[\w/.]+)`|python ((?:benchmarks)/[\w.]+)", README
    ):
        assert (ROOT / (name[0] or name[1])).exists(), name
