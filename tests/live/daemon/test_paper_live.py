"""The shipped configuration for live accounts, from an empty ledger over the end of a quarter."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest
from sample_store import cut, whole_store
from simulation import Time, World, moment

from alphaloom.config import RunConfig, load_config
from engine.broker.orders import Fill
from engine.market.store import MarketStore
from live.ledger import Learned, Ledger, Task, TaskState

EVE, FIRST, AFTER = date(2023, 6, 28), date(2023, 6, 29), date(2023, 7, 3)
ACCOUNT = "live"


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> MarketStore:
    return whole_store(tmp_path_factory.mktemp("whole"), date(2020, 1, 2), AFTER)


def shipped(world: World) -> RunConfig:
    return load_config("paper_live", sets=[f"data.path={world.store.folder}"])


def test_the_flagship_learns_plans_and_trades_as_it_is_shipped(whole: MarketStore, tmp_path: Path) -> None:
    world = World(whole, cut(whole, tmp_path / "store", EVE), Time(moment(f"{EVE}T20:00")), tmp_path)
    url = f"sqlite:///{tmp_path / 'live.db'}"
    messages = world.run(url, shipped(world), f"{AFTER}T18:30")
    assert {each.kind for each in messages} == {"daemon", "refresh", "plan", "trade", "session"}, (
        "nothing was in doubt, late, cut or missed"
    )
    with Ledger.open(url, read_only=True) as ledger:
        assert {task.state for task in ledger.tasks(AFTER, ACCOUNT)} == {TaskState.DONE}
        lessons = ledger.entries(None, Task.REFRESH, ACCOUNT, kinds=("learned",))
        learned = [day for day, entry in lessons if isinstance(entry, Learned)]
        fills = [(day, trade) for day, trade in ledger.trades(None, ACCOUNT) if isinstance(trade, Fill)]
    assert learned == [FIRST, AFTER], "first of all, and at the end of the quarter"
    assert {FIRST, AFTER} <= {day for day, _ in fills}
    equity_fen = 10_000_000 * 100
    assert max(trade.amount_fen for _, trade in fills) <= 0.16 * equity_fen
    assert sum(trade.amount_fen for day, trade in fills if day == FIRST) > 0.5 * equity_fen


def test_what_cannot_be_learned_for_want_of_history_is_what_people_are_told(
    whole: MarketStore, tmp_path: Path
) -> None:
    short = whole_store(tmp_path / "short", date(2022, 11, 1), FIRST)
    world = World(short, cut(short, tmp_path / "store", EVE), Time(moment(f"{EVE}T20:00")), tmp_path)
    messages = world.run(f"sqlite:///{tmp_path / 'live.db'}", shipped(world), f"{EVE}T20:10")
    failed = next(each for each in messages if each.title.startswith(f"{FIRST} plan failed"))
    said = failed.title + failed.body
    assert "nothing is learned yet, for the refresh failed" in said
    assert "sessions with members and a realised label" in said and "load more history" in said
