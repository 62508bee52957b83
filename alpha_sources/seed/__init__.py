"""Seeds of alphas from what people read: documents in, a library of formulas out.

``load_seeds`` reads a seed file or a library that comes with the package. The parts: documents (reading),
questions and asking (the model), extraction (formulas that stand in a text), examining (what a proposal must
pass), factory (all of it), file (what is written), importing (lists), difference.
"""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from alpha_sources.libraries import Library, load_library

if TYPE_CHECKING:
    from alpha_sources.seed.errors import SeedError
    from alpha_sources.seed.examining import Examiner
    from alpha_sources.seed.factory import Factory
    from alpha_sources.seed.file import read_mined, seed_file
    from alpha_sources.seed.mined import Mined
    from alpha_sources.seed.settings import FactorySettings, factory_settings

__all__ = [
    "Examiner",
    "Factory",
    "FactorySettings",
    "Mined",
    "SeedError",
    "factory_settings",
    "load_seeds",
    "read_mined",
    "seed_file",
]

_LATER = {
    "Examiner": "examining",
    "Factory": "factory",
    "FactorySettings": "settings",
    "Mined": "mined",
    "SeedError": "errors",
    "factory_settings": "settings",
    "read_mined": "file",
    "seed_file": "file",
}


def load_seeds(source: str | Path) -> Library:
    """Read seeds: a library that comes with the package by its name, or a seed file or library by its path.

    Parameters
    ----------
    source : str or Path

    Returns
    -------
    Library
        Every formula parsed. Of a seed file, `LibraryEntry.knows_until` is the latest of the document's
        publication, the model's knowledge cut-off and the day of mining.

    Raises
    ------
    LibraryError
        If there is none, it is wrong, or it has no entries.
    """
    return load_library(source)


def __getattr__(name: str) -> Any:
    # imported when first asked for: who only reads seeds needs no model and no numba
    if name in _LATER:
        return getattr(import_module(f"{__name__}.{_LATER[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
