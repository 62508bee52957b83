"""Nothing that is given a sealed panel can read the test span: the rows are not there."""

from __future__ import annotations

import copy
import gc
import pickle
import types
from dataclasses import replace
from datetime import datetime
from functools import lru_cache

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from market_frames import SESSIONS, action, bars, day, members, together
from numpy.testing import assert_array_equal

from engine.errors import CalendarError, DataError, LookAheadError, SealedSpan
from engine.market import MarketPanel, Text, panel_from_frames
from engine.market.special import SpecialKind, SpecialSession

LENGTH, SEALED = 12, 7
#: a price that stands in the sealed span and nowhere else
SECRET = 777.77


def market(sessions: int = LENGTH) -> MarketPanel:
    closes = [10.0 + t / 10 if t < SEALED else SECRET for t in range(LENGTH)][:sessions]
    frame = together([bars(closes, adj_factor=1.0), bars(closes, "000001.SZ", adj_factor=1.0)])
    index = pd.DataFrame(
        {"symbol": "000016.SH", "date": SESSIONS[:sessions].astype("datetime64[s]"), "close": closes}
    )
    texts = [
        Text(datetime.fromisoformat(f"{day(t)}T09:00"), f"of session {t}", "", "wire")
        for t in range(sessions)
    ]
    panel = panel_from_frames(
        frame,
        membership=members(("600519.SH", 0, None), ("000001.SZ", 2, 9)),
        index=index,
        actions=action(SEALED + 1, cash_per_share=SECRET) if sessions > SEALED + 1 else None,
        texts=texts,
    ).panel
    special = SpecialSession(int(SESSIONS[SEALED + 2].astype(np.int64)), 0, SpecialKind.RELISTING)
    return replace(panel, special_sessions=(special,) if sessions > SEALED + 2 else ())


def reachable(root: object) -> list[object]:
    """Everything that references lead to from an object, short of code and classes."""
    seen: dict[int, object] = {}
    stack = [root]
    while stack:
        item = stack.pop()
        if id(item) in seen or isinstance(item, type | types.ModuleType | types.FunctionType):
            continue
        seen[id(item)] = item
        stack.extend(gc.get_referents(item))
        if isinstance(item, np.ndarray) and item.base is not None:
            stack.append(item.base)
    return list(seen.values())


def knows_the_secret(root: object) -> bool:
    arrays = [item for item in reachable(root) if isinstance(item, np.ndarray) and item.dtype.kind == "f"]
    assert arrays
    floats = [item for item in reachable(root) if isinstance(item, float)]
    return any((array == SECRET).any() for array in arrays) or SECRET in floats


def test_the_search_finds_what_an_unsealed_panel_or_its_view_holds() -> None:
    assert knows_the_secret(market())
    assert knows_the_secret(market().view(2))


def test_no_reference_leads_from_a_sealed_panel_or_its_views_into_the_span() -> None:
    sealed = market().seal(day(SEALED))
    sealed.adjusted("close")
    assert not knows_the_secret(sealed)
    assert not knows_the_secret(sealed.view(SEALED - 1))
    assert not knows_the_secret(sealed.view(SEALED - 1).field("close"))


def test_no_byte_of_a_pickle_or_copy_tells_of_the_span() -> None:
    full, sealed = market(), market().seal(day(SEALED))
    secret, later = np.float64(SECRET).tobytes(), f"of session {SEALED}".encode()
    assert secret in pickle.dumps(full) and later in pickle.dumps(full)
    for thing in (sealed, sealed.view(3), copy.deepcopy(sealed), sealed.truncate(SEALED - 1)):
        stored = pickle.dumps(thing)
        assert secret not in stored and later not in stored
    again = pickle.loads(pickle.dumps(sealed))
    assert again.data_hash == sealed.data_hash
    with pytest.raises(SealedSpan):
        again.view(day(SEALED))


