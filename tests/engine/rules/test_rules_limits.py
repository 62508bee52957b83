from __future__ import annotations

from datetime import date
from fractions import Fraction

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alphaloom.api import load_panel
from alphaloom.sample import sample_paths
from engine.broker.quotes import PanelPrices
from engine.market import panel_from_frames
from engine.market.board import Board
from engine.market.calendar import xshg
from engine.rules.limits import Limits, LimitState, price_limits
from engine.rules.table import day_of

LONG_LISTED = {"listed_day": None, "sessions_listed": 10_000}


def on(text: str) -> int:
    return day_of(date.fromisoformat(text))


def percent_on(board: Board, st: bool, day: str) -> int | None:
    """The limit in percent, read off a reference of 100.00; None where no limit is known."""
    limits = price_limits(board, st, 100_00, on(day), **LONG_LISTED)
    if limits.state is LimitState.UNKNOWN:
        return None
    up, down = limits.up, limits.down
    assert up is not None
    assert down is not None
    assert up - 100_00 == 100_00 - down
    return int(up - 100_00) // 100


@pytest.mark.parametrize(
    ("board", "special_treatment", "day", "percent"),
    [
        (Board.MAIN, False, "1996-12-13", None),
        (Board.MAIN, False, "1996-12-16", 10),
        (Board.MAIN, False, "2023-06-01", 10),
        (Board.MAIN, False, "2026-07-06", 10),
        (Board.MAIN, True, "1998-04-21", None),
        (Board.MAIN, True, "1998-04-22", 5),
        (Board.MAIN, True, "2026-07-03", 5),
        (Board.MAIN, True, "2026-07-05", 5),
        (Board.MAIN, True, "2026-07-06", 10),
        (Board.CHINEXT, False, "2009-10-30", 10),
        (Board.CHINEXT, False, "2020-08-21", 10),
        (Board.CHINEXT, False, "2020-08-24", 20),
        (Board.CHINEXT, True, "2020-08-21", 5),
        (Board.CHINEXT, True, "2020-08-24", 20),
        (Board.STAR, False, "2019-07-19", None),
        (Board.STAR, False, "2019-07-22", 20),
        (Board.STAR, True, "2019-07-22", 20),
        (Board.BSE, False, "2021-11-12", None),
        (Board.BSE, False, "2021-11-15", 30),
        (Board.BSE, True, "2021-11-15", 30),
        (Board.UNKNOWN, False, "2023-06-01", None),
    ],
)
def test_limit_in_percent_by_board_treatment_and_date(
    board: Board, special_treatment: bool, day: str, percent: int | None
) -> None:
    assert percent_on(board, special_treatment, day) == percent


@pytest.mark.parametrize(
    ("reference", "st", "up", "down"),
    [
        (10_00, False, 11_00, 9_00),
        (1_05, False, 1_16, 95),  # 1.155 and 0.945: both round half up
        (8_25, False, 9_08, 7_43),  # 9.075 and 7.425
        (8_21, False, 9_03, 7_39),  # 9.031 and 7.389
        (3_30, True, 3_47, 3_14),  # 3.465 and 3.135
        (3_10, True, 3_26, 2_95),  # 3.255 and 2.945
        (173001, False, 190301, 155701),  # 1730.01: 1903.011 and 1557.009
    ],
)
def test_limit_prices_round_half_up_to_the_fen(reference: int, st: bool, up: int, down: int) -> None:
    limits = price_limits(Board.MAIN, st, reference, on("2023-06-01"), **LONG_LISTED)
    assert limits == Limits(LimitState.LIMITED, up, down)


@settings(deadline=None)
@given(st.integers(1, 5_000_00), st.sampled_from([(Board.MAIN, 10), (Board.STAR, 20), (Board.BSE, 30)]))
def test_limit_prices_equal_exact_rational_arithmetic(reference: int, rule: tuple[Board, int]) -> None:
    board, percent = rule
    limits = price_limits(board, False, reference, on("2023-06-01"), **LONG_LISTED)

    def half_up(value: Fraction) -> int:
        return (value + Fraction(1, 2)).__floor__()

    assert limits.up == half_up(reference * (1 + Fraction(percent, 100)))
    assert limits.down == half_up(reference * (1 - Fraction(percent, 100)))
    assert isinstance(limits.up, int)


