"""Syncs from scripted vendors: what is asked, what is stored, what is said."""

from __future__ import annotations

import multiprocessing
import resource
import sys
import time
from collections import Counter
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from store_helpers import SESSIONS, changed, stored, take, walk
from sync_vendors import Told, at, synced

from engine.errors import DataError
from engine.market.sources.delivery import DailyBars
from engine.market.sources.remote.failure import Trouble
from engine.market.store import Kind, MarketStore, Spell, StoreBusy, StoreError
from engine.market.store.intake import stored_bars
from engine.market.store.sync.preview import preview
from engine.market.store.verify import repair, verify

HERE = Path(__file__).parent
FIRST: date = SESSIONS[0].astype(object)
NAMES = ["600000.SH", "600036.SH", "600519.SH", "601318.SH"]
BARS = {name: walk(60, name, seed=n) for n, name in enumerate(NAMES)}


def dividend(name: str) -> dict[str, Any]:
    """Terms of the ex-date that every walk has."""
    close, preclose = (BARS[name].values[column] for column in ("close", "preclose"))
    none = dict.fromkeys(("bonus_ratio", "rights_ratio", "rights_price"), 0.0)
    cash = round(float(close[10] - preclose[11]), 2)
    return {"symbol": name, "ex_date": SESSIONS[11].astype(object), "cash_per_share": cash, **none}


DIVIDENDS = [dividend(name) for name in NAMES]


@pytest.fixture
def place(tmp_path: Path) -> MarketStore:
    return MarketStore(tmp_path / "store")


def vendor(name: str = "one", **more: Any) -> Told:
    return Told(name, BARS, {Kind.ACTIONS: DIVIDENDS}, **more)


def expected(names: list[str] = NAMES, last: int = 39) -> pd.DataFrame:
    frames = []
    for name in names:
        bars = BARS[name].take(BARS[name].session <= SESSIONS[last])
        columns = ("open", "high", "low", "close", "volume", "amount")
        frame = pd.DataFrame({"symbol": name, "date": bars.session, **{c: bars.values[c] for c in columns}})
        frames.append(frame)
    return pd.concat(frames, ignore_index=True)


def assert_stored(place: MarketStore, names: list[str] = NAMES, last: int = 39) -> None:
    want = expected(names, last)
    pd.testing.assert_frame_equal(stored(place)[want.columns.tolist()], want)
    assert verify(place).ok


def test_an_empty_store_is_filled_row_for_row(place: MarketStore) -> None:
    one = vendor()
    report, told = synced(place, one, names=NAMES, since=FIRST, clock=at(SESSIONS[39]))
    assert (report.due, report.names, report.asked, report.complete) == (
        SESSIONS[39].astype(object),
        4,
        4,
        True,
    )
    assert one.names == NAMES
    assert (report.failed, report.late, told) == ({}, [], [])
    assert_stored(place)


def test_a_second_sync_asks_nothing(place: MarketStore) -> None:
    synced(place, vendor(), names=NAMES, since=FIRST, clock=at(SESSIONS[39]))
    again = vendor()
    before = place.reader().manifest
    report, _ = synced(place, again, names=NAMES, since=FIRST, clock=at(SESSIONS[39], 20))
    assert (again.asked, report.asked) == ([], 0)
    assert place.reader().manifest == before


def test_the_next_day_asks_for_one_session_and_the_one_that_ties_it(place: MarketStore) -> None:
    synced(place, vendor(), names=NAMES, since=FIRST, clock=at(SESSIONS[38]))
    one = vendor()
    report, _ = synced(place, one, names=NAMES, since=FIRST, clock=at(SESSIONS[39]))
    days = SESSIONS[38].astype(object), SESSIONS[39].astype(object)
    assert [ask for ask in one.asked if ask[0] in NAMES] == [(name, *days) for name in NAMES]
    assert (report.taken.added[Kind.BARS], report.taken.known) == (4, 4)
    assert_stored(place)


