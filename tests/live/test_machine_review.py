"""What a user can do wrong with a paper account, and what it must not leave behind."""

from __future__ import annotations

import os
import subprocess
import sys
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from ledger_edits import execute
from replays import play, settings_of

from alphaloom import paper
from alphaloom.config import RunConfig
from engine.errors import AlphaloomError, ConfigError
from live.errors import LedgerConflict, LedgerError
from live.ledger import Ledger, Task, TaskState

FIRST, SECOND, THIRD, FOURTH = (date(2023, 6, day) for day in (1, 2, 5, 6))
OPENED = datetime(2023, 5, 31, 8, tzinfo=UTC)


@pytest.fixture
def url(tmp_path: Path) -> str:
    return str(tmp_path / "paper.db")


def open_account(url: str, settings: RunConfig | None = None) -> None:
    paper.open_account(settings or settings_of(), url, "demo", start=FIRST, at=OPENED)


def head(url: str) -> str:
    with Ledger.open(url) as ledger:
        return ledger.epoch().head_hash


def command(*arguments: str, home: Path) -> subprocess.CompletedProcess[str]:
    run = [sys.executable, "-m", "alphaloom", "paper", *arguments]
    environment = {**os.environ, "ALPHALOOM_HOME": str(home)}
    return subprocess.run(run, capture_output=True, text=True, check=False, cwd="/", env=environment)


# -- sessions that are over


@pytest.mark.parametrize("task", [Task.PLAN, Task.SETTLE])
def test_a_session_before_the_last_settled_one_is_over(url: str, task: Task) -> None:
    open_account(url)
    paper.step(url, None, THIRD)
    before = head(url)
    for session in (FIRST, SECOND, THIRD):
        assert paper.step(url, None, session, task) == {}
    assert head(url) == before


# -- an account is made only if it can be run


@pytest.mark.parametrize(
    ("sets", "said"),
    [
        (["strategy.params.topk=60"], "topk: 60 names cannot be held out of a universe of 50"),
        (["alpha.params.lookback=x"], "provider 'reversal' cannot be made"),
        (["strategy.params.drop=1"], "drop"),
    ],
)
def test_what_cannot_run_makes_no_account(url: str, tmp_path: Path, sets: list[str], said: str) -> None:
    settings = settings_of("reversal", *sets)
    with pytest.raises(AlphaloomError, match=said):
        play(settings, (FIRST, SECOND), url)
    with pytest.raises(AlphaloomError, match=said):
        open_account(url, settings)
    assert list(tmp_path.iterdir()) == []


def test_what_cannot_run_is_no_reason_to_archive_an_account(url: str) -> None:
    open_account(url)
    before = head(url)
    with pytest.raises(ConfigError, match="topk: 60 names"):
        paper.reset(
            url,
            None,
            settings_of("reversal", "strategy.params.topk=60"),
            start=FIRST,
            at=OPENED,
            reason="",
        )
    assert head(url) == before


def test_the_trial_of_a_strategy_decides_nothing(url: str, tmp_path: Path) -> None:
    """Nothing is asked of the provider, and `stop` of a strategy that never ran is not called."""
    (tmp_path / "own.py").write_text(
        "import backtrader as bt\n"
        "class Own(bt.Strategy):\n"
        "    def next(self): raise ValueError('next')\n"
        "    def stop(self): raise ValueError('stop')\n"
    )
    open_account(url, settings_of("reversal", f"strategy={{name: '{tmp_path / 'own.py'}:Own'}}"))
    with Ledger.open(url) as ledger:
        assert ledger.accounts() == ["demo"]


# -- which days, which configuration


def test_another_configuration_is_refused_by_what_is_different(url: str) -> None:
    play(settings_of(), (FIRST, SECOND), url)
    other = settings_of("reversal", "strategy.params.topk=12")
    with pytest.raises(LedgerConflict, match=r"strategy\.params\.topk is 13, not 12; .*paper reset"):
        play(other, (FIRST, SECOND), url)
    with pytest.raises(LedgerConflict, match=r"span\.end is 2023-06-02, not 2023-06-05; "):
        play(settings_of(), (FIRST, THIRD), url)


def test_a_reset_account_is_as_open_ended_as_it_was(url: str) -> None:
    open_account(url)
    ending = settings_of("reversal", "span.start=2023-06-03", "span.end=2023-06-05")
    paper.reset(url, None, ending, start=None, at=OPENED, reason="")
    # the first session on or after the day, as where an account is made; and no last one
    assert paper.open_account(ending, url, "demo", at=OPENED) == (False, THIRD)
    assert paper.step(url, None, FOURTH) == {FOURTH: []}


