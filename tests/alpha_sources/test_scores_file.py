from __future__ import annotations

import dataclasses
import pickle

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from alpha_sources.refresh import RefreshRule
from alpha_sources.scores_file import ScoresFileProvider
from alpha_sources.signal import ProviderSignal
from engine.errors import ConfigError, DataError, ProviderError
from engine.market.calendar import iso

LONG = """date,symbol,score
2023-01-04,600519.SH,1.5
2023-01-04,000001.SZ,-2
2023-01-05,600519.SH,
2023-01-05,300750.SZ,3e-1
"""
NAN = np.nan
EXPECTED = {
    "2023-01-03": [NAN, NAN, NAN, NAN, NAN],
    "2023-01-04": [-2.0, NAN, NAN, 1.5, NAN],
    "2023-01-05": [NAN, 0.3, NAN, NAN, NAN],
    "2023-01-06": [NAN, NAN, NAN, NAN, NAN],
}


@pytest.fixture
def write(tmp_path):
    def write(text: str, name: str = "scores.csv"):
        path = tmp_path / name
        path.write_text(text, encoding="utf-8")
        return path

    return write


def frame() -> pd.DataFrame:
    return pd.DataFrame(
        {
            "datetime": pd.to_datetime(["2023-01-04", "2023-01-04", "2023-01-05", "2023-01-05"]),
            "instrument": ["SH600519", "SZ000001", "SH600519", "SZ300750"],
            "score": [1.5, -2.0, NAN, 0.3],
        }
    )


def assert_expected(provider, panel):
    for session, row in EXPECTED.items():
        np.testing.assert_array_equal(provider.scores(panel.view(session), None), row)


def refused(path, panel, session="2023-01-05", **params) -> str:
    with pytest.raises(DataError) as caught:
        ScoresFileProvider(path, **params).scores(panel.view(session), None)
    message = str(caught.value)
    assert "\n" not in message
    assert str(path) in message
    return message.replace(str(path), path.name)


# -- layouts


@pytest.mark.parametrize(
    "text",
    [
        LONG,
        LONG.replace("date,symbol,score", "DateTime,Instrument,alpha"),
        LONG.replace("600519.SH", "SH600519").replace("000001.SZ", "sz000001"),
        LONG.replace("600519.SH", "600519").replace("000001.SZ", "000001").replace("300750.SZ", "300750"),
        LONG.replace("-", "").replace(",2\n", ",-2\n").replace("3e1", "3e-1"),
        LONG.replace("2023-01-0", "2023/1/"),
        LONG.replace("2023-01-04", "2023-01-04 15:00:00"),
        LONG.replace("2023-01-04", "2023-01-03T16:00:00+00:00"),  # midnight in Shanghai
        "\ufeff" + LONG,
        LONG.replace("\n", "\n\n"),
        LONG.replace("\n", "\r\n"),
        LONG.replace("SH,\n", "SH,NaN\n"),
        "date,000001.SZ,SZ300750,600519\n2023-01-05,,0.3,\n2023-01-04,-2,,1.5\n",
        ",000001.SZ,SZ300750,600519\n2023-01-05,,0.3,\n2023-01-04,-2,,1.5\n",
        "".join(f"{i},{line}\n" if i else f",{line}\n" for i, line in enumerate(LONG.splitlines())),
    ],
    ids=[
        "long", "other names", "qlib symbols", "bare codes", "compact dates", "slashes", "with a time", "UTC",
        "BOM", "blank lines", "CRLF", "NaN", "wide", "wide, unnamed index", "row numbers",
    ],
)  # fmt: skip
def test_csv_layouts(write, panel, text):
    assert_expected(ScoresFileProvider(write(text)), panel)


def test_csv_as_pandas_writes_an_unnamed_multi_index(tmp_path, panel):
    series = frame().set_index(["datetime", "instrument"])
    series.index.names = [None, None]
    series.to_csv(tmp_path / "s.csv")
    assert_expected(ScoresFileProvider(tmp_path / "s.csv"), panel)