def test_a_day_touches_one_partition(place: MarketStore) -> None:
    bars = {name: walk(1200, name, seed=n) for n, name in enumerate(NAMES[:1])}
    calendar = np.concatenate([np.array([], dtype="datetime64[D]"), _long()])
    bars = {n: DailyBars(b.symbols, b.column, calendar[: len(b)], b.values) for n, b in bars.items()}
    since = calendar[0].astype(object)
    accepted = {"names": NAMES[:1], "since": since, "limit_percent": None}
    synced(place, Told("one", bars), clock=at(calendar[1198]), **accepted)
    before = {s.path: s.partition for s in place.reader().manifest.of(Kind.BARS)}
    synced(place, Told("one", bars), clock=at(calendar[1199]), **accepted)
    after = {s.path: s.partition for s in place.reader().manifest.of(Kind.BARS)}
    touched = {after.get(p, before.get(p)) for p in set(before) ^ set(after)}
    assert len(set(before.values())) >= 5
    assert touched == {str(calendar[1199])[:4]}


def _long() -> np.ndarray:
    from engine.market.calendar import xshg

    return xshg().between(np.datetime64("2019-01-02"), np.datetime64("2023-12-29"))


@pytest.mark.parametrize(("hour", "minute", "last"), [(15, 29, 38), (15, 30, 39), (9, 0, 38)])
def test_a_session_counts_from_half_past_three(place: MarketStore, hour: int, minute: int, last: int) -> None:
    report, _ = synced(place, vendor(), names=NAMES, since=FIRST, clock=at(SESSIONS[39], hour, minute))
    assert report.due == SESSIONS[last].astype(object)
    assert_stored(place, last=last)


def test_an_earlier_beginning_asks_for_what_lies_before(place: MarketStore) -> None:
    later = SESSIONS[20].astype(object)
    synced(place, vendor(), names=NAMES, since=later, clock=at(SESSIONS[39]))
    one = vendor()
    synced(place, one, names=NAMES, since=FIRST, clock=at(SESSIONS[39]))
    assert {ask[1:] for ask in one.asked if ask[0] in NAMES} == {(FIRST, SESSIONS[19].astype(object))}
    assert_stored(place)


class TestVendorsThatFail:
    def test_with_the_first_refusing_the_next_fills_the_store_and_this_is_said(
        self, place: MarketStore
    ) -> None:
        first = vendor(trouble=lambda about: Trouble.REFUSED if about in NAMES else None)
        report, told = synced(place, first, vendor("two"), names=NAMES, since=FIRST, clock=at(SESSIONS[39]))
        assert report.complete
        assert "one [600000.SH, one.cn]: the host refuses to answer this address" in told[0]
        assert "two steps in for one" in told
        assert report.vendors["two"].stood_in == {"one": 4}
        assert len(first.names) == 3  # then it was left alone
        assert_stored(place)

    def test_names_that_nobody_answers_for_are_gaps_and_asked_for_next_time(self, place: MarketStore) -> None:
        bad = lambda about: Trouble.TIMEOUT if about == NAMES[1] else None  # noqa: E731
        report, _ = synced(
            place,
            vendor(trouble=bad),
            vendor("two", trouble=bad),
            names=NAMES,
            since=FIRST,
            clock=at(SESSIONS[39]),
        )
        assert not report.complete
        assert list(report.gaps) == [NAMES[1]]
        assert "two [600036.SH, two.cn]: no answer within the deadline" in report.gaps[NAMES[1]]
        one = vendor()
        report, _ = synced(place, one, names=NAMES, since=FIRST, clock=at(SESSIONS[39]))
        assert one.names == [NAMES[1]]
        assert_stored(place)

    def test_a_name_that_nobody_knows_is_no_gap_and_asked_for_ever_less(self, place: MarketStore) -> None:
        names = [*NAMES, "688001.SH"]
        report, _ = synced(place, vendor(), vendor("two"), names=names, since=FIRST, clock=at(SESSIONS[39]))
        assert report.complete
        assert report.late == ["688001.SH"]
        one = vendor()
        synced(place, one, names=names, since=FIRST, clock=at(SESSIONS[40]))
        assert "688001.SH" not in one.names

    def test_a_table_that_nobody_delivers_is_named_and_the_bars_come_all_the_same(
        self, place: MarketStore
    ) -> None:
        first = vendor(trouble=lambda about: Trouble.SERVER if about == "actions" else None)
        report, _ = synced(place, first, names=NAMES, since=FIRST, clock=at(SESSIONS[39]))
        assert list(report.failed) == ["corporate actions of 600000.SH and 3 more"]
        assert_stored(place)


