"""Stocks whose code changed: one stock, one column."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from market_frames import action, bars, day, members, together

from engine.errors import DataError
from engine.market import panel_from_frames
from engine.market.calendar import to_session
from engine.market.codes import CodeChanges, read_code_changes, shipped_code_changes
from engine.market.table import Table

OLD, NEW, OTHER = "600111.SH", "601111.SH", "600519.SH"


def changes(*rows: tuple[str, str, str]) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=["old", "new", "effective_from"])


#: the code changes on the session of row 2
CHANGED = changes((OLD, NEW, day(2)))


def load(frame: pd.DataFrame, **options):
    return panel_from_frames(frame, **{"code_changes": CHANGED} | options)


def switched(before: int = 2, after: int = 2) -> pd.DataFrame:
    """Rows under the old code, then under the new one, beside a stock that keeps its own."""
    return together(
        [
            bars([10.0, 11.0][:before], OLD),
            bars([12.0, 13.0][:after], NEW, first=2),
            bars([5.0] * 4, OTHER),
        ]
    )


def test_rows_under_both_codes_are_one_column_under_the_newer_one():
    loaded = load(switched())
    panel = loaded.panel
    assert panel.symbols.tolist() == [OTHER, NEW]
    assert panel.field("close")[:, 1].tolist() == [10.0, 11.0, 12.0, 13.0]
    # the previous close is that of the old code: no listing, no gap
    assert panel.field("preclose")[:, 1].tolist() == [10.0, 10.0, 11.0, 12.0]
    assert np.isnat(panel.listed[1])
    (finding,) = [f for f in loaded.report.warnings if f.kind == "code_change"]
    assert finding.examples == (f"{OLD} is {NEW} since {day(2)}",)


def test_any_of_its_codes_finds_the_column():
    panel = load(switched()).panel
    assert panel.column(OLD) == panel.column(NEW) == 1
    assert dict(panel.aliases) == {OLD: NEW}
    assert panel.truncate(1).column(OLD) == 1


def test_data_that_end_before_the_change_keep_the_code_of_their_time():
    loaded = load(bars([10.0, 11.0], OLD))
    assert loaded.panel.symbols.tolist() == [OLD]
    assert loaded.panel.column(NEW) == 0
    assert not [f for f in loaded.report.warnings if f.kind == "code_change"]


def test_a_file_that_goes_on_under_the_old_code_is_named_by_the_new_one():
    assert load(bars([10.0] * 4, OLD)).panel.symbols.tolist() == [NEW]


@pytest.mark.parametrize("session", [0, 1, 2])
def test_both_codes_on_one_session_are_refused_by_row(session):
    frame = together([switched(), bars([10.0], NEW if session < 2 else OLD, first=session)])
    place = f"the quotes frame, row 8: a row of 60[01]111.SH on {day(session)}, the same stock as"
    with pytest.raises(DataError, match=place):
        load(frame)


def test_a_code_that_changed_twice_is_one_column():
    table = changes((OLD, NEW, day(1)), (NEW, "603111.SH", day(3)))
    frame = together([bars([1.0], OLD), bars([2.0, 3.0], NEW, first=1), bars([4.0], "603111.SH", first=3)])
    panel = load(frame, code_changes=table).panel
    assert panel.symbols.tolist() == ["603111.SH"]
    assert panel.field("close")[:, 0].tolist() == [1.0, 2.0, 3.0, 4.0]
    assert panel.column(OLD) == panel.column(NEW) == 0


@pytest.mark.parametrize("code", [OLD, NEW])
def test_members_actions_instruments_and_universe_may_name_either_code(code):
    panel = load(
        switched(),
        membership=members((code, 1, None)),
        actions=action(3, code, cash_per_share=0.5),
        instruments=pd.DataFrame({"symbol": [code], "name": ["Steel"]}),
    ).panel
    assert panel.universe[:, 1].tolist() == [False, True, True, True]
    assert panel.actions.on(panel.dates[3])[1].cash == 0.5
    assert panel.instruments.names.tolist() == ["", "Steel"]
    assert load(switched(), universe=[code]).panel.universe.sum(axis=0).tolist() == [0, 4]


def test_a_member_whose_code_changed_is_counted_once():
    panel = load(switched(), membership=members((OLD, 0, 2), (NEW, 2, None))).panel
    assert panel.universe[:, 1].all()


def test_an_action_under_both_codes_is_refused_by_row():
    both = together([action(3, OLD, cash_per_share=0.5), action(3, NEW, cash_per_share=0.5)])
    with pytest.raises(DataError, match=f"the actions frame, row 1: a corporate action of {NEW} on {day(3)}"):
        load(switched(), actions=both)


def test_instruments_may_list_both_codes():
    table = pd.DataFrame({"symbol": [OLD, NEW], "name": ["Old Steel", "New Steel"]})
    assert load(switched(), instruments=table).panel.instruments.names.tolist() == ["", "New Steel"]


def test_synthetic_symbols_keep_their_names():
    panel = panel_from_frames(
        together([bars([10.0], "000022.SZ"), bars([9.0], "001872.SZ")]), calendar="data"
    )
    assert panel.panel.symbols.tolist() == ["000022.SZ", "001872.SZ"]


# -- the tables


@pytest.mark.parametrize(
    ("session", "code"),
    [("2018-12-25", "000022.SZ"), ("2018-12-26", "001872.SZ"), ("2026-01-05", "001872.SZ")],
)
def test_the_code_of_a_day_follows_from_any_code(session, code):
    table = shipped_code_changes()
    for given in ("000022.SZ", "001872.SZ"):
        assert table.code_on(given, to_session(session)) == code
    assert table.code_on("600519.SH", to_session(session)) == "600519.SH"


def test_every_shipped_change_names_its_source_and_keeps_the_board():
    from engine.market import board_of

    table = shipped_code_changes()
    assert len(table.by_old) == len(table.by_new) >= 12
    for change in table.by_old.values():
        assert len(change.source) > 20
        assert board_of(change.old) is board_of(change.new)
        if change.old.endswith(".BJ"):
            assert change.new == "920" + change.old[3:]


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([("ACME", NEW, day(1))], "row 0: 'ACME' is no A-share symbol"),
        ([(OLD, NEW, "soon")], "row 0, column effective_from: 'soon' is no date"),
        ([(OLD, NEW, day(1)), (OLD, "603111.SH", day(2))], "row 0: .* is there too"),
        ([(OLD, NEW, day(1)), (OTHER, NEW, day(2))], "row 0: .* is there too"),
        ([(OLD, OLD, day(1))], f"row 0: {OLD} from {day(1)}, but it became {OLD}"),
        ([(OLD, NEW, day(2)), (NEW, OLD, day(3))], f"became {NEW} on {day(2)} already; correct the dates"),
        ([(OLD, NEW, day(2)), (NEW, OTHER, day(1))], f"became {OTHER} on {day(1)} already"),
    ],
)
def test_a_bad_table_is_refused_by_row(rows, message):
    with pytest.raises(DataError, match=message):
        load(switched(), code_changes=changes(*rows))


def test_a_row_replaces_the_known_one_of_the_same_old_code():
    given = Table.of_frame(changes(("000022.SZ", "001872.SZ", "2018-12-27")), "mine")
    table = read_code_changes(given, shipped_code_changes())
    assert str(table.by_old["000022.SZ"].day) == "2018-12-27"
    assert len(table.by_old) == len(shipped_code_changes().by_old)


def test_no_changes_know_no_other_code():
    assert CodeChanges.none().code_on(OLD, to_session("2023-01-03")) == OLD