def test_references_off_the_tick_have_unrounded_limits() -> None:
    limits = price_limits(Board.MAIN, False, 1000.123, on("2023-06-01"), **LONG_LISTED)
    assert limits.up == pytest.approx(1100.1353, rel=1e-12)
    assert limits.down == pytest.approx(900.1107, rel=1e-12)


def states_after_listing(board: Board, listed: str, sessions: int = 7) -> str:
    """U(nlimited), ? (unknown) or L(imited), one letter a session from the listing on."""
    calendar = xshg()
    first = int(np.searchsorted(calendar.sessions, np.datetime64(listed)))
    letters = {LimitState.UNLIMITED: "U", LimitState.UNKNOWN: "?", LimitState.LIMITED: "L"}
    return "".join(
        letters[price_limits(board, False, 20_00, int(day.astype(int)), on(listed), n).state]
        for n, day in enumerate(calendar.sessions[first : first + sessions])
    )


@pytest.mark.parametrize(
    ("board", "listed", "states"),
    [
        (Board.STAR, "2019-07-22", "UUUUULL"),
        (Board.STAR, "2023-06-01", "UUUUULL"),
        (Board.CHINEXT, "2020-08-21", "?LLLLLL"),
        (Board.CHINEXT, "2020-08-24", "UUUUULL"),
        (Board.MAIN, "2023-04-07", "?LLLLLL"),
        (Board.MAIN, "2023-04-10", "UUUUULL"),
        (Board.BSE, "2021-11-15", "ULLLLLL"),
        (Board.BSE, "2023-06-01", "ULLLLLL"),
    ],
)
def test_new_listings_are_unlimited_or_unknown_for_their_first_sessions(
    board: Board, listed: str, states: str
) -> None:
    assert states_after_listing(board, listed) == states


def test_rules_of_the_listing_day_hold_across_the_reform() -> None:
    """A ChiNext name listed on the last Friday of the old rules is limited on the Monday of the new ones."""
    limits = price_limits(Board.CHINEXT, False, 20_00, on("2020-08-24"), on("2020-08-21"), 1)
    assert limits == Limits(LimitState.LIMITED, 24_00, 16_00)


# -- on the bundled sample


@pytest.fixture(scope="module")
def sample() -> PanelPrices:
    return PanelPrices(load_panel("sse50"))


def test_every_traded_bar_of_the_sample_lies_within_its_limits(sample: PanelPrices) -> None:
    panel = sample.panel
    seen = dict.fromkeys(LimitState, 0)
    outside = []
    for row in range(len(panel.dates)):
        sample.row = row
        for column in np.flatnonzero(panel.field("trading")[row] > 0):
            quote = sample.quote(str(panel.symbols[column]))
            assert quote is not None
            limits = quote.limits
            seen[limits.state] += 1
            if limits.up is not None and not limits.down <= quote.low <= quote.high <= limits.up:
                outside.append((str(panel.symbols[column]), str(panel.dates[row])))
    assert outside == []
    # three STAR listings of five free sessions each; five first days on the main board
    assert seen[LimitState.UNLIMITED] == 3 * 5
    assert seen[LimitState.UNKNOWN] == 5
    assert seen[LimitState.LIMITED] > 70_000


