"""The calendar past what is known of old: extended by a list, never contradicted, closed beyond it."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.errors import CalendarError, ConfigError, DataError
from engine.market import data_config, load_market
from engine.market.calendar import Calendar, extended, half_known, iso, read_sessions, xshg
from engine.market.table import Table

BASE = xshg()


def until(day: str) -> Calendar:
    """What was known of old when the exchange had announced no day after `day`."""
    return Calendar("xshg", BASE.sessions[BASE.sessions <= np.datetime64(day)].copy())


def sessions(first: str, last: str) -> np.ndarray:
    return BASE.between(np.datetime64(first), np.datetime64(last)).copy()


def weekdays(year: int) -> np.ndarray:
    days = pd.bdate_range(f"{year}-01-01", f"{year}-12-31").to_numpy().astype("datetime64[D]")
    return days[1:]  # New Year's Day is a holiday


OLD = until("2024-12-31")


class TestExtended:
    """A list of sessions goes on where the calendar ends."""

    def test_the_year_that_was_announced_is_the_year_that_came(self):
        found = extended(OLD, sessions("2025-01-02", "2025-12-31"), "the notice")
        np.testing.assert_array_equal(found.sessions, until("2025-12-31").sessions)
        assert found.name == "xshg"
        assert iso(found.after(np.datetime64("2024-12-31"))) == "2025-01-02"
        assert not OLD.ends_week(np.datetime64("2024-12-31"))

    def test_a_list_of_all_time_confirms_and_extends(self):
        found = extended(OLD, sessions("1991-01-02", "2025-12-31"), "a vendor")
        np.testing.assert_array_equal(found.sessions, until("2025-12-31").sessions)

    def test_nothing_new_leaves_it_as_it_was(self):
        assert extended(OLD, sessions("2023-01-03", "2023-12-29"), "a vendor") is OLD
        assert extended(OLD, sessions("2023-01-03", "2023-01-03")[:0], "nobody") is OLD

    def test_a_contradiction_is_refused_with_the_days(self):
        listed = sessions("2024-09-02", "2025-12-31")
        without = listed[listed != np.datetime64("2024-09-30")]
        strange = np.append(without, [np.datetime64("2024-10-01"), np.datetime64("2024-10-02")])
        with pytest.raises(CalendarError) as refused:
            extended(OLD, strange, "a vendor")
        assert str(refused.value) == (
            "a vendor contradicts the xshg calendar: 2024-10-01, 2024-10-02 are none of its sessions, and "
            "2024-09-30 is missing; its sessions were not taken: correct them, or ask another source"
        )

    def test_a_weekend_is_no_session(self):
        listed = np.append(sessions("2025-01-02", "2025-01-27"), np.datetime64("2025-01-26"))
        with pytest.raises(
            CalendarError, match="2025-01-26 falls on a weekend, when the exchange never opens"
        ):
            extended(OLD, listed, "a vendor")

    @pytest.mark.parametrize(
        ("first", "words"), [("2025-02-05", "2024-12-31 and 2025-02-05"), ("2026-01-05", "lacks")]
    )
    def test_a_list_that_begins_late_leaves_a_hole(self, first, words):
        with pytest.raises(CalendarError, match=f"lacks the sessions between .*|{words}"):
            extended(OLD, sessions(first, "2026-06-30"), "a vendor")

    def test_a_hole_within_is_found(self):
        listed = sessions("2025-01-02", "2025-12-31")
        months = listed.astype("datetime64[M]")
        with pytest.raises(
            CalendarError, match="lacks the sessions between 2025-05-30 and 2025-07-01; give every"
        ):
            extended(OLD, listed[months != np.datetime64("2025-06")], "a vendor")

    @settings(max_examples=100, deadline=None)
    @given(
        known_to=st.dates(date(2008, 1, 15), date(2025, 12, 31)),
        first=st.integers(-400, 0),
        days=st.integers(1, 500),
        wrong=st.one_of(st.none(), st.integers(0, 10_000)),
    )
    def test_any_true_part_is_taken_and_any_day_changed_within_what_is_known_is_not(
        self, known_to, first, days, wrong
    ):
        base = until(str(known_to))
        end = len(base.sessions)
        listed = BASE.sessions[max(end + first, 0) : min(end + first + days, len(BASE.sessions))].copy()
        found = extended(base, listed, "a vendor")
        last = max(base.last, listed[-1]) if len(listed) else base.last
        np.testing.assert_array_equal(found.sessions, BASE.sessions[BASE.sessions <= last])
        inside = listed[listed <= base.last]
        if wrong is not None and len(inside) > 2:
            # neither the first nor the last: without these it is but a shorter list
            bad = np.delete(listed, 1 + wrong % (len(inside) - 2))
            with pytest.raises(CalendarError, match=r"contradicts the xshg calendar: .* missing"):
                extended(base, bad, "a vendor")


class TestClosedBeyond:
    """Past what is known it answers nothing, and says what to do."""

    def test_no_session_after_the_last(self):
        with pytest.raises(CalendarError) as refused:
            BASE.after(BASE.last)
        assert str(refused.value).startswith(
            f"the xshg calendar ends {iso(BASE.last)}: no session after {iso(BASE.last)} is known; add the "
            "sessions of the year after it: set data.calendar_extra"
        )

    def test_no_span_beyond_it(self):
        with pytest.raises(CalendarError, match=r"reaches past the xshg calendar.*set data\.calendar_extra"):
            BASE.between(BASE.last, BASE.last + np.timedelta64(1, "D"))
        with pytest.raises(CalendarError) as early:
            BASE.between(np.datetime64("1980-01-01"), BASE.last)
        assert "calendar_extra" not in str(early.value)

    def test_bars_of_a_year_that_is_not_known_are_refused_and_taken_once_it_is(self, tmp_path):
        year = int(iso(BASE.last)[:4]) + 1
        days = weekdays(year)[:20]
        frame = pd.DataFrame(
            {
                "date": days,
                "symbol": "600519.SH",
                "open": 10.0,
                "high": 10.0,
                "low": 10.0,
                "close": 10.0,
                "volume": 100,
            }
        )
        frame.to_parquet(tmp_path / "bars.parquet")
        pd.DataFrame({"session": weekdays(year)}).to_csv(tmp_path / "sessions.csv", index=False)
        with pytest.raises(DataError, match=r"no session of the xshg calendar .*; add the sessions of the"):
            load_market(data_config(source="file", path=tmp_path / "bars.parquet"))
        config = data_config(
            source="file", path=tmp_path / "bars.parquet", calendar_extra=tmp_path / "sessions.csv"
        )
        panel = load_market(config).panel
        np.testing.assert_array_equal(panel.dates, days)
        assert panel.calendar.after(panel.dates[-1]) == weekdays(year)[20]

    def test_extra_sessions_of_synthetic_data_make_no_sense(self, tmp_path):
        pd.DataFrame({"session": ["2023-01-03"]}).to_csv(tmp_path / "s.csv", index=False)
        pd.DataFrame(
            {"date": ["2023-01-03"], "symbol": ["A"], "open": 1, "high": 1, "low": 1, "close": 1, "volume": 1}
        ).to_csv(tmp_path / "b.csv", index=False)
        config = data_config(
            source="file", path=tmp_path / "b.csv", calendar="data", calendar_extra=tmp_path / "s.csv"
        )
        with pytest.raises(ConfigError, match=r"with data\.calendar: data leave it out"):
            load_market(config)


class TestHalfKnown:
    """From December on next year's sessions should be known."""

    LAST = BASE.last.astype(object)

    @pytest.mark.parametrize(("month", "warned"), [(6, False), (11, False), (12, True)])
    def test_the_last_year_that_is_known(self, month, warned):
        assert (half_known(BASE, date(self.LAST.year, month, 15)) is not None) is warned

    def test_years_before_and_after(self):
        assert half_known(BASE, date(self.LAST.year - 1, 12, 31)) is None
        words = half_known(BASE, date(self.LAST.year + 1, 1, 4))
        assert words is not None
        assert words.startswith(f"no session after {self.LAST} is known")
        assert (
            half_known(extended(BASE, weekdays(self.LAST.year + 1), "x"), date(self.LAST.year, 12, 9)) is None
        )
        assert half_known(Calendar("data", BASE.sessions.copy()), date(2100, 1, 1)) is None

    def test_a_panel_that_ends_in_such_a_december_says_so(self, tmp_path):
        days = BASE.sessions[-15:]
        assert days[0] >= np.datetime64(f"{self.LAST.year}-12-01")
        pd.DataFrame(
            {
                "date": days,
                "symbol": "600519.SH",
                "open": 10.0,
                "high": 10.0,
                "low": 10.0,
                "close": 10.0,
                "volume": 100,
            }
        ).to_parquet(tmp_path / "b.parquet")
        found = load_market(data_config(source="file", path=tmp_path / "b.parquet")).report
        assert "calendar_ends" in [warning.kind for warning in found.warnings]


