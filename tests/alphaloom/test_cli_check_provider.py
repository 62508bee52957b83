"""``alphaloom check-provider`` and the same checks as tests of one's own."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from cli_helpers import ROOT, Cli, listing

from alpha_sources.conformance import CHECKS, Fault

pytest_plugins = ["pytester"]

MINE = """
import time

import numpy as np

from alphaloom import AlphaProvider


class LowTurnover(AlphaProvider):
    def __init__(self, sessions: int = 20) -> None:
        self.sessions = self.history = sessions

    def scores(self, view, snapshot):
        turnover = view.field("turnover")[-self.sessions :]  # (sessions, N)
        return -turnover.mean(axis=0)  # (N,): higher is better, NaN is no opinion


class Peeking(AlphaProvider):
    def scores(self, view, snapshot):
        return view.field("close").base[view.t + 1]


class Hanging(AlphaProvider):
    def scores(self, view, snapshot):
        time.sleep(3600)


class Talking(LowTurnover):
    def scores(self, view, snapshot):
        print("here I am")
        return super().scores(view, snapshot)


class Unmade(AlphaProvider):
    def __init__(self) -> None:
        raise KeyError("nobody is there")

    def scores(self, view, snapshot):
        return view.field("close")[-1]


class Noted(AlphaProvider):
    def scores(self, view, snapshot):
        return np.where(np.cumsum(view.universe[-1]) <= 3, view.field("close")[-1], np.nan)