def test_limits_are_the_integer_formula_on_every_row_of_the_sample(sample: PanelPrices) -> None:
    """Worked out anew, in whole arrays, from the file, ±10 %, ±20 % on STAR, its first five sessions free."""
    panel, rows = sample.panel, pd.read_parquet(sample_paths()["path"])
    t = np.searchsorted(panel.dates, rows["date"].to_numpy().astype("datetime64[D]"))
    n = np.searchsorted(panel.symbols, rows["symbol"].to_numpy().astype(str))
    # a suspended session stands at its last close, or the reference of an ex-date, as the panel says
    suspended = rows["volume"].to_numpy() == 0
    cny = np.where(suspended, panel.field("close")[t, n], rows["preclose"].to_numpy())
    fen = np.floor(cny * 100 + 0.5).astype(np.int64)
    star = rows["symbol"].str.startswith("688").to_numpy()
    percent = np.where(star, 20, np.where(rows["is_st"].to_numpy() > 0, 5, 10))
    up, down = ((fen * (100 + sign * percent) + 50) // 100 for sign in (1, -1))
    first = np.full(len(panel.symbols), len(panel.dates))
    np.minimum.at(first, n, t)
    young = (first[n] > 0) & (t - first[n] < np.where(star, 5, 1))

    found = np.full((len(rows), 2), -1)
    for i, (sample.row, column) in enumerate(zip(t.tolist(), n.tolist(), strict=True)):
        quote = sample.quote(sample.symbols[column])
        assert quote is not None
        if quote.limits.up is not None:
            found[i] = quote.limits.up, quote.limits.down
    np.testing.assert_array_equal(found[:, 0], np.where(young, -1, up))
    np.testing.assert_array_equal(found[:, 1], np.where(young, -1, down))
    assert len(rows) > 70_000
    assert young.sum() == 3 * 5 + 5


@pytest.mark.parametrize(
    ("symbol", "listed", "session", "state"),
    [
        ("688981.SH", "2020-07-16", "2020-07-16", LimitState.UNLIMITED),
        ("688981.SH", "2020-07-16", "2020-07-22", LimitState.UNLIMITED),
        ("688981.SH", "2020-07-16", "2020-07-23", LimitState.LIMITED),
        ("601816.SH", "2020-01-16", "2020-01-16", LimitState.UNKNOWN),
        ("601816.SH", "2020-01-16", "2020-01-17", LimitState.LIMITED),
        ("600519.SH", None, "2019-12-31", LimitState.LIMITED),
    ],
)
def test_listings_of_the_sample(
    sample: PanelPrices, symbol: str, listed: str | None, session: str, state: LimitState
) -> None:
    stated = sample.panel.listed[sample.panel.column(symbol)]
    assert str(stated) == (listed or "NaT")
    sample.row = sample.panel.row(session)
    quote = sample.quote(symbol)
    assert quote is not None
    assert quote.limits.state is state


@pytest.mark.parametrize(
    ("list_date", "states"),
    [
        ("2019-07-22", "LLLLLL"),  # long before the first row of the data
        ("2022-12-29", "UUULLL"),  # two sessions before the first row: three free ones are left
        ("2023-01-03", "UUUUUL"),  # on the first row
        (None, "LLLLLL"),
    ],
)
def test_sessions_since_a_listing_before_the_data_are_counted_on_the_calendar(
    list_date: str | None, states: str
) -> None:
    """2022-12-29 and 30 are the two last sessions of 2022; the data begin on 2023-01-03."""
    sessions = xshg().between(np.datetime64("2023-01-03"), np.datetime64("2023-01-10"))
    quotes = pd.DataFrame({"date": sessions.astype("datetime64[s]"), "symbol": "688981.SH"})
    quotes = quotes.assign(open=40.0, high=40.0, low=40.0, close=40.0, volume=1e6)
    instruments = pd.DataFrame({"symbol": ["688981.SH"], "list_date": [list_date or ""]})
    prices = PanelPrices(panel_from_frames(quotes, instruments=instruments).panel)
    letters = {LimitState.UNLIMITED: "U", LimitState.UNKNOWN: "?", LimitState.LIMITED: "L"}
    found = ""
    for prices.row in range(6):
        quote = prices.quote("688981.SH")
        assert quote is not None
        found += letters[quote.limits.state]
    assert found == states
