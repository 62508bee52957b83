"""What is said when weights cannot be fitted or restored."""

from __future__ import annotations

from engine.errors import AlphaloomError


class WeightsError(AlphaloomError):
    """Data that weights cannot be learned from, a device that is not there, or arrays that are no weights."""
