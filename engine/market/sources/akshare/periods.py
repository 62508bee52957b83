"""Periods of company reports: they end with the quarters of the year."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

_ENDS = ((3, 31), (6, 30), (9, 30), (12, 31))


def ended_between(first: date, last: date, *, months_before: int = 0) -> Iterator[date]:
    """Ends of quarters up to `last`, from `first` less some months on; ascending."""
    months = 12 * first.year + first.month - 1 - months_before
    begin = date(months // 12, months % 12 + 1, 1)
    for year in range(begin.year, last.year + 1):
        for month, day in _ENDS:
            end = date(year, month, day)
            if begin <= end <= last:
                yield end
