from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest
from paper_days import PaperDay, at, write_day

from engine.errors import OutputError
from engine.result import Result
from live.ledger import AccountWriter, Ledger

NAMES = ("equity", "fills", "orders", "positions", "events")


def test_an_export_equals_the_back_test_of_the_same_days(
    ledger: Ledger, writer: AccountWriter, back_test: tuple[list[PaperDay], Result], tmp_path: Path
) -> None:
    days, result = back_test
    for day in days:
        write_day(writer, day, starts=False)
    out = ledger.export(tmp_path / "out")
    result.save(tmp_path / "back_test")
    for name in NAMES:
        ours = pd.read_parquet(out / f"{name}.parquet")
        assert len(ours)
        pd.testing.assert_frame_equal(ours, pd.read_parquet(tmp_path / "back_test" / f"{name}.parquet"))


def test_an_account_that_never_traded_is_exported_with_the_same_columns(
    ledger: Ledger, writer: AccountWriter, back_test: tuple[list[PaperDay], Result], tmp_path: Path
) -> None:
    out = ledger.export(tmp_path / "out")
    for name in NAMES:
        frame = pd.read_parquet(out / f"{name}.parquet")
        assert list(frame.columns) == list(getattr(back_test[1], name).columns)
        assert frame.empty


def test_an_archived_epoch_is_exported_too(
    ledger: Ledger, traded: AccountWriter, days: list[PaperDay], tmp_path: Path
) -> None:
    ledger.export(tmp_path / "before")
    traded.reset(100, "d" * 64, {}, at=at(days[-1].session))
    ledger.export(tmp_path / "after", epoch=1)
    for name in NAMES:
        file = f"{name}.parquet"
        assert (tmp_path / "before" / file).read_bytes() == (tmp_path / "after" / file).read_bytes()


def test_a_folder_that_holds_something_is_not_written_over(
    ledger: Ledger, traded: AccountWriter, tmp_path: Path
) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "mine.txt").write_text("mine")
    with pytest.raises(OutputError, match="is not empty"):
        ledger.export(tmp_path / "out")
