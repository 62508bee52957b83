"""Every library computed on the bundled sample: what is found is what is marked, and what the page says."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
from library_page import PAGE, THRESHOLDS, Checks, checked, page

from alpha_sources.libraries import EntryCheck, MarkKind, check_library, library_names, load_library
from alphaloom import load_panel

FOUND = (
    MarkKind.DUPLICATE_OF, MarkKind.CONSTANT, MarkKind.LEVEL, MarkKind.SPARSE, MarkKind.NOT_ON_SAMPLE,
    MarkKind.NOT_COMPUTABLE,
)  # fmt: skip


@pytest.fixture(scope="module")
def checks() -> Checks:
    return checked()


def test_every_library_is_checked() -> None:
    assert tuple(THRESHOLDS) == library_names()


@pytest.mark.parametrize("name", library_names())
def test_what_the_data_call_for_is_marked_and_nothing_else(name: str, checks: Checks) -> None:
    for each in checks[name]:
        marked = {kind for kind in FOUND if each.entry.has(kind)}
        assert marked == each.found, f"{each.entry.name}: {each}"


@pytest.mark.parametrize("name", library_names())
def test_a_duplicate_names_the_entry_that_it_repeats(name: str, checks: Checks) -> None:
    for each in checks[name]:
        mark = each.entry.mark(MarkKind.DUPLICATE_OF)
        if mark is not None and each.twin is not None:
            assert mark.of == each.twin.kept, each.entry.name
            said = re.search(r"\b0\.\d\d\b", mark.reason)
            assert said is None or abs(float(said[0]) - each.twin.correlation) < 0.01, mark.reason


def test_nearly_all_formulas_have_nearly_all_values(checks: Checks) -> None:
    parts = {name: np.array([each.coverage for each in found]) for name, found in checks.items()}
    assert {name: int((part > 0.9).sum()) for name, part in parts.items() if name} == {
        "paper_released": 34, "paper_seeds": 82, "alpha101": 73, "gtja191": 174, "alpha158": 158,
    }  # fmt: skip


def test_no_two_seeds_are_the_same(checks: Checks) -> None:
    assert not [each.entry.name for each in checks["paper_seeds"] if each.twin]


def test_macro_seeds_differ_between_stocks_on_every_session(checks: Checks) -> None:
    macro = [each for each in checks["paper_seeds"] if each.entry.category == "macro" and not each.lacking]
    assert len(macro) == 10 and all(each.varies == 1.0 for each in macro)


def test_the_page_is_what_the_libraries_say(checks: Checks) -> None:
    text = PAGE.read_text(encoding="utf-8")
    wanted = page(text, checks)
    assert text == wanted, "run: python tests/alpha_sources/libraries/library_page.py --write"


def test_the_pages_own_library_and_python_example_work(tmp_path: Path) -> None:
    blocks = dict(re.findall(r"^```(yaml|python)\n(.*?)^```$", PAGE.read_text(encoding="utf-8"), re.M | re.S))
    own = tmp_path / "mine.yaml"
    own.write_text(blocks["yaml"], encoding="utf-8")
    surprise = load_library(own).entry("surprise")
    assert surprise.fields == ("analyst_score",) and str(surprise.knows_until) == "2024-12-31"
    view = load_panel("sse50").view("2023-06-30")
    week, other = check_library(load_library(own), view)
    assert week.coverage > 0.99 and not week.found
    assert other.lacking == ("analyst_score",) and other.found == {MarkKind.NOT_ON_SAMPLE}
    names: dict[str, object] = {}
    exec(compile(blocks["python"], "docs/libraries.md", "exec"), names)
    fresh, values = names["fresh"], names["values"]
    assert isinstance(fresh, tuple) and isinstance(values, np.ndarray) and len(fresh) == len(values) == 99


def test_a_number_for_all_stocks_is_called_constant(tmp_path: Path) -> None:
    own = tmp_path / "mine.csv"
    own.write_text(
        "name,formula\nmacro,index_return_000300\nprice,log(close)\ntwin,-2 * close + 1\n", encoding="utf-8"
    )
    macro, price, twin = check_library(load_library(own), load_panel("sse50").view("2023-06-30"))
    assert macro.found == {MarkKind.CONSTANT}
    assert price.found == {MarkKind.LEVEL} and price.price > 0.95
    assert twin.found == {MarkKind.LEVEL, MarkKind.DUPLICATE_OF}
    assert isinstance(twin, EntryCheck) and twin.twin is not None and twin.twin.kept == "price"
