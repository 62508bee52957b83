"""Spells of stocks in the store: lists of one day each become one spell."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from store_helpers import SESSIONS, take, walk

from engine.market.calendar import Calendar, xshg
from engine.market.store import Kind, MarketStore, Spell
from engine.market.store.intake import Taken
from engine.market.store.rows import records, table_of
from engine.market.store.spells import joined, take_stock_spells

ST, HALT = Spell.ST.value, Spell.SUSPENSION.value
NAME = "600519.SH"
DAY = timedelta(days=1)


def day(text: str) -> date:
    return date.fromisoformat(text)


def spell(start: str, end: str | None, kind: str = ST, symbol: str = NAME) -> dict[str, Any]:
    return {"symbol": symbol, "kind": kind, "start": day(start), "end": day(end) if end else None}


def add(store: MarketStore, *rows: dict[str, Any], calendar: Calendar | None = None) -> int:
    return taking(store, *rows, calendar=calendar).added[Kind.SPELLS]


def taking(
    store: MarketStore, *rows: dict[str, Any], calendar: Calendar | None = None, whole: bool = False
) -> Taken:
    with store.writing(lambda: datetime(2023, 6, 30, 18)) as writer:
        taken = take_stock_spells(writer, table_of(Kind.SPELLS, rows), calendar or xshg(), whole=whole)
        writer.commit("test")
    return taken


def listed(store: MarketStore, session: str, *names: str) -> Taken:
    """A vendor's list of all who are under special treatment on a day."""
    end = str(day(session) + DAY)
    return taking(store, *(spell(session, end, ST, name) for name in names), whole=True)


def held(store: MarketStore) -> list[tuple[str, date, date | None]]:
    rows = records(store.reader().rows(Kind.SPELLS))
    return [(row["kind"], row["start"], row["end"]) for row in rows]


@pytest.fixture
def store(tmp_path: Path) -> MarketStore:
    return MarketStore(tmp_path / "store")


def test_a_list_a_session_makes_one_spell_over_weekends_and_holidays(store: MarketStore) -> None:
    # around the holiday of 2023-06-22 and 23
    for session in ("2023-06-19", "2023-06-20", "2023-06-21", "2023-06-26"):
        assert add(store, spell(session, str(day(session) + DAY))) == 1
    assert held(store) == [(ST, day("2023-06-19"), day("2023-06-27"))]
    before = store.reader().manifest
    for session in ("2023-06-19", "2023-06-20"):
        assert add(store, spell(session, str(day(session) + DAY))) == 0
    assert store.reader().manifest.segments == before.segments


def test_a_session_without_a_list_stays_open(store: MarketStore) -> None:
    add(store, spell("2023-06-19", "2023-06-20"))
    add(store, spell("2023-06-21", "2023-06-22"))
    assert [(start, end) for _, start, end in held(store)] == [
        (day("2023-06-19"), day("2023-06-20")), (day("2023-06-21"), day("2023-06-22")),
    ]  # fmt: skip
    add(store, spell("2023-06-20", "2023-06-21"))
    assert held(store) == [(ST, day("2023-06-19"), day("2023-06-22"))]


def test_a_list_read_on_a_weekend_tells_of_the_session_before(store: MarketStore) -> None:
    add(store, spell("2023-06-15", "2023-06-16"))
    add(store, spell("2023-06-17", "2023-06-18"))
    assert held(store) == [(ST, day("2023-06-15"), day("2023-06-18"))]


@pytest.mark.parametrize("kind", [ST, HALT])
def test_a_spell_without_an_end_runs_on(store: MarketStore, kind: str) -> None:
    add(store, spell("2023-06-01", None, kind))
    add(store, spell("2023-06-01", None, kind), spell("2023-06-20", "2023-06-21", ST, "600036.SH"))
    assert (kind, day("2023-06-01"), None) in held(store)
    if kind == ST:
        add(store, spell("2023-06-20", "2023-06-21"))
        assert (ST, day("2023-06-01"), None) in held(store)
    add(store, spell("2023-06-01", "2023-06-28", kind))
    assert (kind, day("2023-06-01"), day("2023-06-28")) in held(store)


def test_a_stock_that_resumes_sooner_than_was_told_is_not_suspended(store: MarketStore) -> None:
    add(store, spell("2023-06-12", "2023-06-30", HALT))
    add(store, spell("2023-06-12", "2023-06-16", HALT))
    add(store, spell("2023-06-16", "2023-06-17", HALT))
    assert held(store) == [
        (HALT, day("2023-06-12"), day("2023-06-16")), (HALT, day("2023-06-16"), day("2023-06-17")),
    ]  # fmt: skip


