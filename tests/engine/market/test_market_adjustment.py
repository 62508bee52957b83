"""Data that keep silent about dividends and splits are warned of; ex-dates and free sessions are not."""

from __future__ import annotations

import numpy as np
import pytest
from market_frames import NAN, action, bars, day, together

from engine.market import panel_from_frames
from engine.market.calendar import xshg


def found(kind, *args, **options):
    """The warning of a kind, or None."""
    warnings = panel_from_frames(*args, **options).report.warnings
    return next((w for w in warnings if w.kind == kind), None)


def jump(*args, **options):
    return found("price_jump", *args, **options)


def test_data_that_tell_of_no_ex_dates_are_warned_of():
    finding = found("no_factor_column", bars([10.0, NAN, 10.0]))
    assert finding.message == "no adj_factor and no data.actions: dividends and splits show as losses"
    assert finding.count == 2
    assert not found("no_factor_column", bars([10.0], adj_factor=1.0))
    assert not found("no_factor_column", bars([10.0]), actions=action(0, cash_per_share=1.0))


@pytest.mark.parametrize(
    ("options", "silent"),
    [
        ({"calendar": "data"}, False),
        ({"tick": None}, False),
        ({"tick": "none", "calendar": "data"}, True),
    ],
)
def test_only_synthetic_data_need_neither_ex_dates_nor_limits(options, silent):
    frame = bars([10.0, 20.0])
    assert (found("no_factor_column", frame, **options) is None) == silent
    assert (jump(frame, **options) is None) == silent


def test_an_unmarked_split_is_a_jump():
    finding = jump(bars([20.0, 20.0, 10.0, 10.0], adj_factor=1.0))
    assert str(finding) == (
        "price_jump: 1 row moving more than 31% without an ex-date, beyond any daily limit; an unmarked "
        f"split, or prices that are already adjusted?; e.g. 600519.SH {day(2)} (-50.0%)"
    )


def test_an_unmarked_split_over_a_suspension_is_a_jump_when_trading_resumes():
    assert jump(bars([20.0, NAN, NAN, 10.0])).examples == (f"600519.SH {day(3)} (-50.0%)",)


def test_all_jumps_are_counted_and_three_are_shown():
    finding = jump(bars([10.0, 20.0] * 4))
    assert finding.count == 7
    assert finding.examples[:2] == (f"600519.SH {day(1)} (+100.0%)", f"600519.SH {day(2)} (-50.0%)")
    assert len(finding.examples) == 3


def test_a_split_that_anything_marks_is_none():
    frame = bars([20.0, 10.0])
    assert not jump(frame.assign(adj_factor=[1.0, 2.0]))
    assert not jump(frame, actions=action(1, bonus_ratio=1.0))
    assert not jump(frame.assign(adj_factor=1.0), actions=action(1, bonus_ratio=1.0))
    # a vendor whose preclose is not the ex-right reference is told of the factor instead
    marked = frame.assign(adj_factor=[1.0, 2.0], preclose=[20.0, 20.0])
    assert not jump(marked)
    assert found("factor_disagrees", marked)
    assert not jump(frame.assign(preclose=[20.0, 10.0]))


def test_a_factor_that_steps_without_a_split_is_a_jump():
    assert jump(bars([10.0, 10.0], adj_factor=[1.0, 2.0])).examples == (f"600519.SH {day(1)} (+100.0%)",)


@pytest.mark.parametrize(("before", "after"), [(10.0, 13.0), (10.0, 7.0), (0.35, 0.46), (0.35, 0.24)])
def test_the_widest_daily_limit_is_no_jump_even_rounded_to_the_tick(before, after):
    assert not jump(bars([before, after], "830001.BJ"))


def test_a_first_row_is_held_against_its_preclose():
    assert jump(bars([20.0, 20.0], preclose=[10.0, 20.0])).examples == (f"600519.SH {day(0)} (+100.0%)",)


def test_the_first_five_rows_after_a_listing_have_no_limit():
    old = bars([10.0] * 9)
    young = bars([20.0, 40.0, 80.0, 40.0, 20.0], "688001.SH", first=1, preclose=[10.0, *[NAN] * 4])
    assert not jump(together([old, young]))
    sixth = bars([20.0, 20.0, 20.0, 20.0, 20.0, 40.0], "688001.SH", first=1)
    assert jump(together([old, sixth])).examples == (f"688001.SH {day(6)} (+100.0%)",)


@pytest.mark.parametrize(("suspended", "jumps"), [(59, True), (60, False)])
def test_a_resumed_listing_has_no_limit_on_its_first_session(suspended, jumps):
    sessions = xshg().between(np.datetime64("2023-01-03"), np.datetime64("2023-06-30"))
    back = sessions[[0, suspended + 1, suspended + 2]].astype("datetime64[s]")
    assert (jump(bars([10.0, 40.0, 40.0], date=back)) is not None) == jumps
    # the next session has its limit again
    assert jump(bars([10.0, 40.0, 80.0], date=back))
