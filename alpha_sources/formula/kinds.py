"""What a part of a formula is: panels and groups, which vary, and parameters, which are written down."""

from __future__ import annotations

from enum import StrEnum


class Kind(StrEnum):
    """What an operand is, and what a parameter of an operator asks for.

    The first three are arrays over sessions and symbols; the others are numbers that must stand in the text.
    """

    #: a number for every session and symbol
    PANEL = "panel"
    #: a condition: 1, 0, or NaN where it is unknown; a condition may stand wherever a panel may
    BOOLEAN = "condition"
    #: a label for every session and symbol, such as its industry
    GROUP = "group"
    #: a whole number of sessions, the session itself included, at least 1
    WINDOW = "window"
    #: a whole number of sessions back, at least 0
    LAG = "lag"
    #: a constant
    NUMBER = "number"

    @property
    def is_operand(self) -> bool:
        """True for arrays, false for what must be a literal."""
        return self in (Kind.PANEL, Kind.BOOLEAN, Kind.GROUP)
