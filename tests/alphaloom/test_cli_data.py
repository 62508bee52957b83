"""``alphaloom data check``: the verdict on a file before anything is computed from it."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest
from cli_helpers import Cli, listing

from alphaloom.sample import sample_paths

CHINESE = {
    "date": "日期", "symbol": "股票代码", "open": "开盘", "high": "最高", "low": "最低", "close": "收盘",
    "volume": "成交量", "amount": "成交额",
}  # fmt: skip


@pytest.fixture
def bars() -> pd.DataFrame:
    """Two names over the sessions of December 2023, in our columns, shares and CNY."""
    frame = pd.read_parquet(sample_paths()["path"], columns=[*CHINESE, "adj_factor"])
    chosen = frame["symbol"].isin(["600519.SH", "601318.SH"]) & (frame["date"] >= "2023-12-01")
    return frame[chosen].reset_index(drop=True)


def test_a_good_file_passes_and_is_described(cli: Cli, bars: pd.DataFrame) -> None:
    bars.to_csv("bars.csv", index=False)
    ran = cli("data", "check", "bars.csv")
    assert (ran.code, ran.err) == (0, "")
    assert ran.out == "bars.csv: 2 symbols, 21 sessions 2023-12-01..2023-12-29\nno errors, no warnings\n"


def test_warnings_are_shown_and_pass(cli: Cli, bars: pd.DataFrame) -> None:
    bars.drop(columns="amount").to_parquet("bars.parquet")
    ran = cli("data", "check", "bars.parquet")
    assert ran.code == 0
    assert "no errors, 1 warning\nwarning  no_amount: " in ran.out


def test_errors_are_listed_with_places_and_refuse(cli: Cli, bars: pd.DataFrame) -> None:
    bars.loc[3, "low"] = -1.0
    pd.concat([bars, bars.iloc[[0]]]).to_csv("bars.csv", index=False)
    ran = cli("data", "check", "bars.csv")
    assert ran.refused() == "bars.csv would be refused by a back-test"
    assert ran.out.startswith("2 errors, no warnings\n")
    assert (
        "error    duplicate: 1 row repeating a symbol and date; keep one of each; e.g. 600519.SH 2023-12-01"
        in ran.out
    )
    assert "error    bad_price: 1 row with a price of zero or below" in ran.out
    assert "low -1" in ran.out


def test_a_chinese_file_in_lots_is_read_as_its_options_say(cli: Cli, bars: pd.DataFrame) -> None:
    bars["volume"] = bars["volume"] / 100
    bars["symbol"] = bars["symbol"].str[:6]
    bars.rename(columns=CHINESE).to_csv("bars.csv", index=False, encoding="gb18030")
    columns = ", ".join(f"{ours}: {theirs}" for ours, theirs in CHINESE.items())
    one_by_one = [part for ours, theirs in CHINESE.items() for part in ("--set", f"columns.{ours}={theirs}")]
    for said in (["--set", f"columns={{{columns}}}"], one_by_one):
        assert cli("data", "check", "bars.csv", *said, "--set", "units=lots").code == 0
        assert "set data.units: lots" in cli("data", "check", "bars.csv", *said).out
    assert "it has 日期, 股票代码" in cli("data", "check", "bars.csv").refused()
    assert (
        "column 开票 that data.columns names"
        in cli("data", "check", "bars.csv", "--set", "columns.open=开票").refused()
    )


def test_members_and_a_configuration_are_checked_too(cli: Cli, tmp_path: Path, bars: pd.DataFrame) -> None:
    bars.to_csv("bars.csv", index=False)
    Path("members.csv").write_text("symbol,in_date,out_date\n600519.SH,2023-12-01,\n")
    said = ("--set", "universe=sse50", "--set", "data.membership=members.csv")
    ran = cli("data", "check", "bars.csv", *said)
    assert ran.refused() == "bars.csv would be refused by a back-test"
    assert "membership_count: sse50 has 50 members" in ran.out

    there = tmp_path / "there"
    there.mkdir()
    bars.rename(columns={"open": "o"}).to_csv(there / "bars.csv", index=False)
    (there / "run.yaml").write_text(
        "data: {source: file, path: bars.csv, columns: {open: o}, universe: all}\n"
    )
    ran = cli("data", "check", "there/run.yaml")
    assert (ran.code, ran.err) == (0, "")
    assert ran.out.startswith(f"{there / 'bars.csv'}: 2 symbols")
    assert (
        "members.csv: no such file"
        in cli(
            "data",
            "check",
            "there/run.yaml",
            "--set",
            "universe=sse50",
            "--set",
            "membership=nowhere/members.csv",
        ).refused()
    )


@pytest.mark.parametrize("name", ["quickstart.yaml", "quickstart", "configs/quickstart", "sse50"])
def test_a_shipped_configuration_and_the_sample_can_be_checked(cli: Cli, name: str) -> None:
    ran = cli("data", "check", name)
    assert (ran.code, ran.err) == (0, "")
    assert "77 symbols, 971 sessions" in ran.out


def test_a_shipped_configuration_without_data_takes_them_from_set(cli: Cli, bars: pd.DataFrame) -> None:
    assert "set data.path to a file of quotes" in cli("data", "check", "csi300").refused()
    bars.to_csv("bars.csv", index=False)
    ran = cli("data", "check", "csi300", "--set", "path=bars.csv", "--set", "universe=all")
    assert (ran.code, ran.err) == (0, "")
    assert ran.out.endswith("no errors, no warnings\n")


@pytest.mark.parametrize(
    ("args", "words"),
    [
        (["nowhere.csv"], "nowhere.csv: no such file"),
        (["quickstrat"], "quickstrat: no such file, nor a shipped configuration (buy_and_hold, csi300, "),
        (["nowhere.yaml"], "there is no configuration 'nowhere.yaml'"),
        (["notes.txt"], "notes.txt: files are read as .parquet or .csv, not .txt; convert it"),
        (["empty.csv"], "empty.csv"),
        (["broken.parquet"], "broken.parquet cannot be read"),
        (
            ["notes.txt", "--set", "units=pounds"],
            "--set data.units: must be 'shares' or 'lots', not 'pounds'",
        ),
        (["notes.txt", "--set", "unit=lots"], "--set data.unit: unknown key; did you mean units?"),
        (["notes.txt", "--set", "units"], "write it as key=value"),
        ([".", "--set", "units=lots"], ".: no such file"),
    ],
)
def test_what_cannot_be_checked_is_refused_in_a_line(
    cli: Cli, tmp_path: Path, args: list[str], words: str
) -> None:
    for name in ("notes.txt", "empty.csv", "broken.parquet"):
        Path(name).write_text("" if name == "empty.csv" else "PAR1 not really")
    before = listing(tmp_path)
    assert words in cli("data", "check", *args).refused()
    assert listing(tmp_path) == before
