"""A row of scores is read with one strictness, wherever it is read."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from alpha_sources.score_row import RowFlaw, ScoreRowError, read_score_row
from alphaloom import load_panel

VIEW = load_panel("sse50").view("2023-06-30")
NAMES = len(VIEW.symbols)
HERE = np.arange(NAMES, dtype=float)


def flaw(raw) -> ScoreRowError:
    with pytest.raises(ScoreRowError) as caught:
        read_score_row(raw, VIEW)
    return caught.value


@given(arrays.arrays(np.float64, NAMES, elements=st.floats(allow_infinity=False)))
def test_finite_numbers_and_nan_are_taken_as_they_are(row):
    assert read_score_row(row, VIEW) is row


@pytest.mark.parametrize("kind", [np.int8, np.uint64, np.float16, np.float32, list, tuple, pd.Series])
def test_other_numbers_become_floats(kind):
    raw = kind(range(NAMES)) if isinstance(kind, type) and kind in (list, tuple) else None
    raw = pd.Series(HERE, VIEW.symbols) if kind is pd.Series else raw
    read = read_score_row(HERE.astype(kind) if raw is None else raw, VIEW)
    assert read.dtype == np.float64
    np.testing.assert_array_equal(read, HERE)


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        ([[1.0], [2.0, 3.0]], RowFlaw.NO_ARRAY),
        (None, RowFlaw.SHAPE),
        (HERE[:-1], RowFlaw.SHAPE),
        (HERE[:, None], RowFlaw.SHAPE),
        (HERE > 3, RowFlaw.KIND),
        (HERE.astype(object), RowFlaw.KIND),
        (HERE.astype(str), RowFlaw.KIND),
        (HERE * 1j, RowFlaw.KIND),
        ([10**30] * NAMES, RowFlaw.KIND),
    ],
)
def test_anything_else_is_refused(raw, expected):
    assert flaw(raw).flaw is expected


def test_the_first_infinite_name_is_said():
    row = HERE.copy()
    row[[5, 9]] = -np.inf
    found = flaw(row)
    assert (found.flaw, found.symbol) == (RowFlaw.INFINITE, VIEW.symbols[5])
    assert str(found) == f"the score of {VIEW.symbols[5]} is infinite; NaN is no opinion"


@given(st.permutations(range(NAMES)))
def test_a_series_in_another_order_is_refused_at_the_first_name_out_of_place(order):
    series = pd.Series(HERE, VIEW.symbols).iloc[order]
    if list(order) == list(range(NAMES)):
        np.testing.assert_array_equal(read_score_row(series, VIEW), HERE)
        return
    first = next(place for place, name in enumerate(order) if place != name)
    found = flaw(series)
    assert (found.flaw, found.symbol) == (RowFlaw.ORDER, VIEW.symbols[first])
    np.testing.assert_array_equal(read_score_row(series.reindex(VIEW.symbols), VIEW), HERE)
