"""A user's own file of formulas: read whole, or refused with the file, the row and the key."""

from __future__ import annotations

import pickle
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alpha_sources.formula import FormulaError
from alpha_sources.libraries import Category, Library, LibraryError, MarkKind, load_library
from alpha_sources.libraries.reading import read_sheet
from alpha_sources.libraries.validation import KEYS, entries_of


def written(folder: Path, name: str, text: str | bytes) -> Path:
    path = folder / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode("utf-8"))
    return path


def test_a_csv_file_is_a_library(tmp_path: Path) -> None:
    path = written(
        tmp_path,
        "mine.csv",
        "Name, formula,category,published,knows_until,duplicate_of\r\n"
        'up,"pct_change(close, 20)",momentum,1993,2024-06-30,\r\n'
        "\r\n"
        'down,"-pct_change(close, 20)",mean reversion,,,up: its negative\r\n',
    )
    library = load_library(path)
    up, down = library.entries
    assert (library.name, up.dialect, up.category) == ("mine", "alphaloom", Category.MOMENTUM)
    assert (up.published, up.knows_until, down.knows_until) == (1993, date(2024, 6, 30), None)
    mark = down.mark(MarkKind.DUPLICATE_OF)
    assert mark is not None and str(mark) == "duplicate of up: its negative"
    assert library.without(MarkKind.DUPLICATE_OF) == (up,)


def test_a_yaml_file_says_once_what_holds_for_all(tmp_path: Path) -> None:
    path = written(
        tmp_path,
        "mine.yml",
        "\ufefftitle: 我的\ndialect: qlib\ncategory: bar\nentries:\n"
        "- {name: a, formula: $close/$open}\n"
        "- {name: b, formula: close, dialect: alpha101, category: other}\n",
    )
    library = load_library(str(path))
    assert library.title == "我的"
    assert [(e.dialect, e.category) for e in library] == [("qlib", "bar"), ("alpha101", "other")]


def test_a_plain_list_of_entries_will_do(tmp_path: Path) -> None:
    assert len(load_library(written(tmp_path, "a.yaml", "- {name: a, formula: close}\n"))) == 1


def test_a_column_of_ones_own_is_named_under_needs(tmp_path: Path) -> None:
    path = written(tmp_path, "a.yaml", "- {name: a, formula: rank(My_Score), needs: My_Score}\n")
    assert load_library(path).entry("a").fields == ("My_Score",)


HEADER = "name,formula,dialect,category,published,knows_until,duplicate_of,not_computable,ic_mean\n"


@pytest.mark.parametrize(
    ("row", "said"),
    [
        (",close", "row 2: name is missing"),
        ("2x,close", "row 2: name '2x' is none; a letter"),
        ("a", "row 2: formula of a is missing; say why under not_computable"),
        ("a,close,tdx", "row 2: dialect 'tdx' is none; there are alphaloom"),
        ("a,close,,momentun", "row 2: category 'momentun' is none; there are momentum"),
        ("a,close,,,93", "row 2: published '93' is no year"),
        ("a,close,,,,June", "row 2: knows_until 'June' is no day"),
        ("a,close,,,,,b", "row 2: duplicate_of is written OTHER: reason"),
        ("a,close,,,,,b: same", "row 2: duplicate_of names b, which is no entry"),
        ("a,close,,,,,A: same", "row 2: duplicate_of names the entry itself"),
        ("a,close,,,,,,why", "row 2: a has a formula and not_computable"),
        ("a,close,,,,,,,nan", "row 2: ic_mean 'nan' is no number"),
        ("a,rank(close, 5)", "row 2: a formula with commas needs quotes"),
        ('a,"rank(close, 5)"', r"row 2: formula of a: 'rank' takes 1 value, 2 given"),
        ("a,clos", "row 2: formula of a: no field 'clos'"),
        ("a,close\nA,open", "row 3: name A is there already"),
        ("a,close,,,,,,,,more", "row 2: 10 cells under 9 columns; quote a formula"),
        ('a,"close', "unexpected end of data"),
        ("", "mine.csv has no entries"),
    ],
)
def test_a_wrong_row_is_named(tmp_path: Path, row: str, said: str) -> None:
    with pytest.raises(LibraryError, match=said) as caught:
        load_library(written(tmp_path, "mine.csv", HEADER + row + "\n"))
    assert str(caught.value).startswith(str(tmp_path / "mine.csv"))


