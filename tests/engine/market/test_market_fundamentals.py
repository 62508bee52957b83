"""Fundamentals are known from a day on, never before."""

from __future__ import annotations

import pandas as pd
import pytest
from market_frames import NAN, bars, day
from numpy.testing import assert_array_equal

from engine.errors import DataError
from engine.market import panel_from_frames


def eps(*rows, date="visible_date", sessions=5, periods=None, frames=None):
    """Field eps over the first sessions, from (day or row, value)."""
    days = [day(when) if isinstance(when, int) else when for when, _ in rows]
    table = pd.DataFrame({"symbol": "600519.SH", date: days, "eps": [value for _, value in rows]})
    if periods is not None:
        table["period_end"] = periods
    return panel_from_frames(bars([10.0] * sessions), fundamentals=table).panel.field("eps")[:, 0]


def test_visible_date_is_the_first_session_that_knows():
    assert_array_equal(eps((2, 1.5)), [NAN, NAN, 1.5, 1.5, 1.5])


def test_visible_by_is_usable_only_after_its_day():
    assert_array_equal(eps((2, 1.5), date="visible_by"), [NAN, NAN, NAN, 1.5, 1.5])


def test_day_between_sessions_is_known_at_the_next_session_either_way():
    # 7 January 2023 is a Saturday, the 9th the session of row 4
    assert_array_equal(eps(("2023-01-07", 1.5)), [NAN] * 4 + [1.5])
    assert_array_equal(eps(("2023-01-07", 1.5), date="visible_by"), [NAN] * 4 + [1.5])


def test_figures_from_before_the_panel_carry_in_and_those_after_it_stay_out():
    assert_array_equal(eps(("2022-10-31", 1.0), ("2024-01-02", 9.0)), [1.0] * 5)


def test_value_holds_until_the_next():
    assert_array_equal(eps((0, 1.0), (3, 2.0)), [1.0, 1.0, 1.0, 2.0, 2.0])


def test_latest_period_wins_when_several_become_visible_together():
    values = eps((1, 2.0), (1, 1.0), periods=["2022-12-31", "2022-09-30"])
    assert_array_equal(values, [NAN, 2.0, 2.0, 2.0, 2.0])


def test_older_period_arriving_later_replaces_nothing():
    values = eps((1, 2.0), (3, 1.0), periods=["2022-12-31", "2022-09-30"])
    assert_array_equal(values, [NAN, 2.0, 2.0, 2.0, 2.0])


def test_restatement_of_the_same_period_replaces():
    values = eps((1, 2.0), (3, 1.9), periods=["2022-12-31", "2022-12-31"])
    assert_array_equal(values, [NAN, 2.0, 2.0, 1.9, 1.9])


def test_older_period_before_the_panel_does_not_hide_the_newer():
    values = eps(("2022-11-01", 2.0), ("2022-12-01", 1.0), periods=["2022-09-30", "2022-06-30"])
    assert_array_equal(values, [2.0] * 5)


def test_blank_cell_erases_nothing():
    assert_array_equal(eps((0, 1.0), (2, NAN)), [1.0] * 5)


def test_one_symbols_periods_say_nothing_about_another():
    table = pd.DataFrame(
        {
            "symbol": ["000001.SZ", "600519.SH"],
            "visible_date": [day(0), day(0)],
            "period_end": ["2022-12-31", "2022-09-30"],
            "eps": [1.0, 2.0],
        }
    )
    frame = pd.concat([bars([10.0]), bars([20.0], "000001.SZ")])
    assert_array_equal(panel_from_frames(frame, fundamentals=table).panel.field("eps"), [[1.0, 2.0]])


def test_several_files_bring_several_fields_and_strangers_are_ignored():
    one = pd.DataFrame({"symbol": ["600519.SH", "999999"], "visible_date": [day(0)] * 2, "eps": [1.0, 2.0]})
    two = pd.DataFrame({"symbol": ["600519.SH"], "visible_by": [day(0)], "roe": [0.3], "note": ["x"]})
    panel = panel_from_frames(bars([10.0, 10.0]), fundamentals=[one, two]).panel
    assert panel.field("eps")[:, 0].tolist() == [1.0, 1.0]
    assert panel.field("roe")[1, 0] == 0.3
    assert "note" not in panel.fields


def test_file_that_does_not_say_when_is_refused():
    table = pd.DataFrame({"symbol": ["600519.SH"], "period_end": ["2022-12-31"], "eps": [1.0]})
    with pytest.raises(DataError, match="neither visible_date nor visible_by"):
        panel_from_frames(bars([10.0]), fundamentals=table)
