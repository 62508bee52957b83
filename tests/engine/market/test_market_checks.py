"""What is refused and what is warned of, each with its count and examples."""

from __future__ import annotations

import pytest
from market_frames import NAN, action, bars, day, members, together, without

from engine.errors import ConfigError, DataError
from engine.market import DataConfig, InvalidDataError, check_file, data_config, panel_from_frames


def refusal(*args, **options):
    with pytest.raises(InvalidDataError) as caught:
        panel_from_frames(*args, **options)
    return caught.value.report


def only_error(*args, **options):
    (finding,) = refusal(*args, **options).errors
    return finding


def warning(kind, *args, **options):
    report = panel_from_frames(*args, **options).report
    (finding,) = [w for w in report.warnings if w.kind == kind]
    return finding


def test_clean_data_have_nothing_to_report():
    report = panel_from_frames(bars([10.0, 10.5], adj_factor=1.0)).report
    assert report.ok
    assert str(report) == "no errors, no warnings"


def test_duplicate_rows_are_refused_across_spellings():
    finding = only_error(together([bars([10.0, 10.0]), bars([10.0], "SH600519")]))
    assert (finding.kind, finding.count) == ("duplicate", 1)
    assert finding.examples == (f"600519.SH {day(0)}",)


def test_bad_bar_is_refused_with_its_numbers():
    finding = only_error(bars([10.0, 10.2], high=10.0, low=9.0))
    assert (finding.kind, finding.count) == ("bad_ohlc", 1)
    assert finding.examples == (f"600519.SH {day(1)} (high 10.00 < open 10.20)",)


@pytest.mark.parametrize(
    ("column", "value", "words"),
    [
        ("high", 9.9, "high 9.90 < low 10.00"),
        ("low", 10.1, "high 10.00 < low 10.10"),
        ("open", 10.1, "high 10.00 < open 10.10"),
        ("close", 9.9, "low 10.00 > close 9.90"),
        ("open", NAN, "open nan"),
    ],
)
def test_every_broken_relation_of_a_bar_is_seen(column, value, words):
    assert words in only_error(bars([10.0]).assign(**{column: value}, amount=10_000.0)).examples[0]


def test_half_a_tick_of_slack_is_rounding_and_without_a_tick_there_is_next_to_none():
    frame = bars([10.0], high=9.996)
    assert panel_from_frames(frame).report.ok
    assert only_error(frame, tick=None).kind == "bad_ohlc"


def test_suspended_rows_may_hold_zeros_for_prices():
    frame = bars([10.0, 10.0, 10.0], volume=[1000.0, 0.0, 1000.0], amount=[10_000.0, 0.0, 10_000.0])
    frame.loc[1, ["open", "high", "low"]] = 0.0
    assert panel_from_frames(frame).report.ok


@pytest.mark.parametrize("price", [0.0, -1.0])
def test_price_of_zero_or_below_is_refused(price):
    kinds = [e.kind for e in refusal(bars([10.0, 10.0], low=[10.0, price])).errors]
    assert kinds == ["bad_price"]


@pytest.mark.parametrize(("name", "usual"), [("volume", 1000.0), ("amount", 10_000.0)])
def test_negative_volume_and_amount_are_refused(name, usual):
    finding = only_error(bars([10.0, 10.0]).assign(**{name: [usual, -5.0]}))
    assert (finding.kind, finding.examples) == (f"bad_{name}", (f"600519.SH {day(1)} (-5)",))


def test_day_off_the_calendar_is_refused_but_not_of_synthetic_data():
    frame = bars([10.0, 10.0], date=["2023-01-06", "2023-01-07"])
    finding = only_error(frame)
    assert (finding.kind, finding.examples) == ("off_calendar", ("600519.SH 2023-01-07",))
    assert panel_from_frames(frame, calendar="data").report.ok


@pytest.mark.parametrize("factors", [[1.1, 1.0], [1.0, 0.0], [-1.0, 1.0]])
def test_factor_that_falls_or_is_not_positive_is_refused(factors):
    assert only_error(bars([10.0, 10.0], adj_factor=factors)).kind == "bad_factor"


def test_factor_may_fall_by_rounding_and_must_start_somewhere():
    assert panel_from_frames(bars([10.0, 10.0], adj_factor=[1.0, 0.99995])).report.ok
    assert only_error(bars([10.0, 10.0], adj_factor=[NAN, 1.0])).kind == "no_factor"


def test_unreadable_symbol_names_its_row_and_is_fine_in_synthetic_data():
    frame = together([bars([10.0]), bars([10.0], "ACME")])
    finding = only_error(frame)
    assert finding.kind == "bad_symbol"
    assert finding.examples == ("the quotes frame, row 1, 'ACME'",)
    loaded = panel_from_frames(frame, calendar="data")
    assert loaded.panel.symbols.tolist() == ["600519.SH", "ACME"]


def test_lots_taken_for_shares_are_refused_with_the_remedy_and_the_other_way_round():
    frame = bars([10.0, 10.0], volume=10.0, amount=10_000.0)
    finding = only_error(frame)
    assert finding.kind == "units"
    assert "set data.units: lots" in finding.message
    assert panel_from_frames(frame, units="lots").report.ok
    assert "set data.units: shares" in only_error(bars([10.0, 10.0]), units="lots").message


def test_amounts_in_thousands_are_refused_too():
    assert "amount in CNY" in only_error(bars([10.0], amount=10.0)).message


