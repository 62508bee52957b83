"""How long to wait before asking again: pure functions of the attempt, the seed and what the server said."""

from __future__ import annotations

import math
import random
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from alpha_sources.llm.config import Retries

_LONGEST_S = 10.0**9


def wait_s(attempt: int, retries: Retries, *, seed: int, key: str, asked_s: float | None = None) -> float:
    """Return the seconds before the attempt after this one.

    Parameters
    ----------
    attempt : int
        The one that failed, from 1.
    retries : Retries
    seed : int
        Of the run.
    key : str
        Of the request: calls that failed together do not come back together, in whatever order they run.
    asked_s : float or None
        What the server asked for; it is never undercut.
    """
    longest = min(retries.cap_s, retries.base_s * 2.0 ** (attempt - 1))
    drawn = random.Random(f"{seed}|{key}|{attempt}").uniform(0.5, 1.0) * longest
    return drawn if asked_s is None else max(drawn, asked_s)


def retry_after_s(headers: Mapping[str, str], now: datetime) -> float | None:
    """Return how many seconds a server asks to wait; None if it asks for nothing readable.

    ``retry-after-ms``, or ``Retry-After`` as seconds or as a date (RFC 9110, 10.2.3).
    """
    milliseconds = _number(headers.get("retry-after-ms"))
    if milliseconds is not None:
        return milliseconds / 1000
    said = headers.get("retry-after")
    seconds = _number(said)
    if seconds is not None or not said:
        return seconds
    try:
        until = parsedate_to_datetime(said)
    except (ValueError, OverflowError):
        return None
    until = until if until.tzinfo else until.replace(tzinfo=UTC)
    return max(0.0, (until - now).total_seconds())


def _number(text: str | None) -> float | None:
    try:
        value = float(text or "")
    except ValueError:
        return None
    return min(value, _LONGEST_S) if value >= 0 and not math.isnan(value) else None
