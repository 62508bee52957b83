"""``alphaloom new``: what it writes works as it is, and nothing is ever written over."""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from cli_helpers import Cli, listing

from alphaloom.scaffold import write_new
from engine.errors import OutputError


@pytest.fixture(autouse=True)
def the_path_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a command appends to the path does not outlive a test."""
    monkeypatch.setattr(sys, "path", list(sys.path))


def run_its_tests(folder: Path, *only: str) -> str:
    """Run the tests that lie in a folder, as its owner would; return what pytest says."""
    env = {key: value for key, value in os.environ.items() if not key.startswith(("PYTEST", "ALPHALOOM"))}
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *only]
    ran = subprocess.run(command, cwd=folder, capture_output=True, text=True, env=env)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    return ran.stdout


def traded(cli: Cli, config: str) -> Path:
    """Back-test two months of a configuration; return the run folder."""
    ran = cli("backtest", config, "-q", "--set", "span.start=2023-11-01", "--out", "run")
    assert ran.code == 0, ran.err
    assert (Path("run") / "report.html").is_file()
    return Path("run")


def fills(run: Path) -> int:
    import pandas as pd

    return len(pd.read_parquet(run / "fills.parquet"))


# -- what is written works


@pytest.mark.slow
def test_a_new_provider_runs_and_passes_its_own_tests(cli: Cli, tmp_path: Path) -> None:
    ran = cli("new", "provider", "low_turnover")
    assert (ran.code, ran.err) == (0, "")
    assert listing(tmp_path) == {"low_turnover.py", "low_turnover.yaml", "test_low_turnover.py"}
    for step in ("check-provider low_turnover.py:LowTurnover", "backtest low_turnover.yaml"):
        assert f"alphaloom {step}\n" in ran.out
    assert "conforms" in cli("check-provider", "low_turnover.py:LowTurnover").out
    assert fills(traded(cli, "low_turnover.yaml")) > 0
    assert "passed" in run_its_tests(tmp_path)


def test_a_new_provider_has_twenty_lines_at_most(cli: Cli, tmp_path: Path) -> None:
    cli("new", "provider", "low_turnover")
    assert len((tmp_path / "low_turnover.py").read_text().splitlines()) <= 20


@pytest.mark.slow
def test_its_tests_notice_a_provider_that_is_turned_round(cli: Cli, tmp_path: Path) -> None:
    cli("new", "provider", "turned")
    code = tmp_path / "turned.py"
    code.write_text(code.read_text().replace("return -past", "return past"))
    with pytest.raises(AssertionError, match="assert fell > stood > rose"):
        run_its_tests(tmp_path, "-k", "fell_most")


@pytest.mark.slow
def test_a_new_strategy_runs_and_passes_its_own_tests(cli: Cli, tmp_path: Path) -> None:
    ran = cli("new", "strategy", "BestTen")
    assert (ran.code, ran.err) == (0, "")
    assert listing(tmp_path) == {"best_ten.py", "best_ten.yaml", "test_best_ten.py"}
    assert "check-provider" not in ran.out
    assert fills(traded(cli, "best_ten.yaml")) > 0
    assert "2 passed" in run_its_tests(tmp_path)


@pytest.mark.slow
def test_its_tests_notice_a_strategy_that_buys_the_worst(cli: Cli, tmp_path: Path) -> None:
    cli("new", "strategy", "worst")
    code = tmp_path / "worst.py"
    code.write_text(code.read_text().replace("argsort(-scores", "argsort(scores"))
    with pytest.raises(AssertionError, match="assert list"):
        run_its_tests(tmp_path, "-k", "score_best")


def test_a_parameter_out_of_bounds_of_a_new_strategy_is_refused(cli: Cli) -> None:
    cli("new", "strategy", "best_ten")
    said = cli("backtest", "best_ten.yaml", "--set", "strategy.params.names=0").refused()
    assert "strategy.params.names" in said


@pytest.mark.slow
def test_a_new_project_runs_and_passes_its_own_tests(
    cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ran = cli("new", "project", "my-alphas")
    assert (ran.code, ran.err) == (0, "")
    project = tmp_path / "my-alphas"
    assert listing(project) == {
        ".gitignore", "README.md", "pyproject.toml", "my_alphas.yaml", "my_alphas", "my_alphas/__init__.py",
        "my_alphas/provider.py", "my_alphas/strategy.py", "tests", "tests/test_provider.py",
        "tests/test_strategy.py",
    }  # fmt: skip
    assert "passed" in run_its_tests(project)
    run = subprocess.run(
        [sys.executable, "-m", "alphaloom", "backtest", "my_alphas.yaml", "-q", "--out", "run",
         "--set", "span.start=2023-11-01"],
        cwd=project, capture_output=True, text=True,
    )  # fmt: skip
    assert run.returncode == 0, run.stderr
    assert fills(project / "run") > 0


@pytest.mark.slow
def test_a_new_project_can_be_installed_and_is_then_found(cli: Cli, tmp_path: Path) -> None:
    if importlib.util.find_spec("hatchling") is None:
        pytest.skip("hatchling is not installed: pip install 'alphaloom[test]'")
    cli("new", "project", "my_alphas")
    pip = [sys.executable, "-m", "pip", "install", "-q", "--disable-pip-version-check", "--no-deps"]
    local = ["--no-index", "--no-build-isolation", "--target", str(tmp_path / "site"), "./my_alphas"]
    done = subprocess.run([*pip, *local], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    shutil.rmtree(tmp_path / "my_alphas" / "my_alphas")
    env = {**os.environ, "PYTHONPATH": str(tmp_path / "site")}
    for command, expected in (
        ("providers", "my_alphas  my_alphas 0.1.0  my_alphas.provider:Provider\n  What fell most"),
        ("strategies", "my_alphas  my_alphas 0.1.0  my_alphas.strategy:Strategy\n  Holds the `names` stocks"),
    ):
        listed = subprocess.run(
            [sys.executable, "-m", "alphaloom", command],
            cwd=tmp_path, capture_output=True, text=True, env=env,
        )  # fmt: skip
        assert expected in listed.stdout, listed.stdout + listed.stderr
    short = ["alpha.provider=my_alphas", "alpha.params={sessions: 5}", "strategy.name=my_alphas"]
    sets = [
        part for item in (*short, "strategy.params={}", "span.start=2023-11-01") for part in ("--set", item)
    ]
    ran = subprocess.run(
        [sys.executable, "-m", "alphaloom", "backtest", "reversal", "-q", "--out", "run", *sets],
        cwd=tmp_path, capture_output=True, text=True, env=env,
    )  # fmt: skip
    assert ran.returncode == 0, ran.stderr


def test_a_name_that_yaml_would_misread_is_quoted(cli: Cli, tmp_path: Path) -> None:
    for name in ("null", "yes", "on"):
        assert cli("new", "provider", name).code == 0
        assert yaml.safe_load((tmp_path / f"{name}.yaml").read_text())["name"] == name


def test_a_name_in_chinese_is_a_name(cli: Cli, tmp_path: Path) -> None:
    assert cli("new", "provider", "低换手").code == 0
    assert fills(traded(cli, "低换手.yaml")) > 0


@pytest.mark.parametrize(
    ("typed", "module", "class_name"),
    [
        ("LowTurnover", "low_turnover", "LowTurnover"),
        ("low_turnover", "low_turnover", "LowTurnover"),
        ("RSI14", "rsi14", "RSI14"),
        ("myRSI", "my_rsi", "MyRSI"),
        ("PEGrowth", "pe_growth", "PEGrowth"),
    ],
)
def test_either_spelling_gives_a_module_and_a_class(
    cli: Cli, tmp_path: Path, typed: str, module: str, class_name: str
) -> None:
    assert cli("new", "provider", typed).code == 0
    assert f"class {class_name}(AlphaProvider):" in (tmp_path / f"{module}.py").read_text()


# -- bad names


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("low-turnover", "'low-turnover' is no Python name; did you mean low_turnover?"),
        ("low turnover", "did you mean low_turnover?"),
        ("../low", "is no Python name; did you mean low?"),
        ("a/b", "is no Python name"),
        ("low.py", "is no Python name; did you mean low?"),
        ("con", "Windows has no file of that name"),
        ("ｌｏｗ", "is no Python name; did you mean low?"),
        ("14_days", "is no Python name; write letters, digits and _"),
        ("", "'' is no Python name"),
        ("_", "'_' is no Python name"),
        ("two\nlines", "is no Python name; did you mean two_lines?"),
        ("class", "the name class is taken: it is a keyword of Python"),
        ("none", "the name none is taken: it is a keyword of Python"),
        ("exception", "Python has it built in"),
        ("random", "a module of Python's own library is called so"),
        ("numpy", "it would hide "),
        ("engine", "engine/__init__.py; choose another"),
        ("test_low", "pytest would take the file for one of its own"),
        ("reversal", "it is a short name of alphaloom, alpha_sources.reversal:ReversalProvider"),
        ("alpha_provider", "its class would hide the AlphaProvider it builds on"),
        ("a" * 61, "aaaaaaaaaaaaaaaaaaaa... is 61 bytes long; 60 are enough"),
    ],
)  # fmt: skip
def test_a_bad_name_is_refused_in_a_line_and_nothing_is_written(
    cli: Cli, tmp_path: Path, name: str, why: str
) -> None:
    assert why in cli("new", "provider", name).refused()
    assert listing(tmp_path) == set()


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("topk_dropn", "it is a short name of alphaloom"),
        ("basket", "its class would hide the Basket it builds on"),
        ("settings", "its class would hide the Settings it builds on"),
        ("strategies", "strategies/__init__.py; choose another"),
    ],
)
def test_a_strategy_cannot_hide_what_it_builds_on(cli: Cli, tmp_path: Path, name: str, why: str) -> None:
    assert why in cli("new", "strategy", name).refused()
    assert listing(tmp_path) == set()


@pytest.mark.parametrize("name", ["engine", "reversal", "buy_and_hold", "2024", "json", "my.json/.."])
def test_a_project_needs_a_name_for_its_package(cli: Cli, tmp_path: Path, name: str) -> None:
    cli("new", "project", name).refused()
    assert listing(tmp_path) == set()


# -- nothing is written over


@pytest.mark.parametrize("taken", ["low.py", "low.yaml", "test_low.py"])
def test_an_existing_file_is_left_as_it_is(cli: Cli, tmp_path: Path, taken: str) -> None:
    (tmp_path / taken).write_text("precious")
    assert f"{taken} exists and is left as it is" in cli("new", "provider", "low").refused()
    assert listing(tmp_path) == {taken}
    assert (tmp_path / taken).read_text() == "precious"


def test_a_link_that_leads_nowhere_is_not_written_through(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "low.py").symlink_to(tmp_path / "elsewhere.py")
    assert "exists" in cli("new", "provider", "low").refused()
    assert not (tmp_path / "elsewhere.py").exists()


def test_the_second_time_is_refused(cli: Cli, tmp_path: Path) -> None:
    cli("new", "strategy", "best_ten")
    before = {path: path.read_bytes() for path in tmp_path.iterdir()}
    assert "best_ten.py exists" in cli("new", "strategy", "best_ten").refused()
    assert {path: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_a_project_goes_into_a_new_or_empty_folder_only(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "precious").write_text("x")
    (tmp_path / "a_file").write_text("x")
    (tmp_path / "empty").mkdir()
    assert "full is not empty; name a new or empty folder" in cli("new", "project", "full").refused()
    assert "a_file is a file" in cli("new", "project", "a_file").refused()
    assert listing(tmp_path) == {"full", "full/precious", "a_file", "empty"}
    assert cli("new", "project", "empty").code == 0
    assert cli("new", "project", "deep/down/mine").code == 0
    assert (tmp_path / "deep" / "down" / "mine" / "mine" / "provider.py").is_file()


def test_what_cannot_be_written_whole_is_not_written_at_all(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    files = {tmp_path / "new" / "a.py": "a", tmp_path / "b.py": "b", tmp_path / "file" / "c.py": "c"}
    with pytest.raises(OutputError, match=r"cannot write .*c\.py"):
        write_new(files)
    assert listing(tmp_path) == {"file"}
