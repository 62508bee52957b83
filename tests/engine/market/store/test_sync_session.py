"""The last session of many names by one question: what is asked, and what becomes of the answer."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from store_helpers import SESSIONS, changed, stored, walk, without
from sync_vendors import Told, at, synced

from engine.market.sources.delivery import DailyBars
from engine.market.sources.remote.failure import Trouble, VendorError
from engine.market.store import Kind, MarketStore
from engine.market.store.sync import session
from engine.market.store.verify import verify

FIRST: date = SESSIONS[0].astype(object)
#: the eleventh row is the last before every walk's ex-date
BEFORE, DAY = SESSIONS[10], SESSIONS[11]
MANY = 10
NAMES = [f"60{n:04d}.SH" for n in range(MANY + 5)]
BARS = {name: walk(20, name, seed=n) for n, name in enumerate(NAMES)}


def joined(bars: Sequence[DailyBars]) -> DailyBars:
    """One row a name as one delivery."""
    names = [str(one.symbols[0]) for one in bars]
    values = {n: np.concatenate([one.values[n] for one in bars]) for n in bars[0].values}
    session = np.concatenate([one.session for one in bars])
    return DailyBars(np.array(names), np.arange(len(names)), session, values)


@dataclass
class Whole(Told):
    """A vendor that also tells all bars of a session at once, with their precloses; `lacks` some names."""

    lacks: frozenset[str] = frozenset()
    bent: Callable[[DailyBars], DailyBars] = lambda bars: bars
    days: list[date] = field(default_factory=list)
    factors: bool = False

    def session_bars(self, symbols: Sequence[str], day: date) -> DailyBars:
        self.days.append(day)
        self._fail("session")
        found = [self.bars[name] for name in sorted({*symbols} - self.lacks) if name in self.bars]
        one = [bars.take(bars.session == np.datetime64(day)) for bars in found]
        if not any(map(len, one)):
            raise VendorError(self.name, f"{self.name}.cn", f"all bars of {day}", Trouble.EMPTY)
        return self.bent(without(joined([bars for bars in one if len(bars)]), "adj_factor"))

    def daily_bars(self, symbols: Sequence[str], first: Any = None, last: Any = None) -> Any:
        for bars in super().daily_bars(symbols, first, last):
            yield (
                self.bars[symbols[0]].take(np.isin(self.bars[symbols[0]].session, bars.session))
                if (self.factors)
                else bars
            )


ACTIONS = {
    Kind.ACTIONS: [
        {
            "symbol": name, "ex_date": DAY.astype(object), "bonus_ratio": 0.0, "rights_ratio": 0.0,
            "rights_price": 0.0,
            "cash_per_share": round(float(bars.values["close"][10] - bars.values["preclose"][11]), 2),
        }
        for name, bars in BARS.items()
    ]
}  # fmt: skip


@pytest.fixture(autouse=True)
def fewer(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ten names count as many, for the tests' time."""
    monkeypatch.setattr(session, "MANY", MANY)


@pytest.fixture
def place(tmp_path: Path) -> MarketStore:
    return MarketStore(tmp_path / "store")


def run(place: MarketStore, *vendors: Any, day: np.datetime64 = DAY, **more: Any) -> Any:
    return synced(place, *vendors, names=NAMES, since=FIRST, clock=at(day), **more)


def test_the_next_day_of_many_names_is_one_question_and_the_rows_are_those_of_single_questions(
    place: MarketStore, tmp_path: Path
) -> None:
    singles = MarketStore(tmp_path / "singles")
    for store in (place, singles):
        run(store, Told("one", BARS, ACTIONS), day=BEFORE)
    one, whole = Told("one", BARS, ACTIONS), Whole("two", BARS)
    report, told = run(place, one, whole)
    assert (whole.days, one.names) == ([DAY.astype(object)], [])
    assert (report.asked, report.taken.added[Kind.BARS], report.late, told) == (
        len(NAMES),
        len(NAMES),
        [],
        [],
    )
    run(singles, Told("one", BARS, ACTIONS))
    pd.testing.assert_frame_equal(stored(place), stored(singles))
    assert verify(place).ok


def test_it_is_stored_as_one_step_in_one_partition(place: MarketStore) -> None:
    run(place, Told("one", BARS, ACTIONS), day=BEFORE)
    before = place.reader().manifest
    run(place, Told("one", BARS, ACTIONS), Whole("two", BARS))
    after = place.reader().manifest
    steps = [commit for commit in after.commits if commit not in before.commits]
    assert [commit.rows for commit in steps if Kind.BARS in commit.rows] == [{Kind.BARS: len(NAMES)}]
    assert len(set(after.of(Kind.BARS)) - set(before.of(Kind.BARS))) == 1


def test_stored_factors_are_carried_on_over_an_ex_date(place: MarketStore, tmp_path: Path) -> None:
    singles = MarketStore(tmp_path / "singles")
    for store in (place, singles):
        run(store, Whole("one", BARS, ACTIONS, factors=True), day=BEFORE)
        assert len(store.reader().rows(Kind.FACTORS)) == len(NAMES)
    one = Whole("one", BARS, ACTIONS)
    run(place, one)
    assert (one.names, len(one.days)) == ([], 1)
    run(singles, Told("one", BARS, ACTIONS))
    found, want = stored(place), stored(singles)
    pd.testing.assert_frame_equal(found, want)
    truth = [BARS[name].values["adj_factor"][11] / BARS[name].values["adj_factor"][10] for name in NAMES]
    now, then = (found[found["date"] == day]["adj_factor"].to_numpy() for day in (DAY, BEFORE))
    np.testing.assert_allclose(now / then, truth)
    assert (now > then).all()