@pytest.mark.parametrize(
    "shape",
    [
        lambda f: f,
        lambda f: f.set_index(["datetime", "instrument"]),
        lambda f: f.set_index(["instrument", "datetime"]),
        lambda f: f.set_index("datetime"),
        lambda f: f.set_index(["datetime", "instrument"]).rename_axis([None, None]),
        lambda f: f.assign(datetime=f.datetime.dt.date),
        lambda f: f.assign(datetime=f.datetime.dt.strftime("%Y%m%d").astype(int)),
        lambda f: f.assign(datetime=f.datetime.dt.tz_localize("Asia/Shanghai").dt.tz_convert("UTC")),
        lambda f: f.assign(instrument=f.instrument.astype("category")),
        lambda f: f.assign(score=f.score.astype("Float64")),
        lambda f: f.pivot(index="datetime", columns="instrument", values="score"),
        lambda f: f.pivot(index="datetime", columns="instrument", values="score").rename_axis(None),
        lambda f: f.pivot(index="datetime", columns="instrument", values="score").reset_index(),
    ],
    ids=[
        "columns", "multi-index", "multi-index swapped", "date index", "unnamed multi-index", "date objects",
        "integer dates", "zoned", "categories", "nullable", "wide", "wide, unnamed", "wide, date column",
    ],
)  # fmt: skip
def test_parquet_layouts(tmp_path, panel, shape):
    path = tmp_path / "scores.parquet"
    shape(frame()).to_parquet(path)
    assert_expected(ScoresFileProvider(path), panel)


def test_a_column_is_chosen_by_name(write, panel):
    path = write("date,symbol,a,b\n2023-01-04,600519,1,2\n")
    scores = ScoresFileProvider(path, column="b").scores(panel.view("2023-01-04"), None)
    assert scores[3] == 2


def test_score_goes_before_other_numbers_and_text_is_passed_over(write, panel):
    text = "date,symbol,rank,score\n2023-01-04,600519,1,2\n"
    assert ScoresFileProvider(write(text)).scores(panel.view("2023-01-04"), None)[3] == 2
    text = "date,symbol,name,alpha\n2023-01-04,600519,茅台,2\n"
    assert ScoresFileProvider(write(text)).scores(panel.view("2023-01-04"), None)[3] == 2


# -- what it does with them


def test_the_file_is_read_once(write, panel):
    path = write(LONG)
    provider = ScoresFileProvider(path)
    provider.scores(panel.view("2023-01-03"), None)
    path.unlink()
    assert_expected(provider, panel)


def test_the_table_is_left_behind_when_pickled(write, panel):
    path = write(LONG)
    provider = ScoresFileProvider(path)
    provider.scores(panel.view("2023-01-04"), None)
    pickled = pickle.dumps(provider)
    assert b"600519" not in pickled
    back = pickle.loads(pickled)
    path.write_text(LONG.replace("1.5", "2.5"))
    assert back.scores(panel.view("2023-01-04"), None)[3] == 2.5


def test_what_is_done_to_the_scores_does_not_reach_the_table(write, panel):
    provider = ScoresFileProvider(write(LONG))
    provider.scores(panel.view("2023-01-04"), None)[:] = 9
    assert_expected(provider, panel)


def test_one_provider_can_serve_two_panels(write, panel, make_panel):
    provider = ScoresFileProvider(write(LONG))
    assert_expected(provider, panel)
    more = make_panel(symbols=("000001.SZ", "000002.SZ", "300750.SZ", "600519.SH"))
    np.testing.assert_array_equal(provider.scores(more.view("2023-01-04"), None), [-2, NAN, NAN, 1.5])
    assert_expected(provider, panel)


@given(row=st.integers(0, 59), seed=st.integers(0, 3))
def test_scores_do_not_change_when_the_future_is_cut_off(tmp_path_factory, make_panel, row, seed):
    panel = make_panel()
    path = tmp_path_factory.mktemp("scores") / "scores.parquet"
    values = np.random.default_rng(seed).normal(size=panel.shape)
    pd.DataFrame(values, index=panel.dates, columns=panel.symbols).to_parquet(path)
    whole = ScoresFileProvider(path).scores(panel.view(row), None)
    cut = ScoresFileProvider(path).scores(panel.truncate(row).view(row), None)
    np.testing.assert_array_equal(whole, values[row])
    np.testing.assert_array_equal(cut, whole)


def test_scores_panel_equals_scores_row_by_row(write, panel):
    provider = ScoresFileProvider(write(LONG))
    rows = provider.scores_panel(panel.view(3), None, 0)
    np.testing.assert_array_equal(rows, list(EXPECTED.values()))


# -- what a file can have wrong


def test_a_missing_file(tmp_path, panel):
    assert refused(tmp_path / "none.csv", panel) == "there is no scores file none.csv"


