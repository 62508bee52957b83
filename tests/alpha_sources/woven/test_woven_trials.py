"""A back-test whose committee judges formulas counts them as trials."""

from __future__ import annotations

from pathlib import Path

import pytest

import alphaloom
from alpha_sources.evaluation.trials import TrialLedger
from engine.result import Result

SETS = [
    "alpha.params.seeds=paper_released",
    "alpha.params.weights={model: equal}",
    "alpha.refresh=once",
    "span.start=2022-06-01",
    "span.end=2022-06-10",
]


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("ALPHALOOM_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


def run(keep: bool = True) -> Result:
    return alphaloom.backtest("woven_sse50", sets=SETS, keep=keep)


def tried(home: Path) -> int:
    with TrialLedger.open(home / "trials.db") as ledger:
        assert ledger.projects() == ["woven_sse50"]
        return len(ledger.trials("woven_sse50"))


def test_what_the_committee_of_a_back_test_judged_is_counted_once(home: Path) -> None:
    run()
    first = tried(home)
    assert first > 10
    run()
    assert tried(home) == first


def test_nothing_is_counted_where_nothing_is_to_be_kept(home: Path) -> None:
    run(keep=False)
    assert not (home / "trials.db").exists()


def test_a_ledger_that_cannot_be_written_is_a_warning_of_the_run(home: Path) -> None:
    (home / "trials.db").mkdir(parents=True)
    assert any("not counted as trials" in warning for warning in run().warnings)