def test_a_reset_replay_keeps_its_days(url: str) -> None:
    play(settings_of(), (FIRST, SECOND), url)
    other = settings_of("reversal", "strategy.params.topk=12")
    paper.reset(url, None, other, start=None, at=OPENED, reason="")
    assert list(play(other, (FIRST, SECOND), url)) == [FIRST, SECOND]


def test_a_reset_to_days_that_run_backwards_is_refused(url: str) -> None:
    play(settings_of(), (FIRST, SECOND), url)
    before = head(url)
    with pytest.raises(ConfigError, match="2023-06-06 lies after its last day 2023-06-02"):
        paper.reset(url, None, None, start=FOURTH, at=OPENED, reason="")
    assert head(url) == before


# -- ledgers


def test_a_step_adds_nothing_to_a_ledger_that_is_not_sound(url: str) -> None:
    open_account(url)
    paper.step(url, None, FIRST)
    execute(f"sqlite:///{url}", "UPDATE fills SET shares = shares + 100")
    before = head(url)
    with pytest.raises(LedgerError, match=r"is not sound: .*fills"):
        paper.step(url, None, SECOND)
    assert head(url) == before


LEARNER = """
import numpy as np
from alpha_sources import AlphaProvider
from alpha_sources.snapshot import Snapshot

class Learner(AlphaProvider):
    def refresh(self, view, previous):
        return Snapshot(payload={"mean": float(np.nanmean(view.field("close")[-1]))})
    def scores(self, view, snapshot):
        return -np.abs(view.field("close")[-1] - snapshot.payload["mean"])
"""


@pytest.fixture
def learner(tmp_path: Path) -> RunConfig:
    (tmp_path / "learner.py").write_text(LEARNER)
    return settings_of("reversal", f"alpha={{provider: '{tmp_path / 'learner.py'}:Learner', refresh: once}}")


def test_lost_snapshots_are_asked_for_by_name_with_a_remedy(
    url: str, tmp_path: Path, learner: RunConfig
) -> None:
    open_account(url, learner)
    paper.step(url, None, FIRST)
    before = head(url)
    snapshots = tmp_path / "paper.db.snapshots"
    snapshots.rename(tmp_path / "elsewhere")
    with pytest.raises(LedgerError, match=r"paper\.db\.snapshots.*restore .* or .*alphaloom paper reset"):
        paper.step(url, None, SECOND)
    with pytest.raises(LedgerError, match=r"paper\.db\.snapshots.*restore"):
        paper.parity_of(url, None, FIRST)
    assert head(url) == before
    (tmp_path / "elsewhere").rename(snapshots)
    assert paper.step(url, None, SECOND) == {SECOND: []}


# -- a strategy that remembers

PATIENT = """
import backtrader as bt

class Patient(bt.Strategy):
    '''Has one order at a time, as backtrader's own examples do.'''
    def __init__(self):
        self.stock, self.order = self.getdatabyname("600519.SH"), None
    def notify_order(self, order):
        if not order.alive():
            self.order = None
    def next(self):
        if self.order is None:
            self.order = self.buy(self.stock, size=100)
"""


def test_a_strategy_hears_of_orders_whose_plan_was_missed(url: str, tmp_path: Path) -> None:
    (tmp_path / "patient.py").write_text(PATIENT)
    open_account(url, settings_of("reversal", f"strategy={{name: '{tmp_path / 'patient.py'}:Patient'}}"))
    paper.step(url, None, THIRD)  # the first two are missed: what was ordered for them is gone
    paper.step(url, None, FOURTH)  # and that is so when they are played again, too
    with Ledger.open(url) as ledger:
        assert [day for day, _ in ledger.trades()] == [THIRD, FOURTH]


# -- the command line


def test_the_default_ledger_makes_its_folder(tmp_path: Path) -> None:
    home = tmp_path / "not" / "there"
    read = command("verify", home=home)
    assert read.returncode == 2 and not home.exists()
    made = command("init", "reversal", "--from", "2023-06-01", home=home)
    assert made.returncode == 0, made.stderr
    assert (home / "paper.db").is_file()