def twisted(name: str, row: int, **cells: float) -> Any:
    """What changes a row of one name on the way."""

    def twist(symbol: str, bars: DailyBars) -> DailyBars:
        return changed(bars, row, **cells) if symbol == name else bars

    return twist


def yesterday(symbol: str, bars: DailyBars) -> DailyBars:
    """The bar of the session before served as today's."""
    columns = ("open", "high", "low", "close", "volume", "amount")
    return changed(bars, 39, **{column: float(bars.values[column][38]) for column in columns})


def in_lots(symbol: str, bars: DailyBars) -> DailyBars:
    values = {**bars.values, "volume": bars.values["volume"] / 100.0}
    return DailyBars(bars.symbols, bars.column, bars.session, values)


def told_twice(symbol: str, bars: DailyBars) -> DailyBars:
    """The session of row 5 a second time, with another close."""
    rows = np.insert(np.arange(len(bars)), 6, 5)
    again = bars.take(rows)
    return changed(again, 6, close=float(bars.values["low"][5]), open=float(bars.values["low"][5]))


class TestWrongBars:
    @pytest.mark.parametrize(
        ("twist", "reason", "count"),
        [
            (twisted(NAMES[2], 20, high=1.0), "bad_ohlc", 1),
            (twisted(NAMES[2], 20, volume=1234.0), "lots_for_shares", 1),
            (yesterday, "stale_copy", 4),
            (told_twice, "duplicate", 8),
            (twisted(NAMES[2], 20, open=0.0), "bad_price", 1),
        ],
    )
    def test_they_are_set_aside_and_the_right_ones_asked_for_elsewhere(
        self, place: MarketStore, twist: Any, reason: str, count: int
    ) -> None:
        if reason == "lots_for_shares":
            volume = float(BARS[NAMES[2]].values["volume"][20]) / 100.0
            twist = twisted(NAMES[2], 20, volume=volume)
        first, second = vendor(twist=twist), vendor("two")
        report, _ = synced(place, first, second, names=NAMES, since=FIRST, clock=at(SESSIONS[39]))
        assert report.taken.quarantined == {reason: count}
        assert (
            reason in str(report.taken.examples)
            or NAMES[0] in str(report.taken.examples)
            or NAMES[2] in str(report.taken.examples)
        )
        assert (report.complete, report.late) == (True, [])
        # only the names that were wrong, each once
        assert len(second.names) == (1 if count == 1 else 4)
        assert_stored(place)

    def test_yesterdays_bar_without_another_vendor_leaves_today_open_and_is_asked_for_again(
        self, place: MarketStore
    ) -> None:
        report, _ = synced(place, vendor(twist=yesterday), names=NAMES, since=FIRST, clock=at(SESSIONS[39]))
        assert report.taken.quarantined == {"stale_copy": 4}
        assert_stored(place, last=38)
        one = vendor()
        report, _ = synced(place, one, names=NAMES, since=FIRST, clock=at(SESSIONS[39], 18))
        assert one.names == NAMES
        assert_stored(place)

    def test_a_vendor_without_todays_bar_is_late_and_another_is_asked_for_it(
        self, place: MarketStore
    ) -> None:
        early = {name: bars.take(bars.session <= SESSIONS[38]) for name, bars in BARS.items()}
        second = vendor("two")
        report, _ = synced(
            place, Told("one", early), second, names=NAMES, since=FIRST, clock=at(SESSIONS[39])
        )
        assert {ask[1:] for ask in second.asked if ask[0] in NAMES} == {
            (SESSIONS[38].astype(object), SESSIONS[39].astype(object))
        }
        assert report.late == []
        assert_stored(place)

    def test_a_vendor_that_counts_lots_everywhere_is_of_no_use(self, place: MarketStore) -> None:
        first = vendor(twist=in_lots)
        report, told = synced(place, first, vendor("two"), names=NAMES, since=FIRST, clock=at(SESSIONS[39]))
        assert "counts lots of 100 shares" in told[0] and told[0].startswith("one: 600000.SH: ")
        assert "units=lots" not in told[0]  # which a sync does not take
        assert report.complete
        assert len(first.names) == 3
        assert_stored(place)

    def test_if_nobody_else_is_there_the_name_is_a_gap(self, place: MarketStore) -> None:
        report, _ = synced(place, vendor(twist=in_lots), names=NAMES[:1], since=FIRST, clock=at(SESSIONS[39]))
        assert "counts lots" in report.gaps[NAMES[0]]
        assert not place.exists or not place.reader().coverage().symbols


