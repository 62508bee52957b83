"""What can be wrong with what is to be drawn."""

from __future__ import annotations

from engine.errors import AlphaloomError


class ChartError(AlphaloomError):
    """A chart cannot be drawn: the message says which, and why."""
