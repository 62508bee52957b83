"""Libraries of formulas as data: what was published, with its source, category and known faults.

``load_library`` reads one that comes with the package or a file of one's own; every formula is parsed.
``check_library`` computes one on market data and finds what repeats another, what is constant, and what is
nothing but a price or a size.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from alpha_sources.libraries.categories import Category
from alpha_sources.libraries.entry import LibraryEntry
from alpha_sources.libraries.errors import LibraryError
from alpha_sources.libraries.library import Library
from alpha_sources.libraries.loading import library_names, load_library
from alpha_sources.libraries.marks import Mark, MarkKind

if TYPE_CHECKING:
    from alpha_sources.libraries.checking import EntryCheck, check_library

__all__ = [
    "Category",
    "EntryCheck",
    "Library",
    "LibraryEntry",
    "LibraryError",
    "Mark",
    "MarkKind",
    "check_library",
    "library_names",
    "load_library",
]


def __getattr__(name: str) -> Any:
    # imported when first asked for: who only reads formulas needs no numba
    if name in ("EntryCheck", "check_library"):
        return getattr(import_module("alpha_sources.libraries.checking"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
