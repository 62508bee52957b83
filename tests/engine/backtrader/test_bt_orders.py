"""The life of an order, as a backtrader strategy is told of it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

import backtrader as bt
import pandas as pd
import pytest
from bt_runs import CASH, Recorder, market, ours

from engine.broker.orders import Basket, Side
from engine.errors import StrategyError
from engine.market import panel_from_frames

A, B = "600001.SH", "600002.SH"
FLAT = [10.0] * 10
COSTS = {"fees": {"commission": 0.00025, "minimum": 5}}


def buy(symbol: str = A, **kwargs: Any) -> Callable[[bt.Strategy], Any]:
    return lambda s: s.buy(symbol, **kwargs)


def sell(symbol: str = A, **kwargs: Any) -> Callable[[bt.Strategy], Any]:
    return lambda s: s.sell(symbol, **kwargs)


def play(
    script: dict[int, Any],
    panel: Any = None,
    *,
    at_start: Any = None,
    strategy: Any = Recorder,
    **broker: Any,
) -> Any:
    panel = panel or market({A: FLAT, B: FLAT})
    params = {"script": script, "at_start": at_start}
    return ours(panel, strategy, params=params, broker=broker).strategy


# -- the ordinary course


def test_a_buy_is_submitted_accepted_and_completed_in_the_next_session() -> None:
    run = play({2: buy(size=300)}, market({A: [10, 10, 11, 12]}, open={A: [10, 10, 10.5, 12]}), **COSTS)
    assert run.statuses == [(3, "Submitted"), (3, "Accepted"), (3, "Completed")]
    (sent,) = run.sent
    submitted, accepted, done = (order for _, _, order in run.told)
    assert sent == submitted == accepted == done  # by their reference, as in backtrader
    assert sent is done and not done.alive()
    assert done.isbuy() and done.exectype == bt.Order.Market and done.getordername() == "Market"
    assert (done.size, done.created.size, done.created.price) == (300, 300, 10)
    assert bt.num2date(done.created.dt).date().isoformat() == "2023-01-04"
    told = done.executed
    assert bt.num2date(told.dt).date().isoformat() == "2023-01-05"
    assert (told.size, told.remsize, told.price, told.value) == (300, 0, 10.5, 3150)
    assert told.comm == pytest.approx(5 + 0.03)  # the minimum, and the transfer fee
    assert (told.psize, told.pprice) == (300, pytest.approx(10.5 + told.comm / 300))
    assert not submitted.executed.size and not accepted.executed.size


def test_sizes_of_a_sale_are_negative() -> None:
    run = play({1: buy(size=300), 3: sell(size=200)})
    done = run.told[-1][2]
    assert (done.size, done.executed.size, done.executed.remsize, done.issell()) == (-200, -200, 0, True)
    assert run.getpositionbyname(A).size == 100


def test_a_trade_tells_its_profit_before_and_after_costs() -> None:
    panel = market({A: [10, 10, 10, 12, 12, 12]})
    run = play({1: buy(size=1000), 4: lambda s: s.close(A)}, panel, **COSTS)
    opened, closed = run.trades
    assert opened.justopened and opened.isopen and (opened.size, opened.price) == (1000, 10)
    assert closed.isclosed and closed.size == 0
    fees = sum(order.executed.comm for _, status, order in run.told if status == "Completed")
    assert closed.pnl == pytest.approx(2000)
    assert closed.commission == pytest.approx(fees)
    assert closed.pnlcomm == pytest.approx(2000 - fees)
    assert (closed.baropen, closed.barclose, closed.barlen) == (2, 5, 3)
    assert closed.open_datetime().date().isoformat() == "2023-01-04"
    assert closed.close_datetime().date().isoformat() == "2023-01-09"


def test_trade_ids_are_trades_of_their_own() -> None:
    script = {1: buy(size=100, tradeid=1), 2: buy(size=200, tradeid=2), 4: sell(size=100, tradeid=1)}
    run = play(script)
    assert [(t.tradeid, t.isclosed) for t in run.trades] == [(1, False), (2, False), (1, True)]


def test_cash_value_and_fund_are_told_every_session() -> None:
    class Listener(Recorder):
        def notify_cashvalue(self, cash: float, value: float) -> None:
            self.told.append((len(self), "cash", (cash, value)))

        def notify_fund(self, cash: float, value: float, fundvalue: float, shares: float) -> None:
            self.told.append((len(self), "fund", (fundvalue, shares)))

    run = play({1: buy(size=1000)}, market({A: [10, 10, 20]}), strategy=Listener)
    cash = [value for _, what, value in run.told if what == "cash"]
    fund = [value for _, what, value in run.told if what == "fund"]
    assert cash == [(CASH, CASH), (CASH - 10_000, CASH), (CASH - 10_000, CASH + 10_000)]
    assert fund[0] == (100, CASH / 100)  # as backtrader's own broker starts
    assert fund[-1][0] * fund[-1][1] == pytest.approx(CASH + 10_000)


# -- what is not filled, or not in full


def test_a_buy_the_cash_cannot_pay_is_cut_and_the_rest_expires() -> None:
    run = play({1: buy(size=2000)}, cash=15_000)
    assert run.statuses == [(2, "Submitted"), (2, "Accepted"), (2, "Partial"), (2, "Expired")]
    partial, expired = run.told[-2][2], run.told[-1][2]
    assert (partial.executed.size, partial.executed.remsize) == (1500, 500)
    assert (expired.executed.size, expired.executed.remsize) == (1500, 500)
    assert partial.info.reason == expired.info.reason == "insufficient_cash"
    assert run.sent[0] is expired and not run.sent[0].alive()
    assert run.getpositionbyname(A).size == 1500
    assert [t.size for t in run.trades] == [1500]  # the execution is counted once


def test_a_buy_without_cash_for_a_lot_is_margin() -> None:
    run = play({1: buy(size=2000)}, cash=500)
    assert run.statuses[-1] == (2, "Margin")
    assert run.told[-1][2].info.reason == "insufficient_cash"
    assert run.told[-1][2].executed.remsize == 2000


def test_a_buy_at_the_upper_limit_is_rejected() -> None:
    run = play({1: buy(size=100)}, market({A: [10, 11, 11]}))
    assert run.statuses == [(2, "Submitted"), (2, "Accepted"), (2, "Rejected")]
    assert run.told[-1][2].info.reason == "limit_up"
    assert not run.trades


def test_a_large_order_is_filled_up_to_the_participation_cap() -> None:
    run = play({1: buy(size=5000)}, market({A: FLAT}, volume={A: [20_000.0] * 10}), participation=0.1)
    assert [status for _, status in run.statuses[-2:]] == ["Partial", "Expired"]
    assert run.told[-1][2].executed.size == 2000
    assert run.told[-1][2].info.reason == "participation"


def test_less_than_a_lot_is_rejected() -> None:
    run = play({1: buy(size=99)})
    assert (run.statuses[-1], run.told[-1][2].info.reason) == ((2, "Rejected"), "below_one_lot")


def test_nothing_can_be_sold_short() -> None:
    run = play({1: sell(size=100)})
    assert (run.statuses[-1], run.told[-1][2].info.reason) == ((2, "Rejected"), "no_position")
    assert not run.trades


def test_selling_more_than_is_held_sells_what_is_held() -> None:
    run = play({1: buy(size=300), 2: sell(size=500)})
    assert [status for _, status in run.statuses[-2:]] == ["Partial", "Expired"]
    assert run.told[-1][2].executed.size == -300
    assert run.trades[-1].isclosed


def test_an_order_can_be_taken_back_before_the_next_session() -> None:
    def change_of_mind(strategy: Any) -> Any:
        order = strategy.buy(A, size=100)
        assert strategy.broker.get_orders_open() == [order]
        strategy.cancel(order)
        strategy.cancel(order)  # a second time does nothing
        return order

    run = play({1: change_of_mind})
    assert run.statuses == [(2, "Submitted"), (2, "Canceled")]
    assert run.sent[0].info.reason == "cancelled" and not run.sent[0].alive()
    assert not run.getpositionbyname(A).size


def test_an_order_of_the_last_session_expires_with_the_run() -> None:
    run = play({3: buy(size=100)}, market({A: [10, 10, 10]}))
    assert run.sent[0].getstatusname() == "Expired"
    assert run.sent[0].info.reason == "end_of_run"


# -- who is told


class OnlyTrades(Recorder):
    notify_order = bt.Strategy.notify_order


def test_without_notify_order_trades_still_arrive() -> None:
    run = play({1: buy(size=300), 3: lambda s: s.close(A)}, strategy=OnlyTrades)
    assert [t.isclosed for t in run.trades] == [False, True]


class SeesPending(OnlyTrades):
    def next(self) -> None:
        self.told += [(len(self), o.getstatusname(), o) for o in self._orderspending]
        super().next()


def test_without_notify_order_nothing_is_submitted_or_accepted() -> None:
    run = play({1: buy(size=300), 3: sell(size=900)}, strategy=SeesPending)
    assert run.statuses == [(2, "Completed"), (4, "Partial"), (4, "Expired")]


def test_an_analyzer_that_listens_to_orders_is_told_everything() -> None:
    class Statuses(bt.Analyzer):
        def start(self) -> None:
            self.rets = []

        def notify_order(self, order: Any) -> None:
            self.rets.append(order.getstatusname())

    params = {"script": {1: buy(size=300)}}
    run = ours(market({A: FLAT}), OnlyTrades, params=params, analyzers=[(Statuses, {})]).strategy
    assert run.analyzers.statuses.get_analysis() == ["Submitted", "Accepted", "Completed"]


def test_a_signal_strategy_orders_again_after_a_partial_fill() -> None:
    class Up(bt.Indicator):
        lines = ("signal",)

        def next(self) -> None:
            self.lines.signal[0] = 1 if len(self) in (1, 5) else -1

    class Signals(bt.SignalStrategy):
        def __init__(self) -> None:
            stock = self.getdatabyname(A)
            self._dtarget = stock
            self.signal_add(bt.SIGNAL_LONG, Up(stock))
            self.setsizer(bt.sizers.FixedSize(stake=2000))

        def notify_trade(self, trade: Any) -> None:
            self.closed = getattr(self, "closed", 0) + trade.isclosed

    run = ours(market({A: FLAT}), Signals, broker={"cash": 15_000}).strategy
    assert run.closed == 2


# -- limits and lives


FALLING = [10.0, 10.0, 10.0, 10.0, 9.8, 9.5, 9.5]


def test_a_limit_order_lives_for_one_session_unless_told() -> None:
    run = play({2: buy(size=100, exectype=bt.Order.Limit, price=9.6)}, market({A: FALLING}))
    assert [status for _, status in run.statuses] == ["Submitted", "Accepted", "Expired"]
    (sent,) = run.sent
    assert (sent.info.reason, sent.getordername(), sent.price) == ("price_not_reached", "Limit", 9.6)


def test_a_limit_order_waits_until_its_last_day_for_its_price() -> None:
    waits = buy(size=100, exectype=bt.Order.Limit, price=9.6, valid=date(2023, 1, 31))
    run = play({2: waits}, market({A: FALLING}))
    assert run.statuses == [(3, "Submitted"), (3, "Accepted"), (6, "Completed")]
    assert run.sent[0].executed.price == 9.5


def test_a_waiting_order_can_be_cancelled() -> None:
    waits = buy(size=100, exectype=bt.Order.Limit, price=9.2, valid=timedelta(days=20))
    run = play({2: waits, 4: lambda s: s.cancel(s.sent[0])}, market({A: FALLING}))
    assert [status for _, status in run.statuses] == ["Submitted", "Accepted", "Canceled"]


def test_a_capped_order_is_filled_over_several_sessions() -> None:
    panel = market({A: FLAT})
    volume = float(panel.field("volume")[0, 0])
    size = int(volume * 0.01) // 100 * 100 * 3
    run = play({2: buy(size=size)}, panel, participation=0.01, order_sessions=5)
    told = [status for _, status in run.statuses]
    assert told == ["Submitted", "Accepted", "Partial", "Partial", "Completed"]
    (sent,) = run.sent
    assert (sent.executed.size, sent.executed.remsize, len(sent.executed)) == (size, 0, 3)
    assert run.getpositionbyname(A).size == size


# -- what this broker does not do


LIMITS = {
    "Stop": sell(size=100, exectype=bt.Order.Stop, price=9.0),
    "StopTrail": sell(size=100, exectype=bt.Order.StopTrail, trailamount=1.0),
    "Close": buy(size=100, exectype=bt.Order.Close),
    "oco": lambda s: s.buy(A, size=100, oco=s.buy(A, size=100)),
    "valid": buy(size=100, valid=date(2022, 2, 1)),
    "valid='soon'": buy(size=100, valid="soon"),
    "limit order needs a price": buy(size=100, exectype=bt.Order.Limit),
    "transmit": buy(size=100, transmit=False),
    "StopLimit": lambda s: s.buy_bracket(A, size=100, price=10, exectype=bt.Order.StopLimit, plimit=10.1),
}


@pytest.mark.parametrize("word", LIMITS)
def test_orders_of_other_kinds_are_refused_by_name(word: str) -> None:
    with pytest.raises(StrategyError, match=f"Recorder failed at 2023-01-05: .*{word}.*test_bt_orders.py"):
        play({3: LIMITS[word]})


def test_brackets_are_refused() -> None:
    with pytest.raises(StrategyError, match="brackets"):
        play({3: lambda s: s.buy_bracket(A, size=100, limitprice=11, stopprice=9)})


def test_the_clock_cannot_be_bought() -> None:
    with pytest.raises(
        StrategyError, match=r"'clock' cannot be traded; take a symbol's data from getdatabyname"
    ):
        play({2: lambda s: s.buy(size=100)})


def test_there_is_nothing_to_close_on_the_clock() -> None:
    assert play({2: lambda s: s.close()}).sent == [None]


def test_an_unknown_name_is_said_to_be_unknown() -> None:
    with pytest.raises(StrategyError, match=r"600519\.SH is not in the panel of 2 symbols"):
        play({2: buy("600519.SH", size=100)})


def test_a_size_that_is_no_number_is_refused() -> None:
    with pytest.raises(StrategyError, match=r"nan shares of 600001\.SH"):
        play({2: buy(size=float("nan"))})


def test_orders_before_the_first_session_are_refused() -> None:
    class Hasty(bt.Strategy):
        def start(self) -> None:
            self.buy(A, size=100)

    with pytest.raises(
        StrategyError, match="Hasty could not start: orders can be sent from the first session"
    ):
        ours(market({A: FLAT}), Hasty)


def test_fees_are_not_the_strategys_to_set() -> None:
    with pytest.raises(StrategyError, match=r"broker\.fees"):
        play({2: lambda s: s.broker.setcommission(0.001)})


def test_what_is_said_with_an_order_stays_with_it() -> None:
    run = play({1: buy(size=100, tag="first")})
    assert {order.info["tag"] for _, _, order in run.told} == {"first"}


# -- how much


def test_sizers_say_how_much() -> None:
    def fixed(strategy: Any) -> None:
        strategy.setsizer(bt.sizers.FixedSize(stake=700))

    run = play({1: buy(), 3: sell()}, at_start=fixed)
    assert [o.executed.size for _, status, o in run.told if status == "Completed"] == [700, -700]


@pytest.mark.parametrize(
    ("sizer", "shares"),
    [
        (bt.sizers.PercentSizer(percents=30), 3000),
        (bt.sizers.PercentSizerInt(percents=25), 2500),
        (bt.sizers.AllInSizer(), 10_000),
    ],
)
def test_percent_sizers_count_in_cash(sizer: Any, shares: int) -> None:
    run = play({1: buy()}, at_start=lambda s: s.setsizer(sizer), cash=100_000)
    assert run.getpositionbyname(A).size == shares


def test_a_sizer_can_be_given_to_cerebro() -> None:
    params = {"script": {1: buy()}}
    prepare = lambda cerebro: cerebro.addsizer(bt.sizers.FixedSize, stake=400)  # noqa: E731
    run = ours(market({A: FLAT}), Recorder, params=params, prepare=prepare).strategy
    assert run.getpositionbyname(A).size == 400


def real(strategy: Any) -> Any:
    return strategy.getdatabyname(A)


def light(strategy: Any) -> Any:
    return strategy.broker.light(strategy.broker.prices.column(A))


@pytest.mark.parametrize("data", [real, light])
def test_targets_are_met_on_feeds_and_on_light_data(data: Any) -> None:
    script = {
        1: lambda s: s.order_target_size(data(s), target=500),
        2: lambda s: s.getposition(data(s)).size,
        3: lambda s: s.order_target_value(data(s), target=8000),
        4: lambda s: s.getposition(data(s)).size,
        5: lambda s: s.order_target_percent(data(s), target=0.5),
        6: lambda s: s.getposition(data(s)).size,
        7: lambda s: s.order_target_size(data(s), target=0),
        8: lambda s: s.getposition(data(s)).size,
    }
    run = play(script, cash=100_000)
    assert run.sent[1::2] == [500, 800, 5000, 0]
    assert [t.isclosed for t in run.trades] == [False, True]


def test_positions_are_found_by_any_data_object_of_a_name() -> None:
    def look(strategy: Any) -> Any:
        by_feed, by_light = strategy.getposition(real(strategy)), strategy.getposition(light(strategy))
        return by_feed.size, by_light.size, {d._name: p.size for d, p in strategy.positions.items()}

    run = play({1: buy(size=100), 2: buy(B, size=200), 3: look})
    assert run.sent[-1] == (100, 100, {A: 100, B: 200})
    assert {name: p.size for name, p in run.getpositionsbyname().items()} == {A: 100, B: 200}


def test_the_price_of_a_position_is_its_cost_with_fees() -> None:
    run = play({1: buy(size=1000), 2: lambda s: s.getposition(real(s))}, **COSTS)
    cost = run.told[-1][2].executed
    assert run.sent[-1].price == pytest.approx((cost.value + cost.comm) / 1000)


class _Hears(bt.Analyzer):
    """What a listener is told of a basket's orders."""

    def start(self) -> None:
        self.heard: list[tuple[int, str, float]] = []

    def notify_order(self, order: Any) -> None:
        self.heard.append((order.ref, order.getstatusname(), order.executed.size))