def test_a_day_without_an_ex_date_adds_no_factors(place: MarketStore) -> None:
    run(place, Whole("one", BARS, ACTIONS, factors=True), day=SESSIONS[9])
    # what lies far back is not looked at, so that a name's first row there has none before it
    before = place.reader().rows(Kind.FACTORS).to_pylist()
    one = Whole("one", BARS, ACTIONS)
    run(place, one, day=BEFORE)
    assert len(one.days) == 1
    assert place.reader().rows(Kind.FACTORS).to_pylist() == before


def test_names_that_it_lacks_and_bars_that_are_wrong_are_asked_for_one_by_one(place: MarketStore) -> None:
    run(place, Told("one", BARS, ACTIONS), day=BEFORE)

    def bent(bars: DailyBars) -> DailyBars:
        return changed(bars, 7, high=1.0)

    one, two = Told("one", BARS, ACTIONS), Whole("two", BARS, lacks=frozenset(NAMES[:3]), bent=bent)
    report, _ = run(place, one, two)
    wrong = sorted(set(NAMES) - set(NAMES[:3]))[7]
    assert one.names == [*NAMES[:3], wrong]
    assert report.taken.quarantined == {"bad_ohlc": 1}
    assert (report.late, report.complete) == ([], True)
    assert stored(place)["symbol"].value_counts().tolist() == [12] * len(NAMES)


def test_more_than_one_missing_session_is_asked_for_by_name(place: MarketStore) -> None:
    run(place, Told("one", BARS, ACTIONS), day=SESSIONS[9])
    one, whole = Told("one", BARS, ACTIONS), Whole("two", BARS)
    run(place, one, whole)
    assert (whole.days, one.names) == ([], NAMES)


def test_a_session_that_nobody_has_yet_is_asked_for_again_after_some_names(place: MarketStore) -> None:
    names = [f"60{n:04d}.SH" for n in range(2 * MANY + 4)]
    bars = {name: walk(20, name, seed=n % 7) for n, name in enumerate(names)}
    synced(place, Told("one", bars), names=names, since=FIRST, clock=at(SESSIONS[9]))
    late = Whole("two", bars)
    # the second question finds it there
    late.trouble = lambda about: Trouble.EMPTY if about == "session" and len(late.days) == 1 else None
    one = Told("one", bars)
    report, told = synced(place, one, late, names=names, since=FIRST, clock=at(SESSIONS[10]))
    assert (len(late.days), one.names) == (2, names[:MANY])
    assert [words for words in told if "one by one meanwhile" in words] == told
    assert report.late == []


@pytest.mark.parametrize("trouble", [Trouble.SERVER, Trouble.COLUMNS, Trouble.REFUSED])
def test_a_failure_is_told_and_the_names_are_asked_for_one_by_one(
    place: MarketStore, trouble: Trouble
) -> None:
    run(place, Told("one", BARS, ACTIONS), day=BEFORE)
    one = Told("one", BARS, ACTIONS)
    ill = Whole("two", BARS, trouble=lambda about: trouble if about == "session" else None)
    report, told = run(place, one, ill)
    assert (len(ill.days), one.names) == (1, NAMES)
    assert told[0].startswith("two [session, two.cn]: ")
    assert (report.complete, report.late) == (True, [])


def test_yesterday_served_as_today_is_refused_whole(place: MarketStore) -> None:
    run(place, Told("one", BARS, ACTIONS), day=BEFORE)

    def yesterday(bars: DailyBars) -> DailyBars:
        old = joined([BARS[str(name)].take(BARS[str(name)].session == BEFORE) for name in bars.symbols])
        return DailyBars(bars.symbols, bars.column, bars.session, without(old, "adj_factor").values)

    one = Told("one", BARS, ACTIONS)
    report, told = run(place, one, Whole("two", BARS, bent=yesterday))
    assert (
        f"two: all bars of {DAY}: {len(NAMES)} of {len(NAMES)} bars are those of the session before"
        in told[0]
    )
    assert report.taken.quarantined == {}
    assert one.names == NAMES
    assert report.late == []


def test_lots_for_shares_are_refused_whole(place: MarketStore) -> None:
    run(place, Told("one", BARS, ACTIONS), day=BEFORE)

    def lots(bars: DailyBars) -> DailyBars:
        values = {**bars.values, "volume": bars.values["volume"] / 100.0}
        return DailyBars(bars.symbols, bars.column, bars.session, values)

    one = Told("one", BARS, ACTIONS)
    _, told = run(place, one, Whole("two", BARS, bent=lots))
    assert "counts lots of 100 shares" in told[0]
    assert one.names == NAMES


def test_some_of_the_names_are_compared_with_another_vendors(place: MarketStore) -> None:
    run(place, Told("one", BARS, ACTIONS), day=BEFORE)
    other = {n: changed(b, 11, close=b.values["low"][11], open=b.values["low"][11]) for n, b in BARS.items()}
    checker = Told("three", other)
    report, _ = run(
        place, Told("one", BARS, ACTIONS), Whole("two", BARS), checkers=[checker], crosscheck_names=4
    )
    assert (len(checker.names), report.checked) == (4, 4)
    assert report.differences


def test_few_names_are_asked_for_by_themselves(place: MarketStore) -> None:
    few = NAMES[: MANY - 1]
    synced(place, Told("one", BARS, ACTIONS), names=few, since=FIRST, clock=at(BEFORE))
    whole = Whole("two", BARS)
    synced(place, Told("one", BARS, ACTIONS), whole, names=few, since=FIRST, clock=at(DAY))
    assert whole.days == []