def test_no_array_of_a_sealed_panel_is_part_of_a_larger_one() -> None:
    full, sealed = market(), market().seal(day(SEALED))
    arrays = {**sealed.fields, "dates": sealed.dates, "universe": sealed.universe,
              "known": sealed.universe_known, "listed": sealed.listed,
              "index": sealed.indices["000016.SH"]["close"]}  # fmt: skip
    for name, array in arrays.items():
        assert array.base is None, name
        assert not array.flags.writeable, name
        assert not np.shares_memory(array, full.dates if array.dtype.kind == "M" else full.field("close"))
    assert len(sealed.dates) == len(sealed.field("close")) == SEALED


@pytest.mark.parametrize("asked", [day(SEALED), day(LENGTH - 1), "2031-05-05", SEALED, LENGTH, 10_000])
def test_asking_for_the_span_is_an_error_that_names_it(asked: object) -> None:
    sealed = market().seal(day(SEALED))
    for ask in (sealed.view, sealed.row, sealed.truncate, sealed.view(2).view):
        with pytest.raises(SealedSpan, match=rf"sealed from {day(SEALED)}; .* up to {day(SEALED - 1)}"):
            ask(asked)


def test_a_session_before_the_data_is_no_matter_of_the_seal() -> None:
    sealed = market().seal(day(SEALED))
    for asked in (-1, "1995-01-03"):
        with pytest.raises(CalendarError):
            sealed.view(asked)


def test_what_happens_in_the_span_has_not_happened() -> None:
    full, sealed = market(), market().seal(day(SEALED))
    assert list(full.actions.rows()) and not list(sealed.actions.rows())
    assert full.special_sessions and not sealed.special_sessions
    assert [text.title for text in sealed.texts] == [f"of session {t}" for t in range(SEALED)]
    assert sealed.view(SEALED - 1).texts(day(0)) == sealed.texts


@given(first=st.integers(1, LENGTH - 1), second=st.integers(1, LENGTH))
def test_the_earlier_of_two_seals_holds(first: int, second: int) -> None:
    once = market_once().seal(day(first))
    twice = once.seal(day(second))
    assert len(twice.dates) == min(first, second)
    with pytest.raises(SealedSpan):
        twice.view(day(min(first, second)))
    with pytest.raises(SealedSpan):
        once.truncate(0).view(day(first))


@lru_cache
def market_once() -> MarketPanel:
    return market()


@given(seal=st.integers(1, LENGTH - 1))
def test_a_sealed_panel_is_the_panel_as_of_the_session_before(seal: int) -> None:
    full = market_once()
    sealed, as_of = full.seal(day(seal)), full.truncate(seal - 1)
    assert sealed.data_hash == as_of.data_hash
    assert_array_equal(sealed.listed, as_of.listed)
    for t in range(seal):
        assert_array_equal(sealed.view(t).field("close"), full.view(t).field("close"))


def test_two_futures_give_one_sealed_panel() -> None:
    full = market()
    other = replace(full, fields={n: np.where(np.arange(LENGTH)[:, None] < SEALED, v, v * 3)
                                  for n, v in full.fields.items()})  # fmt: skip
    assert full.data_hash != other.data_hash
    assert full.seal(day(SEALED)).data_hash == other.seal(day(SEALED)).data_hash


def test_a_seal_on_a_day_without_trading_begins_at_the_next_session() -> None:
    full = market()
    gap = next(t for t in range(1, LENGTH) if SESSIONS[t] - SESSIONS[t - 1] > np.timedelta64(1, "D"))
    sealed = full.seal(SESSIONS[gap - 1] + np.timedelta64(1, "D"))
    assert len(sealed.dates) == gap
    with pytest.raises(SealedSpan):
        sealed.view(SESSIONS[gap])


def test_a_seal_after_the_data_keeps_all_of_them_and_refuses_what_may_come() -> None:
    sealed = market().seal("2035-01-01")
    assert len(sealed.dates) == LENGTH
    with pytest.raises(SealedSpan):
        sealed.view("2035-01-01")


def test_a_seal_that_leaves_nothing_is_refused() -> None:
    with pytest.raises(DataError, match=rf"holds no session to select on; the data begin {day(0)}"):
        market().seal(day(0))


def test_a_sealed_span_is_a_look_ahead() -> None:
    assert issubclass(SealedSpan, LookAheadError)
