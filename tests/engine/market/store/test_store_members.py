"""Membership that grows from lists: late ones, members who come back, histories imported afterwards."""

from __future__ import annotations

from datetime import date, timedelta
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from store_helpers import SESSIONS, clock, csv, import_files, take, walk

from engine.errors import DataError
from engine.market.store import MarketStore
from engine.market.store.members import MemberSpell, grown, member_spells, take_snapshot, take_spells

#: an index of no fixed size
NAME = "mine"
D = [s.astype(object) for s in SESSIONS]


def listed(store: MarketStore, day: date, members: set[str], universe: str = NAME):
    with store.writing(clock) as writer:
        taken = take_snapshot(writer, universe, day, members, source="page")
        writer.commit("page")
    return taken


def imported(store: MarketStore, *spells: MemberSpell):
    with store.writing(clock) as writer:
        taken = take_spells(writer, NAME, spells, source="file")
        writer.commit("file")
    return taken


def held(store: MarketStore) -> list[MemberSpell]:
    return member_spells(store.reader(), NAME)


A, B, C = "600000.SH", "600001.SH", "600002.SH"


@pytest.fixture
def store(tmp_path):
    return MarketStore(tmp_path / "store")


def test_who_leaves_and_comes_back_has_two_spells(store):
    for day, members in ((0, {A, B}), (1, {A}), (2, {A}), (3, {A, B})):
        listed(store, D[day], members)
    assert held(store) == [
        MemberSpell(A, D[0], None), MemberSpell(B, D[0], D[1]), MemberSpell(B, D[3], None),
    ]  # fmt: skip


def test_a_spell_that_ends_before_it_begins_is_refused(store):
    for left in (D[4], D[5]):
        with pytest.raises(DataError, match=f"file: {A} leaves mine on {left}, which is not after {D[5]}"):
            imported(store, MemberSpell(A, D[5], left))
    assert not store.exists


def test_days_without_a_list_are_as_the_list_before_says(store):
    listed(store, D[0], {A, B})
    listed(store, D[9], {A, C})
    # nobody looked in between: the day of the list is the first on which it is known
    assert held(store) == [
        MemberSpell(A, D[0], None), MemberSpell(B, D[0], D[9]), MemberSpell(C, D[9], None),
    ]  # fmt: skip


def test_a_list_that_comes_late_changes_nothing_and_says_what_to_do(store):
    listed(store, D[5], {A, B})
    with pytest.raises(
        DataError, match=r"the store has one of .* already, and lists are taken in order; .*spells"
    ):
        listed(store, D[3], {A, C})
    assert [s.symbol for s in held(store)] == [A, B]


def test_another_list_of_the_same_day_is_noted(store):
    listed(store, D[5], {A, B})
    assert not listed(store, D[5], {A, B}).notes
    assert f"the first stands, which differs in {B}, {C}" in listed(store, D[5], {A, C}).notes[0]
    assert [s.symbol for s in held(store)] == [A, B]


class TestImportsAfterLists:
    """A list tells the first day on which somebody looked; an import knows the day itself."""

    def test_the_day_of_joining_and_of_leaving_are_those_of_the_import(self, store):
        listed(store, D[5], {A, B})
        listed(store, D[12], {A, C})
        taken = imported(
            store, MemberSpell(A, D[0], None), MemberSpell(B, D[1], D[10]), MemberSpell(C, D[10], None)
        )
        assert held(store) == [
            MemberSpell(A, D[0], None), MemberSpell(B, D[1], D[10]), MemberSpell(C, D[10], None),
        ]  # fmt: skip
        assert f"{C}: joined on {D[10]} by file, first listed on {D[12]}" in " ".join(taken.notes)
        # and the lists go on from there
        listed(store, D[20], {A})
        assert held(store)[-1] == MemberSpell(C, D[10], D[20])

    def test_an_older_file_does_not_reopen_what_a_list_has_closed(self, store):
        listed(store, D[5], {A, B})
        listed(store, D[12], {A})
        imported(store, MemberSpell(A, D[0], None), MemberSpell(B, D[0], None))
        assert held(store) == [MemberSpell(A, D[0], None), MemberSpell(B, D[0], D[12])]

    def test_spells_of_two_imports_that_overlap_are_refused_still(self, store):
        imported(store, MemberSpell(A, D[3], None))
        with pytest.raises(
            DataError, match=rf"file: {A} joins mine on {D[3]}, but it has been a member since {D[0]}"
        ):
            imported(store, MemberSpell(A, D[0], None))


