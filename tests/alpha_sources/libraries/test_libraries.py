"""The libraries that are shipped, as data."""

from __future__ import annotations

import csv
import re
from datetime import date
from pathlib import Path

import pytest

from alpha_sources.formula import FormulaError, parse
from alpha_sources.libraries import (
    Category,
    Library,
    LibraryError,
    MarkKind,
    library_names,
    load_library,
)
from alpha_sources.libraries.categories import PAPER_COUNTS

NAMES = library_names()
#: As it was released: number, category, name, formula and the figures printed beside it.
RELEASED = Path(__file__).with_name("paper_seed_alphas.csv")


@pytest.fixture(scope="module")
def libraries() -> dict[str, Library]:
    return {name: load_library(name) for name in NAMES}


def test_they_have_the_numbers_of_their_sources(libraries: dict[str, Library]) -> None:
    assert {name: len(each) for name, each in libraries.items()} == {
        "paper_released": 37, "paper_seeds": 100, "alpha101": 101, "gtja191": 191, "alpha158": 158,
    }  # fmt: skip
    numbers = [int(entry.name[-3:]) for name in ("alpha101", "gtja191") for entry in libraries[name]]
    assert numbers == [*range(1, 102), *range(1, 192)]


@pytest.mark.parametrize("name", NAMES)
def test_every_entry_says_what_it_is_and_since_when_it_is_known(
    name: str, libraries: dict[str, Library]
) -> None:
    for entry in libraries[name]:
        assert entry.title and entry.source and entry.published, entry.name
        assert entry.knows_until is not None and entry.published <= entry.knows_until.year, entry.name
        assert entry.computable != entry.has(MarkKind.NOT_COMPUTABLE), entry.name


@pytest.mark.parametrize("name", NAMES)
def test_what_is_printed_is_not_what_is_read(name: str, libraries: dict[str, Library]) -> None:
    if name == "paper_released":
        return  # `printed` is a column of the list there
    kinds = (MarkKind.MISPRINT, MarkKind.ADAPTED, MarkKind.NOT_COMPUTABLE)
    for entry in libraries[name]:
        if entry.printed:
            assert entry.has(*kinds), entry.name
            assert _key(entry.printed, entry.dialect) != (entry.computable and entry.parsed.key), entry.name


def _key(text: str, dialect: str) -> str | None:
    try:
        return parse(text, dialect).key
    except FormulaError:
        return None


@pytest.mark.parametrize(
    ("name", "marked"),
    [
        ("gtja010", MarkKind.MISPRINT), ("gtja030", MarkKind.NOT_COMPUTABLE),
        ("gtja143", MarkKind.NOT_COMPUTABLE), ("gtja165", MarkKind.UNCERTAIN), ("gtja149", MarkKind.ADAPTED),
    ],
)  # fmt: skip
def test_known_misprints_and_gaps_of_the_report_are_marked(
    name: str, marked: MarkKind, libraries: dict[str, Library]
) -> None:
    entry = libraries["gtja191"].entry(name)
    assert entry.has(marked) and entry.printed


def test_fractional_windows_are_printed_in_full_and_rounded_down(libraries: dict[str, Library]) -> None:
    entry = libraries["alpha101"].entry("alpha072")
    assert "8.93345" in entry.formula and "10.1519" in entry.formula
    assert entry.parsed == parse(re.sub(r"(\d+)\.\d+(?=\))", r"\1", entry.formula), "alpha101")


def test_the_released_list_is_whole(libraries: dict[str, Library]) -> None:
    rows = list(csv.DictReader(RELEASED.read_text(encoding="utf-8-sig").splitlines()))
    ours = [
        (e.category.replace("_", " ").title(), e.title, e.printed, e.ic_mean, e.icir)
        for e in libraries["paper_released"]
    ]
    theirs = [(r["category"], r["name"], r["formula"], float(r["ic_mean"]), float(r["icir"])) for r in rows]
    assert ours == theirs


def test_where_the_released_list_prints_a_formula_it_is_the_one_that_is_read(
    libraries: dict[str, Library],
) -> None:
    compared = 0
    for entry in libraries["paper_released"]:
        printed = entry.printed if re.search(r"\W", entry.printed) else entry.title.partition(" - ")[2]
        if not printed or entry.name in ("price_to_earnings", "earnings_growth_rate"):
            continue  # EPS is read as that of four quarters, and marked so
        text = re.sub(r"\b(RSI|ATR)\b(?!\()", r"\1(14)", printed)
        text = text.replace("LOWER_BAND", "LOWER_BAND(CLOSE, 20)").replace(
            "UPPER_BAND", "UPPER_BAND(CLOSE, 20)"
        )
        text = re.sub(r"\b(BOLL_UP|BOLL_DOWN)\b", r"\1(CLOSE, 20)", text)
        assert parse(text, fields=entry.needs).canonical == entry.parsed.canonical, entry.name
        compared += 1
    assert compared >= 33