def test_every_error_is_found_in_one_pass():
    frame = together([bars([10.0, 10.0], high=[9.0, 10.0]), bars([20.0, -1.0], "000001.SZ")])
    assert {e.kind for e in refusal(frame).errors} == {"bad_ohlc", "bad_price", "bad_amount"}


def test_at_most_three_examples_but_the_whole_count():
    finding = only_error(bars([10.0] * 8, high=9.0))
    assert finding.count == 8
    assert len(finding.examples) == 3


def test_refusal_names_the_source_in_one_line():
    with pytest.raises(DataError, match=r"^the quotes frame: bad_ohlc: 1 row .*600519\.SH") as caught:
        panel_from_frames(bars([10.0], high=9.0))
    assert "\n" not in str(caught.value)


def test_gap_is_warned_of_with_the_longest_first():
    frame = together([without(bars([10.0] * 5), 1), without(bars([20.0] * 5, "000001.SZ"), 2, 3)])
    finding = warning("gap", frame)
    assert finding.count == 3
    assert finding.examples[0] == f"000001.SZ (2 sessions, {day(2)}..{day(3)})"


def test_session_without_any_row_is_warned_of():
    finding = warning("empty_session", without(bars([10.0] * 3), 1))
    assert finding.examples == (day(1),)


def test_missing_amounts_are_counted_by_name():
    frame = together([bars([10.0] * 2, amount=NAN), bars([20.0] * 2, "000001.SZ")])
    finding = warning("missing_amount", frame)
    assert (finding.count, finding.examples) == (2, (f"600519.SH {day(0)}",))
    assert warning("no_amount", bars([10.0]).drop(columns="amount")).count == 1


def test_vwap_outside_the_bar_is_warned_of():
    finding = warning("vwap_outside", bars([10.0, 10.0], amount=[10_000.0, 10_020.0]))
    assert finding.examples == (f"600519.SH {day(1)} (vwap 10.02, 10.00..10.00)",)


def test_prices_off_the_tick_are_counted_and_rounded():
    loaded = panel_from_frames(bars([10.0, 10.003], adj_factor=1.0))
    (finding,) = loaded.report.warnings
    assert (finding.kind, finding.count) == ("off_tick", 1)
    assert "1 traded row of 2" in finding.message
    assert loaded.panel.field("close")[1, 0] == 10.0


def test_unknown_board_is_warned_of():
    assert warning("unknown_board", bars([10.0], "510050.SH")).examples == ("510050.SH",)


def test_factor_that_disagrees_with_preclose_is_warned_of():
    frame = bars([10.0, 9.0], preclose=[10.0, 9.0])
    assert warning("factor_disagrees", frame).count == 1
    assert not panel_from_frames(frame.assign(adj_factor=[1.0, 10 / 9])).report.warnings
    assert not panel_from_frames(frame, actions=action(1, cash_per_share=1.0)).report.warnings


def test_volume_without_a_price_is_warned_of_and_suspended():
    loaded = panel_from_frames(bars([10.0, NAN, 10.0], volume=1000.0, adj_factor=1.0))
    assert [w.kind for w in loaded.report.warnings] == ["trading_conflict"]
    assert loaded.panel.field("trading")[1, 0] == 0.0


def test_name_without_a_single_price_is_warned_of():
    assert warning("no_price", together([bars([10.0]), bars([NAN], "000001.SZ")])).examples == ("000001.SZ",)


def test_member_without_quotes_and_without_price_is_warned_of():
    frame = together([bars([10.0] * 4), bars([20.0] * 2, "000001.SZ")])
    table = members(("600519.SH", 0, None), ("000001.SZ", 0, None), ("600000.SH", 0, 2))
    assert warning("member_not_quoted", frame, membership=table).examples == ("600000.SH (2 sessions)",)
    finding = warning("member_without_price", frame, membership=table)
    assert finding.examples == (f"000001.SZ (2 sessions, {day(2)}..{day(3)})",)


def test_report_of_a_file_is_returned_not_raised(tmp_path):
    path = tmp_path / "quotes.csv"
    bars([10.0, 10.2], high=10.0, amount=10_000.0, low=9.0).to_csv(path, index=False)
    report = check_file(DataConfig(source="file", path=path))
    assert not report.ok
    assert str(report).startswith("1 error, no warnings\nerror    bad_ohlc: 1 row ")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            {"universe": "csi500"},
            "data.universe is one of all, sse50, csi300, or a list of symbols; not 'csi500'",
        ),
        ({"tick": -1.0}, "data.tick is a price above 0, or none; not -1.0"),
        ({"units": "pounds"}, "data.units must be 'shares' or 'lots', not 'pounds'"),
        ({"universe": [600000]}, "data.universe must be text, not 600000; quote it"),
        ({"columns": {"open": 3}}, "data.columns must be text, not 3; quote it"),
    ],
)
def test_impossible_options_are_configuration_errors_in_a_line(options, message):
    with pytest.raises(ConfigError) as caught:
        panel_from_frames(bars([10.0]), **options)
    assert str(caught.value) == message


def test_unknown_keys_of_a_data_section_get_the_nearest_or_all_known():
    with pytest.raises(ConfigError, match=r"^data\.unit: unknown key; did you mean units\?$"):
        data_config(unit="lots")
    with pytest.raises(ConfigError, match=r"^data\.foo: unknown key; known: source, path, universe, .*tick$"):
        data_config(foo=2)
