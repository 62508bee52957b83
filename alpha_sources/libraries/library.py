"""A named collection of formulas."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

from alpha_sources.libraries.categories import Category
from alpha_sources.libraries.entry import LibraryEntry
from alpha_sources.libraries.errors import LibraryError
from alpha_sources.libraries.marks import MarkKind
from engine.plugins import nearest


@dataclass(frozen=True, eq=False)
class Library:
    """Formulas in the order of their source.

    Parameters
    ----------
    name : str
    title : str
        What it is, in one line.
    entries : tuple of LibraryEntry
        With names that differ.
    """

    name: str
    title: str
    entries: tuple[LibraryEntry, ...]

    def __len__(self) -> int:
        return len(self.entries)

    def __iter__(self) -> Iterator[LibraryEntry]:
        return iter(self.entries)

    def entry(self, name: str) -> LibraryEntry:
        """Return the entry of a name, in any case.

        Raises
        ------
        LibraryError
            If there is none; the nearest name is given.
        """
        wanted = name.lower()
        for each in self.entries:
            if each.name.lower() == wanted:
                return each
        hint = nearest(name, [each.name for each in self.entries])
        raise LibraryError(f"library {self.name} has no entry {name!r}{hint}")

    def of(self, category: Category) -> tuple[LibraryEntry, ...]:
        """Return the entries of a category."""
        return tuple(each for each in self.entries if each.category is category)

    def without(self, *kinds: MarkKind) -> tuple[LibraryEntry, ...]:
        """Return the entries that bear no mark of these kinds, such as `MarkKind.DUPLICATE_OF`."""
        return tuple(each for each in self.entries if not each.has(*kinds))

    def marked(self) -> Counter[MarkKind]:
        """Count the entries that bear a mark of each kind."""
        return Counter(kind for each in self.entries for kind in {mark.kind for mark in each.marks})

    def postdating(self, day: date) -> tuple[LibraryEntry, ...]:
        """Return the entries whose choice could know the market after a day.

        A test that begins on that day is contaminated by them: they may be there because they worked in it.
        """
        return tuple(each for each in self.entries if each.postdates(day))
