"""What can go wrong between market and account: it ends in a named state, and the next day is sound."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from ledger_edits import execute
from simulation import World, moment, states, told

from alphaloom.paper.daemon import outfitted
from engine.broker.orders import Fill, Reason, Refusal
from engine.errors import CalendarError, ConfigError
from engine.market.calendar import Calendar, xshg
from engine.market.store import StoreError
from live.errors import LedgerConflict, LedgerError, LedgerLocked
from live.feeds import LiveQuote
from live.ledger import Action, Ledger, Posted, QuotesUsed, Task, TaskState

FIRST, SECOND = date(2023, 6, 12), date(2023, 6, 13)
BEFORE_THE_AUCTION, AFTER_THE_SECOND = "2023-06-12T09:00", "2023-06-13T20:00"


@pytest.fixture
def url(tmp_path: Path) -> str:
    return str(tmp_path / "paper.db")


def notes(url: str, session: date, task: Task) -> str:
    with Ledger.open(url, read_only=True) as ledger:
        record = ledger.task(session, task)
    assert record is not None
    return record.note or record.error or ""


def trades(url: str, session: date) -> list[Any]:
    with Ledger.open(url, read_only=True) as ledger:
        return [trade for _, trade in ledger.trades(session)]


def titles(messages: list[Posted]) -> list[str]:
    return [f"{each.title}\n{each.body}" for each in messages]


def on_the_first(bend: Callable[[LiveQuote], LiveQuote | None]) -> Callable[[LiveQuote], LiveQuote | None]:
    return lambda quote: bend(quote) if quote.time.date() == FIRST else quote


def yesterday(quote: LiveQuote) -> LiveQuote:
    return replace(quote, time=quote.time - timedelta(days=3))


def other_symbol(quote: LiveQuote) -> LiveQuote:
    return replace(quote, symbol="600000.SH")


def half(quote: LiveQuote) -> LiveQuote | None:
    return quote if quote.symbol in ("601669.SH", "601888.SH") else None


def dearer(quote: LiveQuote) -> LiveQuote:
    return replace(quote, **{name: (getattr(quote, name) or 0) + 5 for name in _PRICES})


def ahead(quote: LiveQuote) -> LiveQuote:
    return replace(quote, time=quote.time + timedelta(minutes=10))


def another_day(quote: LiveQuote) -> LiveQuote:
    """Today's date, and prices that follow another close: a vendor that has not turned the page."""
    off = {name: round((getattr(quote, name) or 0) * 1.03) for name in ("previous_close_fen", *_PRICES)}
    return replace(quote, **off, up_limit_fen=None, down_limit_fen=None)


_PRICES = ("open_fen", "last_fen", "high_fen", "low_fen")


@pytest.mark.parametrize(
    ("bends", "why"),
    [
        ({0: lambda quote: None, 1: lambda quote: None}, "no source has quotes"),
        ({0: yesterday, 1: yesterday}, "there are no quotes of 2023-06-12"),
        ({0: other_symbol, 1: other_symbol}, r"0 of 6 names have trusted quotes \(6 other_symbol\)"),
        ({0: lambda quote: None}, r"0 of 6 names have trusted quotes \(6 \w+\)"),
        ({0: half, 1: half}, r"2 of 6 names have trusted quotes \(4 absent\)"),
        ({0: dearer}, r"0 of 6 names have trusted quotes \(6 disagree\)"),
        ({0: ahead, 1: ahead}, "this machine's clock says .* slow"),
        ({0: another_day, 1: another_day}, r"0 of 6 names have trusted quotes \(6 reference\)"),
    ],
    ids=[
        "none",
        "yesterday's",
        "another symbol's",
        "one source",
        "half",
        "they disagree",
        "clock skew",
        "another day's under today's date",
    ],
)
def test_quotes_that_are_not_trusted_send_no_order_and_the_next_session_is_sound(
    world: World, url: str, bends: dict[int, Any], why: str
) -> None:
    for n, bend in bends.items():
        world.feeds[n].bend = on_the_first(bend)
    messages = world.run(url, world.settings(), AFTER_THE_SECOND)
    assert states(url, FIRST)[Task.EXECUTE] is TaskState.MISSED
    assert not [trade for trade in trades(url, FIRST) if isinstance(trade, Fill)]
    # the person is told at once, and told what became of it
    first = next(each for each in messages if each.kind == "quotes")
    assert first.at == moment("2023-06-12T09:25:05")
    assert [text for text in titles(messages) if re.search(why, text)], titles(messages)
    assert any("execute missed: no order was sent by 09:30" in each.title for each in messages)
    # asked again and again while there was time, never later
    times = {at for feed in world.feeds for at, _ in feed.asked if at.date() == FIRST}
    assert len(times) == 30
    assert max(times) <= moment("2023-06-12T09:30")
    assert set(states(url, SECOND).values()) == {TaskState.DONE}
    assert len([trade for trade in trades(url, SECOND) if isinstance(trade, Fill)]) == 5


