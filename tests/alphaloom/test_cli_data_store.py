"""``alphaloom data import-csv, status, verify, export``, and a back-test from the store."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
from cli_helpers import Cli

from alphaloom.sample import sample_paths


def test_a_backtest_from_the_store_is_the_one_from_the_sample(cli: Cli, monkeypatch) -> None:
    monkeypatch.setenv("ALPHALOOM_HOME", str(Path("home").absolute()))
    ran = cli("data", "import-csv", "sse50")
    assert ran.code == 0, ran.err
    assert "72,649 bars" in ran.out
    assert "quarantined" not in ran.out
    assert cli("backtest", "--out", "one").code == 0
    store = ["data.source=store", "data.path=home/store/market", "benchmark=000016.SH"]
    ran = cli("backtest", "--out", "other", *(word for item in store for word in ("--set", item)))
    assert ran.code == 0, ran.err
    one, other = (json.loads(Path(name, "result.json").read_text()) for name in ("one", "other"))
    assert one.pop("config_hash") != other.pop("config_hash")
    assert one == other
    for name in ("fills", "equity", "positions"):
        tables = [pd.read_parquet(Path(run, f"{name}.parquet")) for run in ("one", "other")]
        pd.testing.assert_frame_equal(*tables)

    said = cli("data", "status").out
    assert "sse50: 50 members" in said
    assert "stale: 1 names" in said
    assert cli("data", "verify").out.endswith("rows, no faults\n")


def test_files_are_recognised_by_their_columns_and_wrong_bars_are_named(cli: Cli, monkeypatch) -> None:
    monkeypatch.setenv("ALPHALOOM_HOME", str(Path("home").absolute()))
    frame = pd.read_parquet(sample_paths()["path"])
    frame = frame[frame["symbol"].isin(["600519.SH", "601318.SH"]) & (frame["date"] >= "2023-11-01")]
    frame = frame.reset_index(drop=True)
    frame.loc[7, "volume"] /= 100
    frame.to_csv("bars.csv", index=False)
    pd.read_parquet(sample_paths()["index"]).to_parquet("index.parquet")
    ran = cli("data", "import-csv", "bars.csv", "index.parquet", sample_paths()["actions"])
    assert ran.code == 0, ran.err
    assert "4,855 index bars" in ran.out
    assert f"{len(frame) - 1} bars" in ran.out
    assert "quarantined  1 × lots_for_shares: " in ran.out
    assert "601318.SH 2023-" in ran.out or "600519.SH 2023-" in ran.out
    assert "quarantined: 1 × lots_for_shares" in cli("data", "status").out
    assert cli("data", "export", "out.csv", "--symbol", "600519").code == 0
    assert set(pd.read_csv("out.csv")["symbol"]) == {"600519.SH"}
    assert (
        cli("data", "export", "out.csv").refused() == "out.csv exists; name another file, or remove it first"
    )


def test_amounts_in_thousands_are_no_success(cli: Cli, monkeypatch) -> None:
    monkeypatch.setenv("ALPHALOOM_HOME", str(Path("home").absolute()))
    frame = pd.read_parquet(sample_paths()["path"])
    frame = frame[(frame["symbol"] == "600519.SH") & (frame["date"] >= "2023-11-01")]
    frame = frame.assign(amount=frame["amount"] / 1000)
    frame.to_csv("bars.csv", index=False)
    said = cli("data", "import-csv", "bars.csv").refused()
    assert f"{len(frame)} of {len(frame)} bars have an amount ÷ volume outside low..high" in said
    frame.head(3).to_csv("bars.csv", index=False)  # too few to tell the units from wrong bars
    ran = cli("data", "import-csv", "bars.csv")
    assert ran.code == 1
    assert "nothing new" in ran.out and "quarantined  3 × vwap_outside" in ran.out
    assert cli("data", "import-csv", "bars.csv", "--accept", "vwap_outside").code == 0


def test_what_is_wrong_is_one_line(cli: Cli, monkeypatch) -> None:
    monkeypatch.setenv("ALPHALOOM_HOME", str(Path("home").absolute()))
    assert "holds no market store; fill one with alphaloom data sync" in cli("data", "status").refused()
    Path("x.csv").write_text("a,b\n1,2\n")
    assert "its columns (a, b) are those of no table" in cli("data", "import-csv", "x.csv").refused()
    Path("m.csv").write_text("symbol,in_date,out_date\n600519.SH,2023-01-03,\n")
    assert "say whose members the file lists" in cli("data", "import-csv", "m.csv").refused()
    assert "did you mean stale_copy" in cli("data", "import-csv", "m.csv", "--accept", "stale_cpy").refused()
    assert "no such folder" in cli("data", "import-qlib", "nowhere").refused()
    assert not Path("home", "store", "market", "manifest.json").exists()


def test_a_damaged_store_is_named_and_repaired(cli: Cli, monkeypatch) -> None:
    monkeypatch.setenv("ALPHALOOM_HOME", str(Path("home").absolute()))
    pd.read_parquet(sample_paths()["index"]).to_parquet("index.parquet")
    assert cli("data", "import-csv", "index.parquet").code == 0
    path = sorted(Path("home/store/market/index_bars").rglob("*.parquet"))[0]
    path.write_bytes(path.read_bytes()[:-9])
    ran = cli("data", "verify")
    assert "1 faults in" in ran.refused()
    assert "truncated" in ran.out
    assert cli("data", "verify", "--repair").code == 0
    assert "nothing new" not in cli("data", "import-csv", "index.parquet").out
    assert cli("data", "verify").code == 0
