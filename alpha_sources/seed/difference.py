"""What distinguishes two lists of seeds."""

from __future__ import annotations

from dataclasses import dataclass

from alpha_sources.libraries import Library, LibraryEntry
from alpha_sources.seed.proposal import canonical_hash


@dataclass(frozen=True)
class Difference:
    """Seeds by what became of them; two are the same if their normal form is.

    Parameters
    ----------
    added, removed : tuple of LibraryEntry
    changed : tuple of (LibraryEntry, LibraryEntry, tuple of str)
        Of the same formula, or of the same name: before, after, and what differs in words.
    same : int
    """

    added: tuple[LibraryEntry, ...]
    removed: tuple[LibraryEntry, ...]
    changed: tuple[tuple[LibraryEntry, LibraryEntry, tuple[str, ...]], ...]
    same: int


def difference(before: Library, after: Library) -> Difference:
    """Compare two libraries.

    Parameters
    ----------
    before, after : Library
    """
    old = {_key(entry): entry for entry in before}
    new = {_key(entry): entry for entry in after}
    changed, same = [], 0
    for key in old.keys() & new.keys():
        what = _changes(old[key], new[key])
        if what:
            changed.append((old[key], new[key], what))
        else:
            same += 1
    gone = {entry.name: entry for key, entry in old.items() if key not in new}
    come = {entry.name: entry for key, entry in new.items() if key not in old}
    for name in gone.keys() & come.keys():  # another formula under the same name
        changed.append((gone[name], come[name], _changes(gone[name], come[name])))
    order = {entry.name: place for place, entry in enumerate(after)}
    return Difference(
        tuple(entry for name, entry in come.items() if name not in gone),
        tuple(entry for name, entry in gone.items() if name not in come),
        tuple(sorted(changed, key=lambda each: order[each[1].name])),
        same,
    )


def _key(entry: LibraryEntry) -> str:
    return canonical_hash(entry.parsed) if entry.computable else f"none:{entry.name}"


def _changes(old: LibraryEntry, new: LibraryEntry) -> tuple[str, ...]:
    pairs = {
        "name": (old.name, new.name),
        "formula": (_written(old), _written(new)),
        "category": (old.category, new.category),
        "source": (old.source, new.source),
        "knows_until": (old.knows_until, new.knows_until),
        "marks": ("; ".join(map(str, old.marks)), "; ".join(map(str, new.marks))),
    }
    return tuple(f"{key}: {a or 'none'} -> {b or 'none'}" for key, (a, b) in pairs.items() if a != b)


def _written(entry: LibraryEntry) -> str:
    return str(entry.parsed) if entry.computable else entry.printed
