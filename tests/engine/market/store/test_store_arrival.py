"""Every bar is looked at on arrival; a wrong one is set aside with its reason, the right ones are stored."""

from __future__ import annotations

from datetime import datetime
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from store_helpers import NAN, SESSIONS, changed, stored, take, walk, without

from engine.errors import DataError
from engine.market.sources.delivery import DailyBars
from engine.market.store import Kind, MarketStore, Reason


@pytest.fixture
def store(tmp_path):
    return MarketStore(tmp_path / "store")


def set_aside(store: MarketStore) -> list[tuple[str, str, str]]:
    rows = store.reader().rows(Kind.QUARANTINE).to_pylist()
    return [(row["symbol"], str(row["session"]), row["reason"]) for row in rows]


def test_a_clean_walk_with_an_ex_date_is_stored_whole(store):
    taken = take(store, walk())
    assert (taken.added[Kind.BARS], taken.added[Kind.FACTORS], sum(taken.quarantined.values())) == (30, 2, 0)


T = 15
CLEAN = walk()
WRONG = {
    Reason.BAD_PRICE: {"close": -1.0},
    Reason.BAD_OHLC: {"high": CLEAN.values["low"][T] - 0.05},
    Reason.BAD_VOLUME: {"amount": -5.0},
    Reason.LOTS_FOR_SHARES: {"volume": CLEAN.values["volume"][T] / 100},
    Reason.VWAP_OUTSIDE: {"amount": CLEAN.values["amount"][T] / 10_000},
    Reason.BAD_FACTOR: {"adj_factor": CLEAN.values["adj_factor"][T] * 0.9},
    Reason.DISCONTINUITY: {"preclose": CLEAN.values["preclose"][T] * 1.02},
    Reason.STALE_COPY: {name: CLEAN.values[name][T - 1] for name in CLEAN.values},
}


@pytest.mark.parametrize("reason", WRONG)
def test_a_wrong_bar_is_quarantined_and_its_neighbours_are_stored(store, reason):
    taken = take(store, changed(CLEAN, T, **WRONG[reason]))
    assert set_aside(store) == [("600519.SH", str(SESSIONS[T]), reason)]
    assert taken.quarantined == {reason: 1}
    assert str(SESSIONS[T]) in taken.examples[reason]
    assert SESSIONS[T] not in stored(store)["date"].to_numpy().astype("datetime64[D]")
    assert len(stored(store)) == 29


@pytest.mark.parametrize(
    ("cells", "reason"),
    [
        ({"close": NAN}, Reason.BAD_PRICE),
        ({"close": 0.0}, Reason.BAD_PRICE),
        ({"high": np.inf}, Reason.BAD_PRICE),
        ({"volume": np.inf, "amount": NAN}, Reason.BAD_VOLUME),
    ],
)
def test_a_traded_session_without_a_close_is_no_suspension_and_the_right_bar_comes_later(
    store: MarketStore, cells: dict[str, float], reason: Reason
) -> None:
    assert take(store, changed(CLEAN, T, **cells)).quarantined == {reason: 1}
    taken = take(store, CLEAN)
    assert (taken.added[Kind.BARS], taken.known) == (1, 29)
    np.testing.assert_array_equal(stored(store)["close"], CLEAN.values["close"])


def test_a_stored_row_without_values_is_not_the_same_as_a_traded_bar(store: MarketStore) -> None:
    nothing = dict.fromkeys(("open", "high", "low", "close", "volume", "amount"), NAN)
    take(store, changed(CLEAN, T, **nothing))
    assert take(store, CLEAN).quarantined == {Reason.DIFFERS: 1}
    assert not take(store, changed(CLEAN, T, **nothing, trading=0.0)).quarantined


def test_the_right_bar_is_taken_later_where_a_wrong_one_was_set_aside(store):
    take(store, changed(CLEAN, T, **WRONG[Reason.STALE_COPY]))
    taken = take(store, CLEAN)
    assert (taken.added[Kind.BARS], taken.known) == (1, 29)
    np.testing.assert_array_equal(stored(store)["close"], CLEAN.values["close"])
    np.testing.assert_array_equal(stored(store)["adj_factor"], CLEAN.values["adj_factor"])


@pytest.mark.parametrize(
    ("shares", "cny", "stale"),
    [(0.0, 0.0, True), (37.0, 9e3, True), (-49.0, -1.0, True), (101.0, 0.0, False), (0.0, 10_001.0, False)],
)
def test_yesterdays_bar_is_known_again_though_another_vendor_rounds_it_otherwise(
    store: MarketStore, shares: float, cny: float, stale: bool
) -> None:
    columns = ("open", "high", "low", "close")
    before = {name: float(CLEAN.values[name][T - 1]) for name in columns}
    before |= {"volume": 2_000_000.0, "amount": 2e6 * (before["low"] + before["high"]) / 2}
    old = changed(CLEAN, T - 1, **before)
    take(store, old.take(np.arange(T)), source="one")
    again = {**before, "volume": before["volume"] + shares, "amount": before["amount"] + cny}
    again["preclose"] = before["close"]
    new = without(changed(old, T, **again), "adj_factor")
    taken = take(store, new.take(np.array([T])), source="two")
    assert taken.quarantined == ({Reason.STALE_COPY: 1} if stale else {})


