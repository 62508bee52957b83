"""What became of an alpha: judged, or the reason why not, as a code and in words."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum

from alpha_sources.evaluation.settings import Settings


class Status(StrEnum):
    """Whether an alpha could be judged, and why not."""

    OK = "ok"
    #: judged by its finite values
    INFINITE = "infinite"
    UNREADABLE = "unreadable"
    NO_COVERAGE = "no_coverage"
    CONSTANT = "constant"
    TOO_FEW_NAMES = "too_few_names"
    NO_LABELS = "no_labels"

    @property
    def judged(self) -> bool:
        """True if the alpha has measures."""
        return self in (Status.OK, Status.INFINITE)


def verdict(found: Sequence[int], settings: Settings, sessions: int, labelled: int) -> tuple[Status, str]:
    """Say what became of an alpha.

    Parameters
    ----------
    found : sequence of 6 int
        See `_ranks.rank_sessions`.
    settings : Settings
    sessions : int
        Of the span.
    labelled : int
        Sessions of the span with both enough values and a realised label.

    Returns
    -------
    Status and str
        The reason is empty for an alpha that is simply judged.
    """
    cells, finite, infinite, known, enough, constant = found
    least = max(settings.min_names, settings.quantiles)
    unbounded = f"{infinite:,} of {cells:,} values of members are infinite" if infinite else ""
    if not finite:
        if infinite:
            return Status.INFINITE, f"{unbounded}, and none is finite"
        return Status.NO_COVERAGE, f"no member has a value on any of {sessions:,} sessions"
    if not enough:
        return Status.TOO_FEW_NAMES, (
            f"no session has {least} tradable names with a value "
            f"({settings.quantiles} quantiles, min_names {settings.min_names})"
        )
    if constant == enough:
        return Status.CONSTANT, "on every session the value is the same for every name"
    if not labelled:
        return Status.NO_LABELS, (
            f"no label of {settings.horizon_sessions} sessions is realised by the end of the span "
            f"on any of the {enough:,} sessions with values"
        )
    if infinite:
        return Status.INFINITE, f"{unbounded}; judged by the others ({known:,} sessions)"
    return Status.OK, ""
