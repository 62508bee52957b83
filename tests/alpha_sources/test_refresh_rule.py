from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from alpha_sources.refresh import Recurrence, RefreshRule
from engine.errors import CalendarError, ConfigError
from engine.market.calendar import iso, xshg


def fired(rule: str, start: str, end: str) -> list[str]:
    """Sessions on which a rule is due when asked at each session from the first decision on."""
    calendar, parsed = xshg(), RefreshRule.parse(rule)
    days, last = [], None
    for i, session in enumerate(calendar.between(np.datetime64(start), np.datetime64(end))):
        if parsed.is_due(session, None if last is None else i - last, calendar):
            days.append(iso(session))
            last = i
    return days


def test_never_is_never_due():
    assert fired("never", "2023-01-03", "2023-12-29") == []


def test_once_is_due_at_the_first_decision_only():
    assert fired("once", "2023-01-04", "2023-12-29") == ["2023-01-04"]


def test_every_n_counts_sessions_from_the_first_decision():
    # the Spring Festival closes 2023-01-23 .. 27
    assert fired("every 5", "2023-01-11", "2023-02-10") == [
        "2023-01-11",
        "2023-01-18",
        "2023-02-01",
        "2023-02-08",
    ]


def test_week_end_is_the_last_session_before_a_holiday_week():
    # Thursday 2023-06-22 and Friday 23 are the Dragon Boat festival
    assert fired("week_end", "2023-06-12", "2023-07-03") == [
        "2023-06-12", "2023-06-16", "2023-06-21", "2023-06-30",
    ]  # fmt: skip


def test_month_end_is_the_last_session_of_the_month():
    assert fired("month_end", "2023-09-15", "2023-12-31") == [
        "2023-09-15", "2023-09-28", "2023-10-31", "2023-11-30", "2023-12-29",
    ]  # fmt: skip


def test_quarter_end_is_the_last_session_of_the_quarter():
    assert fired("quarter_end", "2023-01-03", "2023-12-31") == [
        "2023-01-03", "2023-03-31", "2023-06-30", "2023-09-28", "2023-12-29",
    ]  # fmt: skip


def test_a_first_decision_on_a_period_end_is_due_once():
    assert fired("month_end", "2023-01-31", "2023-02-28") == ["2023-01-31", "2023-02-28"]
    rule = RefreshRule.parse("month_end")
    assert not rule.is_due(np.datetime64("2023-01-31"), 0, xshg())


def test_a_period_end_is_asked_of_the_calendar_which_refuses_a_closed_day():
    with pytest.raises(CalendarError, match="2023-01-28 is no session"):
        RefreshRule.parse("week_end").is_due(np.datetime64("2023-01-28"), 3, xshg())


@pytest.mark.parametrize(
    ("alias", "same"),
    [
        ("every_session", "every 1"),
        ("daily", "every 1"),
        ("weekly", "week_end"),
        ("monthly", "month_end"),
        ("quarterly", "quarter_end"),
        (20, "every 20"),
        ("20", "every 20"),
        ("  Every   20 ", "every 20"),
    ],
)
def test_aliases(alias, same):
    assert RefreshRule.parse(alias) == RefreshRule.parse(same)
    assert str(RefreshRule.parse(alias)) == same


@pytest.mark.parametrize(
    "text", ["fortnightly", "every", "every 0", "every -5", "every 2.5", "0", "", True, "every ２"]
)
def test_anything_else_is_refused_with_the_accepted_forms(text):
    with pytest.raises(ConfigError) as caught:
        RefreshRule.parse(text, key="strategy.rebalance")
    message = str(caught.value)
    assert message.startswith(f"strategy.rebalance: {text!r} is no schedule; write never, once, every N")
    for form in ("week_end", "month_end", "quarter_end"):
        assert form in message


RULES = st.one_of(
    st.sampled_from([r.value for r in Recurrence if r is not Recurrence.EVERY]),
    st.integers(1, 300).map(lambda n: f"every {n}"),
)


@given(RULES)
def test_a_rule_prints_as_it_is_written(text):
    assert str(RefreshRule.parse(text)) == text


@given(RULES)
def test_every_rule_but_never_is_due_at_the_first_decision(text):
    due = RefreshRule.parse(text).is_due(np.datetime64("2023-05-10"), None, xshg())
    assert due == (text != "never")


@given(n=st.integers(1, 40), length=st.integers(1, 120))
def test_every_n_divides_the_sessions_evenly(n, length):
    rule, last, due = RefreshRule.parse(f"every {n}"), None, []
    for i in range(length):
        if rule.is_due(xshg().sessions[-300 + i], None if last is None else i - last, xshg()):
            due.append(i)
            last = i
    assert due == list(range(0, length, n))