def test_the_pieces_of_a_baskets_order_are_one_order_to_who_listens() -> None:
    class Sends(bt.Strategy):
        def next(self) -> None:
            if len(self) == 2:
                star = self.broker.prices.column("688001.SH")
                self.broker.send(self, Basket((self.broker.request(star, Side.BUY, shares=250_000),)))

    panel = market({"688001.SH": FLAT})
    run = ours(panel, Sends, analyzers=[(_Hears, {})]).strategy
    (analyzer,) = run.analyzers
    refs, statuses, sizes = zip(*analyzer.heard, strict=True)
    assert len(set(refs)) == 1
    assert statuses == ("Partial", "Partial", "Completed")
    assert sizes == (100_000, 200_000, 250_000)


def test_a_sale_of_everything_that_is_taken_back_says_how_much_it_was() -> None:
    script = {2: buy(size=300), 4: lambda s: s.cancel(s.sell(A, size=300))}
    taken_back = ours(market({A: FLAT}), Recorder, params={"script": script, "at_start": None})
    assert taken_back.journal.trades[-1][1].requested == 300


def test_a_name_is_traded_under_any_of_its_codes() -> None:
    old, new = "600111.SH", "601111.SH"
    days = pd.bdate_range("2023-01-03", "2023-01-10")
    bars = pd.DataFrame(
        {"date": days, "symbol": [old, old, new, new, new, new], "volume": 1e6, "amount": 1e7}
    )
    bars[["open", "high", "low", "close", "preclose"]] = 10.0
    change = pd.DataFrame({"old": [old], "new": [new], "effective_from": [days[2]]})
    panel = panel_from_frames(bars, code_changes=change).panel
    run = play({1: buy(old, size=300), 4: buy(new, size=200)}, panel)
    assert [order.data._name for order in run.sent] == [new, new]
    assert run.getdatabyname(old) is run.getdatabyname(new)
    assert run.getpositionbyname(old).size == run.getpositionbyname(new).size == 500