def test_an_unknown_field_may_be_one_of_the_users_own(tmp_path: Path) -> None:
    with pytest.raises(
        LibraryError, match="did you mean close\\?; if your data have it, name it under needs"
    ):
        load_library(written(tmp_path, "mine.csv", "name,formula\na,clos\n"))


def test_a_wrong_formula_keeps_the_caret_under_the_character(tmp_path: Path) -> None:
    with pytest.raises(LibraryError) as caught:
        load_library(written(tmp_path, "mine.csv", 'name,formula\na,"delay(close, -1)"\n'))
    problem = caught.value
    assert isinstance(problem, FormulaError) and problem.position == 13
    assert "the future cannot be read" in str(problem) and str(problem).splitlines()[-2].strip() == "^"
    assert str(pickle.loads(pickle.dumps(problem))) == str(problem)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "has no list of entries"),
        ("entries: close", "has no list of entries"),
        ("entries: []", "has no entries"),
        ("entries:\n- close\n", "line 2: an entry is a mapping"),
        ("entries:\n- {name: a, formula: [close]}\n", "line 2: formula is one text"),
        ("entries:\n- {name: a, name: b, formula: close}\n", "line 2: name twice"),
        (
            "entries:\n- {name: a, formula: close, catgory: bar}\n",
            "line 2: no key 'catgory'; did you mean category",
        ),
        ("titel: x\nentries: [{name: a, formula: close}]", "no key 'titel'; did you mean title"),
        ("entries: [{name: a, formula: close\n", r"line \d: "),
        ("entries: \x07", "mine.yaml is no YAML"),
        ("a: &a [*a]\nentries: [{name: a, formula: close}]", "a is one text"),
        ("[" * 3000, "mine.yaml"),
    ],
)
def test_wrong_yaml_is_named(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(LibraryError, match=said):
        load_library(written(tmp_path, "mine.yaml", text))


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    (tmp_path / "folder.csv").mkdir()
    with pytest.raises(LibraryError, match=r"none\.csv cannot be read: No such file"):
        load_library(tmp_path / "none.csv")
    with pytest.raises(LibraryError, match=r"folder\.csv cannot be read"):
        load_library(tmp_path / "folder.csv")
    with pytest.raises(LibraryError, match=r"a\.csv is not UTF-8 \(byte 13\)"):
        load_library(written(tmp_path, "a.csv", b"name,formula\n\xb6\xaf,close\n"))
    with pytest.raises(LibraryError, match=r"a library is a \.csv"):
        load_library(written(tmp_path, "a.txt", "name,formula\n"))
    with pytest.raises(LibraryError, match="is empty: its first row names the columns"):
        load_library(written(tmp_path, "b.csv", ""))
    with pytest.raises(LibraryError, match="the header has 'name' twice"):
        load_library(written(tmp_path, "c.csv", "name,formula,Name\n"))


_TEXTS = st.text(st.sampled_from(",:\"\n'{}[]-&* #|x1é\x00"), max_size=40)


@settings(max_examples=150)
@given(
    parts=st.lists(
        st.one_of(_TEXTS, st.sampled_from([*KEYS, "entries", "close", "\n- name: a\n"])), max_size=12
    ),
    suffix=st.sampled_from([".csv", ".yaml"]),
)
def test_any_text_is_a_library_or_an_error_that_names_the_file(parts: list[str], suffix: str) -> None:
    try:
        entries = entries_of(read_sheet("".join(parts), f"mine{suffix}"))
    except LibraryError as problem:
        assert str(problem).startswith("mine")
    else:
        assert Library("mine", "", entries).entries
