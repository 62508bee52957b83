"""``alphaloom evaluate``: a formula, a library, a file; counted, sealed, on pages."""

from __future__ import annotations

import shlex
import sqlite3
from datetime import UTC, date, datetime
from pathlib import Path

import pandas as pd
import pytest
from cli_helpers import Cli, listing

from alpha_sources.evaluation.trials import TrialLedger
from alphaloom.config import load_config
from alphaloom.evaluation import hear, read_batch

TRAIN = "--span", "2022-01-04..2022-06-30"
FILE = """
# two ideas and a twin
reversal: -pct_change(close, 20)
calm: -ts_std(returns, 20)
wild: ts_std(returns, 20)   # the same, upside down
"""
SPANS = """
name: research
benchmark: 000016.SH
data: {source: sample}
spans:
  train: {start: 2021-01-04, end: 2021-06-30}
  valid: {start: 2021-07-01, end: 2021-12-31}
  test: {start: 2022-01-04, end: 2022-12-30}
"""


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, cli: Cli) -> Path:
    # after cli, which clears the environment
    monkeypatch.setenv("ALPHALOOM_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


def test_a_formula_gets_a_verdict_in_words(cli: Cli) -> None:
    ran = cli("evaluate", "-pct_change(close, 20)", *TRAIN)
    assert ran.code == 0, ran.err
    assert "indistinguishable from noise after 1 trial" in ran.out
    assert "1 trial in project quickstart (1 new): |t| 1.98 is needed" in ran.out


def test_what_was_tried_is_counted_once_and_for_ever(cli: Cli, home: Path) -> None:
    cli("evaluate", "-pct_change(close, 20)", *TRAIN)
    again = cli("evaluate", "-1 * pct_change(close, 20)", "--span", "2021-01-04..2021-06-30")
    assert "1 trial in project quickstart (0 new)" in again.out
    other = cli("evaluate", "close / open", *TRAIN)
    assert "after 2 trials" in other.out
    assert "after 1 trial:" in cli("evaluate", "close / open", *TRAIN, "--project", "mine").out
    with TrialLedger.open(home / "trials.db") as ledger:
        assert ledger.projects() == ["mine", "quickstart"]
        assert len(ledger.evaluations("quickstart")) == 3


def test_a_file_of_formulas_and_its_pages(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "ideas.txt").write_text(FILE)
    ran = cli("evaluate", "ideas.txt", *TRAIN, "--out", "pages", "--sort", "name")
    assert ran.code == 0, ran.err
    rows = [line.split()[0] for line in ran.out.splitlines()[2:5]]
    assert rows == ["calm", "reversal", "wild"]
    assert {"pages/index.html", "pages/alphas/calm.html", "pages/evaluation.parquet"} <= listing(tmp_path)
    frame = pd.read_parquet(tmp_path / "pages" / "evaluation.parquet")
    assert frame.loc["wild", "twin"].startswith("calm (negated")
    index = (tmp_path / "pages" / "index.html").read_text(encoding="utf-8")
    assert "alphas/calm.html" in index and "Mean rank correlation of a session" in index
    page = (tmp_path / "pages" / "alphas" / "calm.html").read_text(encoding="utf-8")
    assert "By regime" in page and "Decay" in page


def test_the_same_again_comes_from_the_store_to_the_last_digit(cli: Cli, tmp_path: Path, home: Path) -> None:
    (tmp_path / "ideas.txt").write_text(FILE)
    for folder in ("a", "b"):
        cli("evaluate", "ideas.txt", *TRAIN, "--out", folder)
    frames = [pd.read_parquet(tmp_path / folder / "evaluation.parquet") for folder in ("a", "b")]
    pd.testing.assert_frame_equal(*frames)
    assert any((home / "cache" / "evaluations").iterdir())


def test_what_was_begun_counts_though_it_was_interrupted(tmp_path: Path, home: Path) -> None:
    (tmp_path / "ideas.txt").write_text(FILE)
    batch = read_batch(str(tmp_path / "ideas.txt"))
    at = datetime(2026, 1, 5, tzinfo=UTC)

    def interrupt(done: int, reused: int) -> None:
        raise KeyboardInterrupt

    settings = load_config("quickstart", sets=[], environ={})
    with pytest.raises(KeyboardInterrupt):
        hear(batch, settings, span=TRAIN[1], at=at, progress=interrupt)
    with TrialLedger.open(home / "trials.db") as ledger:
        assert ledger.count("quickstart") == 3
    seen: list[tuple[int, int]] = []
    found = hear(batch, settings, span=TRAIN[1], at=at, progress=lambda *said: seen.append(said))
    assert seen == [(3, 3)]  # nothing is computed twice
    assert found.new_trials == 0 and found.assessment.trials == 3
    with TrialLedger.open(home / "trials.db") as ledger:
        assert ledger.evaluations("quickstart")["ic_t"].notna().all()


def test_the_page_of_a_single_formula_says_how_often_the_test_was_opened(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "research.yaml").write_text(SPANS)
    cli("evaluate", "close / open", "--config", "research.yaml", "--span", "test", "--out", "pages")
    page = (tmp_path / "pages" / "index.html").read_text(encoding="utf-8")
    assert "opened for the first time in project research" in page


def test_every_alpha_of_a_batch_has_a_file_of_its_own(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "ideas.txt").write_text("rank-3: close / open\nclose*2\nrank_3: close\nrank: open\n")
    (tmp_path / "ideas.txt").write_text("open-3: close / open\n(open)\nopen: high\nopen+0\n")
    ran = cli("evaluate", "ideas.txt", *TRAIN, "--out", "pages", "--controls", "0")
    assert ran.code == 0, ran.err
    assert len(list((tmp_path / "pages" / "alphas").iterdir())) == 4


def test_a_shipped_library_by_its_name(cli: Cli) -> None:
    ran = cli("evaluate", "paper_released", "--span", "2022-09-30..2022-12-30", "--controls", "0")
    assert ran.code == 0, ran.err
    assert "published" in ran.out and "0 told from noise" in ran.out


def test_spans_of_the_configuration_and_the_sealed_test(cli: Cli, tmp_path: Path, home: Path) -> None:
    (tmp_path / "research.yaml").write_text(SPANS)
    config = "--config", "research.yaml"
    assert "2021-01-04 to 2021-06-30" in cli("evaluate", "close / open", *config).out
    assert "2021-07-01 to 2021-12-31" in cli("evaluate", "close / open", *config, "--span", "valid").out
    refused = cli("evaluate", "close / open", *config, "--span", "2021-07-01..2022-01-31").refused()
    assert "into the test span that begins 2022-01-04 and is sealed" in refused
    first = cli("evaluate", "close / open", *config, "--span", "test").out
    assert "opened for the first time in project research" in first
    again = cli("evaluate", "close / open", *config, "--span", "test").out
    assert "has been opened 2 times in project research" in again
    with TrialLedger.open(home / "trials.db") as ledger:
        assert ledger.times_opened("research", (date(2022, 1, 4), date(2022, 12, 30))) == 2


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (("nosuch.yaml",), "nosuch.yaml"),
        (("nosuch.txt",), "nosuch.txt cannot be read"),
        (("alpha10l", *TRAIN), "'alpha10l' is no field, no library and no file; did you mean alpha101?"),
        ((__file__,), "is a file, but no .yaml, .yml, .csv or .txt of formulas"),
        (("close / open", "--span", "test"), "the configuration names no such span"),
        (("close / open", "--span", "2022"), "'2022' is no span"),
        (("close / open", "--span", "2022-02-01..2022-01-01"), "2022-02-01 lies after 2022-01-01"),
        (("close / open", "--span", "2022-01-29..2022-02-06"), "holds no session"),
        (("close / open", "--span", "2031-01-01..2031-02-01"), "lies after the data"),
        (("close / open", "--sort", "beauty"), "--sort: 'beauty' is no column"),
        (("close / open", "--universe", "nasdaq"), "universe"),
        (("close / open", *TRAIN, "--quantiles", "60"), "quantiles"),
    ],
)
def test_what_cannot_be_judged_is_refused_in_one_line(cli: Cli, args: tuple[str, ...], said: str) -> None:
    ran = cli("evaluate", *args)
    if "60" in args:  # an alpha of its own standing: no crash, no verdict
        assert ran.code == 0 and said in ran.out
    else:
        assert said in ran.refused()


