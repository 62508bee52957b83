"""From texts by key to an entry, or to an error that names the row and the key."""

from __future__ import annotations

import re
from datetime import date
from enum import StrEnum
from math import isfinite
from typing import TypeVar

from alpha_sources.formula import FormulaError
from alpha_sources.formula.dialects import DIALECTS
from alpha_sources.libraries.categories import Category
from alpha_sources.libraries.entry import LibraryEntry
from alpha_sources.libraries.errors import LibraryError, LibraryFormulaError
from alpha_sources.libraries.marks import Mark, MarkKind
from alpha_sources.libraries.reading import Record, Sheet
from engine.plugins import nearest

#: What a file may say of all its entries at once.
SHARED = ("dialect", "category", "source", "published", "knows_until", "needs")
HEAD = ("title", *SHARED)
KEYS = (
    "name", "formula", "title", *SHARED, "printed", "ic_mean", "icir", *map(str, MarkKind),
)  # fmt: skip

_NO_FIELD = "no field"
_NAME = re.compile(r"[^\W\d][\w.\-]{0,99}")
_Closed = TypeVar("_Closed", bound=StrEnum)


def entries_of(sheet: Sheet) -> tuple[LibraryEntry, ...]:
    """Return the entries of a file, every formula parsed.

    Raises
    ------
    LibraryError
        At the first row that is wrong: an unknown key or value, a name twice, no formula, a formula that is
        none, a duplicate of nothing.
    """
    _known(sheet.head, HEAD)
    shared = {key: text for key, text in sheet.head.texts.items() if key in SHARED}
    entries: dict[str, LibraryEntry] = {}
    for row in sheet.rows:
        _known(row, KEYS)
        entry = _entry(Record(row.place, {**shared, **row.texts}))
        if entry.name.lower() in entries:
            raise LibraryError(f"{row.place}: name {entry.name} is there already")
        entries[entry.name.lower()] = entry
    if not entries:
        raise LibraryError(f"{sheet.head.place} has no entries")
    for row, entry in zip(sheet.rows, entries.values(), strict=True):
        twin = entry.mark(MarkKind.DUPLICATE_OF)
        if twin is not None and twin.of.lower() not in entries:
            raise LibraryError(f"{row.place}: duplicate_of names {twin.of}, which is no entry of the file")
        if twin is not None and twin.of.lower() == entry.name.lower():
            raise LibraryError(f"{row.place}: duplicate_of names the entry itself")
    return tuple(entries.values())


def _entry(row: Record) -> LibraryEntry:
    texts = row.texts
    name = texts.get("name", "")
    if not _NAME.fullmatch(name):
        wrong = f"name {name!r} is none" if name else "name is missing"
        raise LibraryError(f"{row.place}: {wrong}; a letter, then letters, digits, _ . or -, at most 100")
    marks = tuple(_mark(row, kind) for kind in MarkKind if kind in texts)
    cannot = any(mark.kind is MarkKind.NOT_COMPUTABLE for mark in marks)
    if not texts.get("formula") and not cannot:
        raise LibraryError(f"{row.place}: formula of {name} is missing; say why under not_computable")
    if texts.get("formula") and cannot:
        raise LibraryError(f"{row.place}: {name} has a formula and not_computable; write the text to printed")
    dialect = texts.get("dialect", "alphaloom")
    if dialect not in DIALECTS:
        known = ", ".join(DIALECTS)
        raise LibraryError(f"{row.place}: dialect {dialect!r} is none; there are {known}")
    entry = LibraryEntry(
        name=name,
        formula=texts.get("formula", ""),
        dialect=dialect,
        category=_one_of(row, "category", Category, Category.OTHER),
        title=texts.get("title", ""),
        source=texts.get("source", ""),
        published=_year(row),
        knows_until=_day(row),
        printed=texts.get("printed", ""),
        needs=tuple(part.strip() for part in texts.get("needs", "").split(",") if part.strip()),
        marks=marks,
        ic_mean=_number(row, "ic_mean"),
        icir=_number(row, "icir"),
    )
    if entry.computable:
        try:
            _ = entry.parsed
        except FormulaError as error:
            hint = error.hint
            if error.reason.startswith(_NO_FIELD):
                hint = f"{hint}; if your data have it, name it under needs".removeprefix("; ")
            reason = f"{row.place}: formula of {name}: {error.reason}"
            raise LibraryFormulaError(reason, error.text, error.position, hint) from None
    return entry


def _known(row: Record, keys: tuple[str, ...]) -> None:
    for key in row.texts:
        if key not in keys:
            hint = nearest(key, keys) or f"; there are {', '.join(keys)}"
            raise LibraryError(f"{row.place}: no key {key!r}{hint}")


def _mark(row: Record, kind: MarkKind) -> Mark:
    text = row.texts[kind]
    if kind is not MarkKind.DUPLICATE_OF:
        return Mark(kind, text)
    other, colon, reason = (part.strip() for part in text.partition(":"))
    if not other or not colon or not reason:
        raise LibraryError(f"{row.place}: duplicate_of is written OTHER: reason, not {text!r}")
    return Mark(kind, reason, other)


def _one_of(row: Record, key: str, kinds: type[_Closed], default: _Closed) -> _Closed:
    text = row.texts.get(key)
    if text is None:
        return default
    try:
        return kinds(text.lower().replace(" ", "_"))
    except ValueError:
        known = ", ".join(kinds)
        raise LibraryError(f"{row.place}: {key} {text!r} is none; there are {known}") from None


def _year(row: Record) -> int | None:
    text = row.texts.get("published")
    if text is None:
        return None
    if not re.fullmatch(r"1[89]\d\d|20\d\d", text):
        raise LibraryError(f"{row.place}: published {text!r} is no year, such as 1993")
    return int(text)


def _day(row: Record) -> date | None:
    text = row.texts.get("knows_until")
    if text is None:
        return None
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise LibraryError(f"{row.place}: knows_until {text!r} is no day, such as 2015-12-09") from None


def _number(row: Record, key: str) -> float | None:
    text = row.texts.get(key)
    if text is None:
        return None
    try:
        value = float(text)
    except ValueError:
        value = float("nan")
    if not isfinite(value):
        raise LibraryError(f"{row.place}: {key} {text!r} is no number")
    return value
