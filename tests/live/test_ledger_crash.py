"""Writers are killed at random moments. ``ALPHALOOM_KILLS=200`` kills more of them."""

from __future__ import annotations

import os
import pickle
import random
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from ledger_worker import Nursery
from paper_days import CASH_FEN, CONFIG, CONFIG_HASH, PaperDay, at, open_account

from live.errors import LedgerLocked
from live.ledger import Ledger, TaskState

KILLS = int(os.environ.get("ALPHALOOM_KILLS", "30"))


@pytest.fixture
def nursery(url: str, days: list[PaperDay], tmp_path: Path) -> Iterator[Nursery]:
    stored = tmp_path / "days.pickle"
    stored.write_bytes(pickle.dumps(days))
    Ledger.open(url, create=True).close()
    nursery = Nursery(url, stored)
    yield nursery
    nursery.close()


def test_a_writer_killed_at_any_moment_loses_and_doubles_nothing(
    url: str, nursery: Nursery, days: list[PaperDay]
) -> None:
    progress: set[str] = set()
    chance, longest_s = random.Random(6), 0.2
    for _ in range(KILLS):
        finished, before = nursery.run_for(chance.uniform(0, longest_s)), len(progress)
        with Ledger.open(url) as ledger:
            if ledger.accounts():
                assert ledger.verify().findings == ()
                progress.add(ledger.epoch().head_hash)
            if finished:  # once more, from the start
                assert_as_uninterrupted(ledger, days)
                with ledger.writer("demo") as writer:
                    writer.reset(CASH_FEN, CONFIG_HASH, CONFIG, at=at(days[-1].session))
        # as long as it takes on this machine to get anything done
        longest_s = max(0.1, longest_s * 0.9) if len(progress) > before else min(3.0, longest_s * 1.5)
    assert len(progress) > KILLS // 4, "the writers were killed before they did anything"
    nursery.start()
    assert nursery.status() == 0
    with Ledger.open(url) as ledger:
        assert_as_uninterrupted(ledger, days)


def assert_as_uninterrupted(ledger: Ledger, days: list[PaperDay]) -> None:
    assert ledger.verify().findings == ()
    assert ledger.account() == days[-1].account
    assert ledger.trades() == [(day.session, trade) for day in days for trade in day.trades]
    assert ledger.marks() == [(day.session, day.mark) for day in days]
    assert {record.state for record in ledger.tasks()} == {TaskState.DONE}


def test_a_second_process_on_an_account_is_refused_until_the_first_dies(url: str, nursery: Nursery) -> None:
    pid = nursery.start()
    wait_for_account(url)
    os.kill(pid, signal.SIGSTOP)
    with Ledger.open(url, timeout_s=1) as ledger:
        with pytest.raises(LedgerLocked, match=r"account 'demo' of ledger .* is in use by") as refused:
            ledger.writer("demo")
        if url.startswith("sqlite"):
            assert f"process {pid};" in str(refused.value)
        ledger.writer("other").close()
        os.kill(pid, signal.SIGKILL)
        nursery.status()
        ledger.writer("demo").close()


def test_a_second_writer_in_one_process_is_refused(ledger: Ledger) -> None:
    with ledger.writer("demo") as first:
        open_account(first)
        with pytest.raises(LedgerLocked):
            ledger.writer("demo")
    ledger.writer("demo").close()


def test_a_child_does_not_keep_the_lock_of_its_dead_parent(url: str, tmp_path: Path) -> None:
    with Ledger.open(url, create=True, timeout_s=5) as ledger:
        parent = os.fork()
        if not parent:
            held = ledger.writer("demo")
            child = os.fork()
            if not child:
                time.sleep(20)  # outlives its parent, with all that it inherited
                os._exit(0)
            (tmp_path / "child").write_text(f"{child}")
            assert held.name == "demo"
            os._exit(0)
        os.waitpid(parent, 0)
        child = int((tmp_path / "child").read_text())
        try:
            if url.startswith("sqlite"):
                ledger.writer("demo").close()
        finally:
            os.kill(child, signal.SIGKILL)


def wait_for_account(url: str) -> None:
    for _ in range(200):
        with Ledger.open(url) as ledger:
            if ledger.accounts():
                return
        time.sleep(0.05)
    raise AssertionError("the writer wrote nothing in ten seconds")
