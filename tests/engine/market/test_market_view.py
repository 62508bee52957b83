"""A view ends at its session: by construction, by pickling and by truncation."""

from __future__ import annotations

import pickle
from datetime import datetime

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from market_frames import NAN, SESSIONS, action, bars, day, members, together
from numpy.testing import assert_array_equal

from engine.errors import CalendarError, DataError, LookAheadError
from engine.market import Text, panel_from_frames


def market(sessions: int = 8):
    first = bars(
        [10.0, 10.5, NAN, NAN, 9.5, 9.6, NAN, 9.9][:sessions],
        adj_factor=[1.0, 1.0, 1.0, 1.1, 1.1, 1.1, 1.1, 1.1][:sessions],
        turnover_pct=[1.0, 2.0, NAN, NAN, 3.0, 1.0, NAN, 2.0][:sessions],
    )
    second = bars(
        [20.0, 21.0, 22.0, 23.0, 24.0][: max(sessions - 2, 0)], "000001.SZ", first=2, adj_factor=1.0
    )
    figures = pd.DataFrame(
        {
            "symbol": ["600519.SH", "600519.SH", "000001.SZ"],
            "visible_date": [day(1), day(5), day(4)],
            "eps": [1.0, 2.0, 3.0],
        }
    )
    index = pd.DataFrame(
        {"symbol": "000016.SH", "date": SESSIONS[:8].astype("datetime64[s]"), "close": 100.0}
    )
    texts = [
        Text(datetime.fromisoformat(f"{day(5)}T15:30"), "after the close", "", "wire"),
        Text(datetime.fromisoformat(f"{day(1)}T09:00"), "early", "", "wire", symbol="600519.SH"),
        Text(datetime.fromisoformat(f"{day(5)}T15:00"), "at the close", "", "wire"),
    ]
    return panel_from_frames(
        together(frame for frame in (first, second) if len(frame)),
        membership=members(("600519.SH", 1, None), ("000001.SZ", 3, 6)),
        fundamentals=figures,
        index=index,
        actions=action(3, cash_per_share=0.95),
        texts=texts,
    ).panel


@pytest.mark.parametrize("t", range(8))
def test_loading_up_to_a_session_equals_truncating_there(t):
    short, cut = market(t + 1), market().truncate(t)
    columns = [cut.column(str(symbol)) for symbol in short.symbols]
    assert_array_equal(short.dates, cut.dates)
    for name, values in short.fields.items():
        assert_array_equal(values, cut.field(name)[:, columns], err_msg=name)
    assert_array_equal(short.universe, cut.universe[:, columns])
    assert_array_equal(short.universe_known, cut.universe_known)
    assert_array_equal(short.listed, cut.listed[columns])
    assert_array_equal(short.indices["000016.SH"]["close"], cut.indices["000016.SH"]["close"])
    assert [(s, a) for s, _, a in short.actions.rows()] == [(s, a) for s, _, a in cut.actions.rows()]


prices = st.lists(
    st.one_of(st.just(NAN), st.integers(100, 2000).map(lambda fen: fen / 100)), min_size=2, max_size=12
)


@settings(max_examples=60, deadline=None)
@given(closes=prices, steps=st.lists(st.sampled_from([1.0, 1.0, 1.05, 2.0]), min_size=12, max_size=12))
def test_any_history_has_no_nan_inside_and_does_not_depend_on_what_follows(closes, steps):
    frame = bars(closes, adj_factor=np.cumprod(steps)[: len(closes)])
    frame = together([frame, bars([5.0] * len(closes), "000001.SZ", adj_factor=1.0)])
    panel = panel_from_frames(frame).panel
    begun = np.maximum.accumulate(~np.isnan(closes))
    for name in ("open", "high", "low", "close", "preclose", "vwap", "adj_factor"):
        assert_array_equal(~np.isnan(panel.field(name)[:, 1]), begun, err_msg=name)
    middle = len(closes) // 2
    short = panel_from_frames(frame[frame["date"] <= SESSIONS[middle]]).panel
    for name, values in short.fields.items():
        assert_array_equal(values, panel.field(name)[: middle + 1], err_msg=name)


def test_view_shows_its_window_and_no_more():
    panel = market()
    view = panel.view(day(4))
    assert view.session == SESSIONS[4] and len(view) == 5
    assert view.field("close").shape == (5, 2)
    assert view.adjusted("close").shape == (5, 2)
    assert view.universe.shape == (5, 2)
    assert view.index("000016.SH").shape == (5,)
    assert view.field("eps")[-1].tolist() == [3.0, 1.0]


def test_view_cannot_reach_past_its_session():
    view = market().view(4)
    assert view.view(2).session == SESSIONS[2]
    with pytest.raises(LookAheadError, match=day(5)):
        view.view(5)
    with pytest.raises(CalendarError):
        view.view(-1)
    with pytest.raises(ValueError, match="read-only"):
        view.field("close")[0, 0] = 1.0


def test_view_shares_memory_with_its_panel():
    panel = market()
    assert np.shares_memory(panel.view(4).field("close"), panel.field("close"))
    assert not np.shares_memory(panel.truncate(4).field("close"), panel.field("close"))


def test_pickle_of_a_view_carries_only_its_window():
    view = market().view(4)
    copy = pickle.loads(pickle.dumps(view))
    assert len(copy) == 5
    assert copy._panel.shape == (5, 2)
    assert_array_equal(copy.field("close"), view.field("close"))
    assert not copy.field("close").flags.writeable
    assert list(copy._panel.actions.rows()) == list(market().actions.rows())
    assert [text.title for text in copy._panel.texts] == ["early"]


def test_text_is_seen_from_the_close_of_its_session_on():
    panel = market()
    assert [text.title for text in panel.texts] == ["early", "at the close", "after the close"]
    assert [text.title for text in panel.view(5).texts(day(0))] == ["early", "at the close"]
    assert [text.title for text in panel.view(6).texts(day(5))] == ["at the close", "after the close"]
    assert [text.title for text in panel.truncate(5).texts] == ["early", "at the close"]


def test_unknown_fields_and_indices_are_named_beside_the_known():
    view = market().view(4)
    with pytest.raises(DataError, match=r"no field 'sentiment'; it has .*close"):
        view.field("sentiment")
    with pytest.raises(DataError, match=r"000016\.SH\.close"):
        view.index("000300.SH")
    with pytest.raises(DataError, match="'volume' is no price"):
        view.adjusted("volume")


def test_a_window_shows_the_last_sessions_alone_without_a_copy():
    panel = market()
    view = panel.view(6)
    window = view.window(3)
    assert len(window) == 3
    assert window.session == view.session
    assert_array_equal(window.field("close"), view.field("close")[-3:])
    assert np.shares_memory(window.field("close"), panel.field("close"))
    for symbol in view.index_symbols:
        assert_array_equal(window.index(symbol), view.index(symbol)[-3:])
    with pytest.raises(CalendarError):
        window.view(view.dates[0])
    assert view.window(7) is view
    assert view.window(99) is view
