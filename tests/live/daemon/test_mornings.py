"""Between the auction and half past nine: who is waited for, and what may still stop the orders."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from simulation import World, moment, told

from engine.broker.orders import Fill
from engine.errors import DataError
from live.feeds import LiveQuote
from live.ledger import Action, Ledger, QuotesUsed, Task, TaskState

FIRST = date(2023, 6, 12)
EVENING = "2023-06-12T20:00"
#: a name that is bought on the first session
NAME = "601888.SH"

Bend = Callable[[LiveQuote], LiveQuote | None]


@pytest.fixture
def url(tmp_path: Path) -> str:
    return str(tmp_path / "paper.db")


def late(world: World, until: str) -> Bend:
    """A vendor that still shows one name as it was before the auction, until a moment."""

    def bend(quote: LiveQuote) -> LiveQuote | None:
        if quote.symbol != NAME or quote.time.date() != FIRST or world.clock.at >= moment(until):
            return quote
        # an indication: nothing has traded by its own clock
        before = quote.time.replace(hour=9, minute=24, second=57)
        nothing: dict[str, Any] = dict.fromkeys(("open_fen", "last_fen", "high_fen", "low_fen"))
        return replace(quote, time=before, volume_shares=0, amount_cny=0.0, **nothing)

    return bend


def sent(url: str) -> tuple[datetime, set[str], str]:
    """When the orders of the first session went out, which were filled, and what was said of it."""
    with Ledger.open(url, read_only=True) as ledger:
        assert ledger.verify().sound
        ((_, used),) = ledger.entries(FIRST, Task.EXECUTE, kinds=("quotes",))
        filled = {trade.request.symbol for _, trade in ledger.trades(FIRST) if isinstance(trade, Fill)}
    assert isinstance(used, QuotesUsed)
    (said,) = (each for each in told(url) if each.title.startswith(f"{FIRST} sent"))
    return said.at, filled, said.body


def test_a_vendor_that_is_late_with_one_name_is_waited_for(world: World, url: str) -> None:
    world.feeds[0].bend = late(world, "2023-06-12T09:26")
    messages = world.run(url, world.settings(), EVENING)
    at, filled, body = sent(url)
    assert moment("2023-06-12T09:26") <= at < moment("2023-06-12T09:26:12")
    assert NAME in filled
    assert "not traded" not in body
    # whoever waits has nothing to say yet
    assert not [each for each in messages if each.kind == "quotes"]


def test_who_is_not_there_by_the_27th_minute_is_gone_without(world: World, url: str) -> None:
    world.feeds[0].bend = late(world, "2023-06-12T09:40")
    world.run(url, world.settings(), EVENING)
    at, filled, body = sent(url)
    assert moment("2023-06-12T09:27") <= at < moment("2023-06-12T09:27:12")
    assert len(filled) == 4
    assert NAME not in filled
    assert f"{NAME}: not traded (" in body


def test_quotes_that_were_good_but_for_one_name_are_used_when_all_vendors_fall_silent(
    world: World, url: str
) -> None:
    """Prices rest until half past nine: what two sources agreed on at 9:25 is still so at 9:27."""
    one = late(world, "2023-06-12T09:40")
    silence = moment("2023-06-12T09:25:30")
    for feed in world.feeds:
        feed.bend = lambda quote: None if world.clock.at >= silence else one(quote)
    world.run(url, world.settings(), EVENING)
    at, filled, _ = sent(url)
    assert moment("2023-06-12T09:27") <= at < moment("2023-06-12T09:27:12")
    assert len(filled) == 4
    with Ledger.open(url, read_only=True) as ledger:
        ((_, used),) = ledger.entries(FIRST, Task.EXECUTE, kinds=("quotes",))
    assert isinstance(used, QuotesUsed)
    assert used.quoted_at < silence, "the ledger says when they were true"


def test_nobody_is_waited_for_who_is_not_going_to_come(world: World, url: str) -> None:
    """A name that no vendor has costs the others no time."""
    for feed in world.feeds:
        feed.bend = lambda quote: None if quote.symbol == NAME else quote
    world.run(url, world.settings(), EVENING)
    at, filled, _ = sent(url)
    assert at == moment("2023-06-12T09:25:05")
    assert len(filled) == 4


def test_a_halt_that_comes_while_vendors_are_asked_is_in_time(world: World, url: str) -> None:
    def halt(quote: LiveQuote) -> LiveQuote:
        with Ledger.open(url) as ledger:
            ledger.service().control(Action.HALT, "a rumour", at=world.clock.now())
        return quote

    world.feeds[1].bend = halt
    world.run(url, world.settings(), EVENING)
    with Ledger.open(url, read_only=True) as ledger:
        record = ledger.task(FIRST, Task.EXECUTE)
        assert not [trade for _, trade in ledger.trades(FIRST) if isinstance(trade, Fill)]
    assert record is not None
    assert record.state is TaskState.MISSED
    assert "a rumour" in (record.error or "")


def test_what_fails_before_half_past_nine_is_tried_again_within_seconds(
    world: World, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A quarter of an hour, the usual patience, would be the whole of it."""
    from live.daemon.desk import Desk

    ask, tries = Desk.moment, list[datetime]()

    def fails_twice(self: Desk, *args: Any, **options: Any) -> Any:
        tries.append(world.clock.at)
        if len(tries) < 3:
            raise DataError("the disk does not answer")
        return ask(self, *args, **options)

    monkeypatch.setattr(Desk, "moment", fails_twice)
    messages = world.run(url, world.settings(), EVENING)
    assert tries == [moment("2023-06-12T09:25:05") + timedelta(seconds=10 * n) for n in range(3)]
    assert len(sent(url)[1]) == 5
    (said,) = (each for each in messages if "the disk does not answer" in each.title)
    assert said.body == "it is tried again at 09:25:15"