def test_a_quiet_stock_may_trade_at_one_price_on_two_days(store: MarketStore) -> None:
    price = dict.fromkeys(("open", "high", "low", "close", "preclose"), 20.0)
    one = changed(CLEAN, 0, **price, volume=3_000.0, amount=60_000.0)
    two = changed(one, 1, **price, volume=3_100.0, amount=62_000.0)
    assert not take(store, without(two, "adj_factor").take(np.arange(2))).quarantined


def test_a_bar_beyond_the_price_limit_is_set_aside_unless_somebody_has_looked(store, tmp_path):
    high = round(CLEAN.values["preclose"][T] * 1.12, 2)
    wild = changed(CLEAN, T, high=high)
    assert take(store, wild).quarantined == {Reason.BEYOND_LIMIT: 1}
    other = MarketStore(tmp_path / "other")
    assert not take(other, wild, accepted=[Reason.BEYOND_LIMIT]).quarantined
    assert len(stored(other)) == 30


def test_twenty_per_cent_are_within_the_limit_of_the_star_board(store):
    star = walk(symbol="688981.SH")
    high = round(star.values["preclose"][T] * 1.12, 2)
    assert not take(store, changed(star, T, high=high)).quarantined


def test_a_listing_may_jump_on_its_first_sessions(store):
    high = round(CLEAN.values["preclose"][0] * 1.44, 2)
    assert not take(store, changed(CLEAN, 0, high=high)).quarantined


def test_yesterdays_bar_served_as_todays_is_found_across_two_deliveries(store):
    today, yesterday = CLEAN.take(np.array([20])), CLEAN.take(np.array([19]))
    take(store, CLEAN.take(np.arange(20)))
    served = DailyBars(today.symbols, today.column, today.session, yesterday.values)
    assert take(store, served).quarantined == {Reason.STALE_COPY: 1}
    assert take(store, today).added[Kind.BARS] == 1


def test_a_session_that_is_not_over_is_not_stored_until_it_is(store):
    bars = CLEAN.take(np.arange(3))
    day = SESSIONS[2].astype(object)
    taken = take(store, bars, now=datetime(day.year, day.month, day.day, 14, 59))
    assert (taken.added[Kind.BARS], taken.quarantined) == (2, {Reason.UNFINISHED: 1})
    assert take(store, bars, now=datetime(day.year, day.month, day.day, 16)).added[Kind.BARS] == 1


def test_a_sunday_is_no_session(store):
    days = CLEAN.session.copy()
    days[3] = np.datetime64("2023-01-08")
    taken = take(store, DailyBars(CLEAN.symbols, CLEAN.column, np.sort(days), CLEAN.values))
    assert taken.quarantined[Reason.OFF_CALENDAR] == 1


def test_a_repeated_session_counts_once_and_a_contradicting_one_not_at_all(store):
    rows = np.sort(np.append(np.arange(30), [5, 9]))
    twice = CLEAN.take(rows)
    taken = take(store, twice)
    assert (taken.added[Kind.BARS], taken.known) == (30, 2)
    other = MarketStore(store.folder.parent / "other")
    taken = take(other, changed(twice, 5, amount=twice.values["amount"][5] * 1.001))
    assert taken.quarantined == {Reason.DUPLICATE: 2}
    assert taken.added[Kind.BARS] == 29


def test_another_bar_of_a_stored_session_does_not_replace_it(store):
    take(store, CLEAN)
    taken = take(
        store, changed(CLEAN, T, close=CLEAN.values["open"][T] - 0.01, low=CLEAN.values["low"][T] - 0.02)
    )
    assert taken.quarantined == {Reason.DIFFERS: 1}
    assert taken.known == 29
    np.testing.assert_array_equal(stored(store)["close"], CLEAN.values["close"])


def test_a_vendor_that_rounds_volumes_to_lots_says_the_same(store):
    odd = changed(CLEAN, T, volume=CLEAN.values["volume"][T] + 37)
    take(store, odd)
    assert take(store, CLEAN, source="other").known == 30


def test_a_file_in_lots_is_refused_as_a_whole_with_the_option_to_set(store):
    lots = DailyBars(
        CLEAN.symbols, CLEAN.column, CLEAN.session, {**CLEAN.values, "volume": CLEAN.values["volume"] / 100}
    )
    with pytest.raises(
        DataError, match=r"30 of 30 bars have .* counts lots .*600519\.SH 2023-01-03.* --set units=lots"
    ):
        take(store, lots)
    assert not store.exists


