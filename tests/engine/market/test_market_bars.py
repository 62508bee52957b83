"""Rows become dense fields: adjustment, suspensions, units, what stands outside."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from market_frames import NAN, SESSIONS, action, bars, day, together, without
from numpy.testing import assert_allclose, assert_array_equal

from engine.errors import DataError
from engine.market import panel_from_frames


def column(loaded, name, symbol="600519.SH"):
    panel = loaded.panel
    return panel.field(name)[:, panel.column(symbol)]


def test_adjusted_price_is_raw_times_factor_and_a_dividend_is_no_loss():
    frame = bars([10.0, 10.0, 9.0, 9.9], adj_factor=[2.0, 2.0, 2.0 / 0.9, 2.0 / 0.9])
    loaded = panel_from_frames(frame)
    assert_array_equal(column(loaded, "close"), [10.0, 10.0, 9.0, 9.9])
    assert_allclose(loaded.panel.adjusted("close")[:, 0], [20.0, 20.0, 20.0, 22.0])
    assert_allclose(column(loaded, "returns"), [NAN, 0.0, 0.0, 0.1], atol=1e-12)


def test_preclose_of_an_ex_date_is_the_ex_right_reference_rounded_half_up():
    # 10.01 / (1 / 0.95) = 9.5095, and 10.01 × 0.5 = 5.005 rounds up
    frame = bars([10.01, 10.01, 5.0], adj_factor=[1.0, 1 / 0.95, 2 / 0.95])
    assert_array_equal(column(panel_from_frames(frame), "preclose"), [10.01, 9.51, 5.01])


def test_given_preclose_is_kept():
    frame = bars([10.0, 10.0], preclose=[9.0, 10.0])
    assert_array_equal(column(panel_from_frames(frame), "preclose"), [9.0, 10.0])


def test_factor_defaults_to_one():
    assert_array_equal(column(panel_from_frames(bars([10.0, 11.0])), "adj_factor"), [1.0, 1.0])


def test_factor_is_built_from_the_actions_table_where_the_file_has_none():
    loaded = panel_from_frames(bars([10.0, 9.0, 9.0]), actions=action(1, cash_per_share=1.0))
    assert_allclose(column(loaded, "adj_factor"), [1.0, 10 / 9, 10 / 9])
    assert_array_equal(column(loaded, "preclose"), [10.0, 9.0, 9.0])
    assert_allclose(column(loaded, "returns")[1:], 0.0, atol=1e-12)


@pytest.mark.parametrize("kind", ["nan row", "no row", "volume 0", "trading 0"])
def test_suspended_session_is_a_flat_bar_at_the_last_close(kind):
    frame = bars([10.0, 10.5, NAN, NAN, 11.0])
    if kind == "no row":
        frame = without(frame, 2, 3)
    elif kind != "nan row":
        # what vendors write into suspended rows is not trusted
        frame.loc[2:3, ["open", "high", "low"]] = 0.0
        frame.loc[2:3, "close"] = 10.4
    if kind == "trading 0":
        frame.loc[2:3, ["volume", "amount"]] = [500.0, 5200.0]
        frame["trading"] = [1, 1, 0, 0, 1]
    loaded = panel_from_frames(frame)
    for name in ("open", "high", "low", "close", "preclose", "vwap"):
        assert_array_equal(column(loaded, name)[2:4], [10.5, 10.5], err_msg=name)
    for name in ("volume", "amount", "trading"):
        assert_array_equal(column(loaded, name)[2:4], [0.0, 0.0], err_msg=name)
    assert_array_equal(column(loaded, "trading"), [1.0, 1.0, 0.0, 0.0, 1.0])
    assert column(loaded, "preclose")[4] == 10.5


def test_ex_date_in_a_suspension_moves_the_flat_bar_to_the_reference():
    frame = bars([10.0, NAN, NAN, NAN, 9.0], adj_factor=[1.0, 1.0, 10 / 9, 10 / 9, 10 / 9])
    loaded = panel_from_frames(frame)
    assert_array_equal(column(loaded, "close"), [10.0, 10.0, 9.0, 9.0, 9.0])
    assert_array_equal(column(loaded, "preclose"), [10.0, 10.0, 9.0, 9.0, 9.0])
    assert_allclose(column(loaded, "returns")[1:], 0.0, atol=1e-12)


def test_two_ex_dates_in_one_suspension_rest_on_each_other():
    frame = bars([10.0, NAN, NAN, 4.0], adj_factor=[1.0, 10 / 9, 20 / 9, 20 / 9])
    assert_array_equal(column(panel_from_frames(frame), "close"), [10.0, 9.0, 4.5, 4.0])


def test_ex_date_without_a_row_is_taken_from_the_actions_table():
    frame = without(bars([10.0, NAN, NAN, NAN, 9.0], adj_factor=[1.0, 1, 1, 1, 10 / 9]), 1, 2, 3)
    loaded = panel_from_frames(frame, actions=action(2, cash_per_share=1.0))
    assert_array_equal(column(loaded, "close"), [10.0, 10.0, 9.0, 9.0, 9.0])
    assert_allclose(column(loaded, "adj_factor"), [1.0, 1.0, 10 / 9, 10 / 9, 10 / 9])
    assert_allclose(column(loaded, "returns")[1:], 0.0, atol=1e-12)


def test_ex_date_that_the_factor_takes_in_late_is_not_counted_twice():
    factor = [1.0, 1.0, 1.0, 10 / 9, 10 / 9]
    loaded = panel_from_frames(
        bars([10.0, NAN, NAN, NAN, 9.0], adj_factor=factor), actions=action(1, cash_per_share=1.0)
    )
    assert_array_equal(column(loaded, "close"), [10.0, 9.0, 9.0, 9.0, 9.0])
    assert_allclose(column(loaded, "adj_factor"), [1.0, 10 / 9, 10 / 9, 10 / 9, 10 / 9])


def test_factor_noise_moves_no_flat_bar():
    frame = bars([10.0, NAN, 10.0], adj_factor=[1.0, 1.000009, 1.000009])
    assert_array_equal(column(panel_from_frames(frame), "close"), [10.0, 10.0, 10.0])


def test_factor_noise_does_not_hide_an_action_of_that_session():
    frame = bars([10.0, NAN, 9.0], adj_factor=[1.0, 1.000009, 10 / 9])
    loaded = panel_from_frames(frame, actions=action(1, cash_per_share=1.0))
    assert_array_equal(column(loaded, "close"), [10.0, 9.0, 9.0])


def test_action_that_leaves_no_price_is_refused():
    with pytest.raises(DataError, match=rf"600519\.SH {day(1)}: .* a close of 10 into -2"):
        panel_from_frames(bars([10.0, NAN, 9.0]), actions=action(1, cash_per_share=12.0))


def test_outside_first_and_last_row_everything_is_nan():
    frame = together([bars([10.0] * 5), bars([NAN, 20.0, 21.0], "000001.SZ", first=1)])
    loaded = panel_from_frames(frame)
    for name in ("open", "close", "preclose", "vwap", "volume", "amount", "adj_factor", "returns"):
        expected = [True, True, name == "returns", False, True]
        assert_array_equal(np.isnan(column(loaded, name, "000001.SZ")), expected, err_msg=name)
    assert_array_equal(column(loaded, "trading", "000001.SZ"), [0.0, 0.0, 1.0, 1.0, 0.0])


def test_last_row_without_a_price_is_still_inside():
    assert_array_equal(column(panel_from_frames(bars([10.0, 10.5, NAN])), "close"), [10.0, 10.5, 10.5])


def test_listing_day_is_the_first_row_later_than_the_files_first():
    frame = together([bars([10.0] * 3), bars([20.0, 21.0], "000001.SZ", first=1)])
    listed = panel_from_frames(frame).panel.listed
    assert listed[0] == SESSIONS[1]
    assert np.isnat(listed[1])


def test_list_date_of_the_instruments_overrides():
    frame = together([bars([10.0] * 3), bars([20.0, 21.0], "000001.SZ", first=1)])
    table = pd.DataFrame({"symbol": ["000001.SZ", "600519.SH"], "list_date": ["1991-04-03", None]})
    listed = panel_from_frames(frame, instruments=table).panel.listed
    assert listed[0] == np.datetime64("1991-04-03")
    assert np.isnat(listed[1])


def test_list_date_after_the_last_session_is_not_yet_known():
    table = pd.DataFrame({"symbol": ["600519.SH"], "list_date": [day(3)]})
    assert np.isnat(panel_from_frames(bars([10.0] * 3), instruments=table).panel.listed).all()


def test_lots_are_hundreds_of_shares():
    frame = bars([10.0, 10.0], volume=5.0, amount=5000.0)
    loaded = panel_from_frames(frame, units="lots")
    assert_array_equal(column(loaded, "volume"), [500.0, 500.0])
    assert_array_equal(column(loaded, "vwap"), [10.0, 10.0])


def test_vwap_is_amount_over_volume_and_unknown_without_an_amount():
    frame = bars([10.0, 10.0, NAN], high=[11.0, 11.0, NAN], amount=[10_500.0, NAN, NAN])
    loaded = panel_from_frames(frame)
    assert_array_equal(column(loaded, "vwap"), [10.5, NAN, 10.0])
    assert_array_equal(column(loaded, "amount"), [10_500.0, NAN, 0.0])


def test_prices_are_the_very_floats_of_their_decimals():
    loaded = panel_from_frames(bars([10.1 + 1e-9, 0.07 - 1e-12, 1726.0 + 1e-10]))
    assert column(loaded, "close").tolist() == [10.1, 0.07, 1726.0]


@pytest.mark.parametrize("tick", [None, "none"])
def test_without_a_tick_prices_are_left_alone(tick):
    loaded = panel_from_frames(bars([10.12345, 10.54321]), tick=tick)
    assert column(loaded, "close").tolist() == [10.12345, 10.54321]
    assert loaded.panel.tick is None


def test_turnover_is_a_ratio_and_gives_the_float_market_cap():
    frame = bars([10.0, NAN, 12.0], turnover_pct=[2.0, NAN, 1.0], volume=[200.0, 0.0, 100.0])
    frame["amount"] = frame["close"] * frame["volume"]
    loaded = panel_from_frames(frame)
    assert_allclose(column(loaded, "turnover"), [0.02, 0.0, 0.01])
    assert_allclose(column(loaded, "market_cap"), [100_000.0, 100_000.0, 120_000.0])


def test_market_cap_keeps_its_value_over_a_bonus_issue_in_a_suspension():
    frame = bars([10.0, NAN, 5.0], turnover=[0.02, NAN, 0.01], adj_factor=[1.0, 2.0, 2.0])
    loaded = panel_from_frames(frame, actions=action(1, bonus_ratio=1.0))
    assert_allclose(column(loaded, "market_cap")[:2], [500_000.0, 500_000.0])


def test_market_cap_is_absent_without_turnover():
    assert "market_cap" not in panel_from_frames(bars([10.0])).panel.fields


def test_share_factor_is_always_there():
    assert_array_equal(column(panel_from_frames(bars([10.0, 10.0])), "share_factor"), [1.0, 1.0])
    frame = bars([12.0, 10.0, 10.0], adj_factor=[1.0, 1.2, 1.2])
    loaded = panel_from_frames(frame, actions=action(1, bonus_ratio=0.2))
    assert_allclose(column(loaded, "share_factor"), [1.0, 1.2, 1.2])


def test_other_numeric_columns_are_carried_and_texts_are_not():
    loaded = panel_from_frames(bars([10.0, 10.0], score=[0.5, NAN], note="x", pct_change=[1.0, 2.0]))
    assert_array_equal(column(loaded, "score"), [0.5, NAN])
    assert not {"note", "pct_change"} & set(loaded.panel.fields)


def test_special_treatment_lasts_over_sessions_without_a_row_and_defaults_to_none():
    frame = without(bars([10.0] * 4, is_st=[NAN, 1.0, 1.0, 0.0]), 2)
    assert_array_equal(column(panel_from_frames(frame), "is_st"), [0.0, 1.0, 1.0, 0.0])
    assert_array_equal(column(panel_from_frames(bars([10.0])), "is_st"), [0.0])


def test_sessions_are_those_of_the_calendar_or_of_the_data():
    frame = without(bars([10.0] * 4), 1)
    assert_array_equal(panel_from_frames(frame).panel.dates, SESSIONS[:4])
    assert_array_equal(panel_from_frames(frame, calendar="data").panel.dates, SESSIONS[[0, 2, 3]])


def test_symbols_in_any_spelling_and_rows_in_any_order():
    frame = together(
        [bars([10.0, 11.0], "SH600519"), bars([20.0, 21.0], "sz.000001"), bars([30.0, 31.0], "688981")]
    )
    shuffled = frame.sample(frac=1.0, random_state=1)
    panel = panel_from_frames(shuffled).panel
    assert panel.symbols.tolist() == ["000001.SZ", "600519.SH", "688981.SH"]
    assert_array_equal(panel.field("close"), [[20.0, 10.0, 30.0], [21.0, 11.0, 31.0]])


@pytest.mark.parametrize("names", [("datetime", "instrument"), ("date", "symbol"), (None, None)])
def test_frames_indexed_by_date_and_instrument(names):
    plain = bars([10.0, 11.0])
    indexed = plain.set_index(["date", "symbol"]).rename_axis(list(names))
    assert panel_from_frames(indexed).panel.data_hash == panel_from_frames(plain).panel.data_hash


def test_fields_are_c_order_floats_that_cannot_be_written():
    panel = panel_from_frames(bars([10.0, 10.0])).panel
    for name, values in panel.fields.items():
        assert values.dtype == np.float64 and values.flags.c_contiguous, name
    with pytest.raises(ValueError, match="read-only"):
        panel.field("close")[0, 0] = 1.0


def test_action_on_no_session_moves_to_the_next_with_a_warning():
    loaded = panel_from_frames(bars([10.0] * 6), actions=action("2023-01-07", cash_per_share=0.01))
    ((session, _, terms),) = loaded.panel.actions.rows()
    assert str(session) == "2023-01-09"
    assert terms.cash == 0.01
    (moved,) = [w for w in loaded.report.warnings if w.kind == "ex_date_moved"]
    assert moved.examples == ("600519.SH 2023-01-07 to 2023-01-09",)


def test_actions_of_one_ex_date_are_added_and_strangers_ignored():
    table = together(
        [
            action(1, cash_per_share=0.3),
            action(1, cash_per_share=0.2, bonus_ratio=0.1),
            action(1, "000001.SZ", cash_per_share=1.0),
            action("2022-12-30", cash_per_share=1.0),
            action("2024-01-02", cash_per_share=1.0),
        ]
    )
    frame = bars([10.0] * 3, adj_factor=[1.0, 10 / 8.64, 10 / 8.64])
    ((session, column_, terms),) = panel_from_frames(frame, actions=table).panel.actions.rows()
    assert (str(session), column_) == (day(1), 0)
    assert_allclose(terms[:4], (0.5, 0.1, 0.0, 0.0))