def spells_of(store: MarketStore, name: str) -> list[tuple[date, date | None]]:
    rows = records(store.reader().rows(Kind.SPELLS))
    return [(row["start"], row["end"]) for row in rows if row["symbol"] == name]


def test_an_imported_spell_ends_with_the_first_list_that_lacks_the_stock(store: MarketStore) -> None:
    add(store, spell("2023-01-03", None), spell("2023-02-01", None, ST, "600036.SH"))
    listed(store, "2023-06-15", NAME, "600036.SH")
    assert spells_of(store, NAME) == [(day("2023-01-03"), None)]
    assert listed(store, "2023-06-16", "600036.SH").added == {Kind.SPELLS: 1}
    assert spells_of(store, NAME) == [(day("2023-01-03"), day("2023-06-16"))]
    assert spells_of(store, "600036.SH") == [(day("2023-02-01"), None)]
    # the next list without it changes nothing, and one with it begins another
    assert listed(store, "2023-06-19", "600036.SH").added == {}
    listed(store, "2023-06-20", NAME, "600036.SH")
    assert spells_of(store, NAME) == [
        (day("2023-01-03"), day("2023-06-16")), (day("2023-06-20"), day("2023-06-21")),
    ]  # fmt: skip


def test_a_list_of_a_weekend_leaves_the_last_session_special(store: MarketStore) -> None:
    add(store, spell("2023-01-03", None))
    listed(store, "2023-06-17", "600036.SH")
    assert spells_of(store, NAME) == [(day("2023-01-03"), day("2023-06-19"))]


def test_what_is_no_list_of_that_exchange_ends_nothing(store: MarketStore) -> None:
    add(store, spell("2023-01-03", None), spell("2023-01-03", None, HALT, "600036.SH"))
    listed(store, "2023-06-16", "000004.SZ")
    assert spells_of(store, NAME) == [(day("2023-01-03"), None)]
    # spells with days of their own are no list, and an import is none
    taking(store, spell("2023-06-01", "2023-06-16", ST, "600000.SH"), whole=True)
    add(store, spell("2023-06-16", "2023-06-17", ST, "600000.SH"))
    assert spells_of(store, NAME) == [(day("2023-01-03"), None)]
    assert spells_of(store, "600036.SH") == [(day("2023-01-03"), None)]


def test_a_list_that_lacks_most_stocks_is_itself_what_is_wrong(store: MarketStore) -> None:
    names = [f"60{n:04d}.SH" for n in range(10)]
    add(store, *(spell("2023-01-03", None, ST, name) for name in names))
    taken = listed(store, "2023-06-16", *names[:4])
    assert "the list of 2023-06-16 lacks 6 of 10 stocks" in taken.notes[0]
    assert all(spells_of(store, name) == [(day("2023-01-03"), None)] for name in names)
    listed(store, "2023-06-19", *names[:5])
    assert spells_of(store, names[9]) == [(day("2023-01-03"), day("2023-06-19"))]


def test_days_beyond_the_calendar_are_not_guessed_to_be_holidays() -> None:
    known = Calendar("known", xshg().between(np.datetime64("2023-01-03"), np.datetime64("2023-06-16")))
    rows = [spell("2023-06-16", "2023-06-17"), spell("2023-06-19", "2023-06-20")]
    assert joined(rows, known) == rows
    assert len(joined(rows, xshg())) == 1


def test_a_panel_takes_the_stock_for_special_on_every_listed_session_and_no_other(store: MarketStore) -> None:
    take(store, walk(30, NAME))
    listed = SESSIONS[10:15].astype(object).tolist()
    for session in listed:
        add(store, spell(str(session), str(session + DAY)))
    assert len(held(store)) == 1
    panel = store.panel([NAME], SESSIONS[0], SESSIONS[29]).panel
    special = panel.dates[panel.field("is_st")[:, 0] == 1.0].astype(object).tolist()
    assert special == listed


@given(st.sets(st.integers(0, 60), min_size=1), st.randoms())
def test_joining_keeps_every_listed_session_and_adds_none(days: set[int], random: Any) -> None:
    sessions = SESSIONS[sorted(days)].astype(object).tolist()
    rows = [spell(str(session), str(session + DAY)) for session in sessions]
    random.shuffle(rows)
    once = joined(rows, xshg())
    covered = [s for s in SESSIONS.astype(object).tolist() if any(r["start"] <= s < r["end"] for r in once)]
    assert covered == sessions
    assert joined([*once, *rows], xshg()) == once
    assert len(once) == sum(index - 1 not in days for index in days)