def test_a_network_that_returns_before_half_past_nine_is_in_time(world: World, url: str) -> None:
    back = moment("2023-06-12T09:28")
    for feed in world.feeds:
        feed.bend = lambda quote: quote if world.clock.now() >= back else None
    world.run(url, world.settings(), "2023-06-12T20:00")
    assert states(url, FIRST)[Task.EXECUTE] is TaskState.DONE
    with Ledger.open(url, read_only=True) as ledger:
        ((_, used),) = ledger.entries(FIRST, Task.EXECUTE, kinds=("quotes",))
    assert isinstance(used, QuotesUsed)
    assert back <= used.quoted_at < moment("2023-06-12T09:28:15")


def test_one_name_without_a_quote_is_held_back_and_its_slot_stays_empty(world: World, url: str) -> None:
    for feed in world.feeds:
        feed.bend = on_the_first(lambda quote: None if quote.symbol == "601888.SH" else quote)
    messages = world.run(url, world.settings(), AFTER_THE_SECOND)
    done = trades(url, FIRST)
    refused = [trade for trade in done if isinstance(trade, Refusal)]
    assert [(each.request.symbol, each.reason) for each in refused] == [("601888.SH", Reason.NO_PRICE)]
    assert len(done) == 5
    said = next(each for each in messages if each.title.startswith(f"{FIRST} sent"))
    assert "601888.SH: not traded (absent)" in said.body
    settled = next(each for each in messages if each.title.startswith(f"{FIRST} settled"))
    assert "no quote of it was trusted" in settled.body


def test_the_kill_switch_keeps_orders_back_until_it_is_taken_away(world: World, url: str) -> None:
    settings = world.settings()
    world.run(url, settings, BEFORE_THE_AUCTION)
    with Ledger.open(url) as ledger:
        service = ledger.service()
        with pytest.raises(LedgerError, match="a halt needs its reason"):
            service.control(Action.HALT, " ", at=world.clock.now())
        assert service.control(Action.HALT, "the strategy looks wrong", at=world.clock.now())
        assert not service.control(Action.HALT, "again", at=world.clock.now())
    world.run(url, settings, "2023-06-12T20:00")
    assert states(url, FIRST)[Task.EXECUTE] is TaskState.MISSED
    assert "halted since 2023-06-12 09:00: the strategy looks wrong" in notes(url, FIRST, Task.EXECUTE)
    assert not [at for feed in world.feeds for at, _ in feed.asked], "nobody was asked for quotes"
    with Ledger.open(url) as ledger:
        ledger.service().control(Action.RESUME, "looked at", at=world.clock.now())
    messages = world.run(url, settings, AFTER_THE_SECOND)
    assert [each.title for each in messages if each.kind == "halt"] == [
        "account halted: the strategy looks wrong",
        "account resumed: looked at",
    ]
    assert states(url, SECOND)[Task.EXECUTE] is TaskState.DONE


def test_a_halt_while_the_daemon_lives_is_told(world: World, url: str) -> None:
    with world.daemon(url, world.settings()) as outfit:
        world.drive(outfit, moment(BEFORE_THE_AUCTION))
        with Ledger.open(url) as ledger:
            ledger.service().control(Action.HALT, "news", at=world.clock.now())
        world.drive(outfit, moment("2023-06-12T09:26"))
        with Ledger.open(url) as ledger:
            beat = ledger.service().heartbeat()
            ledger.service().control(Action.RESUME, "", at=world.clock.now())
        # resumed within the minutes there are: the orders go out
        world.drive(outfit, moment("2023-06-12T10:00"))
    assert beat is not None
    assert "halted since 2023-06-12 09:00: news" in beat.doing
    assert [each.title for each in told(url) if each.kind == "halt"] == [
        "account halted: news",
        "account resumed",
    ]
    assert states(url, FIRST)[Task.EXECUTE] is TaskState.DONE


