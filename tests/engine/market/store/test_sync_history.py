"""Members of an index before the store's first list: asked of a vendor that knows them, day by day."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from store_helpers import walk
from sync_vendors import Told, at, synced

from engine.market.calendar import xshg
from engine.market.sources.delivery import DailyBars
from engine.market.sources.remote.failure import Trouble, VendorError
from engine.market.store import Kind, MarketStore
from engine.market.store.members import MemberSpell, member_spells, preceded
from engine.market.store.rows import table_of
from engine.market.store.sync.history import review_sessions
from engine.market.store.verify import verify

SINCE, DAY = date(2020, 12, 14), date(2022, 3, 1)
SPELLS = pd.read_csv(
    str(files("alphaloom") / "sample" / "sse50_membership.csv"), parse_dates=["in_date", "out_date"]
)


def members_of(day: date, spells: pd.DataFrame = SPELLS) -> list[str]:
    """The SSE 50 as the bundled sample has it."""
    then = pd.Timestamp(day)
    inside = (spells["in_date"] <= then) & ~(spells["out_date"] <= then)
    return sorted(spells.loc[inside, "symbol"])


def bars_of(names: list[str]) -> dict[str, DailyBars]:
    """A few bars at the end of the span: these tests are about who is asked for."""
    calendar = xshg().between(np.datetime64("2022-02-21"), np.datetime64(DAY))
    made = {}
    for n, name in enumerate(names):
        one = walk(len(calendar), name, seed=n)
        made[name] = DailyBars(one.symbols, one.column, calendar, one.values)
    return made


@dataclass
class Remembers(Told):
    """A vendor that also lists the members of days gone by, from a day on; `trouble` may name such a day."""

    lists: Callable[[date], list[str]] = members_of
    begins: date = SINCE
    days: list[date] = field(default_factory=list)

    @property
    def past_universes(self) -> frozenset[str]:
        return frozenset({"sse50"})

    def members_on(self, universe: str, day: date) -> Any:
        assert universe == "sse50"
        self.days.append(day)
        self._fail(str(day))
        members = self.lists(day)
        if day < self.begins:
            raise VendorError(self.name, f"{self.name}.cn", f"members on {day}", Trouble.EMPTY)
        return table_of(Kind.MEMBERSHIP, [{"universe": universe, "symbol": name} for name in members])


def vendor(names: int = 2, **more: Any) -> Remembers:
    today = {Kind.MEMBERSHIP: [{"universe": "sse50", "symbol": name} for name in members_of(DAY)]}
    return Remembers("one", bars_of(members_of(DAY)[:names]), today, **more)


@pytest.fixture
def place(tmp_path: Path) -> MarketStore:
    return MarketStore(tmp_path / "store")


def told_by(spells: pd.DataFrame, since: date = SINCE) -> set[tuple[str, date, date | None]]:
    """Spells between two days as a store should have them that began with `DAY`."""
    out = set()
    for row in spells.itertuples():
        joined, left = row.in_date.date(), None if pd.isna(row.out_date) else row.out_date.date()
        if joined > DAY or (left is not None and left <= since):
            continue
        out.add((row.symbol, max(joined, since), left if left is not None and left <= DAY else None))
    return out


def test_the_usual_changes_of_an_index_count_from_the_session_after_the_second_friday() -> None:
    sessions = xshg().sessions
    days = {sessions[place].astype(object) for place in review_sessions(sessions, range(2020, 2024))}
    assert set(SPELLS["in_date"].dt.date) <= days
    assert date(2021, 6, 15) in days  # Monday the 14th was a holiday


def test_a_first_sync_knows_the_members_of_every_session_since(place: MarketStore) -> None:
    one = vendor()
    report, _ = synced(place, one, names="sse50", since=SINCE, clock=at(DAY), limit_percent=None)
    assert set(map(tuple, member_spells(place.reader(), "sse50"))) == told_by(SPELLS)
    assert report.failed == {}
    assert (
        "members of sse50 are known from 2020-12-14 on, by lists of one: they changed on 2 days"
        in " ".join(report.taken.notes)
    )
    # two questions a half-year
    assert len(one.days) <= 6
    # bars of those who have left are asked for too
    left = set(members_of(SINCE)) - set(members_of(DAY))
    assert left and left <= set(one.names)
    assert set(one.names) == {name for name, *_ in told_by(SPELLS)}
    assert verify(place).ok
    again = vendor()
    synced(place, again, names="sse50", since=SINCE, clock=at(DAY), limit_percent=None)
    assert again.days == []


def test_a_panel_of_the_past_has_the_members_of_the_past(place: MarketStore) -> None:
    synced(place, vendor(50), names="sse50", since=SINCE, clock=at(DAY), limit_percent=None)
    panel = place.panel("sse50", "2022-02-21", "2022-03-01").panel
    assert panel.universe.sum(axis=1).tolist() == [50] * len(panel.dates)
    # who had left before these bars begin has none here, but membership itself reaches back
    spells = member_spells(place.reader(), "sse50")
    for day in (SINCE, date(2021, 6, 11), date(2021, 6, 15), date(2021, 12, 13)):
        inside = {s.symbol for s in spells if s.joined <= day and (s.left is None or s.left > day)}
        assert sorted(inside) == members_of(day)


def test_a_change_at_any_other_time_is_found_by_halving(place: MarketStore) -> None:
    spells = SPELLS.copy()
    whole = (spells["in_date"] == "2020-12-14") & spells["out_date"].isna()
    gone = whole & (spells["symbol"] == spells.loc[whole, "symbol"].iloc[0])
    # one member of today came on a day of its own, in the place of another
    spells.loc[gone, "in_date"] = pd.Timestamp("2021-08-19")
    stand_in = {
        "symbol": "600001.SH",
        "in_date": pd.Timestamp("2020-12-14"),
        "out_date": pd.Timestamp("2021-08-19"),
    }
    spells = pd.concat([spells, pd.DataFrame([stand_in])], ignore_index=True)
    one = vendor(lists=lambda day: members_of(day, spells))
    synced(place, one, names="sse50", since=SINCE, clock=at(DAY), limit_percent=None)
    assert set(map(tuple, member_spells(place.reader(), "sse50"))) == told_by(spells)
    assert len(one.days) <= 6 + 8


def test_lists_made_once_a_week_tell_late_and_never_early(place: MarketStore) -> None:
    def weekly(day: date) -> list[str]:
        return members_of(date.fromordinal(day.toordinal() - (day.weekday() - 2) % 7))

    synced(
        place,
        vendor(lists=weekly, begins=date(2020, 12, 16)),
        names="sse50",
        since=SINCE,
        clock=at(DAY),
        limit_percent=None,
    )
    truth = {(symbol, left): joined for symbol, joined, left in told_by(SPELLS)}
    found = member_spells(place.reader(), "sse50")
    days = {s.joined for s in found}
    # the first Wednesday after each change
    assert days == {date(2020, 12, 16), date(2021, 6, 16), date(2021, 12, 15)}
    assert len(found) == len(truth)


def test_it_may_be_killed_after_any_question_and_goes_on(place: MarketStore) -> None:
    class Killed(BaseException):
        pass

    asked: list[int] = []
    for _ in range(20):
        one = vendor()
        calls = 0

        def lists(day: date) -> list[str]:
            nonlocal calls
            calls += 1
            if calls > 3:
                raise Killed
            return members_of(day)

        one.lists = lists
        try:
            synced(place, one, names="sse50", since=SINCE, clock=at(DAY), limit_percent=None)
        except Killed:
            asked.append(calls)
            assert verify(place).ok
            known = min(s.joined for s in member_spells(place.reader(), "sse50"))
            # whatever is known is right
            for day in (known, DAY):
                inside = {
                    s.symbol
                    for s in member_spells(place.reader(), "sse50")
                    if s.joined <= day and (s.left is None or s.left > day)
                }
                assert sorted(inside) == members_of(day)
            continue
        break
    assert asked  # it was killed at least once
    assert set(map(tuple, member_spells(place.reader(), "sse50"))) == told_by(SPELLS)


def test_where_lists_begin_later_than_is_wanted_this_is_said_and_not_asked_for_again(
    place: MarketStore,
) -> None:
    begins = date(2021, 3, 17)
    report, _ = synced(
        place, vendor(begins=begins), names="sse50", since=SINCE, clock=at(DAY), limit_percent=None
    )
    assert min(s.joined for s in member_spells(place.reader(), "sse50")) == begins
    assert any(
        f"known from {begins} on only: for a back-test of the years before" in n for n in report.taken.notes
    )
    again = vendor(begins=begins)
    synced(place, again, names="sse50", since=SINCE, clock=at(DAY, 18), limit_percent=None)
    assert again.days == []
    # but an earlier beginning is another question
    synced(place, again, names="sse50", since=date(2020, 11, 2), clock=at(DAY, 18), limit_percent=None)
    assert again.days != []


def test_a_vendor_that_fails_leaves_what_is_known_and_is_asked_again(place: MarketStore) -> None:
    failing = vendor(
        trouble=lambda about: Trouble.SERVER if about < "2021-07" and about[:2] == "20" else None
    )
    report, _ = synced(place, failing, names="sse50", since=SINCE, clock=at(DAY), limit_percent=None)
    assert not report.complete
    assert list(report.failed) == [f"members of sse50 before {DAY}"]
    assert "one [2021-06-15, one.cn]: the host failed" in str(report.failed)
    assert min(s.joined for s in member_spells(place.reader(), "sse50")) == date(2021, 12, 13)
    report, _ = synced(place, vendor(), names="sse50", since=SINCE, clock=at(DAY, 18), limit_percent=None)
    assert report.failed == {}
    assert set(map(tuple, member_spells(place.reader(), "sse50"))) == told_by(SPELLS)


def test_a_day_whose_list_cannot_be_read_is_passed_over(place: MarketStore) -> None:
    # the first and last sessions of stretches, and the first of all
    ill = {"2021-12-13", "2021-12-10", "2020-12-14"}
    one = vendor(trouble=lambda about: Trouble.COLUMNS if about in ill else None)
    report, _ = synced(place, one, names="sse50", since=SINCE, clock=at(DAY), limit_percent=None)
    assert report.failed == {}
    found = {s.joined for s in member_spells(place.reader(), "sse50")}
    assert found == {date(2020, 12, 15), date(2021, 6, 15), date(2021, 12, 14)}


def test_if_no_list_can_be_read_this_is_a_failure_and_asked_again(place: MarketStore) -> None:
    for _ in range(2):
        one = vendor(trouble=lambda about: Trouble.COLUMNS if about[:2] == "20" else None)
        report, _ = synced(place, one, names="sse50", since=SINCE, clock=at(DAY), limit_percent=None)
        assert "another shape" in report.failed[f"members of sse50 before {DAY}"]
        assert one.days != []


def test_lists_of_another_index_are_refused(place: MarketStore) -> None:
    other = [f"60{n:04d}.SH" for n in range(50)]
    report, _ = synced(
        place, vendor(lists=lambda _: other), names="sse50", since=SINCE, clock=at(DAY), limit_percent=None
    )
    assert "these are not lists of one index" in str(report.failed)
    assert {s.joined for s in member_spells(place.reader(), "sse50")} == {DAY}


def test_an_import_that_knows_the_days_may_follow(place: MarketStore, tmp_path: Path) -> None:
    from store_helpers import import_files

    synced(
        place, vendor(begins=date(2021, 1, 6)), names="sse50", since=SINCE, clock=at(DAY), limit_percent=None
    )
    path = tmp_path / "members.csv"
    SPELLS.to_csv(path, index=False)
    import_files(place, universe="sse50", membership=str(path))
    found = {(s.symbol, s.joined) for s in member_spells(place.reader(), "sse50") if s.joined <= DAY}
    want = {(row.symbol, row.in_date.date()) for row in SPELLS.itertuples() if row.in_date.date() <= DAY}
    assert found == want


DAYS = [date(2021, 1, day) for day in range(4, 12)]


@st.composite
def histories(draw: Any) -> list[frozenset[str]]:
    names = "abcdefgh"
    return [frozenset(draw(st.sets(st.sampled_from(names), min_size=1))) for _ in DAYS]


@given(histories())
def test_put_before_each_other_lists_give_back_who_was_in_on_each_day(lists: list[frozenset[str]]) -> None:
    spells = [MemberSpell(name, DAYS[-1], None) for name in sorted(lists[-1])]
    for place in range(len(DAYS) - 2, -1, -1):
        spells = preceded(spells, DAYS[place], DAYS[place + 1], lists[place])
    for day, members in zip(DAYS, lists, strict=True):
        inside = [s.symbol for s in spells if s.joined <= day and (s.left is None or s.left > day)]
        assert sorted(inside) == sorted(members)
    # a spell never follows on its own end
    ends = {(s.symbol, s.left) for s in spells}
    assert not any((s.symbol, s.joined) in ends for s in spells)


def test_nothing_is_asked_where_nobody_knows(place: MarketStore) -> None:
    plain = Told("two", vendor().bars, vendor().tables)
    report, _ = synced(place, plain, names="sse50", since=SINCE, clock=at(DAY), limit_percent=None)
    assert any("baostock lists them" in note for note in report.taken.notes)
    assert report.complete or set(report.gaps)
