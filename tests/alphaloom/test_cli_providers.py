"""``alphaloom providers`` and ``strategies``: what is installed is listed, and what is broken is named."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from cli_helpers import Cli

from alpha_sources.loading import ALPHA_SOURCES
from alphaloom.discovery import discover

GOOD = '''
import backtrader as bt
from alphaloom import AlphaProvider


class Good(AlphaProvider):
    """Scores by the name [of the stock].

    More of it.
    """

    def __init__(self, path, letters: int = 3, how: str = "up", **more):
        pass

    def scores(self, view, snapshot):
        return None


class Half(AlphaProvider):
    pass


class Slow(bt.Strategy):
    """Trades once a year."""

    params = (("signal", None), ("months", 12))
'''
BROKEN = {
    "raises.py": "raise RuntimeError('two\\nlines')\n",
    "leaves.py": "import sys\nsys.exit(3)\n",
    "needs.py": "import a_package_that_nobody_has\n",
    "typo.py": "def f(:\n",
}


def install(folder: Path, name: str, version: str, groups: dict[str, dict[str, str]]) -> None:
    """Lay down what an installer does: a dist-info with metadata and entry points."""
    info = folder / f"{name}-{version}.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
    lines = []
    for group, points in groups.items():
        lines += [f"[{group}]", *(f"{key} = {value}" for key, value in points.items()), ""]
    (info / "entry_points.txt").write_text("\n".join(lines))


@pytest.fixture
def site(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of packages on the path: one that works, and one with every way of not working."""
    folder = tmp_path_factory.mktemp("site")
    (folder / "goodplug.py").write_text(GOOD)
    for file, text in BROKEN.items():
        (folder / file).write_text(text)
    install(
        folder, "good-plug", "1.2",
        {
            "alphaloom.alpha_sources": {"good": "goodplug:Good", "half": "goodplug:Half"},
            "alphaloom.strategies": {"slow": "goodplug:Slow"},
        },
    )  # fmt: skip
    install(
        folder, "bad_plug", "0.0.1",
        {
            "alphaloom.alpha_sources": {
                "raises": "raises:X", "leaves": "leaves:X", "needs": "needs:X", "typo": "typo:X",
                "gone": "no_such_module_of_ours:X", "classless": "goodplug:Missing", "wrong": "goodplug:Slow",
                "bare": "goodplug",
            },
        },
    )  # fmt: skip
    monkeypatch.syspath_prepend(folder)
    yield folder
    for name in ("goodplug", *(Path(file).stem for file in BROKEN)):
        sys.modules.pop(name, None)


def test_our_own_are_listed_with_what_they_take(cli: Cli) -> None:
    ran = cli("providers")
    assert (ran.code, ran.err) == (0, "")
    assert "reversal  alphaloom 0.1.0  alpha_sources.reversal:ReversalProvider\n" in ran.out
    assert (
        "  What fell most over the last `lookback` sessions scores best.\n  params  lookback=20\n" in ran.out
    )
    assert "scores_file  alphaloom" in ran.out
    assert "  error  " not in ran.out
    ran = cli("strategies")
    assert "topk_dropn  alphaloom" in ran.out
    assert "topk=13, n_drop=5" in ran.out
    assert "signal" not in ran.out.split("params", 1)[1].splitlines()[0]


def test_an_installed_plug_in_is_listed_from_where_it_comes(cli: Cli, site: Path) -> None:
    out = cli("providers").out
    expected = (
        "good  good-plug 1.2  goodplug:Good\n"
        "  Scores by the name [of the stock].\n"
        "  params  path, letters=3, how='up', **more\n"
    )
    assert expected in out
    assert (
        "slow  good-plug 1.2  goodplug:Slow\n  Trades once a year.\n  params  months=12\n"
        in cli("strategies").out
    )


def test_a_plug_in_that_fails_is_named_and_breaks_no_other(cli: Cli, site: Path) -> None:
    ran = cli("providers")
    assert (ran.code, ran.err) == (0, "")
    said = {}
    for line in ran.out.splitlines():
        if not line.startswith(" "):
            name = line.split()[0]
        elif line.startswith("  error"):
            said[name] = line
    assert set(said) == {"half", "raises", "leaves", "needs", "typo", "gone", "classless", "wrong", "bare"}
    assert "RuntimeError: two lines" in said["raises"]
    assert f"{site / 'raises.py'}:1" in said["raises"]
    assert "SystemExit: 3" in said["leaves"]
    assert "a_package_that_nobody_has" in said["needs"]
    assert "SyntaxError" in said["typo"]
    assert "typo.py:1" in said["typo"]
    assert "there is no module 'no_such_module_of_ours'" in said["gone"]
    assert "has no class 'Missing'" in said["classless"]
    assert "Slow" in said["wrong"] and "is no AlphaProvider" in said["wrong"]
    assert "does not implement scores" in said["half"]
    assert "write package.module:Class" in said["bare"]
    assert "reversal  alphaloom" in ran.out
    assert "raises  bad_plug 0.0.1  raises:X" in ran.out


def test_the_working_folder_is_not_searched_for_what_is_installed(
    cli: Cli, site: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "only_here.py").write_text(GOOD)
    install(site, "stale", "1", {"alphaloom.alpha_sources": {"stale": "only_here:Good"}})
    path = list(sys.path)
    (stale,) = (plugin for plugin in discover(ALPHA_SOURCES) if plugin.name == "stale")
    assert "there is no module 'only_here'" in (stale.problem or "")
    assert sys.path == path


def test_a_name_that_two_packages_offer_is_said_twice(site: Path) -> None:
    install(
        site,
        "copycat",
        "3",
        {"alphaloom.alpha_sources": {"good": "goodplug:Half", "reversal": "goodplug:Good"}},
    )
    found = {(p.name, p.distribution): p for p in discover(ALPHA_SOURCES)}
    for distribution in ("alphaloom", "copycat"):
        problem = found["reversal", distribution].problem
        assert problem is not None
        assert "2 packages offer this name" in problem
    assert "alpha_sources.reversal:ReversalProvider" in (found["reversal", "alphaloom"].problem or "")


def test_they_are_found_by_a_program_of_their_own_and_run_by_their_short_name(
    site: Path, tmp_path: Path
) -> None:
    env = {**os.environ, "PYTHONPATH": str(site)}
    command = [sys.executable, "-m", "alphaloom"]
    listed = subprocess.run([*command, "providers"], capture_output=True, text=True, env=env, cwd=tmp_path)
    assert listed.returncode == 0, listed.stderr
    assert "good  good-plug 1.2" in listed.stdout
    used = subprocess.run(
        [*command, "backtest", "reversal", "--set", "alpha.provider=raises"],
        capture_output=True, text=True, env=env, cwd=tmp_path,
    )  # fmt: skip
    assert used.returncode == 2
    assert used.stderr.startswith("error: ")
    assert "RuntimeError: two lines" in used.stderr
    assert used.stderr.count("\n") == 1
