"""Round trips: one stay in a name, with fees, taxes, dividends and rights."""

from __future__ import annotations

from engine.broker.journal import Journal, TradeLog
from engine.broker.orders import ExDate, Fill, OrderRequest, Reason, Refusal, Side
from engine.metrics import win_rate
from engine.round_trips import RoundTrip, round_trips

A, B = "600000.SH", "600519.SH"


def fill(symbol: str, shares: int, price: int, *, fee: int = 0, tax: int = 0) -> Fill:
    """A trade in fen; negative shares were sold. The fee is split over its three kinds."""
    side = Side.BUY if shares > 0 else Side.SELL
    request = OrderRequest("id", symbol, side, 0, shares=abs(shares))
    fees = (fee - 2, 1, 1) if fee else (0, 0, 0)
    return Fill(request, side, abs(shares), price, abs(shares) * price, *fees, abs(shares), tax_fen=tax)


def journal(*trades: tuple[int, Fill | Refusal], ex: tuple[tuple[int, ExDate], ...] = ()) -> Journal:
    return Journal(trades=TradeLog(trades), ex_dates=list(ex))


def test_a_round_trip_earns_the_difference_less_all_costs() -> None:
    book = journal((1, fill(A, 100, 1_000, fee=500)), (5, fill(A, -100, 1_100, fee=600, tax=50)))
    assert round_trips(book) == [RoundTrip(A, 1, 5, 100_500, 10_000 - 500 - 600 - 50)]


def test_what_is_still_held_is_no_round_trip() -> None:
    book = journal((1, fill(A, 200, 1_000)), (2, fill(A, -100, 1_100)))
    assert round_trips(book) == []


def test_partial_purchases_and_sales_are_one_stay() -> None:
    book = journal(
        (1, fill(A, 100, 1_000)),
        (2, fill(A, 200, 1_200)),
        (3, fill(A, -150, 1_300)),
        (3, fill(A, 100, 900)),
        (6, fill(A, -250, 1_000)),
    )
    bought, sold = 100_000 + 240_000 + 90_000, 195_000 + 250_000
    assert round_trips(book) == [RoundTrip(A, 1, 6, bought, sold - bought)]


def test_a_name_bought_again_begins_a_new_stay() -> None:
    book = journal(
        (1, fill(A, 100, 1_000)),
        (2, fill(A, -100, 900)),
        (4, fill(A, 100, 800)),
        (9, fill(A, -100, 1_000)),
    )
    assert round_trips(book) == [RoundTrip(A, 1, 2, 100_000, -10_000), RoundTrip(A, 4, 9, 80_000, 20_000)]


def test_names_do_not_mix_and_come_in_order_of_their_end() -> None:
    book = journal(
        (1, fill(A, 100, 1_000)),
        (1, fill(B, 100, 5_000)),
        (2, fill(B, -100, 5_100)),
        (3, fill(A, -100, 1_001)),
    )
    assert [(t.symbol, t.profit_fen) for t in round_trips(book)] == [(B, 10_000), (A, 100)]


def test_dividends_turn_a_loss_into_a_profit() -> None:
    dividend = ExDate(A, 100, 100, 8_000, 0, 0)
    book = journal((1, fill(A, 100, 1_000)), (5, fill(A, -100, 950)), ex=((3, dividend),))
    assert round_trips(book) == [RoundTrip(A, 1, 5, 100_000, 3_000)]


def test_a_stay_ends_only_when_the_bonus_shares_are_sold_too() -> None:
    bonus = ExDate(A, 100, 140, 0, 0, 0)
    half = journal((1, fill(A, 100, 1_400)), (5, fill(A, -100, 1_000)), ex=((3, bonus),))
    assert round_trips(half) == []
    whole = journal(*half.trades, (6, fill(A, -40, 1_100)), ex=((3, bonus),))
    assert round_trips(whole) == [RoundTrip(A, 1, 6, 140_000, 100_000 + 44_000 - 140_000)]


def test_rights_paid_for_are_part_of_what_was_invested() -> None:
    rights = ExDate(A, 1_000, 1_300, 0, 210_000, 0)
    book = journal((1, fill(A, 1_000, 2_000)), (5, fill(A, -1_300, 1_700)), ex=((3, rights),))
    assert round_trips(book) == [RoundTrip(A, 1, 5, 2_210_000, 0)]


def test_the_ex_date_comes_before_the_sale_of_the_same_session() -> None:
    bonus = ExDate(A, 100, 140, 24_80, 0, 0)
    book = journal((1, fill(A, 100, 1_400)), (3, fill(A, -140, 1_000)), ex=((3, bonus),))
    assert round_trips(book) == [RoundTrip(A, 1, 3, 140_000, 24_80)]


def test_refused_orders_leave_no_trace() -> None:
    request = OrderRequest("id", A, Side.SELL, 0, shares=100)
    refusal = Refusal(request, Side.SELL, 100, Reason.LIMIT_DOWN)
    book = journal((1, fill(A, 100, 1_000)), (2, refusal), (3, fill(A, -100, 1_000)))
    assert round_trips(book) == [RoundTrip(A, 1, 3, 100_000, 0)]


def test_win_rate_is_taken_after_costs() -> None:
    """Bought at 10.00, sold at 10.01: the costs eat the gain."""
    book = journal(
        (1, fill(A, 100, 1_000, fee=60)),
        (2, fill(A, -100, 1_001, fee=60)),
        (3, fill(A, 100, 1_000, fee=60)),
        (4, fill(A, -100, 1_002, fee=60)),
    )
    assert [t.profit_fen for t in round_trips(book)] == [-20, 80]
    assert win_rate([t.profit_fen for t in round_trips(book)]) == 0.5