def test_a_file_of_another_kind(write, panel):
    assert "scores are read from .csv or .parquet, not .xlsx" in refused(write(LONG, "s.xlsx"), panel)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("3e-1", "many", "line 5, column score: 'many' is no number"),
        ("3e-1", "inf", "line 5, column score: a score must be finite"),
        ("2023-01-05,300750", "2023-02-30,300750", "line 5, column date: '2023-02-30' is no date"),
        ("2023-01-05,300750", "05.01.2023,300750", "line 5, column date: '05.01.2023' is no date"),
        ("2023-01-05,300750", ",300750", "line 5, column date: '' is no date"),
        ("2023-01-05,300750", "2023113,300750", "line 5, column date: '2023113' is no date"),
        ("300750.SZ", "AAPL", "line 5, column symbol: 'AAPL' is no A-share symbol"),
        ("300750.SZ,3e-1", "300750.SZ,3e-1,4", "scores.csv, line 5: 4 cells under 3 headings"),
        ("300750.SZ,3e-1", "300750.SZ", "scores.csv, line 5: 2 cells under 3 headings"),
        ("300750.SZ", "SH600519", "line 5: 600519.SH on 2023-01-05 was scored already in line 4"),
        ("date,symbol,score", "day,symbol,score", "no column date or datetime; it has day, symbol, score"),
        ("date,symbol,score", "date,symbol,symbol", "scores.csv: there are two columns 'symbol'"),
        ("date,symbol,score", "date,name,score", "neither a column symbol or instrument nor symbols: 'name'"),
    ],
)  # fmt: skip
def test_a_bad_cell_is_named_by_line_and_column(write, panel, old, new, message):
    assert old in LONG
    assert message in refused(write(LONG.replace(old, new)), panel)


def test_lines_are_counted_in_the_file_blank_ones_too(write, panel):
    path = write(LONG.replace("3e-1", "many").replace("\n", "\n\n"))
    assert "line 9, column score" in refused(path, panel)


def test_a_bad_parquet_cell_is_named_by_row(tmp_path, panel):
    path = tmp_path / "s.parquet"
    frame().assign(instrument=["SH600519", "SZ000001", "AAPL", "SZ300750"]).to_parquet(path)
    assert "s.parquet, row 3, column instrument: 'AAPL' is no A-share symbol" in refused(path, panel)
    frame().assign(datetime=[20230104.0, 20230104.0, 20230105.0, 20230105.0]).to_parquet(path)
    assert "s.parquet, row 1, column datetime: '20230104.0' is no date" in refused(path, panel)
    frame().assign(datetime=[pd.NaT, *frame().datetime[1:]]).to_parquet(path)
    assert "s.parquet, row 1, column datetime: the cell is empty" in refused(path, panel)


def test_a_damaged_parquet_file(write, panel):
    assert "s.parquet cannot be read as Parquet" in refused(write("PAR1 not really", "s.parquet"), panel)


def test_a_file_that_is_not_utf8(tmp_path, panel):
    path = tmp_path / "s.csv"
    path.write_bytes("date,symbol,名称,score\n".encode("gbk"))
    assert "s.csv is not UTF-8" in refused(path, panel)


@pytest.mark.parametrize("text", ["", "date,symbol,score\n"])
def test_an_empty_file(write, panel, text):
    assert refused(write(text), panel) == "scores.csv holds no scores"


def test_a_file_of_dates_only(write, panel):
    assert refused(write("date\n2023-01-04\n"), panel) == "scores.csv has no column besides the date"


def test_a_wide_file_with_a_date_twice(write, panel):
    path = write("date,600519\n2023-01-04,1\n20230104,2\n")
    assert refused(path, panel) == "scores.csv has two rows for 2023-01-04"


def test_a_wide_file_with_a_symbol_twice(write, panel):
    path = write("date,600519,SH600519\n2023-01-04,1,2\n")
    assert refused(path, panel) == "scores.csv has two columns for 600519.SH"


def test_several_numeric_columns_need_a_name(write, panel):
    path = write("date,symbol,a,name,b\n2023-01-04,600519,1,x,2\n")
    assert refused(path, panel) == (
        "scores.csv has 2 numeric columns (a, b) and none called score; set alpha.params.column"
    )


def test_no_numeric_column(write, panel):
    path = write("date,symbol,a,b\n2023-01-04,600519,x,y\n")
    assert "has no numeric column and none called score" in refused(path, panel)


def test_a_column_that_is_not_there(write, panel):
    path = write("date,symbol,a,b\n2023-01-04,600519,1,2\n")
    assert refused(path, panel, column="c") == "scores.csv has no column 'c'; it has a, b"


def test_a_column_for_a_wide_file(write, panel):
    path = write("date,600519\n2023-01-04,1\n")
    assert "alpha.params.column means nothing there" in refused(path, panel, column="600519")


