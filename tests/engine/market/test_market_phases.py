"""The phases of a session."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.market.board import Board
from engine.market.calendar import xshg
from engine.market.phases import Phase, minute_ends, phase_at, phases

DAY = date(2023, 3, 1)


@pytest.mark.parametrize(
    ("clock", "phase", "orders", "cancels"),
    [
        ("09:14:59", Phase.CLOSED, False, False),
        ("09:15:00", Phase.OPENING_CALL, True, True),
        ("09:19:59", Phase.OPENING_CALL, True, True),
        ("09:20:00", Phase.OPENING_CALL_FIRM, True, False),
        ("09:25:00", Phase.OPENING_PAUSE, False, False),
        ("09:30:00", Phase.CONTINUOUS, True, True),
        ("11:30:00", Phase.LUNCH, False, False),
        ("13:00:00", Phase.CONTINUOUS, True, True),
        ("14:56:59", Phase.CONTINUOUS, True, True),
        ("14:57:00", Phase.CLOSING_CALL, True, False),
        ("15:00:00", Phase.CLOSED, False, False),
    ],
)
def test_a_day_from_morning_to_evening(clock, phase, orders, cancels):
    found = phase_at(datetime.combine(DAY, time.fromisoformat(clock)))
    assert (found, found.takes_orders, found.takes_cancellations) == (phase, orders, cancels)


def test_the_closing_auction_came_to_shanghai_later_than_to_shenzhen():
    clock = time(14, 58)
    assert phase_at(datetime.combine(date(2018, 8, 17), clock), "SH") is Phase.CONTINUOUS
    assert phase_at(datetime.combine(date(2018, 8, 20), clock), "SH") is Phase.CLOSING_CALL
    assert phase_at(datetime.combine(date(2018, 8, 17), clock), "SZ") is Phase.CLOSING_CALL


def test_trading_after_the_close_by_board_and_day():
    clock = time(15, 10)
    for board, first in (
        (Board.STAR, date(2019, 7, 22)), (Board.CHINEXT, date(2020, 8, 24)), (Board.MAIN, date(2026, 7, 6)),
    ):  # fmt: skip
        before = phase_at(datetime.combine(first - timedelta(days=1), clock), "SH", board)
        assert (before, phase_at(datetime.combine(first, clock), "SH", board)) == (
            Phase.CLOSED,
            Phase.AFTER_HOURS,
        )


@given(
    st.dates(date(2000, 1, 1), date(2030, 1, 1)),
    st.sampled_from(["SH", "SZ", "BJ"]),
    st.sampled_from([None, *Board]),
)
def test_phases_follow_each_other_without_overlap(day, exchange, board):
    spans = phases(day, exchange, board)
    assert all(one.start < one.end for one in spans)
    assert all(one.end <= other.start for one, other in pairwise(spans))


def test_the_lunch_break_is_that_of_exchange_calendars():
    import exchange_calendars

    known = exchange_calendars.get_calendar("XSHG", start="2023-01-01")
    session = "2023-03-01"
    spans = {span.phase: span for span in phases(DAY)}
    zone = "Asia/Shanghai"
    assert known.session_break_start(session).tz_convert(zone).time() == spans[Phase.LUNCH].start
    assert known.session_break_end(session).tz_convert(zone).time() == spans[Phase.LUNCH].end
    assert known.session_open(session).tz_convert(zone).time() == time(9, 30)
    assert known.session_close(session).tz_convert(zone).time() == spans[Phase.CLOSING_CALL].end
    assert xshg().is_session(np.datetime64(session))


def test_a_session_has_241_minutes_stamped_at_their_end():
    ends = [f"{m // 60:02}:{m % 60:02}" for m in minute_ends().tolist()]
    assert len(ends) == 241
    assert [ends[0], ends[1], ends[120], ends[121], ends[-1]] == ["09:30", "09:31", "11:30", "13:01", "15:00"]
