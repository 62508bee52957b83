"""Replays are killed at random moments. ``ALPHALOOM_KILLS=200`` kills more of them."""

from __future__ import annotations

import os
import random
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest
from replay_worker import Players
from replays import play, settings_of

from live.ledger import Ledger

KILLS = int(os.environ.get("ALPHALOOM_KILLS", "12"))
#: long enough that nobody is through before he is killed
DAYS = date(2023, 3, 1), date(2023, 7, 31)


@pytest.fixture
def players(url: str) -> Iterator[Players]:
    players = Players(url, DAYS)
    yield players
    players.close()


def test_a_replay_killed_at_any_moment_ends_as_one_that_was_not(
    url: str, players: Players, tmp_path: Path
) -> None:
    play(settings_of(), DAYS, str(tmp_path / "whole.db"))
    with Ledger.open(str(tmp_path / "whole.db")) as whole:
        head, trades, marks, account = whole.epoch().head_hash, whole.trades(), whole.marks(), whole.account()
    chance, heads, longest_s, finished = random.Random(6), set(), 1.0, False
    for _ in range(KILLS):
        before = len(heads)
        finished = players.run_for(chance.uniform(0.05, longest_s))
        with Ledger.open(url, create=True) as ledger:
            if ledger.accounts():
                assert ledger.verify().sound
                heads.add(ledger.epoch().head_hash)
        if finished:
            break
        # as long as it takes on this machine to load the market and play a session or two
        longest_s = max(0.5, longest_s * 0.8) if len(heads) > before else min(10.0, longest_s * 1.3)
    while not finished:
        finished = players.run_for(60)
    assert len(heads) > 1, "the players were killed before they did anything"
    with Ledger.open(url) as ledger:
        assert ledger.verify().sound
        assert (ledger.trades(), ledger.marks(), ledger.account()) == (trades, marks, account)
        # the chain itself is the same: no task was recorded twice, none in another order
        assert ledger.epoch().head_hash == head
