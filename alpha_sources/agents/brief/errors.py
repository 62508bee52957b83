"""What can be wrong with what a brief is made of."""

from __future__ import annotations

from engine.errors import AlphaloomError, LookAheadError


class BriefError(AlphaloomError):
    """A brief cannot be made: the message names the item, what is wrong and what to do."""


class FutureItemError(BriefError, LookAheadError):
    """An item was handed over that nobody could know at the session of the brief."""