def test_protections_hold_orders_back_with_their_reasons(world: World, url: str) -> None:
    protections = {"block_list": ["601888.SH"], "max_weight": 0.15}
    messages = world.run(url, world.settings(protections=protections), AFTER_THE_SECOND)
    bought = [trade for trade in trades(url, FIRST) if isinstance(trade, Fill)]
    assert "601888.SH" not in {trade.request.symbol for trade in bought}
    assert max(trade.amount_fen for trade in bought) <= 0.15 * 100_000_000
    said = next(each for each in messages if each.kind == "protection")
    assert "601888.SH-B-1: it is on the block list (block_list)" in said.body
    settled = next(each for each in messages if each.title.startswith(f"{FIRST} settled"))
    assert "the protections: " in settled.body
    line = "buy 601888.SH held back by the protections: it is on the block list (block_list)"
    assert line in settled.body.splitlines()
    assert set(states(url, FIRST).values()) == {TaskState.DONE}


def test_after_a_session_that_lost_too_much_the_next_one_buys_nothing(world: World, url: str) -> None:
    """What a session lost is known when it is over: orders are sent at its open."""
    # the fortnight's third session loses 0.46 %, and it buys on the fourth
    settings = world.settings(protections={"daily_loss_stop": 0.004})
    messages = world.run(url, settings, "2023-06-15T20:00")
    lost, after = date(2023, 6, 14), date(2023, 6, 15)
    settled = next(each for each in messages if each.title.startswith(f"{lost} settled"))
    loss = re.search(r"\(-(\d\.\d\d)%\)", settled.title)
    assert loss is not None, settled.title
    assert not [t for t in trades(url, after) if isinstance(t, Fill) and t.side.value == "buy"]
    said = next(each for each in messages if each.kind == "protection" and each.session == after)
    assert f"the account lost {loss[1]}% in the last session, 0.40% are tolerated (daily_loss)" in said.body


def test_a_row_that_comes_an_evening_late_is_waited_for(world: World, url: str) -> None:
    """The stock traded, by its quotes; without its row nothing is settled, and nothing is made up."""
    world.gaps = {FIRST: ("601888.SH",)}
    messages = world.run(url, world.settings(), AFTER_THE_SECOND)
    gap = next(each for each in messages if "601888.SH" in each.title)
    assert gap.title == "no prices of 2023-06-12 for 601888.SH, and no word of a suspension"
    settled = next(each for each in messages if each.title.startswith(f"{FIRST} settled"))
    assert settled.at == moment("2023-06-13T00:00")
    assert "buy 1600 601888.SH at 116.06" in settled.body
    assert "differences" not in settled.body


def test_what_never_comes_is_taken_for_a_suspension_when_the_day_is_over(world: World, url: str) -> None:
    world.never = {("601888.SH", FIRST)}
    messages = world.run(url, world.settings(), "2023-06-13T08:00")
    taken = [each for each in messages if each.body == "taken for suspended"]
    assert len(taken) == 1
    refused = [trade for trade in trades(url, FIRST) if isinstance(trade, Refusal)]
    assert [(each.request.symbol, each.reason) for each in refused] == [("601888.SH", Reason.SUSPENDED)]
    settled = next(each for each in messages if each.title.startswith(f"{FIRST} settled"))
    assert "trading" in settled.body, "the quotes said that it trades"
    assert states(url, SECOND)[Task.PLAN] is TaskState.DONE