def test_a_formula_at_fault_is_shown_with_its_place(cli: Cli, tmp_path: Path) -> None:
    ran = cli("evaluate", "delta(close, -1)", *TRAIN)
    assert ran.code == 2 and "^" in ran.err
    (tmp_path / "ideas.txt").write_text("good: close / open\nbad: delta(close, -1)\n")
    assert "ideas.txt, line 2" in cli("evaluate", "ideas.txt", *TRAIN).refused()


def test_a_damaged_ledger_is_refused_and_left_as_it_is(cli: Cli, home: Path) -> None:
    home.mkdir()
    (home / "trials.db").write_bytes(b"this is no database, though it is long enough to be one")
    assert "trials.db" in cli("evaluate", "close / open", *TRAIN).refused()
    assert (home / "trials.db").read_bytes().startswith(b"this is no database")
    (home / "trials.db").unlink()
    cli("evaluate", "close / open", *TRAIN)
    with sqlite3.connect(home / "trials.db") as connection:
        assert connection.execute("SELECT count(*) FROM trials").fetchone() == (1,)


def test_the_page_on_evaluation_works_as_printed(cli: Cli, tmp_path: Path) -> None:
    page = (Path(__file__).parents[2] / "docs" / "evaluation.md").read_text(encoding="utf-8")
    (tmp_path / "ideas.txt").write_text(FILE)
    commands = [line for line in page.splitlines() if line.startswith("alphaloom ")]
    assert len(commands) == 3
    for command in commands:
        ran = cli(*shlex.split(command)[1:])
        assert ran.code == 0, f"{command}: {ran.err}"
    python = page.split("```python\n")[1].split("```")[0]
    exec(compile(python, "evaluation.md", "exec"), {})
    (tmp_path / "spans.yaml").write_text(page.split("```yaml\n")[1].split("```")[0])
    assert "2021-01-04 to 2021-12-31" in cli("evaluate", "close / open", "--config", "spans.yaml").out