class TestNamesThatComeAndGo:
    def test_listing_and_delisting_bound_what_is_asked(self, place: MarketStore) -> None:
        stocks = [
            {
                "symbol": NAMES[0],
                "list_date": SESSIONS[10].astype(object),
                "delist_date": SESSIONS[30].astype(object),
            }
        ]
        one = Told("one", BARS, {Kind.INSTRUMENTS: stocks})
        report, _ = synced(place, one, names=NAMES[:1], since=FIRST, clock=at(SESSIONS[39]))
        last = SESSIONS[30].astype(object) - timedelta(days=1)
        assert one.asked[-1] == (NAMES[0], SESSIONS[10].astype(object), SESSIONS[29].astype(object))
        assert last >= SESSIONS[29].astype(object)
        assert report.late == []
        again = Told("one", BARS, {Kind.INSTRUMENTS: stocks})
        synced(place, again, names=NAMES[:1], since=FIRST, clock=at(SESSIONS[45]))
        assert again.names == []

    def test_a_suspended_name_is_left_alone(self, place: MarketStore) -> None:
        halt = {"symbol": NAMES[0], "kind": Spell.SUSPENSION.value, "start": SESSIONS[30].astype(object)}
        one = Told("one", BARS, {Kind.SPELLS: [halt]})
        synced(place, one, names=NAMES[:1], since=FIRST, clock=at(SESSIONS[39]))
        assert one.asked[-1] == (NAMES[0], FIRST, SESSIONS[29].astype(object))

    def test_a_stock_whose_code_changed_is_asked_for_by_the_code_of_today_and_stored_under_the_last(
        self, place: MarketStore
    ) -> None:
        # 300114 became 302132 on 2025-02-17: in 2023 no vendor knows the new code
        one = Told("one", {"300114.SZ": walk(60, "300114.SZ")})
        synced(place, one, names=["300114.SZ"], since=FIRST, clock=at(SESSIONS[39]))
        assert one.names == ["300114.SZ"]
        assert place.reader().coverage().symbols == ("302132.SZ",)
        # and 600018, 000022 of old is 001872
        two = Told("two", {"001872.SZ": walk(60, "001872.SZ")})
        synced(place, two, names=["000022.SZ"], since=FIRST, clock=at(SESSIONS[39]))
        assert two.names == ["001872.SZ"]

    def test_members_come_first_and_those_who_have_left_are_looked_after_too(
        self, place: MarketStore
    ) -> None:
        many = {f"60{n:04d}.SH": walk(60, f"60{n:04d}.SH", seed=n) for n in range(51)}
        rows = [{"universe": "sse50", "symbol": name} for name in list(many)[:50]]
        one = Told("one", many, {Kind.MEMBERSHIP: rows})
        report, _ = synced(place, one, names="sse50", since=FIRST, clock=at(SESSIONS[20]))
        assert one.asked[0] == ("membership", None, None)
        assert report.names == 50
        rows = [{"universe": "sse50", "symbol": name} for name in list(many)[1:]]
        two = Told("one", many, {Kind.MEMBERSHIP: rows})
        report, _ = synced(place, two, names="sse50", since=FIRST, clock=at(SESSIONS[21]))
        assert report.names == 51
        assert len(two.names) == 51

    def test_a_list_of_49_members_is_not_believed(self, place: MarketStore) -> None:
        rows = [{"universe": "sse50", "symbol": f"60{n:04d}.SH"} for n in range(49)]
        with pytest.raises(DataError, match=r"one: 49 members of sse50.*or name symbols"):
            synced(
                place,
                Told("one", BARS, {Kind.MEMBERSHIP: rows}),
                names="sse50",
                since=FIRST,
                clock=at(SESSIONS[9]),
            )

    def test_all_means_every_stock_of_the_list(self, place: MarketStore) -> None:
        stocks = [{"symbol": name} for name in NAMES]
        report, _ = synced(
            place,
            Told("one", BARS, {Kind.INSTRUMENTS: stocks}),
            names="all",
            since=FIRST,
            clock=at(SESSIONS[39]),
        )
        assert report.names == 4
        assert_stored(place)


