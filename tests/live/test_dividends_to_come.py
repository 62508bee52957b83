"""Dividends that are paid after their ex-dates: a paper account waits for them, stopped and started."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from pathlib import Path

import pandas as pd
import pytest
from ledger_edits import execute
from replays import assert_same_files, back_test, play, settings_of

from alphaloom import paper
from alphaloom.config import RunConfig
from alphaloom.sample import sample_paths
from engine.broker.account import Receivable
from live.ledger import Ledger

#: 2023-06-27 and others have ex-dates of members
DAYS = date(2023, 6, 12), date(2023, 7, 21)


@pytest.fixture
def settings(tmp_path: Path) -> RunConfig:
    """The reversal strategy, every dividend paid five calendar days after its ex-date."""
    actions = pd.read_csv(sample_paths()["actions"])
    pay_date = pd.to_datetime(actions["ex_date"]) + pd.Timedelta(days=5)
    actions["pay_date"] = pay_date.dt.strftime("%Y-%m-%d")
    actions.to_csv(tmp_path / "actions.csv", index=False)
    return settings_of("reversal", f"data.actions={tmp_path / 'actions.csv'}")


def test_a_replay_is_still_the_back_test(url: str, settings: RunConfig, tmp_path: Path) -> None:
    differences = play(settings, DAYS, url, tmp_path / "paper")
    assert differences and not any(differences.values())
    files = ("equity", "fills", "orders", "positions", "events")
    assert_same_files(tmp_path / "paper", back_test(settings, DAYS, tmp_path / "back_test"), files)
    with Ledger.open(url) as ledger:
        assert ledger.verify().sound
        paid = [entry for _, entry in ledger.entries(kinds=("dividend",))]
    assert len(paid) > 5
    assert all(isinstance(entry, Receivable) for entry in paid)


def stepped(url: str, settings: RunConfig, last: date) -> None:
    """An account that a new process takes through every session."""
    paper.open_account(settings, url, "demo", start=DAYS[0], at=datetime(2023, 6, 9, 8, tzinfo=UTC))
    for day in pd.bdate_range(DAYS[0], last):
        session = day.date()
        if session not in (date(2023, 6, 22), date(2023, 6, 23)):  # the Dragon Boat Festival
            assert not any(paper.step(url, "demo", session).values())


def test_an_account_that_is_stopped_goes_on_waiting(url: str, settings: RunConfig, tmp_path: Path) -> None:
    stepped(url, settings, date(2023, 6, 30))
    with Ledger.open(url) as ledger:
        account, mark = ledger.account(), ledger.marks()[-1][1]
        assert ledger.verify().sound
    assert account.receivables
    held = sum(each.value_fen for each in mark.holdings)
    assert mark.value_fen == account.cash_fen + account.receivable_fen + held


def test_a_dividend_that_was_made_up_is_found(url: str, settings: RunConfig, tmp_path: Path) -> None:
    stepped(url, settings, date(2023, 6, 30))
    with Ledger.open(url) as ledger:
        due = json.loads(ledger.epoch().receivables)
    due[0]["cash_fen"] += 1
    execute(url, f"UPDATE epochs SET receivables = '{json.dumps(due)}'")
    with Ledger.open(url) as ledger:
        found = ledger.verify().findings
    assert [finding.table for finding in found] == ["epochs"]
