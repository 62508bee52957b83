"""``alphaloom data`` with texts, macro figures, minute bars and sessions: in, looked over, out again."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from cli_helpers import Cli

from alphaloom.sample import sample_paths
from engine.market.calendar import xshg


@pytest.fixture
def home(monkeypatch) -> None:
    monkeypatch.setenv("ALPHALOOM_HOME", str(Path("home").absolute()))


def write(name: str, text: str) -> str:
    Path(name).write_text(text, encoding="utf-8")
    return name


def bars(name: str) -> str:
    frame = pd.read_parquet(sample_paths()["path"])
    frame = frame[frame["symbol"].isin(["600519.SH", "601318.SH"]) & (frame["date"] >= "2023-11-01")]
    frame.to_parquet(name)
    return name


def test_files_of_every_table_are_recognised_taken_shown_and_written_again(cli: Cli, home) -> None:
    macro = write("macro.csv", "series,period_end,visible_date,value\ncpi_yoy,2023-10-31,2023-11-09,-0.2\n")
    texts = write(
        "news.csv", "published_at,symbol,title\n2023-11-02 09:00,600519,Price up\n2999-01-01 09:00,,Never\n"
    )
    year = int(str(xshg().last)[:4]) + 1
    days = pd.bdate_range(f"{year}-01-02", f"{year}-12-31").strftime("%Y-%m-%d")
    sessions = write("sessions.csv", "trade_date\n" + "\n".join(days) + "\n")
    ran = cli("data", "import-csv", bars("bars.parquet"), macro, texts, sessions)
    assert ran.code == 0, ran.err
    assert "file:macro.csv: 1 macro" in ran.out
    assert "file:news.csv: 1 texts" in ran.out
    assert "1 text left out that say that they will be published later than now; e.g. 'Never'" in ran.out
    assert f"file:sessions.csv: {len(days)} sessions" in ran.out
    said = cli("data", "status").out
    assert "cpi_yoy: 1 periods 2023-10-31..2023-10-31, known from 2023-11-09" in said
    assert "news: 1 texts about 1 names, 2023-11-02..2023-11-02 09:00" in said
    assert f"sessions are known to {days[-1]}" in said
    assert "warning" not in said
    assert cli("data", "verify").code == 0
    for table in ("macro", "texts", "sessions"):
        ran = cli("data", "export", f"{table}.out.csv", "--table", table)
        assert ran.code == 0, ran.err
        again = cli("data", "import-csv", f"{table}.out.csv")
        assert "nothing new" in again.out, again.out
        assert "were there already" in again.out
    write("from_store.yaml", "data: {source: store, path: home/store/market, universe: all}\n")
    ran = cli(
        "formula", "eval", "close - cpi_yoy * close", "--data", "from_store.yaml", "--date", "2023-11-30"
    )
    assert ran.code == 0, ran.err
    close = pd.read_parquet("bars.parquet").set_index(["symbol", "date"])["close"]
    day = next(day for symbol, day in close.index if str(day)[:10] == "2023-11-30")
    assert f"{1.2 * close['601318.SH', day]:g}"[:5] in ran.out


def test_minutes_are_recognised_and_lots_are_said(cli: Cli, home) -> None:
    stamps = np.concatenate([np.arange(570, 691), np.arange(781, 901)])
    rows = [
        f"600519,2023-11-0{day} {m // 60:02}:{m % 60:02}:00,10,10,10,10,3,3000"
        for day in (1, 2)
        for m in stamps
    ]
    minutes = write("m.csv", "symbol,ended_at,open,high,low,close,volume,amount\n" + "\n".join(rows) + "\n")
    assert "counts lots of 100 shares" in cli("data", "import-csv", minutes).refused()
    ran = cli("data", "import-csv", minutes, "--set", "units=lots")
    assert "482 minute bars" in ran.out, ran.err
    assert "minutes: 2 sessions of 1 names, 2023-11-01..2023-11-02; 0 with fewer" in cli("data", "status").out
    assert cli("data", "export", "back.parquet", "--table", "minute_bars").code == 0
    assert "482 minute bars were there already" in cli("data", "import-csv", "back.parquet").out


def test_a_list_of_sessions_that_contradicts_is_one_line(cli: Cli, home) -> None:
    write("s.csv", "session\n2024-09-30\n2024-10-01\n2024-10-08\n")
    said = cli("data", "import-csv", "s.csv").refused()
    assert said.startswith(
        "file:s.csv contradicts the xshg calendar: 2024-10-01 is none of its sessions; its"
    )
    assert not Path("home", "store", "market", "manifest.json").exists()
