"""What is written down of a trial."""

from __future__ import annotations

import hashlib
import math
from dataclasses import dataclass
from datetime import UTC, date, datetime
from enum import StrEnum

from engine.errors import AlphaloomError

_LONGEST_NAME = 200


class TrialError(AlphaloomError):
    """What is to be recorded is no trial: a number that is none, a span that ends before it begins."""


class Origin(StrEnum):
    """Who thought of a formula first."""

    USER = "user"
    FACTORY = "factory"
    RANDOM = "random"
    LIBRARY = "library"


@dataclass(frozen=True, slots=True)
class Scope:
    """What formulas were evaluated on.

    Parameters
    ----------
    start, end : date
        First and last day of the span.
    universe : str
        Its name, such as ``csi300``.
    data_hash : str
        Of the panel.
    horizon_sessions : int
        From the fill to the end of the return.

    Raises
    ------
    TrialError
        If the span is empty, the horizon below 1, or a name empty.
    """

    start: date
    end: date
    universe: str
    data_hash: str
    horizon_sessions: int

    def __post_init__(self) -> None:
        object.__setattr__(self, "start", day(self.start))
        object.__setattr__(self, "end", day(self.end))
        if self.start > self.end:
            raise TrialError(f"a span from {self.start} to {self.end} ends before it begins")
        if self.horizon_sessions < 1:
            raise TrialError(f"horizon_sessions must be at least 1, not {self.horizon_sessions}")
        checked_name("a universe", self.universe)
        checked_name("a data hash", self.data_hash)


@dataclass(frozen=True, slots=True)
class Trial:
    """One formula that was evaluated.

    Parameters
    ----------
    formula : str
        As it was written.
    canonical : str
        Its normal form, which says whether it was tried before.
    origin : Origin
    ic_mean, ic_t : float
        Mean rank IC and its t value; NaN where undefined.

    Raises
    ------
    TrialError
        If a number is infinite, or a text empty.
    """

    formula: str
    canonical: str
    origin: Origin
    ic_mean: float = math.nan
    ic_t: float = math.nan

    def __post_init__(self) -> None:
        if not self.formula.strip() or not self.canonical.strip():
            raise TrialError("a trial names its formula and the canonical form of it")
        for name, value in (("ic_mean", self.ic_mean), ("ic_t", self.ic_t)):
            if math.isinf(value):
                raise TrialError(f"{name} of {self.formula!r} is infinite; where undefined it is NaN")


def formula_hash(canonical: str) -> str:
    """Return the sha256 of a canonical form: one for all ways of writing a formula."""
    return hashlib.sha256(canonical.encode()).hexdigest()


def checked_name(what: str, text: str) -> str:
    """Return a name that is one line, not empty and not too long."""
    if not text.strip() or len(text) > _LONGEST_NAME or not text.isprintable():
        raise TrialError(f"{what} is a line of 1 to {_LONGEST_NAME} characters, not {text[:_LONGEST_NAME]!r}")
    return text


def day(value: date) -> date:
    """Return a date without its time."""
    return value.date() if isinstance(value, datetime) else value


def moment(at: datetime) -> str:
    """Return a moment as text, in universal time, so that the order of texts is that of moments."""
    if at.tzinfo is None:
        raise TrialError(f"{at.isoformat()} names no time zone; pass one, as in datetime.now(UTC)")
    return at.astimezone(UTC).isoformat(timespec="microseconds")