def test_sessions_missed_while_the_daemon_was_down_are_valued_and_never_traded(
    world: World, url: str
) -> None:
    settings = world.settings()
    world.run(url, settings, "2023-06-12T20:00")
    world.clock.at = moment("2023-06-15T20:00")
    messages = world.run(url, settings, "2023-06-15T21:00")
    for day in (13, 14, 15):
        session = date(2023, 6, day)
        assert states(url, session)[Task.EXECUTE] is TaskState.MISSED
        assert states(url, session)[Task.SETTLE] is TaskState.DONE
        assert not [trade for trade in trades(url, session) if isinstance(trade, Fill)]
    assert "nobody was there" in notes(url, SECOND, Task.EXECUTE) or "09:30" in notes(
        url, SECOND, Task.EXECUTE
    )
    assert states(url, date(2023, 6, 16))[Task.PLAN] is TaskState.DONE
    assert len([each for each in messages if "plan missed" in each.title]) == 2


def test_a_second_daemon_is_refused_by_name(world: World, url: str) -> None:
    with world.daemon(url, world.settings()) as first:
        world.drive(first, moment(BEFORE_THE_AUCTION))
        with (
            pytest.raises(LedgerLocked, match=r"account 'live' of ledger .* is in use by process \d+"),
            world.daemon(url, world.settings()),
        ):
            pass
        world.drive(first, moment("2023-06-12T10:00"))
    assert states(url, FIRST)[Task.EXECUTE] is TaskState.DONE


def test_another_configuration_is_refused_but_not_another_way_to_be_told(world: World, url: str) -> None:
    world.run(url, world.settings(), BEFORE_THE_AUCTION)
    with pytest.raises(LedgerConflict, match=r"strategy.params.topk is 5, not 6"):
        world.run(url, world.settings("strategy.params.topk=6"), BEFORE_THE_AUCTION)
    with pytest.raises(LedgerConflict, match=r"configuration: protections.max_weight is not set, not 0.2; a"):
        world.run(url, world.settings(protections={"max_weight": 0.2}), BEFORE_THE_AUCTION)
    with pytest.raises(LedgerConflict, match=r"benchmark is 000016.SH, and not set now"):
        world.run(url, world.settings(benchmark=None), BEFORE_THE_AUCTION)
    world.run(
        url, world.settings(live={"retry_minutes": 30}, quotes={"tolerance_ticks": 0}), "2023-06-12T10:00"
    )
    assert states(url, FIRST)[Task.EXECUTE] is TaskState.DONE


def test_the_end_of_the_calendar_is_announced_and_stops_nothing_before_it(world: World, url: str) -> None:
    sessions = xshg().sessions
    ends = Calendar("xshg", sessions[sessions <= np.datetime64("2023-06-13")].copy())
    around = replace(world.surroundings(), calendar=lambda store: ends)
    with outfitted(world.settings(), url, "live", around) as outfit:
        world.drive(outfit, moment("2023-06-15T12:00"))
    assert set(states(url, SECOND).values()) == {TaskState.DONE}
    settled = next(each for each in told(url) if each.title.startswith(f"{SECOND} settled"))
    assert settled.at == moment("2023-06-13T16:00")
    last = told(url)[-1]
    assert "the xshg calendar ends 2023-06-13" in last.title
    assert last.kind == "error"


def test_sessions_that_are_announced_late_are_found_by_the_daemon_itself(world: World, url: str) -> None:
    """The last known one is settled, nothing is known after it; two days later the vendors know the next."""
    sessions, announced = xshg().sessions, moment("2023-06-15T08:00")

    def known() -> Calendar:
        last = "2023-06-13" if world.clock.at < announced else "2023-07-14"
        return Calendar("xshg", sessions[sessions <= np.datetime64(last)].copy())

    around = replace(world.surroundings(), calendar=lambda store: known())
    with outfitted(world.settings(), url, "live", around) as outfit:
        world.drive(outfit, moment("2023-06-19T20:00"))
    # what began in the meantime is missed, and the rest is as usual
    assert states(url, date(2023, 6, 14))[Task.EXECUTE] is TaskState.MISSED
    assert states(url, date(2023, 6, 14))[Task.SETTLE] is TaskState.DONE
    assert set(states(url, date(2023, 6, 19)).values()) == {TaskState.DONE}
    asked = [at.date() for at, _ in world.syncs]
    assert date(2023, 6, 14) in asked, "it asks, though no prices are due"


