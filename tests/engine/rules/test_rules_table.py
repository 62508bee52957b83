from __future__ import annotations

from collections.abc import Callable
from datetime import date
from importlib.resources import files
from pathlib import Path

import numpy as np
import pytest

from engine.errors import RuleError
from engine.rules.table import DatedTable, date_of, day_of, read_table

SHIPPED = sorted(
    (Path(str(file)) for file in files("engine.rules").joinpath("tables").iterdir()),
    key=lambda path: path.stem,
)

Writer = Callable[..., Path]


@pytest.fixture
def write(tmp_path: Path) -> Writer:
    def _write(*rows: str, header: str = "side,effective_from,effective_to,percent,source") -> Path:
        path = tmp_path / "stamp_duty.csv"
        path.write_text("\n".join((header, *rows, "")), encoding="utf-8")
        return path

    return _write


def percent(table: DatedTable, day: str) -> str | None:
    spell = table.find(("sell",), day_of(date.fromisoformat(day)))
    return spell.values["percent"] if spell else None


def test_a_spell_holds_from_its_first_day_up_to_but_not_including_its_end(write: Writer) -> None:
    table = read_table(
        write("sell,2008-09-19,2023-08-28,0.1,notice", "sell,2023-08-28,,0.05,notice"), ("side",)
    )
    assert percent(table, "2008-09-18") is None
    assert percent(table, "2008-09-19") == "0.1"
    assert percent(table, "2023-08-27") == "0.1"
    assert percent(table, "2023-08-28") == "0.05"
    assert percent(table, "2099-01-01") == "0.05"


def test_rows_may_stand_in_any_order_and_leave_gaps(write: Writer) -> None:
    table = read_table(write("sell,2020-01-01,,2,n", "sell,2010-01-01,2015-01-01,1,n"), ("side",))
    assert [percent(table, d) for d in ("2014-12-31", "2015-01-01", "2020-01-01")] == ["1", None, "2"]


@pytest.mark.parametrize(
    ("first", "second", "line"),
    [
        ("sell,2008-09-19,2023-08-29,0.1,n", "sell,2023-08-28,,0.05,n", 3),
        ("sell,2008-09-19,,0.1,n", "sell,2023-08-28,,0.05,n", 3),
        ("sell,2023-08-28,,0.05,n", "sell,2008-09-19,,0.1,n", 2),
        ("sell,2008-09-19,,0.1,n", "sell,2008-09-19,,0.05,n", 3),
    ],
)
def test_overlapping_rows_are_refused_with_file_and_line(
    write: Writer, first: str, second: str, line: int
) -> None:
    with pytest.raises(RuleError, match=rf"stamp_duty\.csv, line {line}: the row for sell .* overlaps"):
        read_table(write(first, second), ("side",))


def test_rows_of_different_keys_do_not_overlap(write: Writer) -> None:
    table = read_table(write("sell,2008-09-19,,0.1,n", "buy,2008-09-19,,0,n"), ("side",))
    assert percent(table, "2010-01-04") == "0.1"


@pytest.mark.parametrize(
    "row",
    [
        "sell,2023-13-01,,0.1,n",
        "sell,someday,,0.1,n",
        "sell,,,0.1,n",
        "sell,2020-01-01,soon,0.1,n",
        "sell",
    ],
)
def test_rows_that_do_not_parse_are_refused_with_file_and_line(write: Writer, row: str) -> None:
    with pytest.raises(RuleError, match=r"stamp_duty\.csv, line 3: "):
        read_table(write("sell,2000-01-01,2001-01-01,0.1,n", row), ("side",))


def test_an_end_before_its_start_is_refused_with_file_and_line(write: Writer) -> None:
    with pytest.raises(RuleError, match=r"stamp_duty\.csv, line 2: "):
        read_table(write("sell,2023-08-28,2008-09-19,0.1,n"), ("side",))


def test_a_missing_key_column_is_refused_with_file_and_line(write: Writer) -> None:
    with pytest.raises(RuleError, match=r"stamp_duty\.csv, line 2: .*side"):
        read_table(write("2023-08-28,,0.1,n", header="effective_from,effective_to,percent,source"), ("side",))


def test_asking_for_a_day_without_a_row_names_table_key_and_date(write: Writer) -> None:
    table = read_table(write("sell,2008-09-19,,0.1,n"), ("side",))
    with pytest.raises(
        RuleError, match="'stamp_duty' has no row for sell on 2000-01-04; its first is 2008-09-19"
    ):
        table.get(("sell",), day_of(date(2000, 1, 4)))
    with pytest.raises(RuleError, match="no row for buy on 2010-01-04; its first is missing"):
        table.get(("buy",), day_of(date(2010, 1, 4)))


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_every_row_of_a_shipped_table_parses_and_names_its_source(path: Path) -> None:
    """The columns before ``effective_from`` are the key."""
    header = path.read_text(encoding="utf-8").splitlines()[0].split(",")
    table = read_table(path, tuple(header[: header.index("effective_from")]))
    assert table.spells
    for spells in table.spells.values():
        assert all(len(spell.source) > 10 for spell in spells)
        assert all(value != "" for spell in spells for value in spell.values.values())


def test_the_shipped_tables_are_found() -> None:
    assert {"price_limits", "lots", "stamp_duty", "transfer_fee"} <= {path.stem for path in SHIPPED}


def test_day_numbers_are_those_of_datetime64() -> None:
    day = np.datetime64("2023-08-28", "D")
    assert day_of(date(2023, 8, 28)) == int(day.astype(np.int64))
    assert date_of(int(day.astype(np.int64))) == date(2023, 8, 28)
