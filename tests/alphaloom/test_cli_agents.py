"""``alphaloom agents``: the committee on the sample, and why an alpha is in."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from cli_helpers import Cli

from alpha_sources.agents import Decision, decisions_of
from alpha_sources.snapshot import Snapshot


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, cli: Cli) -> None:
    monkeypatch.setenv("ALPHALOOM_HOME", str(tmp_path / "home"))


def test_a_committee_sits_and_is_asked_why(cli: Cli, tmp_path: Path) -> None:
    record = tmp_path / "record.json"
    ran = cli("agents", "decide", "--date", "2022-04-02", "--out", record)
    assert ran.code == 0, ran.err
    assert "at the close of 2022-04-01" in ran.out  # the last session up to a Saturday
    assert "θ confidence" in ran.out and "no model was asked" in ran.out
    decision = Decision.from_payload(json.loads(record.read_text()))
    Snapshot(payload={"decision": decision.to_payload()}).save(tmp_path / "run")
    name = decision.kept[0]
    why = cli("agents", "explain", tmp_path / "run", "--alpha", name)
    assert why.code == 0 and f"{name} ({decision[name].category})" in why.out
    assert f"{decision[name].score:.3f} (theta" in why.out
    whole = cli("agents", "explain", tmp_path / "run", "--date", "2022-04-06")
    assert whole.code == 0 and f"{len(decision.kept)} of 100 seeds" in whole.out


def test_a_decision_that_was_written_to_a_file_is_asked_why(cli: Cli, tmp_path: Path) -> None:
    record = tmp_path / "record.json"
    assert cli("agents", "decide", "--date", "2022-04-01", "--out", record).code == 0
    name = Decision.from_payload(json.loads(record.read_text())).kept[0]
    why = cli("agents", "explain", record, "--alpha", name)
    assert why.code == 0 and f"alpha         {name} (" in why.out


def test_a_ledger_that_cannot_be_written_is_found_before_the_committee_sits(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "home" / "trials.db").mkdir(parents=True)
    # a model that nobody can reach: whoever asks it says so
    said = cli(
        "agents", "decide", "--date", "2022-04-01", "--out", tmp_path / "record.json",
        "--set", "llm.mode=live", "--set", "llm.retries.attempts=1", "--set",
        "llm.profiles.here={base_url: 'http://127.0.0.1:9/v1', model: m, key_variable: null}",
    ).refused()  # fmt: skip
    assert "trials.db: it is a folder" in said and not (tmp_path / "record.json").exists()


def test_settings_and_seeds_of_ones_own(cli: Cli, tmp_path: Path) -> None:
    own = tmp_path / "own.yaml"
    own.write_text(
        "title: Two.\nsource: me\nentries:\n"
        "- {name: calm, formula: '-ts_std(returns, 60)', category: volatility}\n"
        "- {name: wild, formula: 'ts_std(returns, 60)', category: volatility}\n"
    )
    ran = cli(
        "agents", "decide", "--date", "2022-04-29", "--seeds", own, "--all",
        "--set", "alpha.params.agents.profile=aggressive", "--set", "alpha.params.agents.pick=best",
    )  # fmt: skip
    assert ran.code == 0, ran.err
    assert "ρ aggressive" in ran.out and "ρ neutral" not in ran.out
    assert "of one category" in ran.out
    assert ran.out.count("volatility") == 2


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (
            ("decide", "--set", "alpha.params.agents.threshold=7"),
            "alpha.params.agents.threshold must be at most 1",
        ),
        (("decide", "--date", "2019-01-02"), "lies before the data"),
        (("decide", "--date", "2030-01-02"), "lies after the data"),
        (("decide", "--date", "soon"), "--date"),
        (("decide", "--date", "2021-03-01"), "alpha.params.min_sessions is 250"),
        (("decide", "--config", "woven_sse50", "--set", "alpha.params.agent.threshold=1"), "'agent'"),
        (("decide", "--seeds", "paper_seed"), "did you mean paper_seeds"),
        (("explain", "nowhere"), "nowhere is no folder"),
    ],
)
def test_what_cannot_be_done_is_said_in_one_line(cli: Cli, words: tuple[str, ...], message: str) -> None:
    assert message in cli("agents", *words).refused()


def test_it_sits_as_in_the_run_of_the_configuration(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "runs").mkdir()
    own = tmp_path / "runs" / "own.yaml"
    own.write_text(
        "name: own\ndata: {source: sample}\nalpha:\n  provider: woven\n  refresh: month_end\n  params:\n"
        "    seeds: paper_seeds\n    news_path: news\n    window_sessions: 260\n    index_symbol: 000016.SH\n"
        "    weights: {model: equal}\n    brief: {chart_sectors: 0, text_sessions: 250}\n    charts: true\n"
        "strategy: {name: topk_dropn, params: {topk: 13, n_drop: 5}}\n"
    )
    (tmp_path / "runs" / "news").mkdir()
    (tmp_path / "runs" / "news" / "news.csv").write_text("published,title\n2022-03-01,growth\n")
    record = tmp_path / "record.json"
    ran = cli("agents", "decide", "--config", own, "--date", "2022-04-29", "--out", record)
    assert ran.code == 0, ran.err
    assert cli("refresh", own, "--date", "2022-04-29", "--fresh", "-q", "--out", tmp_path / "out").code == 0
    (learned,) = decisions_of(tmp_path / "out")
    assert Decision.from_payload(json.loads(record.read_text())) == learned
    assert [one["text"] for one in learned.brief["items"] if one["kind"] == "news"] == ["growth"]


def test_a_record_is_not_overwritten(cli: Cli, tmp_path: Path) -> None:
    record = tmp_path / "record.json"
    record.write_text("mine")
    assert "exists" in cli("agents", "decide", "--out", record).refused()
    assert record.read_text() == "mine"