def test_suspended_rows_pass_whatever_a_vendor_writes_into_them(store):
    idle = changed(
        CLEAN, T, open=0.0, high=0.0, low=0.0, volume=0.0, amount=0.0, close=CLEAN.values["close"][T - 1]
    )
    taken = take(store, changed(without(idle, "preclose"), T + 1, open=CLEAN.values["open"][T + 1]))
    assert not taken.quarantined


@pytest.mark.parametrize("columns", [("preclose",), ("amount",), ("adj_factor",), ("preclose", "adj_factor")])
def test_what_a_source_does_not_know_is_no_fault(store, columns):
    assert not take(store, without(CLEAN, *columns)).quarantined


class TestFactors:
    """A factor is kept on the base that came first."""

    def test_a_second_source_on_another_base_is_scaled_on_a_common_session(self, store):
        take(store, CLEAN.take(np.arange(20)))
        other = CLEAN.take(np.arange(18, 30))
        scaled = {**other.values, "adj_factor": other.values["adj_factor"] * 7.5}
        take(store, DailyBars(other.symbols, other.column, other.session, scaled), source="second")
        np.testing.assert_allclose(stored(store)["adj_factor"], CLEAN.values["adj_factor"], rtol=1e-12)

    def test_or_on_two_sessions_that_touch_across_an_ex_date(self, store):
        take(store, CLEAN.take(np.arange(11)))
        other = CLEAN.take(np.arange(11, 30))
        scaled = {**other.values, "adj_factor": other.values["adj_factor"] * 7.5}
        take(store, DailyBars(other.symbols, other.column, other.session, scaled), source="second")
        np.testing.assert_allclose(stored(store)["adj_factor"], CLEAN.values["adj_factor"], rtol=1e-12)

    def test_earlier_history_filled_in_later_lies_on_the_same_base(self, store):
        take(store, CLEAN.take(np.arange(11, 30)))
        other = CLEAN.take(np.arange(11))
        scaled = {**other.values, "adj_factor": other.values["adj_factor"] * 0.2}
        take(store, DailyBars(other.symbols, other.column, other.session, scaled), source="second")
        np.testing.assert_allclose(stored(store)["adj_factor"], CLEAN.values["adj_factor"], rtol=1e-12)

    def test_what_nothing_ties_together_is_set_aside(self, store):
        take(store, CLEAN.take(np.arange(10)))
        taken = take(store, CLEAN.take(np.arange(14, 30)), source="second")
        assert taken.quarantined == {Reason.FACTOR_BASE: 16}

    def test_a_hole_filled_later_leaves_no_wrong_step_behind_it(self, store):
        hole = np.r_[np.arange(8), np.arange(14, 30)]
        take(store, CLEAN.take(hole))
        take(store, CLEAN)
        np.testing.assert_array_equal(stored(store)["adj_factor"], CLEAN.values["adj_factor"])

    def test_factors_that_come_later_than_their_bars_are_taken(self, store):
        take(store, without(CLEAN, "adj_factor"))
        assert take(store, CLEAN, source="second").added[Kind.FACTORS] == 2
        np.testing.assert_array_equal(stored(store)["adj_factor"], CLEAN.values["adj_factor"])
        assert not take(store, CLEAN, source="second").added


def test_a_renamed_stock_is_one_stock_under_its_newest_code(store):
    take(store, walk(30, "300114.SZ").take(np.arange(20)))
    new = walk(30, "302132.SZ")
    assert take(store, new).known == 20
    assert set(stored(store)["symbol"]) == {"302132.SZ"}
    panel = store.panel().panel
    assert panel.symbols.tolist() == ["300114.SZ"]  # as it was called on the panel's last session
    assert panel.column("302132.SZ") == 0


@settings(max_examples=25)
@given(st.lists(st.integers(1, 29), min_size=0, max_size=4, unique=True), st.randoms(use_true_random=False))
def test_any_order_of_deliveries_ends_in_the_same_store(tmp_path_factory, cuts, random):
    store = MarketStore(tmp_path_factory.mktemp("s") / "store")
    edges = [0, *sorted(cuts), 30]
    pieces = [np.arange(a, b) for a, b in pairwise(edges)]
    random.shuffle(pieces)
    for piece in pieces:
        assert not take(store, CLEAN.take(piece)).quarantined
    found = stored(store)
    for name, values in CLEAN.values.items():
        np.testing.assert_array_equal(found[name], values, err_msg=name)
    assert not take(store, CLEAN).added


def test_a_missing_amount_stays_missing(store):
    take(store, changed(CLEAN, T, amount=NAN))
    assert np.isnan(stored(store)["amount"][T])
