"""Readers that come with an extra."""

from __future__ import annotations

from importlib import import_module
from types import ModuleType

from alpha_sources.seed.documents.errors import DocumentError


def needed(module: str, what: str) -> ModuleType:
    """Return a module of the extra ``documents``.

    Parameters
    ----------
    module : str
        Its dotted name.
    what : str
        What it reads, for the message.

    Raises
    ------
    DocumentError
        If it is not installed.
    """
    try:
        return import_module(module)
    except ImportError as error:
        package = error.name or module
        raise DocumentError(
            f"{what} cannot be read without {package}: pip install 'alphaloom[documents]'"
        ) from None
