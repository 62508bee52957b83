"""Errors that a person can act on.

Every error a user can cause derives from :class:`AlphaloomError`; its message names the place and the
remedy in one line. The command line prints it and exits with code 2; anything else is a defect of ours.
"""

from __future__ import annotations


class AlphaloomError(Exception):
    """Base of every error that is the fault of an input, not of the program."""


class ConfigError(AlphaloomError):
    """A run configuration is wrong: an unknown key, a value out of range, parts that contradict."""


class DataError(AlphaloomError):
    """Market data cannot be read or breaks a rule that a back-test relies on."""


class CalendarError(AlphaloomError):
    """A day lies outside the trading calendar's coverage or is no session."""


class ShapeError(AlphaloomError):
    """Arrays that must agree in shape do not."""


class LookAheadError(AlphaloomError):
    """Something asked for data after the session it stands at."""


class SealedSpan(LookAheadError):  # noqa: N818 - says what it is
    """A choice that is made once per run asked for sessions that are kept for its test."""


class RuleError(AlphaloomError):
    """A rule table is inconsistent or has no row for a date."""


class ProviderError(AlphaloomError):
    """An alpha provider cannot be loaded, raised, or returned something that is not a score row."""


class StrategyError(AlphaloomError):
    """A strategy cannot be loaded, was given impossible parameters, or raised."""


class TooFewBars(StrategyError):  # noqa: N818 - says what it is
    """An indicator of a strategy needs more sessions for its first value than the run has."""


class OutputError(AlphaloomError):
    """A run folder cannot be written, or holds something that would be lost."""