def test_the_first_refresh_waits_for_the_plan_and_the_command_says_so(tmp_path: Path) -> None:
    url = str(tmp_path / "p.db")
    open_account(url)
    for _ in range(2):
        done = command("step", "--session", "2023-06-01", "--task", "refresh", "--db", url, home=tmp_path)
        assert done.returncode == 0
        assert "refresh waits for the plan" in done.stdout
        assert "done already" not in done.stdout


@pytest.mark.parametrize("speed", ["1e-300", "0", "abc"])
def test_a_speed_that_never_ends_is_refused(speed: str, tmp_path: Path) -> None:
    url = str(tmp_path / "p.db")
    days = ("--from", "2023-06-01", "--to", "2023-06-02")
    done = command("replay", "reversal", *days, "--speed", speed, "--db", url, home=tmp_path)
    assert done.returncode == 2
    assert done.stderr.startswith(f"error: --speed: {speed!r} is no speed")
    assert list(tmp_path.iterdir()) == []


def test_an_account_without_a_name_is_not_the_default_one(tmp_path: Path) -> None:
    url = str(tmp_path / "p.db")
    done = command("init", "reversal", "--account", "", "--db", url, home=tmp_path)
    assert done.returncode == 2
    assert done.stderr.startswith("error: account ''")


def test_status_keeps_its_lines_whole(url: str, tmp_path: Path) -> None:
    open_account(url)
    paper.step(url, None, FIRST, Task.EXECUTE)
    shown = command("status", "--db", url, home=tmp_path).stdout.splitlines()
    assert "2023-06-01  settle   waiting  until 06-01 23:59" in shown
    paper.step(url, None, FIRST)
    shown = command("status", "--db", url, home=tmp_path).stdout.splitlines()
    (line,) = [line for line in shown if line.startswith("At the close of 2023-06-01")]
    assert ": equity " in line and ", cash " in line
    with Ledger.open(url) as ledger:
        assert [task.state for task in ledger.tasks()] == [TaskState.DONE] * 5


# -- parity

CANCELLING = """
import backtrader as bt

class Cancelling(bt.Strategy):
    '''Orders far below the market, and takes the order back two closes later.'''
    def __init__(self):
        self.stock, self.orders = self.getdatabyname("600519.SH"), []
    def next(self):
        price = round(self.stock.close[0] * 0.92, 2)
        self.orders.append(self.buy(self.stock, size=100, price=price, exectype=bt.Order.Limit))
        if len(self.orders) > 2:
            self.cancel(self.orders.pop(0))
"""


def test_orders_that_were_taken_back_are_no_difference(url: str, tmp_path: Path) -> None:
    (tmp_path / "cancelling.py").write_text(CANCELLING)
    own = f"strategy={{name: '{tmp_path / 'cancelling.py'}:Cancelling'}}"
    found = play(settings_of("reversal", own, "broker.order_sessions=5"), (FIRST, date(2023, 6, 12)), url)
    with Ledger.open(url) as ledger:
        assert ledger.entries(task=Task.PLAN, kinds=("refusal",))
    assert len(found) == 8
    assert not any(found.values())


def test_the_password_of_a_server_is_not_printed(postgres: str, tmp_path: Path) -> None:
    execute(f"{postgres}/postgres", "CREATE DATABASE told", alone=True)
    url = f"{postgres.replace('tests@', 'tests:secret@')}/told"
    days = ("--from", "2023-06-01", "--to", "2023-06-02")
    made = command("init", "reversal", "--db", url, home=tmp_path)
    played = command("replay", "reversal", *days, "--account", "other", "--db", url, home=tmp_path)
    for done in (made, played):
        assert done.returncode == 0, done.stderr
        assert "secret" not in done.stdout and "tests:***@" in done.stdout


ENDING = """
import backtrader as bt

class Ending(bt.Strategy):
    def next(self):
        self.env.runstop()
"""


def test_a_strategy_that_ended_its_run_is_why_nothing_trades(url: str, tmp_path: Path) -> None:
    (tmp_path / "ending.py").write_text(ENDING)
    open_account(url, settings_of("reversal", f"strategy={{name: '{tmp_path / 'ending.py'}:Ending'}}"))
    assert paper.step(url, None, FIRST) == {FIRST: []}
    with Ledger.open(url) as ledger:
        settled = ledger.task(FIRST, Task.SETTLE)
    assert settled is not None and settled.note == "nothing traded: Ending has ended its run, with runstop()"
