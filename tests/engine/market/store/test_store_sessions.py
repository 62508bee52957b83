"""Sessions in the store: they extend the exchange's calendar for everything that is read from it."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

import numpy as np
import pandas as pd
import pytest
from store_helpers import NOW, take, walk
from sync_vendors import Told

from engine.errors import CalendarError, DataError
from engine.market import data_config, load_market
from engine.market.calendar import Calendar, xshg
from engine.market.codes import shipped_code_changes
from engine.market.sources.delivery import DailyBars
from engine.market.store import ArrivalRules, Kind, MarketStore
from engine.market.store.fill import fill
from engine.market.store.intake import take_bars
from engine.market.store.rows import table_of
from engine.market.store.sessions import store_calendar, take_sessions
from engine.market.store.status import status
from engine.market.store.verify import repair, verify
from engine.rules.limits import limit_percent

BASE = xshg()
YEAR = int(str(BASE.last)[:4])
DECEMBER = datetime(YEAR, 12, 20, 18)


def weekdays(year: int) -> np.ndarray:
    days = pd.bdate_range(f"{year}-01-01", f"{year}-12-31").to_numpy().astype("datetime64[D]")
    return days[1:]


NEXT = weekdays(YEAR + 1)


def listed(days: Any) -> Any:
    return table_of(Kind.SESSIONS, [{"session": day} for day in np.asarray(days).astype(object).tolist()])


def add(store: MarketStore, days: Any, now: datetime = DECEMBER, **options: Any) -> Any:
    with store.writing(lambda: now) as writer:
        taken = take_sessions(writer, listed(days), source="vendor", **options)
        writer.commit("vendor")
    return taken


@pytest.fixture
def store(tmp_path):
    return MarketStore(tmp_path / "store")


def known(store: MarketStore, base: Calendar | None = None) -> np.ndarray:
    return store_calendar(store.reader(), base).sessions


def test_a_list_of_next_year_is_kept_and_again_is_no_news(store):
    whole = np.concatenate([BASE.sessions, NEXT])
    taken = add(store, whole)
    assert taken.added == {Kind.SESSIONS: len(NEXT)}
    np.testing.assert_array_equal(known(store), whole)
    again = add(store, whole)
    assert not again.added
    assert again.repeated[Kind.SESSIONS] == len(whole)
    assert verify(store).ok


def test_a_list_of_days_known_of_old_stores_nothing(store):
    assert not add(store, BASE.sessions[-300:]).added
    assert not store.exists


def test_a_contradiction_of_what_is_known_is_refused_with_the_days(store):
    wrong = np.setdiff1d(np.concatenate([BASE.sessions[-300:], NEXT]), BASE.sessions[-7:-6])
    with pytest.raises(
        CalendarError, match=f"vendor contradicts the xshg calendar: {BASE.sessions[-7]} is missing"
    ):
        add(store, wrong)
    assert not store.exists


def test_days_to_come_may_be_amended_and_past_ones_may_not(store):
    add(store, NEXT)
    moved = np.setdiff1d(NEXT, NEXT[100:102])
    taken = add(store, moved, now=datetime(YEAR + 1, 2, 1))
    assert f"amends the sessions of days to come: {NEXT[100]}, {NEXT[101]}" in taken.notes[0]
    np.testing.assert_array_equal(known(store)[len(BASE.sessions) :], moved)
    late = datetime.combine(NEXT[150].astype(object), datetime.min.time())
    with pytest.raises(
        CalendarError, match=f"for days that are past: {NEXT[100]}, {NEXT[101]}; nothing was stored"
    ):
        add(store, NEXT, now=late)
    np.testing.assert_array_equal(known(store)[len(BASE.sessions) :], moved)


def test_a_shorter_list_takes_nothing_away(store):
    add(store, NEXT)
    assert not add(store, NEXT[:50]).added
    np.testing.assert_array_equal(known(store)[len(BASE.sessions) :], NEXT)


def test_a_list_that_begins_late_is_refused(store):
    with pytest.raises(CalendarError, match="vendor lacks the sessions between"):
        add(store, NEXT[100:])


class TestWhatSeesIt:
    """Intake, panels, status and checks of the store."""

    @staticmethod
    def bars() -> DailyBars:
        bars = walk(30)
        return DailyBars(bars.symbols, bars.column, NEXT[:30].copy(), bars.values)

    def taken(self, store: MarketStore) -> Any:
        now = datetime(YEAR + 1, 3, 1)
        with store.writing(lambda: now) as writer:
            rules = ArrivalRules(store_calendar(writer), now, limit_percent)
            out = take_bars(writer, self.bars(), source="v", rules=rules, changes=shipped_code_changes())
            writer.commit("v")
        return out

    def test_bars_of_a_year_that_only_the_store_knows(self, store):
        assert self.taken(store).quarantined == {"off_calendar": 30}
        add(store, NEXT)
        assert self.taken(store).added[Kind.BARS] == 30
        panel = store.panel("all").panel
        np.testing.assert_array_equal(panel.dates, NEXT[:30])
        assert panel.calendar.after(panel.dates[-1]) == NEXT[30]
        assert verify(store).ok
        found = status(store, datetime(YEAR + 1, 3, 1))
        assert (found.behind, found.calendar_to, found.half_known) == (
            int((np.datetime64(f"{YEAR + 1}-02-28") >= NEXT).sum()) - 30, NEXT[-1].astype(object), None,
        )  # fmt: skip

    def test_an_import_of_a_year_that_only_the_store_knows(self, store):
        add(store, NEXT)
        one = Told("v", {"600519.SH": self.bars()})
        days = {"first": NEXT[0].astype(object), "last": NEXT[29].astype(object)}
        taken = fill(store, one, clock=lambda: datetime(YEAR + 1, 3, 1), **days)
        assert (taken.added[Kind.BARS], taken.quarantined) == (30, {})

    def test_a_configuration_may_name_further_sessions_beside_a_store(self, store, tmp_path):
        add(store, NEXT)
        self.taken(store)
        later = weekdays(YEAR + 2)
        path = tmp_path / "s.csv"
        pd.DataFrame({"session": np.concatenate([NEXT, later])}).to_csv(path, index=False)
        config = data_config(source="store", path=store.folder, universe="all", calendar_extra=path)
        assert load_market(config).panel.calendar.last == later[-1]

    def test_the_status_warns_in_december(self, store):
        take(store, walk())
        assert status(store, datetime(YEAR, 11, 23)).half_known is None
        assert "is known, and what reaches past it stops; add the" in (
            status(store, DECEMBER).half_known or ""
        )
        add(store, NEXT)
        assert status(store, DECEMBER).half_known is None


class TestOnceTheTruthIsKnown:
    """A newer exchange_calendars has the last word on days it covers."""

    OLD = Calendar("xshg", BASE.sessions[BASE.sessions <= np.datetime64("2024-12-31")].copy())
    TRUE = BASE.sessions[
        (BASE.sessions > np.datetime64("2024-12-31")) & (BASE.sessions <= np.datetime64("2025-12-31"))
    ]

    def test_what_the_store_was_told_wrongly_counts_no_more_and_verify_names_it(self, store):
        strange = np.datetime64("2025-10-01")
        add(store, np.sort(np.append(self.TRUE, strange)), now=datetime(2024, 12, 20), base=self.OLD)
        assert strange in known(store, self.OLD)
        np.testing.assert_array_equal(known(store), BASE.sessions)
        (fault,) = verify(store).faults
        assert "2025-10-01 by now known as no sessions of the exchange" in fault.what
        _, after = repair(store, lambda: NOW)
        assert after.ok

    def test_what_was_right_stays(self, store):
        add(store, self.TRUE, now=datetime(2024, 12, 20), base=self.OLD)
        np.testing.assert_array_equal(known(store), BASE.sessions)
        assert verify(store).ok
        assert date(2025, 1, 2) == known(store, self.OLD)[len(self.OLD.sessions)].astype(object)


def test_a_table_that_is_no_list_says_so():
    from engine.market.calendar import read_sessions
    from engine.market.table import Table

    with pytest.raises(DataError, match="holds no rows"):
        read_sessions(Table.of_frame(pd.DataFrame({"session": []}), "f"))