def test_the_kill_switch_lies_beside_the_configuration(world: World, url: str, tmp_path: Path) -> None:
    """Wherever the daemon is started: a switch that is looked for in the wrong place stops nothing."""
    settings = world.settings(protections={"kill_switch": "stop.txt"})
    settings._base = tmp_path / "etc"
    settings._base.mkdir()
    (settings._base / "stop.txt").write_text("earnings season\nmore\n", encoding="utf-8")
    world.run(url, settings, "2023-06-12T10:00")
    (said,) = (each for each in told(url) if each.kind == "protection")
    assert "6 cut or held back by the protections" in said.title
    assert "earnings season" in said.body
    (settings._base / "stop.txt").unlink()
    world.run(url, settings, "2023-06-13T10:00")
    with Ledger.open(url, read_only=True) as ledger:
        plan, record = ledger.plan(date(2023, 6, 13)), ledger.task(date(2023, 6, 13), Task.EXECUTE)
    assert plan is not None
    assert record is not None
    assert "protections" not in (record.note or "")


def test_the_kill_switch_may_lie_at_home(
    world: World, url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "stop").touch()
    world.run(url, world.settings(protections={"kill_switch": "~/stop"}), "2023-06-12T10:00")
    (said,) = (each for each in told(url) if each.kind == "protection")
    assert f"{tmp_path / 'stop'} is there" in said.body


def test_quotes_that_take_until_after_half_past_nine_are_named_as_the_reason(world: World, url: str) -> None:
    """Both vendors answer, and so late that nothing may be sent any more."""
    for feed in world.feeds:
        answers = feed.fetch

        def slow(symbols: Any, answers: Any = answers) -> Any:
            quotes = answers(symbols)
            world.clock.at = max(world.clock.at, moment("2023-06-12T09:30:20"))
            return quotes

        feed.fetch = slow  # type: ignore[method-assign]
    messages = world.run(url, world.settings(), "2023-06-12T10:00")
    (missed,) = (each for each in messages if "execute missed" in each.title)
    assert missed.title.endswith("no order was sent by 09:30: the quotes took until 09:30:20")
    with Ledger.open(url, read_only=True) as ledger:
        record = ledger.task(FIRST, Task.EXECUTE)
    assert record is not None
    assert record.state is TaskState.MISSED


def test_a_blocked_name_that_there_is_not_is_told_once_before_anything_is_sent(
    world: World, url: str
) -> None:
    """Whoever wrote 600591 for 600519 believes that it is blocked."""
    settings = world.settings(protections={"block_list": ["600591.SH", NAME]})
    messages = world.run(url, settings, "2023-06-13T20:00")
    (said,) = (each for each in messages if "blocks nothing" in each.title)
    assert "with 600591.SH:" in said.title
    assert said.at < moment("2023-06-12T09:15")
