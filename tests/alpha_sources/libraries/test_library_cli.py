"""``alphaloom library``."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from alphaloom.cli.libraries import library_app
from engine.errors import AlphaloomError


def said(*words: str) -> str:
    shown = CliRunner().invoke(library_app, list(words), env={"COLUMNS": "200"})
    if shown.exception is not None:
        raise shown.exception
    return shown.output


def test_the_list_names_every_library_and_what_it_knows() -> None:
    lines = said("list").splitlines()
    rows = {line.split()[0]: line.split()[1:] for line in lines[1:6]}
    assert rows["gtja191"] == ["191", "189", "52", "2017-06-15"]
    assert set(rows) == {"paper_released", "paper_seeds", "alpha101", "gtja191", "alpha158"}


def test_a_formula_is_shown_with_all_about_it() -> None:
    text = said("show", "paper_released", "SALES_TO_PRICE")
    assert "mislabelled: named sales to price; the formula is volume over market capitalisation" in text
    assert "printed      VOLUME / MARKET_CAP" in text and "mean -0.0194, IR -0.1675" in text
    assert "not computable: needs the returns of the three" in said("show", "gtja191", "gtja030")


def test_formulas_are_chosen_by_category_and_by_marks() -> None:
    assert "9 of 101 formulas" in said("show", "alpha101", "--category", "bar")
    assert "4 of 100 formulas" in said("show", "paper_seeds", "--category", "Fundamental", "--marked")


def test_a_check_tells_known_findings_from_new_ones(tmp_path: Path) -> None:
    own = tmp_path / "mine.csv"
    own.write_text(
        "name,formula,level,needs\nprice,close,it is one,\ntwin,2 * close,,\nmine,rank(score),,score\n"
        'fine,"pct_change(close, 5)",,\n',
        encoding="utf-8",
    )
    lines = said("check", str(own)).splitlines()
    assert "price  level: it is one" in lines
    assert "twin  new: duplicate of (price, affine, +1.000)" in lines and "twin  new: level" in lines
    assert "mine  new: not on sample (the data lack score)" in lines
    assert lines[-1] == "4 formulas, 3 with a finding"
    assert not any(line.split()[:1] == ["fine"] for line in lines)
    assert any(
        line.split()[:2] == ["fine", "100.0%"] for line in said("check", str(own), "--all").splitlines()
    )


@pytest.mark.parametrize(
    "words",
    [
        ["show", "alpha102"], ["show", "alpha101", "alpha999"], ["check", "none.csv"],
        ["show", "alpha101", "--category", "luck"], ["check", "alpha101", "--threshold", "2"],
    ],
)  # fmt: skip
def test_nonsense_is_refused(words: list[str]) -> None:
    with pytest.raises(AlphaloomError):
        said(*words)