class TestFactors:
    def test_factors_follow_from_the_terms_when_the_bars_are_read(self, place: MarketStore) -> None:
        synced(place, vendor(), names=NAMES, since=FIRST, clock=at(SESSIONS[39]))
        market = place.panel(NAMES, str(SESSIONS[0]), str(SESSIONS[39]))
        ours = market.panel.field("adj_factor")
        for n, name in enumerate(NAMES):
            told = BARS[name].values["adj_factor"][:40]
            np.testing.assert_allclose(ours[:, n] / ours[0, n], told / told[0], rtol=1e-12)

    def test_stored_factors_are_carried_on_over_an_ex_date(self, place: MarketStore) -> None:
        take(place, BARS[NAMES[0]].take(np.arange(8)), source="import")
        synced(place, vendor(), names=NAMES[:1], since=FIRST, clock=at(SESSIONS[39]))
        bars = stored_bars(place.reader(), np.array(NAMES[:1]))
        np.testing.assert_allclose(
            bars.values["adj_factor"], BARS[NAMES[0]].values["adj_factor"][:40], rtol=1e-12
        )

    def test_factors_of_the_terms_are_checked_against_a_vendors(self, place: MarketStore) -> None:
        class Wrong(Told):
            """Tells factors that do not step."""

            def daily_bars(self, symbols: Any, first: Any = None, last: Any = None) -> Any:
                for bars in super().daily_bars(symbols, first, last):
                    values = {**bars.values, "adj_factor": np.ones(len(bars))}
                    yield DailyBars(bars.symbols, bars.column, bars.session, values)

        report, _ = synced(
            place, vendor(), names=NAMES[:1], since=FIRST, clock=at(SESSIONS[18]), crosscheck_names=1,
            checkers=[Wrong("two", BARS)],
        )  # fmt: skip
        (difference,) = report.differences
        assert (difference.symbol, difference.field) == (NAMES[0], "adj_factor")
        assert difference.session == SESSIONS[11].astype(object)


class TestSecondOpinion:
    def test_a_sample_is_compared_and_differences_are_told_with_both_values(self, place: MarketStore) -> None:
        def off(symbol: str, bars: DailyBars) -> DailyBars:
            values = {**bars.values, "close": bars.values["close"] + 0.02}
            return DailyBars(bars.symbols, bars.column, bars.session, values)

        second = vendor("two", twist=off)
        report, _ = synced(
            place, vendor(), second, names=NAMES, since=FIRST, clock=at(SESSIONS[39]), crosscheck_names=2
        )
        assert len(second.names) == 2
        assert report.checked == 40
        assert Counter(d.field for d in report.differences) == {"close": 40}
        d = report.differences[0]
        assert str(d) == (
            f"{d.symbol} {d.session}, close: {d.kept:g} from one, {d.other:g} from two; "
            f"the store kept {d.kept:g}"
        )
        assert_stored(place)

    def test_the_sample_is_drawn_by_seed_and_session(self, tmp_path: Path) -> None:
        drawn = []
        for n, seed in enumerate((1, 1, 2)):
            second = vendor("two")
            synced(
                tmp_path / str(n), vendor(), second, names=NAMES, since=FIRST, clock=at(SESSIONS[39]),
                crosscheck_names=2, seed=seed,
            )  # fmt: skip
            drawn.append(second.asked)
        assert drawn[0] == drawn[1] != drawn[2]


class TestInterrupted:
    def test_what_came_before_an_interruption_is_stored(self, place: MarketStore) -> None:
        def stop(about: str) -> None:
            if about == NAMES[2]:
                raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            synced(place, vendor(trouble=stop), names=NAMES, since=FIRST, clock=at(SESSIONS[39]))
        assert_stored(place, NAMES[:2])
        one = vendor()
        synced(place, one, names=NAMES, since=FIRST, clock=at(SESSIONS[39]))
        assert one.names == NAMES[2:]
        assert_stored(place)

    def test_a_truncated_file_is_named_and_after_its_repair_a_sync_fills_it_in(
        self, place: MarketStore
    ) -> None:
        synced(place, vendor(), names=NAMES, since=FIRST, clock=at(SESSIONS[38]))
        path = place.folder / place.reader().manifest.of(Kind.BARS)[0].path
        path.write_bytes(path.read_bytes()[:-100])
        with pytest.raises(StoreError, match=r"is damaged: it has .* bytes of .*data verify --repair"):
            synced(place, vendor(), names=NAMES, since=FIRST, clock=at(SESSIONS[39]))
        repair(place, at(SESSIONS[39]))
        synced(place, vendor(), names=NAMES, since=FIRST, clock=at(SESSIONS[39]))
        assert_stored(place)


