"""Dated figures on arrival: what was seen first stands, a restatement is a later row.

A *statement* is what a figure is said to be for one period: the net profit of a stock for a quarter, the
index of purchasing managers for a month, a valuation ratio of one day. It may be made again; each time counts
from its own day on and never from an earlier one.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from itertools import groupby
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from engine.market.grid import Bools, Floats
from engine.market.store.rows import numbers

Numbers = NDArray[np.int64]

#: relative difference up to which two values are the same one
_SAME = 1e-9
#: a figure that is out is used from the next session on, which may be so many days off
_LONGEST_WAIT_DAYS = 31
#: before a long holiday a month's figure is published up to so many days before its end: the index of
#: purchasing managers for January 2025 came on the 27th
EARLIEST_DAYS = 7
#: days since 1970 fit in so many bits, those before it included
_DAY_BITS, _DAY_SHIFT = 22, 1 << 20
_NO_DAY = np.iinfo(np.int64).min


class Refusal(StrEnum):
    """Why a figure is not taken."""

    UNDATED = "no day from which they were known"
    FUTURE = "dated in the future"
    BEFORE_ITS_PERIOD = "known long before the period they are about was over"
    EARLIER = "dated before what the store has for the period, which was seen first and stands"
    CONTRADICTED = "given twice for one day with different values, of which the first was kept"


@dataclass
class Judged:
    """What becomes of arriving figures.

    Parameters
    ----------
    rows : (K,) int array
        Rows to store.
    visible, period : (K,) int arrays
        Their days since 1970-01-01; a restatement's `visible` is the day after it was seen, and its `period`
        is never missing. The smallest int stands for no period.
    known : int
        Rows that say what the store knows.
    refused : Counter
        Rows that are not taken, by reason.
    examples : dict
        A row for each reason.
    """

    rows: Numbers
    visible: Numbers
    period: Numbers
    known: int = 0
    refused: Counter[Refusal] = field(default_factory=Counter)
    examples: dict[Refusal, int] = field(default_factory=dict)

    def refuse(self, rows: Bools, why: Refusal) -> None:
        """Count rows that are not taken."""
        if rows.any():
            self.refused[why] += int(rows.sum())
            self.examples.setdefault(why, int(np.argmax(rows)))


def judge_figures(
    arriving: Any, stored: Any, names: Sequence[str], *, seen: date, ends_before: bool = False
) -> Judged:
    """Say which arriving figures are news.

    Parameters
    ----------
    arriving, stored : pyarrow.Table
        With `names`, ``visible_date``, ``period_end`` and ``value``.
    names : sequence of str
        Columns that say what is measured, such as figure and symbol.
    seen : date
        The day of arrival.
    ends_before : bool
        Refuse figures about a period that was far from over when they became known.

    Notes
    -----
    Of one statement, in order of the day from which it was known:

    - a value on a later day than the last stored one is a restatement with a day of its own, unless it says
      the same again;
    - another value on a stored day was written over: it counts from the day after it was seen;
    - another value between or before stored days is not taken: what was known then is known already.
    """
    value, visible, period = _columns(arriving)
    old_value, old_visible, old_period = _columns(stored)
    count = len(value)
    none = np.empty(0, dtype=np.int64)
    judged = Judged(none, none, none)
    told = ~np.isnan(value)
    undated = told & (visible == _NO_DAY)
    today = int(np.datetime64(seen, "D").astype(np.int64))
    future = told & ~undated & (visible > today + _LONGEST_WAIT_DAYS)
    early = told & ~undated & ~future & ends_before & (period != _NO_DAY) & (period > visible + EARLIEST_DAYS)
    for rows, why in (
        (undated, Refusal.UNDATED), (future, Refusal.FUTURE), (early, Refusal.BEFORE_ITS_PERIOD),
    ):  # fmt: skip
        judged.refuse(rows, why)
    open_rows = np.flatnonzero(told & ~undated & ~future & ~early)

    what = _codes([*(arriving[name] for name in names)], [*(stored[name] for name in names)])
    about = np.where(period == _NO_DAY, visible, period)
    old_about = np.where(old_period == _NO_DAY, old_visible, old_period)
    statement = (what[:count] << _DAY_BITS) + about + _DAY_SHIFT
    old_statement = (what[count:] << _DAY_BITS) + old_about + _DAY_SHIFT

    again = _said(statement, visible, value, old_statement, old_visible, old_value, open_rows)
    judged.known += int(again.sum())
    open_rows = open_rows[~again]
    new = _Book(judged, value, visible, period, today)
    new.take(open_rows, statement, old_statement, old_visible, old_value)
    return judged


def _columns(table: Any) -> tuple[Floats, Numbers, Numbers]:
    return numbers(table["value"]), _days(table["visible_date"]), _days(table["period_end"])


def _days(column: Any) -> Numbers:
    return np.asarray(column.cast(pa.int32()).cast(pa.int64()).fill_null(_NO_DAY).to_numpy(), dtype=np.int64)


def _codes(arriving: Sequence[Any], stored: Sequence[Any]) -> Numbers:
    """One number for each combination of names, of the arriving rows and then of the stored ones."""
    out = np.zeros(0, dtype=np.int64)
    for one, other in zip(arriving, stored, strict=True):
        texts = pa.chunked_array([*_plain(one).chunks, *_plain(other).chunks], pa.string())
        encoded = texts.dictionary_encode().combine_chunks()
        if isinstance(encoded, pa.ChunkedArray):
            encoded = encoded.chunk(0)
        codes = np.asarray(encoded.indices.to_numpy(zero_copy_only=False), dtype=np.int64)
        out = codes if not len(out) else out * len(encoded.dictionary) + codes
    return out


def _plain(column: Any) -> Any:
    cells = column.cast(pa.string())
    return cells if isinstance(cells, pa.ChunkedArray) else pa.chunked_array([cells])


def _said(
    statement: Numbers,
    visible: Numbers,
    value: Floats,
    old_statement: Numbers,
    old_visible: Numbers,
    old_value: Floats,
    rows: Numbers,
) -> Bools:
    """Which of some rows the store has, day and value alike."""
    if not len(old_statement) or not len(rows):
        return np.zeros(len(rows), dtype=bool)
    order = np.lexsort((old_visible, old_statement))
    olds = np.rec.fromarrays([old_statement[order], old_visible[order]])
    place = np.searchsorted(olds, np.rec.fromarrays([statement[rows], visible[rows]]))
    place = np.minimum(place, len(order) - 1)
    there = order[place]
    return np.asarray(
        (old_statement[there] == statement[rows])
        & (old_visible[there] == visible[rows])
        & np.isclose(old_value[there], value[rows], rtol=_SAME, atol=0.0)
    )


class _Book:
    """Rows that are news, written down statement by statement."""

    def __init__(self, judged: Judged, value: Floats, visible: Numbers, period: Numbers, today: int) -> None:
        self.judged, self.value, self.visible, self.period = judged, value, visible, period
        self.tomorrow = today + 1

    def take(
        self,
        rows: Numbers,
        statement: Numbers,
        old_statement: Numbers,
        old_visible: Numbers,
        old_value: Floats,
    ) -> None:
        found, counts = np.unique(statement[rows], return_counts=True)
        alone = found[(counts == 1) & ~np.isin(found, old_statement)]
        simple = np.isin(statement[rows], alone)
        taken: list[tuple[int, int, int]] = []
        others = rows[~simple]
        stored: dict[int, list[tuple[int, float]]] = {}
        wanted = np.flatnonzero(np.isin(old_statement, statement[others]))
        for i in wanted[np.argsort(old_visible[wanted], kind="stable")].tolist():
            stored.setdefault(int(old_statement[i]), []).append((int(old_visible[i]), float(old_value[i])))
        order = others[np.lexsort((np.arange(len(others)), self.visible[others], statement[others]))]
        for key, group in groupby(order.tolist(), key=lambda row: int(statement[row])):
            taken += self._statement(list(group), stored.get(key, []))
        alone_rows = rows[simple]
        plain = np.stack([alone_rows, self.visible[alone_rows], self.period[alone_rows]])
        columns = np.concatenate([plain, np.array(taken, dtype=np.int64).reshape(-1, 3).T], axis=1)
        columns = columns[:, np.argsort(columns[0], kind="stable")]
        self.judged.rows, self.judged.visible, self.judged.period = columns

    def _statement(self, rows: list[int], known: list[tuple[int, float]]) -> list[tuple[int, int, int]]:
        """Rows of one statement that are news; `known` ascends by day."""
        out, fresh = [], set()
        for row in rows:
            day, value, period = int(self.visible[row]), float(self.value[row]), int(self.period[row])
            if not known or day > known[-1][0]:
                if known and _same(known[-1][1], value):
                    self.judged.known += 1
                    continue
            elif any(_same(said, value) for _, said in known):
                self.judged.known += 1
                continue
            elif day in fresh or all(day != stored for stored, _ in known):
                why = Refusal.CONTRADICTED if day in fresh else Refusal.EARLIER
                self.judged.refused[why] += 1
                self.judged.examples.setdefault(why, row)
                continue
            elif known[-1][0] >= self.tomorrow:
                # written over twice within a day: what came first is the later row
                self.judged.refused[Refusal.CONTRADICTED] += 1
                self.judged.examples.setdefault(Refusal.CONTRADICTED, row)
                continue
            else:
                # what is about no period but a day stays about that day
                period = day if period == _NO_DAY else period
                day = self.tomorrow
            known.append((day, value))
            fresh.add(day)
            out.append((row, day, period))
        return out


def _same(one: float, other: float) -> bool:
    return abs(one - other) <= _SAME * max(abs(one), abs(other))


def days_column(days: Numbers) -> Any:
    """Return days since 1970-01-01 as a column; the smallest int is null."""
    missing = days == _NO_DAY
    return pa.array(np.where(missing, 0, days).astype(np.int32), pa.int32(), mask=missing).cast(pa.date32())