def test_unknown_symbols_are_counted_named_and_can_be_left_out(write, panel):
    strangers = "".join(f"2023-01-04,60000{i},1\n" for i in range(1, 8))
    path = write(LONG + strangers)
    assert refused(path, panel) == (
        "scores.csv: 7 symbols are not in the market data (600001.SH, 600002.SH, 600003.SH, 600004.SH, "
        "600005.SH, ...); to leave them out, set alpha.params.unknown: ignore"
    )
    assert_expected(ScoresFileProvider(path, unknown="ignore"), panel)


def test_no_known_symbol_at_all_is_refused_even_when_ignoring(write, panel):
    path = write("date,symbol,score\n2023-01-04,600001,1\n")
    assert "none of its 1 symbols is in the market data" in refused(path, panel, unknown="ignore")


def test_a_date_that_is_no_session_is_refused_or_left_out(write, panel):
    path = write(LONG + "2023-01-07,600519.SH,1\n")
    message = refused(path, panel)
    assert "1 date is no session (2023-01-07)" in message
    assert "alpha.params.unknown: ignore" in message
    assert_expected(ScoresFileProvider(path, unknown="ignore"), panel)


@pytest.mark.parametrize("year", ["2013", "2099"])
def test_a_file_of_another_time_is_refused(write, panel, year):
    path = write(LONG.replace("2023-", f"{year}-"))
    message = refused(path, panel)
    assert f"scores for {year}-01-04..{year}-01-05, none of it within the market data" in message


def test_scores_before_the_data_begin_do_no_harm(write, panel):
    path = write(LONG + "2022-12-30,600519.SH,1\n")
    assert_expected(ScoresFileProvider(path), panel)


def test_unknown_takes_two_values(write):
    with pytest.raises(ConfigError, match=r"alpha\.params\.unknown: 'drop' is neither error nor ignore"):
        ScoresFileProvider(write(LONG), unknown="drop")


def test_an_error_reaches_the_user_with_provider_and_session(write, panel):
    provider = ScoresFileProvider(write(LONG.replace("3e-1", "many")))
    signal = ProviderSignal(provider, panel, RefreshRule.parse("never"), "scores_file", "")
    with pytest.raises(
        DataError, match=r"^provider scores_file at 2023-01-04 in scores: .*line 5, column score"
    ):
        signal.scores_at(1)
    assert not issubclass(DataError, ProviderError)


@given(
    st.lists(
        st.tuples(st.integers(0, 19), st.integers(0, 4), st.floats(-1e9, 1e9)),
        min_size=1,
        unique_by=lambda row: row[:2],
    )
)
def test_long_and_wide_csv_and_parquet_say_the_same(tmp_path_factory, make_panel, rows):
    panel, folder = make_panel(20), tmp_path_factory.mktemp("scores")
    long = pd.DataFrame(
        {
            "date": [iso(panel.dates[t]) for t, _, _ in rows],
            "symbol": [str(panel.symbols[n]) for _, n, _ in rows],
            "score": [score for _, _, score in rows],
        }
    )
    wide = long.pivot(index="date", columns="symbol", values="score")
    long.to_csv(folder / "long.csv", index=False)
    long.to_parquet(folder / "long.parquet")
    wide.to_csv(folder / "wide.csv")
    wide.to_parquet(folder / "wide.parquet")
    expected = np.full(panel.shape, np.nan)
    for t, n, score in rows:
        expected[t, n] = score
    for name in ("long.csv", "long.parquet", "wide.csv", "wide.parquet"):
        found = ScoresFileProvider(folder / name).scores_panel(panel.view(19), None, 0)
        np.testing.assert_array_equal(found, expected)


# -- stocks whose code changed


def renamed_panel(panel):
    """000001.SZ was, or will be, 000999.SZ."""
    return dataclasses.replace(panel, aliases={"000999.SZ": "000001.SZ"})


def test_scores_under_another_code_of_a_stock_are_its_own(write, panel):
    text = LONG.replace("2023-01-04,000001.SZ", "2023-01-04,000999.SZ")
    assert_expected(ScoresFileProvider(write(text)), renamed_panel(panel))


def test_scores_under_both_codes_join_but_not_on_one_session(write, panel):
    joined = LONG + "2023-01-06,000999.SZ,7\n"
    view = renamed_panel(panel).view("2023-01-06")
    assert ScoresFileProvider(write(joined)).scores(view, None)[0] == 7.0
    both = LONG + "2023-01-04,000999.SZ,7\n"
    message = refused(write(both), renamed_panel(panel))
    assert "000999.SZ on 2023-01-04 has a score under another of its codes (000001.SZ" in message