class TestFiles:
    """A list of sessions in a file."""

    @pytest.mark.parametrize("name", ["session", "date", "trade_date", "交易日"])
    def test_its_column_is_found(self, name):
        table = Table.of_frame(pd.DataFrame({name: ["2025-01-03", "2025-01-02"]}), "f")
        assert read_sessions(table).astype(str).tolist() == ["2025-01-02", "2025-01-03"]

    def test_what_is_no_list_is_refused(self):
        with pytest.raises(DataError, match="f lacks the column session"):
            read_sessions(Table.of_frame(pd.DataFrame({"a": [1], "b": [2]}), "f"))
        with pytest.raises(DataError, match="'soon' is no date"):
            read_sessions(Table.of_frame(pd.DataFrame({"session": ["soon"]}), "f"))


@settings(max_examples=50, deadline=None)
@given(st.dates(date(2008, 1, 1), date(2026, 12, 30)))
def test_of_every_year_that_is_known_the_last_session_ends_its_month(day):
    last = BASE.sessions[BASE.sessions <= np.datetime64(day)][-1]
    following = BASE.after(last)
    assert BASE.ends_month(last) == (last.astype("datetime64[M]") != following.astype("datetime64[M]"))
    assert following.astype(object) - last.astype(object) <= timedelta(days=14)