class TestAnnouncedChanges:
    """An import may know of changes to come."""

    def test_a_list_before_the_day_leaves_them(self, store):
        imported(store, MemberSpell(A, D[0], None), MemberSpell(B, D[0], D[10]), MemberSpell(C, D[10], None))
        listed(store, D[5], {A, B})
        assert held(store) == [
            MemberSpell(A, D[0], None), MemberSpell(B, D[0], D[10]), MemberSpell(C, D[10], None),
        ]  # fmt: skip

    def test_who_is_listed_before_its_day_joins_with_the_list(self, store):
        imported(store, MemberSpell(A, D[0], None), MemberSpell(C, D[10], None))
        listed(store, D[8], {A, C})
        assert held(store) == [MemberSpell(A, D[0], None), MemberSpell(C, D[8], None)]

    def test_a_member_that_is_to_leave_and_to_come_back_stays_so(self):
        spells = [MemberSpell(A, D[0], D[10]), MemberSpell(A, D[20], None)]
        assert grown(spells, D[5], {A}) == spells


@settings(max_examples=150, deadline=None)
@given(
    st.lists(
        st.tuples(st.integers(1, 4), st.sets(st.sampled_from("abcd"), min_size=1)), min_size=1, max_size=9
    )
)
def test_on_the_day_of_every_list_the_members_are_those_listed(steps):
    day, spells, seen = date(2023, 1, 2), [], []
    for wait, members in steps:
        day += timedelta(days=wait)
        spells = grown(spells, day, members)
        seen.append((day, members))
    for when, members in seen:
        inside = [s.symbol for s in spells if s.joined <= when and (s.left is None or s.left > when)]
        assert sorted(inside) == sorted(members)
    by_name = sorted(spells)
    assert all(
        one.left is not None and one.left <= other.joined
        for one, other in pairwise(by_name)
        if one.symbol == other.symbol
    )


class TestNamesThatChange:
    """Instruments and bars of names that were renamed, recoded, delisted."""

    def test_a_new_name_takes_the_place_of_the_old_and_an_empty_one_does_not(self, store, tmp_path):
        take(store, walk())
        for name, delisted in (("Old", ""), ("New", ""), ("", "2024-05-01")):
            path = csv(tmp_path / "i.csv", f"symbol,name,delist_date\n600519,{name},{delisted}\n")
            import_files(store, instruments=path)
        panel = store.panel("all").panel
        assert panel.instruments.names.tolist() == ["New"]

    def test_a_member_under_its_old_code_is_the_stock_of_the_new_one(self, store):
        bars = walk(30, "000043.SZ")
        take(store, bars)
        imported(store, MemberSpell("000043.SZ", D[0], D[20]))
        listed(store, D[25], {"001914.SZ"})
        panel = store.panel(NAME).panel
        (column,) = range(len(panel.symbols))
        assert panel.universe[:20, column].all()
        assert not panel.universe[20:25, column].any()
        assert panel.universe[25:, column].all()


def test_members_that_nobody_has_looked_at_for_long_are_warned_of(store):
    from engine.market.store.status import status

    take(store, walk(len(SESSIONS), A))
    listed(store, D[0], {A})
    kinds = [w.kind for w in store.panel(NAME).report.warnings]
    assert "old_members" in kinds
    listed(store, D[150], {A})
    assert "old_members" not in [w.kind for w in store.panel(NAME).report.warnings]
    (index,) = status(store, clock()).members
    assert (index.members, index.known_to) == (1, D[150])