"""
FEW = ("--sessions", 2)


@pytest.fixture
def mine(tmp_path: Path) -> Path:
    path = tmp_path / "my_alpha.py"
    path.write_text(MINE)
    return path


def test_a_provider_that_conforms_gives_one_line_a_check_and_zero(cli: Cli, mine: Path) -> None:
    ran = cli("check-provider", "my_alpha.py:LowTurnover", *FEW)
    assert (ran.code, ran.err) == (0, "")
    lines = ran.out.splitlines()
    assert [line.split()[1] for line in lines[:-2]] == list(CHECKS)
    assert lines[-2] == "my_alpha.py:LowTurnover conforms"
    assert lines[-1].startswith("2 sessions of 202")
    assert listing(mine.parent) == {"my_alpha.py"}


def test_one_that_does_not_gives_the_way_and_one(cli: Cli, mine: Path) -> None:
    ran = cli("check-provider", "my_alpha.py:Peeking", *FEW)
    assert ran.code == 1
    assert "failed   future_in_scores   negative shift: it depends on the next session (t+1)" in ran.out
    assert "does not conform: 1 of " in ran.out
    assert "Traceback" not in ran.out + ran.err


def test_one_that_hangs_gives_one_when_the_time_is_up(cli: Cli, mine: Path) -> None:
    ran = cli("check-provider", "my_alpha.py:Hanging", *FEW, "--time-limit", "0.5")
    assert ran.code == 1
    assert "failed   shape              hangs: scores at 20" in ran.out
    assert ran.out.count("\n") == 3


def test_what_a_provider_prints_is_no_part_of_the_report(mine: Path) -> None:
    command = [sys.executable, "-m", "alphaloom", "check-provider", "my_alpha.py:Talking", "-n", "1"]
    ran = subprocess.run(command, capture_output=True, text=True, cwd=mine.parent)
    assert ran.returncode == 0, ran.stderr
    assert "here I am" not in ran.stdout
    assert set(ran.stderr.splitlines()) == {"here I am"}


def test_notes_do_not_fail(cli: Cli, mine: Path) -> None:
    ran = cli("check-provider", "my_alpha.py:Noted", *FEW)
    assert ran.code == 0
    assert "note     nan_rules          too few names" in ran.out
    assert "my_alpha.py:Noted conforms, with 1 note" in ran.out


def test_the_configuration_says_which_provider_and_how(cli: Cli, mine: Path) -> None:
    Path("mine.yaml").write_text(
        "data: {source: sample}\nspan: {start: 2023-01-01, end: 2023-06-30}\n"
        "alpha: {provider: my_alpha.py:LowTurnover, params: {sessions: 10}}\n"
    )
    ran = cli("check-provider", "--config", "mine.yaml", *FEW)
    assert ran.code == 0
    assert "10 sessions before the one scored are enough" in ran.out
    ran = cli("check-provider", "--config", "mine.yaml", "--set", "alpha.params.sessions=5", *FEW)
    assert "5 sessions before the one scored are enough" in ran.out
    assert "2 sessions of 2023-0" in ran.out
    ran = cli("check-provider", "reversal", "--config", "mine.yaml", *FEW)
    assert "reversal conforms" in ran.out


def test_a_file_of_scores_on_data_of_ones_own(cli: Cli) -> None:
    ran = cli("check-provider", "--config", "golden_qlib", *FEW)
    assert ran.code == 0, ran.out
    assert "note     own_data" in ran.out
    assert "topk_panel.parquet" in ran.out


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("my_alpha.py:LowTurnOver",), "has no class 'LowTurnOver'; did you mean LowTurnover?"),
        (("revresal",), "no alpha provider is called 'revresal'; did you mean reversal?"),
        (
            ("reversal", "--set", "alpha.params.lookbak=3"),
            "has no parameter 'lookbak'; did you mean lookback?",
        ),
        (("reversal", "--set", "alpha.params.lookback=0"), "lookback must be at least 1 session, not 0"),
        (("reversal", "--config", "nothing"), "there is no configuration 'nothing'"),
        (("reversal", "--set", "span.start=2030-01-01"), "span"),
        (("scores_file",), "needs the parameter path"),
    ],
)
def test_what_cannot_be_loaded_is_one_line_and_two(
    cli: Cli, mine: Path, arguments: tuple, words: str
) -> None:
    assert words in cli("check-provider", *arguments).refused()


@pytest.mark.parametrize("option", [("--sessions", "0"), ("--time-limit", "0"), ("--seed", "-1")])
def test_options_out_of_range_are_refused(cli: Cli, option: tuple) -> None:
    assert cli("check-provider", "reversal", *option).code == 2


# -- as tests


@pytest.fixture
def project(pytester: pytest.Pytester) -> pytest.Pytester:
    pytester.makepyfile(my_alpha=MINE)
    pytester.makepyfile(
        test_mine="""
        from alphaloom.testing import provider_suite
        from my_alpha import Hanging, LowTurnover, Noted, Peeking, Unmade

        test_low_turnover = provider_suite(lambda: LowTurnover(20), sessions=2)
        test_peeking = provider_suite(Peeking, sessions=2)
        test_hanging = provider_suite(Hanging, sessions=2, time_limit=0.5)
        test_noted = provider_suite(Noted, sessions=2)
        test_unmade = provider_suite(Unmade, sessions=2)
        test_by_name = provider_suite("reversal", sets=["alpha.params.lookback=5"], sessions=2)
        """
    )
    return pytester


def run(project: pytest.Pytester, *arguments: str) -> pytest.RunResult:
    project.makeconftest(f"import sys; sys.path.append({str(ROOT)!r})")
    return project.runpytest_subprocess("-p", "no:cacheprovider", "-rs", *arguments)


def test_three_lines_make_one_test_for_each_check(project: pytest.Pytester) -> None:
    ran = run(project, "-v", "-k", "low_turnover")
    ran.assert_outcomes(passed=10, skipped=3, deselected=5 * len(CHECKS))
    ran.stdout.fnmatch_lines([f"test_mine.py::test_low_turnover?{check}? *" for check in CHECKS])


def test_a_failed_check_is_told_in_words_without_a_traceback(project: pytest.Pytester) -> None:
    ran = run(project, "-k", "peeking and future_in_scores")
    ran.assert_outcomes(failed=1, deselected=6 * len(CHECKS) - 1)
    ran.stdout.fnmatch_lines(["*negative shift: it depends on the next session (t+1)*"])
    assert "Traceback" not in ran.stdout.str()
    assert "run_check" not in ran.stdout.str()


def test_a_hanging_provider_fails_its_test_and_the_others_go_on(project: pytest.Pytester) -> None:
    ran = run(project, "-k", "hanging or low_turnover and shape")
    ran.assert_outcomes(failed=1, passed=1, skipped=len(CHECKS) - 1, deselected=5 * len(CHECKS) - 1)
    ran.stdout.fnmatch_lines(["*hangs: scores at 20* takes longer than 0.5 s*"])


def test_one_that_cannot_be_made_fails_one_test(project: pytest.Pytester) -> None:
    ran = run(project, "-k", "unmade")
    ran.assert_outcomes(failed=1, skipped=len(CHECKS) - 1, deselected=5 * len(CHECKS))
    ran.stdout.fnmatch_lines(["*raises: it cannot be made: KeyError: 'nobody is there' (*my_alpha.py:*"])


def test_notes_are_warnings_and_one_check_can_be_run_alone(project: pytest.Pytester) -> None:
    ran = run(project, "-k", "noted and nan_rules")
    ran.assert_outcomes(passed=1, deselected=6 * len(CHECKS) - 1)
    ran.stdout.fnmatch_lines(["*ProviderNote: nan_rules: too few names*"])


def test_a_provider_by_name_with_the_parameters_of_a_configuration(project: pytest.Pytester) -> None:
    ran = run(project, "-k", "by_name")
    ran.assert_outcomes(passed=10, skipped=3, deselected=5 * len(CHECKS))


# -- the page about it


def test_the_page_names_every_check_and_every_fault() -> None:
    page = (ROOT / "docs" / "check_provider.md").read_text(encoding="utf-8")
    assert not [check for check in CHECKS if f"`{check}`" not in page]
    assert not [fault for fault in Fault if fault.value not in page]