def test_a_month_before_the_calendar_ends_people_are_told_once_a_week(world: World, url: str) -> None:
    ends = Calendar("xshg", xshg().sessions[xshg().sessions <= np.datetime64("2023-07-10")].copy())
    around = replace(world.surroundings(), calendar=lambda store: ends)
    with outfitted(world.settings(), url, "live", around) as outfit:
        world.drive(outfit, moment("2023-06-20T12:00"))
    warned = [each for each in told(url) if each.title.startswith("the calendar ends 2023-07-10")]
    assert [each.session for each in warned] == [FIRST, date(2023, 6, 19)]


@pytest.mark.parametrize(
    ("sets", "error", "words"),
    [
        (["data.source=sample", "data.path=null"], ConfigError, "data.source sample never grows"),
        (["data.path=/nowhere/at/all"], StoreError, "holds no market store"),
        (
            ["notify={enabled: true, channels: [{name: phone, url_env: NOBODYS_URL}]}"],
            ConfigError,
            "phone has its address in .NOBODYS_URL, which is not set",
        ),
        (
            [
                "broker.compat=qlib",
                "broker.slippage_bps=0",
                "broker.fees={buy: 0.0005, sell: 0.0015, minimum: 5}",
            ],
            ConfigError,
            "cannot be paper-traded",
        ),
    ],
)
def test_what_cannot_run_leaves_nothing_behind(
    world: World, url: str, sets: list[str], error: type[Exception], words: str
) -> None:
    settings = world.settings()
    data = {"source": "sample"} if "sample" in sets[0] else None
    settings = world.settings(data=data) if data else world.settings(*sets)
    with pytest.raises(error, match=words):
        world.run(url, settings, BEFORE_THE_AUCTION)
    assert not Path(url).exists()


def test_a_calendar_that_has_ended_already_is_a_clear_error(world: World, url: str) -> None:
    ends = Calendar("xshg", xshg().sessions[xshg().sessions <= np.datetime64("2023-06-09")].copy())
    around = replace(world.surroundings(), calendar=lambda store: ends)
    with (
        pytest.raises(CalendarError, match="no session after 2023-06-11"),
        outfitted(world.settings(), url, "live", around),
    ):
        pass


def test_a_ledger_that_was_edited_is_not_traded_on(world: World, url: str) -> None:
    world.run(url, world.settings(), "2023-06-12T20:00")
    execute(f"sqlite:///{url}", "UPDATE marks SET value_fen = value_fen + 1")
    with pytest.raises(LedgerError, match="is not sound"):
        world.run(url, world.settings(), AFTER_THE_SECOND)


def test_a_database_server_that_was_restarted_is_asked_for_the_account_again(
    world: World, postgres: str, tmp_path: Path
) -> None:
    execute(f"{postgres}/postgres", "CREATE DATABASE cut_off", alone=True)
    url = f"{postgres}/cut_off"
    with world.daemon(url, world.settings()) as outfit:
        world.drive(outfit, moment("2023-06-12T10:00"))
        others = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = 'cut_off'"
        execute(f"{postgres}/postgres", others, alone=True)
        world.drive(outfit, moment("2023-06-12T20:00"))
    # a minute after the trouble the account was opened again, and nothing is missing
    assert states(url, FIRST)[Task.SETTLE] is TaskState.DONE
    assert states(url, SECOND)[Task.PLAN] is TaskState.DONE
    trouble = [each for each in told(url) if each.kind == "error"]
    settled = next(each for each in told(url) if " settled: " in each.title)
    assert len(trouble) == 1
    assert timedelta() < settled.at - trouble[0].at <= timedelta(minutes=2)


def test_a_defect_is_told_and_the_daemon_lives(world: World, url: str) -> None:
    def broken(*_: Any) -> list[str]:
        raise ZeroDivisionError("a bug")

    around = replace(world.surroundings(), sync=broken)
    with outfitted(world.settings(), url, "live", around) as outfit:
        world.drive(outfit, moment("2023-06-12T16:10"))
    assert [type(each) for each in world.defects] == [ZeroDivisionError] * len(world.defects)
    world.defects.clear()
    assert "a defect of the program: ZeroDivisionError: a bug" in [each.title for each in told(url)]
    world.run(url, world.settings(), "2023-06-12T20:00")
    assert states(url, FIRST)[Task.SETTLE] is TaskState.DONE
