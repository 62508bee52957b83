"""Rules that change on dates: one CSV per rule, one row per spell, the source beside each row."""

from __future__ import annotations

import csv
import itertools
from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from functools import cache
from importlib.resources import files
from operator import attrgetter
from pathlib import Path

from engine.errors import RuleError

_EPOCH = date(1970, 1, 1).toordinal()


_start = attrgetter("start")


def day_of(day: date) -> int:
    """Days since 1970-01-01, the number that a ``datetime64[D]`` holds."""
    return day.toordinal() - _EPOCH


def date_of(day: int) -> date:
    """The date of a day number."""
    return date.fromordinal(day + _EPOCH)


@dataclass(frozen=True, slots=True)
class Spell:
    """One row of a table: in force from `start` up to, not including, `end` (None: still)."""

    start: int
    end: int | None
    values: Mapping[str, str]
    source: str


@dataclass(frozen=True, slots=True)
class DatedTable:
    """Spells by key, ascending and not overlapping."""

    name: str
    keys: tuple[str, ...]
    spells: Mapping[tuple[str, ...], tuple[Spell, ...]]

    def find(self, key: tuple[str, ...], day: int) -> Spell | None:
        """The spell in force for `key` on `day`, or None."""
        spells = self.spells.get(key, ())
        i = bisect_right(spells, day, key=_start) - 1
        if i < 0:
            return None
        spell = spells[i]
        return spell if spell.end is None or day < spell.end else None

    def get(self, key: tuple[str, ...], day: int) -> Spell:
        """The spell in force, or a `RuleError` that names table, key and date."""
        spell = self.find(key, day)
        if spell is None:
            raise RuleError(
                f"rule table {self.name!r} has no row for {'/'.join(key)} on {date_of(day)}; "
                f"its first is {self._first(key)}"
            )
        return spell

    def _first(self, key: tuple[str, ...]) -> str:
        spells = self.spells.get(key)
        return str(date_of(spells[0].start)) if spells else "missing"


def read_table(path: Path, keys: tuple[str, ...]) -> DatedTable:
    """Read and check a rule table.

    Raises
    ------
    RuleError
        If a row does not parse, or two rows of one key overlap; file and line are named.
    """
    grouped: dict[tuple[str, ...], list[tuple[Spell, int]]] = {}
    with path.open(encoding="utf-8", newline="") as file:
        for line, row in enumerate(csv.DictReader(file), start=2):
            try:
                start = day_of(date.fromisoformat(row["effective_from"]))
                end = day_of(date.fromisoformat(row["effective_to"])) if row["effective_to"] else None
                key = tuple(row[k] for k in keys)
            except (KeyError, ValueError, TypeError) as problem:
                raise RuleError(f"{path.name}, line {line}: {problem}") from None
            if end is not None and end <= start:
                raise RuleError(f"{path.name}, line {line}: effective_to is not after effective_from")
            values = {k: v for k, v in row.items() if k not in {"effective_from", "effective_to", "source"}}
            grouped.setdefault(key, []).append((Spell(start, end, values, row.get("source", "")), line))
    for key, rows in grouped.items():
        rows.sort(key=lambda item: item[0].start)
        for (earlier, _), (later, line) in itertools.pairwise(rows):
            if earlier.end is None or earlier.end > later.start:
                raise RuleError(
                    f"{path.name}, line {line}: the row for {'/'.join(key)} from {date_of(later.start)} "
                    f"overlaps the one from {date_of(earlier.start)}; set effective_to of the earlier row"
                )
    return DatedTable(path.stem, keys, {key: tuple(s for s, _ in rows) for key, rows in grouped.items()})


@cache
def shipped(name: str, keys: tuple[str, ...]) -> DatedTable:
    """Return one of the tables in ``engine/rules/tables``."""
    return read_table(Path(str(files("engine.rules").joinpath("tables", f"{name}.csv"))), keys)
