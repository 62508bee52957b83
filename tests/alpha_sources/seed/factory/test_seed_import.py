"""Lists of formulas brought in: what is wrong with each row is said."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path

import openpyxl
import pytest

from alpha_sources.libraries import MarkKind, load_library
from alpha_sources.seed import FactorySettings, SeedError, load_seeds, read_mined
from alpha_sources.seed.importing import Fault, Imported
from alpha_sources.seed.lists import read_list
from alphaloom.config import load_config
from alphaloom.seeds import import_seeds
from engine.market import MarketPanel

RELEASED = (
    Path(os.environ.get("ALPHALOOM_SHARED", Path(__file__).parents[4].parent / "shared"))
    / "paper_seed_alphas.csv"
)
NOW = datetime(2024, 3, 1, tzinfo=UTC)
OWN = (
    ("Momentum - (CLOSE / DELAY(CLOSE, 33) - 1)", "Momentum", "Momentum", "0.02", "0.2"),
    ("The same", "100 * (close - delay(close, 33)) / delay(close, 33)", "momentum", "", ""),
    ("Volume", "volume", "Fundamental", "", ""),
    ("Mixed", "close + volume", "liquidity", "", ""),
    ("Index", "ts_mean(index_return, 5)", "macro", "", ""),
    ("Impossible", "-ts_std(returns, 30) / ts_std(returns, 90)", "volatility", "0.5", "0.1"),
    ("Typing error", "ts_maen(close, 5)", "momentum", "", ""),
    ("Elsewhere", "Ref($close, 2) / $close - 1", "luck", "", ""),
)


def faults(found: Imported) -> dict[str, set[Fault]]:
    out: dict[str, set[Fault]] = {}
    for each in found.findings:
        out.setdefault(each.row.number, set()).add(each.fault)
    return out


def a_list(path: Path) -> Path:
    header = ("name", "formula", "category", "ic_mean", "icir")
    if path.suffix == ".xlsx":
        book = openpyxl.Workbook()
        sheet = book.active
        assert sheet is not None
        for row in (header, *OWN):
            sheet.append(row)
        book.save(path)
    else:
        lines = (",".join(f'"{cell}"' for cell in row) for row in (header, *OWN))
        path.write_text("\n".join(lines), encoding="gb18030")
    return path


@pytest.mark.parametrize("suffix", [".csv", ".xlsx"])
def test_each_fault_of_a_list_is_said_by_row(tmp_path: Path, panel: MarketPanel, suffix: str) -> None:
    path = a_list(tmp_path / f"mine{suffix}")
    out = tmp_path / "mine.yaml"
    settings = load_config({"data": {"source": "sample"}})
    found = import_seeds(path, out, settings, now=NOW, panel=panel)
    by_row = faults(found)
    assert "1" not in by_row
    assert Fault.DUPLICATE in by_row["2"] and Fault.LABEL in by_row["3"] and Fault.UNITS in by_row["3"]
    assert Fault.UNITS in by_row["4"] and Fault.CONSTANT in by_row["5"]
    assert Fault.FIGURES in by_row["6"] and Fault.UNREADABLE in by_row["7"]
    texts = {(each.row.number, each.fault): each.text for each in found.findings}
    assert texts["2", Fault.DUPLICATE] == "of row 1, Momentum (affine, +1.00)"
    assert "did you mean ts_mean?" in texts["7", Fault.UNREADABLE]
    assert "category 'luck' is none of ours" in texts["8", Fault.LABEL]

    seeds = load_seeds(out)
    names = {entry.name: entry for entry in seeds}
    assert {"momentum", "impossible", "elsewhere"} <= set(names) and "the_same" not in names
    assert names["momentum"].printed == "Momentum" and names["momentum"].ic_mean == 0.02
    assert str(names["momentum"].parsed) == "close / delay(close, 33) - 1"
    assert str(names["elsewhere"].parsed) == "delay(close, 2) / close - 1"
    assert names["impossible"].has(MarkKind.MISPRINT) and str(names["momentum"].knows_until) == "2024-03-01"
    head = read_mined(out)
    assert head is not None and {each["name"] for each in head["rejected"]} >= {"The same", "Typing error"}


def test_everything_is_kept_with_marks_if_asked_for(tmp_path: Path, panel: MarketPanel) -> None:
    out = tmp_path / "all.yaml"
    import_seeds(
        a_list(tmp_path / "mine.csv"),
        out,
        load_config({"data": {"source": "sample"}}),
        now=NOW,
        panel=panel,
        keep_all=True,
    )
    seeds = load_seeds(out)
    assert len(seeds) == len(OWN) - 1
    assert seeds.entry("the_same").mark(MarkKind.DUPLICATE_OF).of == "momentum"  # type: ignore[union-attr]
    assert seeds.entry("index").has(MarkKind.CONSTANT) and seeds.entry("volume").has(MarkKind.MISLABELLED)


@pytest.mark.skipif(not RELEASED.is_file(), reason="the released list is not here")
def test_the_released_list_is_brought_in_with_every_duplicate_mislabel_and_unit_said(
    panel: MarketPanel,
) -> None:
    found = import_seeds(
        RELEASED,
        None,
        load_config({"data": {"source": "sample"}}),
        now=datetime(2024, 9, 10, tzinfo=UTC),
        panel=panel,
        factory=FactorySettings(against=("paper_released",)),
    )
    by_row = faults(found)
    library = load_library("paper_released")
    rows = {entry.source.rsplit(" ", 1)[1]: entry for entry in library}
    assert len(rows) == 37

    def marked(kind: MarkKind) -> set[str]:
        return {row for row, entry in rows.items() if entry.has(kind)}

    def said(fault: Fault) -> set[str]:
        return {row for row, kinds in by_row.items() if fault in kinds}

    # what was worked out by hand for the bundled library
    assert said(Fault.DUPLICATE) == marked(MarkKind.DUPLICATE_OF)
    assert said(Fault.LEVEL) == marked(MarkKind.LEVEL)
    by_rule = said(Fault.LABEL)
    # what only knowledge of the name finds is known of the library: a rule sees no smoothing that is missing
    told = {e.row.number for e in found.findings if e.fault is Fault.KNOWN and "mislabelled" in e.text}
    assert marked(MarkKind.MISLABELLED) <= by_rule | told | {"34"}  # 34 cannot be read at all
    assert len(by_rule) >= 10 and by_rule <= marked(MarkKind.MISLABELLED)
    assert said(Fault.UNREADABLE) == {"32", "34"} and said(Fault.FIGURES) == {"6"}
    # in yuan or shares, by their units: distances, averages, ranges, volumes; and what divides shares by yuan
    units = {"1", "2", "8", "9", "10", "13", "14", "15", "16", "18", "19", "25", "27", "28", "30", "35"}
    assert said(Fault.UNITS) == units


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("a,b\n1,2\n", "found a, b: rename them"),
        ("", "it is empty"),
        ("name,formula\n", "name and one called formula"),
    ],
)
def test_a_list_that_is_none_is_refused_with_what_it_has(tmp_path: Path, content: str, said: str) -> None:
    path = tmp_path / "list.csv"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(SeedError, match=said):
        read_list(path)
