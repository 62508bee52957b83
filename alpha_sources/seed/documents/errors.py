"""What is said of a document that cannot be read."""

from __future__ import annotations

from engine.errors import AlphaloomError


class DocumentError(AlphaloomError):
    """A document cannot be read: the message names the file, what is wrong and what to do."""