def test_every_row_of_the_released_list_that_repeats_another_by_form_is_marked(
    libraries: dict[str, Library],
) -> None:
    marked = {e.name: e.marks[0].of for e in libraries["paper_released"] if e.has(MarkKind.DUPLICATE_OF)}
    assert marked["moving_average_reversion"] == "mean_reversion"  # SMA20 - CLOSE is MA20 - CLOSE
    assert marked["momentum_oscillator"] == "rate_of_change"
    assert marked["williams_r"] == marked["stochastic_oscillator"] == "stochastic_momentum_index"
    seen: set[str] = set()
    for entry in libraries["paper_released"]:
        assert entry.parsed.canonical not in seen or entry.name in marked
        seen.add(entry.parsed.canonical)


def test_ics_that_are_printed_beside_the_same_alpha_tell_that_they_cannot_both_be_right(
    libraries: dict[str, Library],
) -> None:
    one, other = (libraries["paper_released"].entry(n) for n in ("rate_of_change", "momentum_oscillator"))
    assert one.parsed.canonical == other.parsed.canonical and one.ic_mean != other.ic_mean
    chande = libraries["paper_released"].entry("chande_momentum_oscillator")
    assert chande.ic_mean is not None and chande.icir is not None
    # a correlation deviates by less than 1
    assert abs(chande.ic_mean / chande.icir) > 1 and chande.has(MarkKind.MISPRINT)


def test_the_seeds_fill_the_papers_categories(libraries: dict[str, Library]) -> None:
    on_sample = [e for e in libraries["paper_seeds"] if not e.has(MarkKind.NOT_ON_SAMPLE)]
    assert [(c, sum(e.category is c for e in on_sample)) for c, _ in PAPER_COUNTS] == list(PAPER_COUNTS)
    assert all(e.needs for e in libraries["paper_seeds"].entries if e.has(MarkKind.NOT_ON_SAMPLE))
    assert all(e.formula and not e.printed for e in libraries["paper_seeds"])


def test_macro_seeds_are_exposures_of_a_stock_to_an_index(libraries: dict[str, Library]) -> None:
    for entry in libraries["paper_seeds"].of(Category.MACRO):
        names = set(entry.fields)
        assert names & {"returns", "close"}, entry.name
        assert any(name.startswith("index_") for name in names) or entry.needs, entry.name


def test_alpha158_is_its_rule(libraries: dict[str, Library]) -> None:
    stems = [re.sub(r"\d+$", "", e.name) for e in libraries["alpha158"] if e.category != Category.BAR]
    assert len(stems) == 145 and {stems.count(stem) for stem in stems} == {5}
    assert libraries["alpha158"].entry("SUMP5").formula.count("Ref($close, 1)") == 2


def test_formulas_of_a_library_that_was_chosen_later_postdate_a_test(libraries: dict[str, Library]) -> None:
    assert not libraries["alpha101"].postdating(date(2023, 1, 3))
    assert len(libraries["paper_seeds"].postdating(date(2023, 1, 3))) == 100
    assert libraries["alpha101"].entry("alpha001").postdates(date(2015, 12, 9))
    assert not libraries["alpha101"].entry("alpha001").postdates(date(2015, 12, 10))


def test_an_entry_is_found_in_any_case_and_a_wrong_name_gets_the_nearest() -> None:
    library = load_library("alpha158")
    assert library.entry("rsqr30").name == "RSQR30"
    with pytest.raises(LibraryError, match=r"alpha158 has no entry 'RSQR31'; did you mean RSQR\d+\?"):
        library.entry("RSQR31")
    with pytest.raises(LibraryError, match="no library 'alpha11'; did you mean alpha101"):
        load_library("alpha11")


def test_what_cannot_be_computed_says_why_when_it_is_asked_for(libraries: dict[str, Library]) -> None:
    entry = libraries["gtja191"].entry("gtja030")
    assert entry.fields == ("mkt", "smb", "hml")
    with pytest.raises(LibraryError, match="gtja030 cannot be computed: needs the returns"):
        _ = entry.parsed
