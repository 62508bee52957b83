"""What is said of a library that cannot be read."""

from __future__ import annotations

from typing import Any

from alpha_sources.formula import FormulaError
from engine.errors import AlphaloomError


class LibraryError(AlphaloomError):
    """A library of formulas is wrong: the message names the file, the row and the key."""


class LibraryFormulaError(LibraryError, FormulaError):
    """A formula of a library is none: besides the row, the character at fault."""

    def __reduce__(self) -> tuple[Any, ...]:
        return LibraryFormulaError, (self.reason, self.text, self.position, self.hint)