def _hold(folder: Path, line: Any) -> None:
    with MarketStore(folder).writing(at(SESSIONS[39])):
        line.send("syncing")
        time.sleep(60)


def test_of_two_syncs_at_once_the_second_is_told_who_writes(place: MarketStore) -> None:
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    other = context.Process(target=_hold, args=(place.folder, theirs))
    other.start()
    try:
        assert ours.poll(60)
        one = vendor()
        with pytest.raises(StoreBusy, match=rf"another process \({other.pid}\) is writing to this store"):
            synced(place, one, names=NAMES, since=FIRST, clock=at(SESSIONS[39]), timeout_s=0.1)
        assert one.asked == []
    finally:
        other.kill()
        other.join()


@pytest.mark.skipif(sys.platform == "win32", reason="RLIMIT_FSIZE")
def test_a_full_disk_in_the_middle_leaves_the_store_whole_and_the_next_sync_goes_on(
    place: MarketStore,
) -> None:
    many = {f"60{n:04d}.SH": walk(60, f"60{n:04d}.SH", seed=n) for n in range(40)}
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, hard))
    try:
        with pytest.raises(
            StoreError, match="the disk is full, or a limit on file sizes is reached; nothing of this"
        ):
            synced(place, Told("one", many), names=sorted(many), since=FIRST, clock=at(SESSIONS[39]))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    there = place.reader().coverage().symbols
    assert 0 < len(there) < 40
    assert verify(place).ok
    one = Told("one", many)
    synced(place, one, names=sorted(many), since=FIRST, clock=at(SESSIONS[39]))
    assert set(one.names) == set(many) - set(there)
    assert len(stored(place)) == 40 * 40
    assert verify(place).ok


def test_a_preview_asks_nobody_and_writes_nothing(place: MarketStore) -> None:
    synced(place, vendor(), names=NAMES[:2], since=FIRST, clock=at(SESSIONS[37]))
    before = sorted(p.name for p in place.folder.rglob("*"))
    told = preview(place, universe=NAMES[:3], since=FIRST, clock=at(SESSIONS[39]))
    assert str(told) == f"to {SESSIONS[39]}: 3 of 3 names would be asked for, 44 sessions of them"
    assert sorted(p.name for p in place.folder.rglob("*")) == before


def test_a_beginning_in_the_future_is_refused(place: MarketStore) -> None:
    with pytest.raises(DataError, match=r"--since 2023-12-29 lies after today"):
        synced(place, vendor(), names=NAMES, since=date(2023, 12, 29), clock=at(SESSIONS[39]))
    assert not place.folder.exists()
    today = SESSIONS[39].astype(object)
    with pytest.raises(DataError, match=f"{today} lies after {SESSIONS[38]}, the last complete session"):
        synced(place, vendor(), names=NAMES, since=today, clock=at(SESSIONS[39], 10))


def test_a_preview_of_what_the_store_does_not_know_says_what_to_do(place: MarketStore) -> None:
    with pytest.raises(DataError, match=r"does not know yet which stocks sse50 means.*leave --dry-run out"):
        preview(place, universe="sse50", since=FIRST, clock=at(SESSIONS[39]))
    assert not place.folder.exists()


def test_members_that_are_known_from_today_on_only_are_told_once_and_refused_for_earlier_years(
    place: MarketStore,
) -> None:
    many = {f"60{n:04d}.SH": walk(60, f"60{n:04d}.SH", seed=n) for n in range(50)}
    one = Told("one", many, {Kind.MEMBERSHIP: [{"universe": "sse50", "symbol": name} for name in many]})
    report, _ = synced(place, one, names="sse50", since=FIRST, clock=at(SESSIONS[49]))
    assert f"members of sse50 are known from {SESSIONS[49]} on only" in report.taken.notes[0]
    again, _ = synced(place, one, names="sse50", since=FIRST, clock=at(SESSIONS[50]))
    assert again.taken.notes == []
    with pytest.raises(
        DataError, match=f"known from {SESSIONS[49]} on, and the panel ends .*import-csv FILE"
    ):
        place.panel("sse50", SESSIONS[0], SESSIONS[40])
    assert len(place.panel("sse50", SESSIONS[0], SESSIONS[50]).panel.dates) == 51
    assert len(place.panel(list(many)[:2], SESSIONS[0], SESSIONS[40]).panel.dates) == 41


