"""``alphaloom refresh`` and ``alphaloom snapshot``, on the bundled sample."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from datetime import date
from pathlib import Path

import pytest

from alpha_sources.evaluation.trials import TrialLedger
from alpha_sources.snapshot import Snapshot
from alpha_sources.woven.learning import Learner
from alphaloom.snapshots import snapshots_of
from engine.errors import ProviderError

CONFIG = """\
name: quick
data: {source: sample}
span: {start: 2021-09-01, end: 2021-12-31}
alpha:
  provider: woven
  refresh: month_end
  params:
    seeds_path: seeds.yaml
    min_sessions: 100
    agents: {threshold: 0.3}
    weights: {model: ridge}
strategy: {name: topk_dropn, params: {topk: 13, n_drop: 5}}
"""
SEEDS = """\
title: a few
entries:
- {name: reversal, category: mean_reversion, formula: '-pct_change(close, 20)'}
- {name: calm, category: volatility, formula: '-ts_std(returns, 60)'}
- {name: neglected, category: liquidity, formula: '-ts_mean(turnover, 20)'}
"""


@pytest.fixture
def config(tmp_path, monkeypatch):
    (tmp_path / "quick.yaml").write_text(CONFIG)
    (tmp_path / "seeds.yaml").write_text(SEEDS)
    return tmp_path / "quick.yaml"


@pytest.fixture
def home(cli, tmp_path, monkeypatch):
    # after cli, which forgets what the environment says of Alphaloom
    monkeypatch.setenv("ALPHALOOM_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


def kept(home: Path) -> dict[str, Snapshot]:
    folders = (home / "store" / "refreshes").glob("*/snapshot.json")
    return {path.parent.name: Snapshot.load(path.parent) for path in folders}


def test_one_session_is_learned_and_shown(cli, config, home):
    ran = cli("refresh", config, "--date", "2021-10-10", "-q")
    assert ran.code == 0
    (digest, snapshot), *none = kept(home).items()
    assert (snapshot.as_of, none) == ("2021-10-08", [])  # the last session before that Sunday
    assert ran.out.startswith(f"2021-10-08  {digest[:12]}  learned")
    shown = cli("snapshot", "show", digest[:8]).out
    assert "reversal" in shown
    assert "-ts_std(returns, 60)" in shown
    assert "learned at 2021-10-08" in shown


def test_a_walk_is_found_again_and_plays_in_a_backtest(cli, config, home, tmp_path):
    walk = ("refresh", config, "--since", "2021-08-31", "--date", "2021-12-31", "-q")
    first = cli(*walk, "--out", tmp_path / "kept")
    days = [line.split()[0] for line in first.out.splitlines() if line.startswith("20")]
    assert days == ["2021-08-31", "2021-09-30", "2021-10-29", "2021-11-30", "2021-12-31"]
    again = cli(*walk)
    assert [line.split()[2] for line in again.out.splitlines() if line.startswith("20")] == ["found"] * 5
    assert cli("backtest", config, "-q", "--out", tmp_path / "run").code == 0
    played = {one.hash for one in snapshots_of(tmp_path / "run")}
    assert played <= {path.name for path in (tmp_path / "kept").iterdir()}
    assert len(played) == 4  # the last session decides nothing
    fresh = cli("backtest", config, "-q", "--fresh", "--out", tmp_path / "fresh")
    assert fresh.code == 0
    assert (tmp_path / "run" / "result.json").read_bytes() == (
        tmp_path / "fresh" / "result.json"
    ).read_bytes()


def test_it_says_how_to_look_at_what_it_kept_and_nothing_of_what_it_did_not(cli, config, home, tmp_path):
    forgotten = cli("refresh", config, "--date", "2021-10-10", "-q", "--fresh")
    assert "snapshot show" not in forgotten.out
    written = cli("refresh", config, "--date", "2021-10-10", "-q", "--fresh", "--out", tmp_path / "o")
    shown = cli("snapshot", "show", written.out.split()[-1])
    assert (shown.code, "learned at 2021-10-08" in shown.out) == (0, True)


def test_two_snapshots_are_compared(cli, config, home, tmp_path):
    cli("refresh", config, "--since", "2021-08-31", "--date", "2021-09-30", "-q", "--out", tmp_path / "kept")
    first, second = sorted(kept(home).values(), key=lambda one: one.as_of)
    ran = cli("snapshot", "diff", first.hash[:10], second.hash[:10])
    assert ran.code == 1
    assert "2021-08-31" in ran.out
    assert " -> " in ran.out
    assert cli("snapshot", "diff", second.hash[:10]).out == ran.out
    same = cli("snapshot", "diff", first.hash[:10], first.hash[:10])
    assert (same.code, same.out) == (0, "the same\n")


def test_a_killed_walk_goes_on_to_the_same_bytes(config, tmp_path):
    command = [sys.executable, "-m", "alphaloom", "refresh", str(config), "--since", "2021-08-31", "-q"]
    command += ["--date", "2021-12-31"]
    environ = {key: value for key, value in os.environ.items() if not key.startswith("ALPHALOOM")}
    homes = {name: environ | {"ALPHALOOM_HOME": str(tmp_path / name)} for name in ("killed", "whole")}
    process = subprocess.Popen(command, env=homes["killed"], stdout=subprocess.DEVNULL)
    records = tmp_path / "killed" / "store" / "refreshes" / "refreshes"
    end = time.monotonic() + 120
    while process.poll() is None and time.monotonic() < end:
        if len(list(records.rglob("*.json"))) >= 2:
            process.send_signal(signal.SIGKILL)
            break
        time.sleep(0.002)
    assert process.wait() == -signal.SIGKILL
    told = subprocess.run(command, env=homes["killed"], capture_output=True, text=True, check=True).stdout
    assert [line.split()[2] for line in told.splitlines()[:2]] == ["found", "found"]
    subprocess.run(command, env=homes["whole"], capture_output=True, check=True)
    resumed, whole = kept(tmp_path / "killed"), kept(tmp_path / "whole")
    assert resumed == whole
    assert len(whole) == 5


def test_a_refresh_that_fails_on_the_way_is_said(cli, config, home, monkeypatch, tmp_path):
    whole = Learner.weigh

    def weigh(self, view, *rest):
        if str(view.session) == "2021-10-29":
            raise ProviderError("the tide was out")
        return whole(self, view, *rest)

    monkeypatch.setattr(Learner, "weigh", weigh)
    ran = cli("refresh", config, "--since", "2021-09-30", "--date", "2021-11-30", "-q")
    assert ran.code == 0
    assert "note  the refresh at 2021-10-29 failed, and nothing new is in force: the tide was out" in ran.out
    assert [line.split()[2] for line in ran.out.splitlines() if line[:3] == "202"] == [
        "learned", "failed", "learned",
    ]  # fmt: skip
    ran = cli("backtest", config, "-q", "--out", tmp_path / "run")
    assert "the refresh at 2021-10-29 failed" in ran.out
    assert "learnt 2 times inside the test span 2021-09-01..2021-12-31 (2021-09-30 to 2021-11-30)" in ran.out


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (("refresh", "quickstart", "-q"), "alpha.refresh is never"),
        (("refresh", "buy_and_hold", "-q"), "reads no scores"),
        (("refresh", "CONFIG", "--date", "2001-01-01", "-q"), "lies before the data"),
        (
            ("refresh", "CONFIG", "--since", "2023-01-01", "--date", "2022-01-01", "-q"),
            "no session of the data",
        ),
        (("refresh", "CONFIG", "--date", "2021-02-01", "-q"), "min_sessions is 100"),
        (("refresh", "CONFIG", "--from", "nowhere", "-q"), "there is no snapshot 'nowhere'"),
        (("snapshot", "show", "abc"), "at least 6 characters"),
        (("snapshot", "show", "."), "holds no snapshots"),
    ],
)
def test_mistakes_are_named(cli, config, home, args, said):
    assert said in cli(*(config if arg == "CONFIG" else arg for arg in args)).refused()
    assert not (home / "store").exists()


def test_a_refresh_follows_only_what_its_own_configuration_learned(cli, config, home, tmp_path):
    out = tmp_path / "kept"
    cli("refresh", config, "--date", "2021-09-30", "-q", "--out", out)
    (folder,) = out.iterdir()
    old = Snapshot.load(folder)
    changed = cli(
        "refresh", config, "--from", folder, "--date", "2021-10-29", "--set", "alpha.params.min_sessions=90"
    ).refused()
    assert old.params_hash[:12] in changed and "was learned under other alpha.params" in changed
    assert changed.count("(hash ") == 2 and old.hash[:12] in changed and "leave --from out" in changed
    future = cli("refresh", config, "--from", folder, "--date", "2021-09-30").refused()
    assert "cannot be followed at 2021-09-30" in future
    other = cli(
        "refresh",
        config,
        "--from",
        folder,
        "--set",
        "alpha.provider=formulas",
        "--set",
        "alpha.params={formulas: [close]}",
    ).refused()
    assert "learned by woven, and alpha.provider is formulas" in other
    followed = cli("refresh", config, "--from", folder, "--date", "2021-10-29", "-q", "--out", tmp_path / "b")
    assert "learned" in followed.out
    (after,) = (tmp_path / "b").iterdir()
    assert Snapshot.load(after).parent == old.hash


def test_what_a_committee_judged_is_counted_once_as_tried(cli, config, home):
    first = cli("refresh", config, "--since", "2021-09-29", "--date", "2021-11-30", "-q")
    assert "3 formulas judged in project quick (3 new)" in first.out
    again = cli("refresh", config, "--since", "2021-09-29", "--date", "2021-12-31", "-q")
    assert "3 formulas judged in project quick (0 new)" in again.out
    with TrialLedger.open(home / "trials.db") as ledger:
        assert ledger.count("quick") == 3
        rows = ledger.evaluations("quick")
        assert set(rows["origin"]) == {"library"} and rows["ic_mean"].notna().all()
        # one span a run: from the first day learned from to the last label known when alphas were chosen
        assert sorted(set(rows["end"].dt.strftime("%Y-%m-%d"))) == ["2021-09-28", "2021-12-29"]
    # what is written otherwise is the same formula
    judged = cli("evaluate", "0 - pct_change(close, 20)", "--project", "quick", "--controls", "0", "--quiet")
    assert "3 trials in project quick (0 new)" in judged.out
    sat = cli("agents", "decide", "--config", config, "--date", "2021-12-31")
    assert "3 formulas judged in project quick (0 new)" in sat.out


def test_what_was_judged_inside_a_test_span_is_labelled(cli, config, home):
    spans = (
        "spans={train: {start: 2021-01-04, end: 2021-06-30}, valid: {start: 2021-07-01, end: 2021-09-30}, "
        "test: {start: 2021-10-08, end: 2021-12-31}}"
    )
    ran = cli("refresh", config, "--set", spans, "--since", "2021-09-29", "--date", "2021-12-31", "-q")
    assert (
        "3 formulas judged in project quick (3 new); in_test: 1 decision with labels of the test span"
        in ran.out
    )
    with TrialLedger.open(home / "trials.db") as ledger:
        test = (date(2021, 10, 8), date(2021, 12, 31))
        assert ledger.count("quick", span=test) == 3
        assert ledger.times_opened("quick", test) == 0  # a scheduled refresh opens nothing
        assert len(ledger.evaluations("quick")) == 6


def test_a_changed_snapshot_is_refused(cli, config, home, tmp_path):
    cli("refresh", config, "--date", "2021-09-30", "-q", "--out", tmp_path / "kept")
    (folder,) = (tmp_path / "kept").iterdir()
    text = (folder / "snapshot.json").read_text()
    (folder / "snapshot.json").write_text(text.replace("2021-09-30", "2021-09-29"))
    assert "was changed after it was written" in cli("snapshot", "show", folder).refused()
