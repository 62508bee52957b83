"""Files: what is read, and where an unreadable one is said to be wrong."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest
from market_frames import action, bars, day, members
from pydantic import ValidationError

from engine.errors import DataError
from engine.market import DataConfig, load_market, panel_from_frames

HEADER = "date,symbol,open,high,low,close,volume,amount"
GOOD = "2023-01-03,600519.SH,10,11,9,10,100,1000"


@pytest.fixture
def load_lines(tmp_path):
    def load(*lines, encoding="utf-8", **options):
        path = tmp_path / "quotes.csv"
        path.write_bytes("\n".join(lines).encode(encoding))
        return load_market(DataConfig(source="file", path=path, **options))

    return load


@pytest.mark.parametrize(
    ("line", "complaint"),
    [
        ("2023-01-04,600519.SH,10,1l,9,10,100,1000", r"line 3, column high: '1l' is no number"),
        ("2023-01-04,600519.SH,10,11,9,10,100,1e", r"line 3, column amount: '1e' is no number"),
        ("2023-02-30,600519.SH,10,11,9,10,100,1000", r"line 3, column date: '2023-02-30' is no date"),
        (",600519.SH,10,11,9,10,100,1000", r"line 3, column date: '' is no date"),
        ("2023-01-04,600519.SH,10,inf,9,10,100,1000", r"line 3, column high: 'inf' is not finite"),
        ("2023-01-04,600519.SH,10,11", r"line 3: 4 cells, but line 1 names 8 columns"),
        ("2023-01-04,600519.SH,10,11,9,10,100,1000,", r"line 3: 9 cells, but line 1 names 8"),
        ("2023-01-04,ACME,10,11,9,10,100,1000", r"bad_symbol.*line 3, 'ACME'"),
    ],
)
def test_csv_row_that_does_not_parse_is_named(load_lines, line, complaint):
    with pytest.raises(DataError, match=rf"quotes\.csv.*{complaint}"):
        load_lines(HEADER, GOOD, line)


def test_line_numbers_are_those_of_an_editor_despite_blank_lines(load_lines):
    with pytest.raises(DataError, match="line 5, column close: 'x'"):
        load_lines(HEADER, "", GOOD, "", "2023-01-04,600519.SH,10,11,9,x,100,1000")


def test_blank_lines_windows_ends_and_byte_order_marks_are_no_trouble(load_lines):
    panel = load_lines("\ufeff" + HEADER + "\r", GOOD + "\r", "\r", "").panel
    assert panel.shape == (1, 1)


def test_blank_cells_are_missing_values(load_lines):
    panel = load_lines(HEADER, GOOD, "2023-01-04,600519.SH,,,,,0,").panel
    assert panel.field("close")[:, 0].tolist() == [10.0, 10.0]


CHINESE = {
    "date": "日期", "symbol": "代码", "open": "开盘", "high": "最高", "low": "最低", "close": "收盘",
    "volume": "成交量", "amount": "成交额",
}  # fmt: skip


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030", "utf-16"])
def test_columns_are_mapped_from_chinese_names(load_lines, encoding):
    header = ",".join(CHINESE.values())
    row = "2023/1/3,sh600519,10,11,9,10,1,1000"
    panel = load_lines(header, row, encoding=encoding, columns=CHINESE, units="lots").panel
    assert panel.symbols.tolist() == ["600519.SH"]
    assert panel.field("volume")[0, 0] == 100.0


def test_mapped_column_wins_over_one_of_our_name():
    frame = bars([10.0], raw_close=10.0).assign(close=99.0)
    panel = panel_from_frames(frame, columns={"close": "raw_close"}).panel
    assert panel.field("close")[0, 0] == 10.0


def test_missing_columns_are_listed_beside_what_is_there(load_lines):
    with pytest.raises(DataError, match=r"lacks the column high, low, volume; it has date, .*data\.columns"):
        load_lines("date,symbol,open,close", "2023-01-03,600519.SH,1,1")
    with pytest.raises(DataError, match=r"no column 收盘 that data\.columns names; it has date"):
        load_lines(HEADER, GOOD, columns={"close": "收盘"})


def test_empty_and_missing_files_are_refused(load_lines, tmp_path):
    with pytest.raises(DataError, match="holds no rows"):
        load_lines(HEADER)
    with pytest.raises(DataError, match="cannot be read: Empty CSV file"):
        load_lines("")
    with pytest.raises(DataError, match=r"nowhere\.csv: no such file"):
        load_market(DataConfig(source="file", path=tmp_path / "nowhere.csv"))
    odd = tmp_path / "quotes.xlsx"
    odd.write_bytes(b"")
    with pytest.raises(DataError, match=r"\.xlsx"):
        load_market(DataConfig(source="file", path=odd))
    broken = tmp_path / "quotes.parquet"
    broken.write_bytes(b"PAR1, or so")
    with pytest.raises(DataError, match=r"quotes\.parquet cannot be read"):
        load_market(DataConfig(source="file", path=broken))


def test_sample_is_not_ours_to_find():
    with pytest.raises(DataError, match=r"set data\.path"):
        load_market(DataConfig())


def test_parquet_csv_and_frame_give_the_same_panel(tmp_path):
    frame = bars([10.0, 10.5, 11.0], turnover_pct=[1.0, 2.0, 3.0], score=[0.1, 0.2, 0.3])
    frame.to_csv(tmp_path / "q.csv", index=False)
    frame.to_parquet(tmp_path / "q.parquet")
    frame.set_index(["date", "symbol"]).to_parquet(tmp_path / "indexed.parquet")
    expected = panel_from_frames(frame).panel.data_hash
    for name in ("q.csv", "q.parquet", "indexed.parquet"):
        assert load_market(DataConfig(source="file", path=tmp_path / name)).panel.data_hash == expected


def test_all_files_of_a_configuration_are_read(tmp_path):
    def write(name: str, frame: pd.DataFrame) -> Path:
        frame.to_csv(tmp_path / name, index=False)
        return tmp_path / name

    instruments = pd.DataFrame(
        {
            "symbol": ["600519.SH", "000001.SZ"],
            "name": ["贵州茅台", "平安银行"],
            "csrc_industry": ["C15酒", "J66"],
            "sw_industry": ["", "银行"],
            "board": ["star", ""],
        }
    )
    eps = pd.DataFrame({"symbol": ["600519"], "visible_date": [day(1)], "eps": ["2.5"]})
    index = pd.DataFrame({"symbol": "000016.SH", "date": [day(0), day(1)], "close": [2635.25, 2640.0]})
    config = DataConfig(
        source="file",
        path=write("quotes.csv", bars([10.0, 9.0], adj_factor=[1.0, 10 / 9])),
        membership=write("members.csv", members(("600519.SH", 1, None))),
        instruments=write("instruments.csv", instruments),
        actions=write("actions.csv", action(1, cash_per_share=1.0)),
        fundamentals=[write("eps.csv", eps)],
        index=write("index.csv", index),
    )
    panel = load_market(config).panel
    assert panel.universe[:, 0].tolist() == [False, True]
    assert panel.instruments.names.tolist() == ["贵州茅台"]
    assert panel.instruments.industries.tolist() == ["C15酒"]
    assert panel.instruments.boards == ("star",)
    assert panel.actions.on(panel.dates[1])[0].cash == 1.0
    assert panel.field("eps")[1, 0] == 2.5
    assert panel.indices["000016.SH"]["close"].tolist() == [2635.25, 2640.0]


def test_index_that_misses_sessions_is_nan_there_with_a_warning():
    index = pd.DataFrame({"symbol": "000300", "date": [day(0), day(2)], "close": [4000.0, 4010.0]})
    loaded = panel_from_frames(bars([10.0] * 3, adj_factor=1.0), index=index)
    assert loaded.panel.indices["000300.SH"]["close"][0] == 4000.0
    assert pd.isna(loaded.panel.indices["000300.SH"]["close"][1])
    assert [w.kind for w in loaded.report.warnings] == ["index_gap"]


def test_index_rows_that_repeat_or_have_no_level_are_refused():
    repeated = pd.DataFrame({"symbol": "000300.SH", "date": [day(0), day(0)], "close": [1.0, 2.0]})
    with pytest.raises(DataError, match="row 1: the date repeats"):
        panel_from_frames(bars([10.0]), index=repeated)
    with pytest.raises(DataError, match="row 0: close is not above zero"):
        panel_from_frames(bars([10.0]), index=repeated.assign(close=[0.0, 1.0]))


def test_field_of_two_files_is_refused():
    table = pd.DataFrame({"symbol": ["600519.SH"], "visible_date": [day(0)], "close": [1.0]})
    with pytest.raises(DataError, match="already has a field close"):
        panel_from_frames(bars([10.0]), fundamentals=table)


def test_unknown_board_text_and_repeated_instruments_are_refused():
    table = pd.DataFrame({"symbol": ["600519.SH"], "board": ["mars"]})
    with pytest.raises(DataError, match=r"600519\.SH has the board 'mars'"):
        panel_from_frames(bars([10.0]), instruments=table)
    with pytest.raises(DataError, match=r"row 1: the symbol 600519\.SH repeats"):
        panel_from_frames(bars([10.0]), instruments=pd.DataFrame({"symbol": ["600519.SH", "SH600519"]}))


def test_config_refuses_what_it_does_not_know():
    with pytest.raises(ValidationError, match="pathh"):
        DataConfig(pathh="x")
    with pytest.raises(ValidationError, match="universe"):
        DataConfig(universe="csi500")


@pytest.mark.parametrize(("tick", "size"), [(0.01, 0.01), (1, 1.0), ("none", None), (None, None)])
def test_tick_none_in_words_or_as_null_means_no_grid(tick, size):
    assert DataConfig(tick=tick).tick_size == size
