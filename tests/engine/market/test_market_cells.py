"""The compiled way from rows to fields is the way of arrays, to the last bit."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.market.bars import build_bars
from engine.market.calendar import xshg
from engine.market.cells import Bounds, Fields, Growth, Place, Raw, States, fill_fields, settle_closes
from engine.market.checks import FACTOR_STEP
from engine.market.checks_adjustment import WIDEST, check_jumps
from engine.market.checks_panel import FACTOR_AGREES, check_factor
from engine.market.corporate import CorporateAction, CorporateActions
from engine.market.exdates import SuspendedExDates
from engine.market.quotes import Quotes
from engine.market.store.panel.actions import ColumnActions
from engine.market.table import Table
from engine.market.validate import Findings

NAN = float("nan")
T, N = 14, 3
DATES = xshg().between(np.datetime64("2023-01-03"), np.datetime64("2023-02-28"))[:T]
SYMBOLS = np.array(["600000.SH", "600519.SH", "601318.SH"])
BOUNDS = Bounds(0.01, 100.0, FACTOR_STEP, FACTOR_AGREES, WIDEST)

price = st.sampled_from([NAN, 0.0, 10.0, 10.005, 9.994999, 14.2, 3.333])
CELL = {
    "open": price, "high": price, "low": price,
    "close": st.sampled_from([10.0, 10.5, 14.2, 3.3, 0.0, NAN]),
    "preclose": st.sampled_from([NAN, 0.0, 10.0, 10.004, 7.1]),
    "volume": st.sampled_from([300.0, 0.0, NAN, 1e7]),
    "amount": st.sampled_from([NAN, 0.0, 3000.0]),
    "turnover": st.sampled_from([NAN, 0.0, 0.02]),
    "trading": st.sampled_from([NAN, 0.0, 1.0]), "is_st": st.sampled_from([NAN, 0.0, 1.0]),
    "vwap": st.sampled_from([NAN, 0.0, 10.01]),
    "adj_factor": st.sampled_from([NAN, 1.0, 1.0, 1.5, 2.0]),
}  # fmt: skip
rows = st.dictionaries(
    st.tuples(st.integers(0, N - 1), st.integers(0, T - 1)), st.fixed_dictionaries(CELL), max_size=N * T
)
#: terms that leave a price, whatever the close before
terms = st.builds(
    CorporateAction, st.just(0.0), st.sampled_from([0.0, 0.3, 1.0]), st.sampled_from([0.0, 0.2]), st.just(1.0)
)
actions = st.dictionaries(st.tuples(st.integers(0, N - 1), st.integers(0, T - 1)), terms, max_size=6)


def quotes(cells: dict) -> Quotes:
    """The rows in order of their names."""
    places = sorted(cells)
    column = np.array([n for n, _ in places], dtype=np.intp)
    session = DATES[np.array([t for _, t in places], dtype=np.intp)]
    values = {name: np.array([cells[place][name] for place in places], dtype=np.float64) for name in CELL}
    priced = values["close"] > 0.0
    traded = priced & (values["volume"] > 0.0) & (np.nan_to_num(values["trading"], nan=1.0) != 0.0)
    table = Table(pd.DataFrame(index=range(0)), "test")
    return Quotes(table, SYMBOLS, session, column, values, priced, traded)


def compiled(q: Quotes, table: CorporateActions, block: int):
    """Build the same rows cell by cell, `block` names at a time; the grid begins with the second."""
    wide = N + 1
    flat = np.searchsorted(DATES, q.session) * wide + q.column + 1
    values = {name: np.full((T, wide), NAN) for name in Raw._fields}
    for name, cells in q.values.items():
        values[name].reshape(-1)[flat] = cells
    has_row = np.zeros((T, wide), dtype=bool)
    has_row.reshape(-1)[flat] = True
    states = States(has_row, np.empty((T, wide), dtype=bool), np.empty((T, N), dtype=bool))
    out = Fields(*(np.zeros((T, N)) if f == "is_st" else np.full((T, N), -7.0) for f in Fields._fields))
    raw, columns, told = Raw(*(values[name] for name in Raw._fields)), ColumnActions.of(table, DATES, N), []
    for lo in range(0, N, block):
        place = Place(lo, lo + 1, min(block, N - lo))
        halted = settle_closes(raw, states, out, place, BOUNDS)
        traded, inside = states.traded[:, place.on_grid()], states.inside[:, place.in_panel()]
        suspended = columns.suspended(lo, traded, inside)
        if halted or suspended:
            close, factor = out.close[:, place.in_panel()], out.adj_factor[:, place.in_panel()]
            SuspendedExDates(close, factor, traded, inside, 0.01).settle(
                suspended, derive_factor=False, label=str
            )
        told.append(fill_fields(raw, states, columns.growth, out, place, BOUNDS))
    return out, states, told


@given(rows, actions, st.sampled_from([1, 2, 3]))
@settings(max_examples=300, deadline=None)
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_every_field_is_that_of_the_arrays(cells, acts, block):
    by_session: dict = {}
    for (n, t), action in acts.items():
        by_session.setdefault(DATES[t], {})[n] = action
    q, table = quotes(cells), CorporateActions.of(by_session)
    with np.errstate(all="ignore"):
        expected = build_bars(q, DATES, table, 0.01)
        out, states, told = compiled(q, table, block)
    for name, values in out._asdict().items():
        np.testing.assert_array_equal(values, expected.fields[name], err_msg=name)
    np.testing.assert_array_equal(states.inside, expected.inside)
    np.testing.assert_array_equal(states.has_row[:, 1:], expected.has_row)

    # what is not told need not be looked for
    factor, jumps = Findings(), Findings()
    with np.errstate(all="ignore"):
        check_factor(expected, DATES, SYMBOLS, 0.01, factor)
        listed, special = np.full(N, np.datetime64("NaT", "D")), np.zeros((T, N), dtype=bool)
        check_jumps(expected, DATES, SYMBOLS, listed, 0.01, special, jumps)
    assert any(t.factor_off for t in told) == bool(factor.warnings)
    assert not jumps.warnings or any(t.moved for t in told)
    assert any(t.turnover for t in told) == bool((expected.fields["turnover"] > 0.0).any())
    assert any(t.market_cap for t in told) == bool((~np.isnan(expected.fields["market_cap"])).any())


BAR = dict.fromkeys(("open", "high", "low", "close", "preclose"), 10.0) | {
    "volume": 300.0, "amount": 3000.0, "turnover": NAN, "trading": 1.0, "is_st": 0.0, "vwap": NAN,
    "adj_factor": 1.0,
}  # fmt: skip


@pytest.mark.parametrize(
    ("changed", "factor_off", "moved"),
    [
        ({}, False, False),
        # 0.2 % of the previous close and half a tick
        ({"preclose": 10.02}, False, False),
        ({"preclose": 10.03}, True, False),
        ({"preclose": 8.0, "adj_factor": 1.25}, False, False),
        # 31 % of the preclose and half a tick
        ({"close": 13.1}, False, False),
        ({"close": 13.11}, False, True),
        ({"close": 13.11, "volume": 0.0}, False, False),
    ],
)
def test_what_a_block_tells_is_what_the_checks_look_for(changed, factor_off, moved):
    q = quotes({(0, 3): BAR, (0, 4): {**BAR, **changed}})
    *_, told = compiled(q, CorporateActions.empty(), N)
    assert [(t.factor_off, t.moved) for t in told] == [(factor_off, moved)]


def test_new_shares_count_from_the_ex_date_of_their_own_name_on():
    table = CorporateActions.of(
        {DATES[3]: {0: CorporateAction(0.0, 0.3, 0.0, 0.0), 2: CorporateAction(0.0, 1.0, 0.0, 0.0)},
         DATES[5]: {0: CorporateAction(0.0, 1.0, 0.0, 0.0)}}
    )  # fmt: skip
    out, *_ = compiled(quotes({}), table, 2)
    np.testing.assert_array_equal(out.share_factor, table.share_factor(DATES, N))
    growth = ColumnActions.of(table, DATES, N).growth
    assert [array.tolist() for array in growth] == [[0, 2, 2, 3], [3, 5, 3], [1.3, 2.0, 2.0]]
    assert isinstance(growth, Growth)
