"""Sessions that prices do not tell of: the first of a delisting period, the first after relisting."""

from __future__ import annotations

import pickle

import numpy as np
import pandas as pd
import pytest
from market_frames import NAN, bars, day, together

from engine.errors import DataError
from engine.market import panel_from_frames
from engine.market.special import SpecialKind, SpecialSession
from engine.rules.limits import special_is_unlimited, unlimited_cells
from engine.rules.table import date_of

FRAME = together([bars([10.0, 4.0, 4.0, NAN, 4.0], "600111.SH"), bars([5.0] * 5, "600519.SH")])


def special(*rows: tuple[str, str, str]) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=["symbol", "session", "kind"])


def load(*rows: tuple[str, str, str], frame: pd.DataFrame = FRAME):
    return panel_from_frames(frame, special_sessions=special(*rows))


def test_a_special_session_has_no_limit_and_no_other_has_none():
    panel = load(("600111", day(1), "delisting_period"), ("600519.SH", day(4), "relisting")).panel
    assert [(s.column, s.kind) for s in panel.special_sessions] == [
        (0, SpecialKind.DELISTING_PERIOD),
        (1, SpecialKind.RELISTING),
    ]
    assert unlimited_cells(panel) == {(1, 0), (4, 1)}


def test_a_fall_beyond_every_limit_is_then_no_jump():
    assert [f.kind for f in panel_from_frames(FRAME).report.warnings if f.kind == "price_jump"]
    loaded = load(("600111.SH", day(1), "delisting_period"))
    assert not [f for f in loaded.report.warnings if f.kind == "price_jump"]


def test_names_and_days_outside_the_panel_are_ignored():
    rows = [("600999.SH", day(1), "relisting"), ("600111.SH", "2022-12-30", "relisting")]
    rows += [("600111.SH", day(30), "relisting")]
    assert load(*rows).panel.special_sessions == ()


def test_a_session_without_trade_is_warned_of():
    (finding,) = [
        f
        for f in load(("600111.SH", day(3), "relisting")).report.warnings
        if f.kind == "special_session_idle"
    ]
    assert finding.examples == (f"600111.SH {day(3)}",)


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([("600111.SH", day(1), "party")], "row 0, column kind: 'party' is none of delisting_period, relis"),
        ([("600111.SH", "2023-01-07", "relisting")], "row 0: 600111.SH 2023-01-07 is no session"),
        ([("600111.SH", day(1), "relisting")] * 2, f"row 1: 600111.SH {day(1)} repeats"),
    ],
)
def test_a_bad_table_is_refused_by_row(rows, message):
    with pytest.raises(DataError, match=message):
        load(*rows)


def test_the_hash_knows_of_special_sessions_only_where_there_are_any():
    plain, none = panel_from_frames(FRAME).panel, load(("600999.SH", day(1), "relisting")).panel
    one, other = (load(("600111.SH", day(1), kind)).panel for kind in SpecialKind)
    assert plain.data_hash == none.data_hash
    assert len({plain.data_hash, one.data_hash, other.data_hash}) == 3


def test_truncation_and_pickling_keep_what_is_past():
    panel = load(("600111.SH", day(1), "relisting"), ("600519.SH", day(4), "relisting")).panel
    assert unlimited_cells(panel.truncate(3)) == {(1, 0)}
    assert pickle.loads(pickle.dumps(panel)).special_sessions == panel.special_sessions


@pytest.mark.parametrize(
    ("kind", "session", "unlimited"),
    [
        (SpecialKind.DELISTING_PERIOD, "2020-12-30", False),
        (SpecialKind.DELISTING_PERIOD, "2020-12-31", True),
        (SpecialKind.RELISTING, "2006-06-30", False),
        (SpecialKind.RELISTING, "2006-07-03", True),
    ],
)
def test_the_rule_holds_from_its_date(kind, session, unlimited):
    number = int(np.datetime64(session, "D").astype(np.int64))
    assert str(date_of(number)) == session
    assert special_is_unlimited(kind, number) is unlimited
    assert SpecialSession(number, 0, kind).kind is kind
