"""`load_library`: by the name of one that comes with the package, or from a file."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from importlib.resources import files
from pathlib import Path
from types import MappingProxyType

from alpha_sources.libraries import alpha158
from alpha_sources.libraries.errors import LibraryError
from alpha_sources.libraries.library import Library
from alpha_sources.libraries.reading import SUFFIXES, Sheet, read_sheet, read_text
from alpha_sources.libraries.validation import entries_of
from engine.plugins import nearest

_FILES = ("paper_released", "paper_seeds", "alpha101", "gtja191")
#: Those that are a rule, not a list.
_RULES: Mapping[str, Callable[[], Sheet]] = MappingProxyType({"alpha158": alpha158.sheet})


def library_names() -> tuple[str, ...]:
    """Return the names of the libraries that come with the package."""
    return (*_FILES, *_RULES)


def load_library(name: str | os.PathLike[str]) -> Library:
    """Read a library, whole or not at all.

    Parameters
    ----------
    name : str or path
        One of `library_names`, or a .csv or .yaml file of one's own.

    Returns
    -------
    Library

    Raises
    ------
    LibraryError
        If there is none of that name, or the file is wrong; with the file, the row and the key.
    """
    text = os.fspath(name)
    if text in _RULES:
        return _library(text, _RULES[text]())
    if text in _FILES:
        resource = files(__package__).joinpath("data", f"{text}.yaml")
        return _library(text, read_sheet(resource.read_text(encoding="utf-8"), resource.name))
    path = Path(text)
    if path.suffix.lower() not in SUFFIXES and not path.exists():
        hint = nearest(text, library_names()) or f"; there are {', '.join(library_names())}"
        raise LibraryError(f"no library {text!r}{hint}, or a {', '.join(SUFFIXES)} file of your own")
    return _library(path.stem, read_sheet(read_text(path), str(path)))


def _library(name: str, sheet: Sheet) -> Library:
    entries = entries_of(sheet)
    return Library(name, sheet.head.texts.get("title", ""), entries)
