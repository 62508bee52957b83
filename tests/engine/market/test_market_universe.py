"""Point-in-time membership."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from market_frames import bars, day, members, together

from engine.errors import DataError
from engine.market import InvalidDataError, panel_from_frames
from engine.market.universe import INDEX_SIZE

FIFTY = [f"600{i:03d}.SH" for i in range(50)]


def test_in_date_is_inclusive_and_out_date_exclusive():
    table = members(("600519.SH", 1, 3))
    panel = panel_from_frames(bars([10.0] * 5), membership=table).panel
    assert panel.universe[:, 0].tolist() == [False, True, True, False, False]


def test_name_may_come_back():
    table = members(("600519.SH", 0, 1), ("600519.SH", 3, None))
    panel = panel_from_frames(bars([10.0] * 5), membership=table).panel
    assert panel.universe[:, 0].tolist() == [True, False, False, True, True]


def test_in_date_on_a_holiday_counts_from_the_next_session():
    table = pd.DataFrame({"symbol": ["600519.SH"], "in_date": ["2023-01-07"], "out_date": ["2023-01-14"]})
    panel = panel_from_frames(bars([10.0] * 12), membership=table).panel
    inside = panel.dates[panel.universe[:, 0]]
    assert [str(inside[0]), str(inside[-1])] == ["2023-01-09", "2023-01-13"]


def test_unnamed_membership_is_known_from_its_first_member():
    panel = panel_from_frames(bars([10.0] * 4), membership=members(("600519.SH", 1, 3))).panel
    assert panel.universe_known.tolist() == [False, True, True, True]


def test_without_membership_everyone_listed_is_a_member():
    frame = together([bars([10.0] * 3), bars([20.0], "000001.SZ", first=1)])
    panel = panel_from_frames(frame).panel
    assert panel.universe.T.tolist() == [[False, True, False], [True, True, True]]
    assert panel.universe_known.all()


def test_all_ignores_a_membership_file():
    panel = panel_from_frames(bars([10.0]), membership=members(("000001.SZ", 0, None)), universe="all").panel
    assert panel.universe.all()


def test_list_of_symbols_is_exactly_these():
    frame = together([bars([10.0]), bars([20.0], "000001.SZ")])
    panel = panel_from_frames(frame, universe=["SH600519"]).panel
    assert panel.universe.tolist() == [[False, True]]
    assert panel.universe_known.all()
    with pytest.raises(DataError, match=r"data\.universe names 000002\.SZ"):
        panel_from_frames(frame, universe=["000002.SZ"])


def test_index_without_a_membership_file_is_refused():
    with pytest.raises(DataError, match=r"sse50.*set data\.membership"):
        panel_from_frames(bars([10.0]), universe="sse50")


def fifty_until(count: int, change: int):
    """Fifty members, of which `count` are known before the session of row `change`."""
    table = members(*((s, 0, None) for s in FIFTY[:count]), *((s, change, None) for s in FIFTY[count:]))
    return together([bars([10.0] * 4, symbol) for symbol in FIFTY]), table


def test_index_is_known_from_the_first_complete_session():
    frame, table = fifty_until(49, 2)
    panel = panel_from_frames(frame, membership=table, universe="sse50").panel
    assert panel.universe_known.tolist() == [False, False, True, True]


def test_member_without_quotes_counts():
    frame, table = fifty_until(50, 0)
    panel = panel_from_frames(frame[frame["symbol"] != FIFTY[7]], membership=table, universe="sse50").panel
    assert panel.universe_known.all()
    assert panel.universe.sum(axis=1).tolist() == [49] * 4


def test_wrong_count_after_the_first_complete_session_is_refused():
    frame, table = fifty_until(50, 0)
    table.loc[3, "out_date"] = day(2)
    with pytest.raises(InvalidDataError) as caught:
        panel_from_frames(frame, membership=table, universe="sse50")
    (finding,) = caught.value.report.errors
    assert (finding.kind, finding.count) == ("membership_count", 2)
    assert finding.examples[0] == f"{day(2)} (49 members)"


def test_index_that_is_never_complete_is_refused():
    frame, table = fifty_until(50, 0)
    with pytest.raises(InvalidDataError, match="at most 49"):
        panel_from_frames(frame, membership=table[:49], universe="sse50")


def test_interval_that_ends_before_it_begins_is_refused():
    with pytest.raises(DataError, match=r"row 0: out_date .* is not after in_date"):
        panel_from_frames(bars([10.0] * 3), membership=members(("600519.SH", 2, 1)))


def test_index_sizes_are_those_of_their_names():
    assert INDEX_SIZE == {"sse50": 50, "csi300": 300}


def test_universe_reaches_the_view():
    panel = panel_from_frames(bars([10.0] * 5), membership=members(("600519.SH", 1, 3))).panel
    assert np.array_equal(panel.view(2).universe, panel.universe[:3])
