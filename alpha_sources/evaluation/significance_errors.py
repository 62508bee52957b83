"""What is said of numbers that no statistic can be made of."""

from __future__ import annotations

from engine.errors import AlphaloomError


class SignificanceError(AlphaloomError):
    """A test of significance was asked of numbers that do not allow one: no trials, no sessions, no level."""
