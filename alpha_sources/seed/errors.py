"""What is said when seeds cannot be mined, read or imported."""

from __future__ import annotations

from engine.errors import AlphaloomError


class SeedError(AlphaloomError):
    """Seeds cannot be mined, read or imported: the message names the file, what is wrong and the remedy."""