LIBRARY = """\
title: two
entries:
- {name: reversal, category: mean_reversion, formula: '-pct_change(close, 20)', knows_until: '%s'}
- {name: calm, category: volatility, formula: '-ts_std(returns, 60)', knows_until: '2020-06-30'}
"""


def test_who_could_know_the_span_is_said_as_in_a_run(cli: Cli, tmp_path: Path) -> None:
    old, new, research = (tmp_path / name for name in ("old.yaml", "new.yaml", "research.yaml"))
    old.write_text(LIBRARY % "2020-12-31")
    new.write_text(LIBRARY % "2022-03-31")
    research.write_text(SPANS)
    said = "contaminated: the test span begins on 2022-01-04, and 1 of 2 seeds are chosen by who"
    assert said in cli("evaluate", new, *TRAIN, "--out", tmp_path / "pages").out
    assert said in (tmp_path / "pages" / "index.html").read_text()
    clean = cli("evaluate", old, *TRAIN).out
    assert "contaminated" not in clean and "clean: whoever chose the formulas" in clean
    # of a formula of one's own nobody says anything, and on a span to train on nothing is tested
    for args in (("-pct_change(close, 20)", *TRAIN), (new, "--span", "train", "--config", research)):
        ran = cli("evaluate", *args)
        assert ran.code == 0 and "contaminated" not in ran.out and "clean" not in ran.out
    opened = cli("evaluate", new, "--span", "test", "--config", research).out
    assert said in opened and "opened for the first time" in opened
