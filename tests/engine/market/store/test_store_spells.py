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
    with store.writing(lambda: datetime(2023, 6, 30, 18)) as writer:
        taken = take_stock_spells(writer, table_of(Kind.SPELLS, rows), calendar or xshg())
        writer.commit("test")
    return taken.added[Kind.SPELLS]


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