def test_members_that_begin_years_after_the_bars_are_warned_of(place: MarketStore) -> None:
    calendar, bars = _long(), walk(1200)
    bars = DailyBars(bars.symbols, bars.column, calendar[:1200], bars.values)
    last = bars.session[-1].astype(object)
    for joined, warned in ((last, True), (calendar[250].astype(object), False)):
        member = {"universe": "mine", "symbol": "600519.SH", "in_date": joined}
        one = Told("one", {"600519.SH": bars}, {Kind.MEMBERSHIP: [member]})
        store = MarketStore(place.folder / str(joined))
        synced(store, one, names="mine", since=calendar[0].astype(object), clock=at(last), limit_percent=None)
        kinds = [finding.kind for finding in store.panel("mine").report.warnings]
        assert ("late_members" in kinds) is warned


def test_an_optional_table_that_nobody_has_is_named(place: MarketStore) -> None:
    report, _ = synced(
        place, vendor(), names=NAMES, since=FIRST, clock=at(SESSIONS[39]), extras=[Kind.MACRO, Kind.TEXTS]
    )
    assert report.failed == {"macro": "no vendor has macro", "texts": "no vendor has texts"}
    assert_stored(place)


def test_figures_are_asked_for_once_a_session(place: MarketStore) -> None:
    figure = {
        "figure": "roe", "symbol": NAMES[0], "visible_date": SESSIONS[5].astype(object),
        "period_end": date(2022, 12, 31), "value": 0.1,
    }  # fmt: skip
    one = Told("one", BARS, {Kind.FUNDAMENTALS: [figure]})
    for _ in range(2):
        report, _ = synced(
            place, one, names=NAMES, since=FIRST, clock=at(SESSIONS[39]), extras=[Kind.FUNDAMENTALS]
        )
    assert report.complete
    assert [ask for ask in one.asked if ask[0] == "fundamentals"] == [("fundamentals", None, None)]
    assert place.reader().rows(Kind.FUNDAMENTALS)["value"].to_pylist() == [0.1]


def test_figures_of_further_names_and_of_earlier_years_are_asked_for_on_the_same_day(
    place: MarketStore,
) -> None:
    def asked(names: list[str], since: date) -> list[int]:
        one = Told("one", BARS, {kind: [] for kind in (Kind.FUNDAMENTALS, Kind.MACRO)})
        synced(
            place, one, names=names, since=since, clock=at(SESSIONS[39]),
            extras=[Kind.FUNDAMENTALS, Kind.MACRO],
        )  # fmt: skip
        kinds = [kind for kind, _, _ in one.asked]
        return [kinds.count("fundamentals"), kinds.count("macro")]

    later = SESSIONS[20].astype(object)
    assert [asked(NAMES[:1], later), asked(NAMES[:1], later)] == [[1, 1], [0, 0]]
    assert [asked(NAMES, later), asked(NAMES, later)] == [[1, 0], [0, 0]]
    assert [asked(NAMES, FIRST), asked(NAMES, FIRST)] == [[1, 1], [0, 0]]


def test_a_sync_that_stored_nothing_is_no_obstacle_for_the_next(place: MarketStore) -> None:
    one = vendor(trouble=lambda _: Trouble.EMPTY)
    report, _ = synced(place, one, names=NAMES, since=FIRST, clock=at(SESSIONS[39]))
    assert (place.exists, report.complete) == (False, False)
    synced(place, vendor(), names=NAMES, since=FIRST, clock=at(SESSIONS[39]))
    assert_stored(place)


def test_vendors_that_know_nobody_are_not_believed_and_asked_again(place: MarketStore) -> None:
    # some answer with nothing instead of refusing
    for _ in range(2):
        one = vendor(trouble=lambda about: Trouble.EMPTY if about in NAMES else None)
        report, _ = synced(place, one, names=NAMES, since=FIRST, clock=at(SESSIONS[39]))
        assert one.names == NAMES
        assert list(report.gaps) == NAMES
        assert "no vendor has a bar between" in report.gaps[NAMES[0]]
