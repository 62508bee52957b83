"""Analyzers, observers, writers and timers of backtrader, on this engine."""

from __future__ import annotations

import io
from datetime import date
from typing import Any

import backtrader as bt
import numpy as np
import pytest
from bt_runs import CASH, Recorder, market, ours, plain
from test_bt_same_as_plain import END, START, SYMBOL, Crossover, flat

from alphaloom import backtest

an, ob = bt.analyzers, bt.observers
A, B = "600001.SH", "600002.SH"
RISING = {A: [10, 10, 10.5, 11, 11, 11.5], B: [20, 20, 20, 21, 22, 22]}

SAME = {
    "timereturn": (an.TimeReturn, {}),
    "timereturn, months": (an.TimeReturn, {"timeframe": bt.TimeFrame.Months}),
    "returns": (an.Returns, {}),
    "drawdown": (an.DrawDown, {}),
    "timedrawdown": (an.TimeDrawDown, {}),
    "sharperatio": (an.SharpeRatio, {"timeframe": bt.TimeFrame.Months}),
    "sharperatio_a": (an.SharpeRatio_A, {}),
    "tradeanalyzer": (an.TradeAnalyzer, {}),
    "transactions": (an.Transactions, {}),
    "transactions, headers": (an.Transactions, {"headers": True}),
    "annualreturn": (an.AnnualReturn, {}),
    "sqn": (an.SQN, {}),
    "vwr": (an.VWR, {}),
    "periodstats": (an.PeriodStats, {"timeframe": bt.TimeFrame.Months}),
    "calmar": (an.Calmar, {}),
    "logreturnsrolling": (an.LogReturnsRolling, {}),
    "grossleverage": (an.GrossLeverage, {}),
    "positionsvalue": (an.PositionsValue, {"cash": True}),
    "pyfolio": (an.PyFolio, {}),
}


@pytest.mark.parametrize("which", SAME)
def test_analyzers_say_what_they_say_on_plain_backtrader(sample: Any, which: str) -> None:
    cls, kwargs = SAME[which]
    wanted = [(cls, {**kwargs, "_name": "it"})]
    runs = (
        ours(sample, Crossover, START, END, analyzers=wanted).strategy,
        plain(sample, Crossover, [SYMBOL], START, END, analyzers=wanted, stdstats=True),
    )
    mine, theirs = (numbers(run.analyzers.it.get_analysis()) for run in runs)
    if which == "positionsvalue":  # backtrader's shows the column before anything was held, too
        theirs = {key: value for key, value in theirs.items() if key in mine}
    assert mine
    assert mine == pytest.approx(theirs, nan_ok=True)


def test_names_that_are_no_feeds_are_analyzed_too() -> None:
    class Light(bt.Strategy):
        def next(self) -> None:
            if len(self) == 2:
                self.buy(self.broker.light(0), size=100)
            if len(self) == 3:
                self.order_target_value(B, target=4000)
            if len(self) == 5:
                self.close(self.broker.light(0))

    wanted = [(an.PositionsValue, {"headers": True, "cash": True}), (an.Transactions, {}), (an.PyFolio, {})]
    run = ours(market(RISING), Light, analyzers=wanted).strategy
    values = run.analyzers.positionsvalue.get_analysis()
    assert values["Datetime"] == [A, B, "cash"]
    assert values[date(2023, 1, 5)] == [1050, 0, CASH - 1050]
    assert values[date(2023, 1, 6)] == [1100, 4200, CASH - 1050 - 4200]
    assert values[date(2023, 1, 10)] == [0, 4400, CASH - 1050 - 4200 + 1150]
    moves = run.analyzers.transactions.get_analysis()
    assert [entry for day in moves.values() for entry in day] == [
        [100, 10.5, 0, A, -1050],
        [200, 21, 1, B, -4200],
        [-100, 11.5, 0, A, 1150],
    ]
    returns, positions, transactions, leverage = run.analyzers.pyfolio.get_pf_items()
    assert len(returns) == len(leverage) == 6
    assert list(positions.columns) == [A, B, "cash"]
    assert list(transactions["symbol"]) == [A, B, A]


def test_observers_draw_the_account(sample: Any) -> None:
    wanted = [
        (ob.Broker, {}),
        (ob.Value, {}),
        (ob.Cash, {}),
        (ob.DrawDown, {}),
        (ob.Trades, {}),
        (ob.DataTrades, {}),
        (ob.BuySell, {}),
        (ob.TimeReturn, {}),
        (ob.FundValue, {}),
        (ob.FundShares, {}),
        (ob.LogReturns, {}),
    ]
    run = ours(sample, Crossover, START, END, observers=wanted, benchmark="000016.SH").strategy
    stats = run.stats
    value, cash = column(stats.broker.value), column(stats.broker.cash)
    assert np.array_equal(value, run.values[1::2])
    assert np.array_equal(cash, run.values[::2])
    assert np.array_equal(column(stats.value), value)
    assert np.array_equal(column(stats.cash), cash)
    peak = np.maximum.accumulate(value)
    assert column(stats.drawdown.drawdown) == pytest.approx(100 * (1 - value / peak))
    assert column(stats.timereturn)[1:] == pytest.approx(value[1:] / value[:-1] - 1)
    index = column(run.data.close)  # what LogReturns and Benchmark watch: the first feed, the clock's index
    assert column(stats.logreturns)[1:] == pytest.approx(np.log(index[1:] / index[:-1]))
    assert column(stats.fundvalue) == pytest.approx(value / CASH * 100)
    profits = np.fmax(column(stats.trades.pnlplus), column(stats.trades.pnlminus))
    closed = [pnlcomm for _, pnlcomm, _, _ in run.closed]
    assert list(profits[~np.isnan(profits)]) == pytest.approx(closed)
    by_feed = column(stats.datatrades.lines[1])  # the clock is the first
    assert list(by_feed[~np.isnan(by_feed)]) == pytest.approx(closed)
    clock, stock = stats.buysell
    assert np.isnan(column(clock.buy)).all()
    bought, sold = column(stock.buy), column(stock.sell)
    assert list(bought[~np.isnan(bought)]) == [price for _, size, price, _ in run.fills if size > 0]
    assert list(sold[~np.isnan(sold)]) == [price for _, size, price, _ in run.fills if size < 0]


def test_what_observers_and_analyzers_say_can_be_read_while_running() -> None:
    class Reads(Recorder):
        def next(self) -> None:
            if len(self) > 1:
                self.told.append((self.stats.drawdown.drawdown[0], self.analyzers.drawdown.rets.drawdown))

    panel = market({A: [10, 10, 9, 8]})
    run = ours(panel, Reads, observers=[(ob.DrawDown, {})], analyzers=[(an.DrawDown, {})]).strategy
    assert run.told == [(0.0, 0.0)] * 3


def test_a_writer_writes_the_run_and_its_csv() -> None:
    out = io.StringIO()

    class Averages(Recorder):
        def __init__(self) -> None:
            super().__init__()
            self.average = bt.ind.SMA(self.getdatabyname(A), period=2)
            self.average.csv = True

    ours(
        market(RISING),
        Averages,
        analyzers=[(an.TradeAnalyzer, {})],
        prepare=lambda cerebro: cerebro.addwriter(bt.WriterFile, out=out, csv=True),
    )
    lines = out.getvalue().splitlines()
    headers = next(line for line in lines if line.startswith("Id"))
    last = next(line for line in lines if line.startswith("6,clock"))
    assert ",SMA,len,sma," in headers
    assert last.split(",")[headers.split(",").index("sma")] == "11.25"
    assert any("tradeanalyzer" in line for line in lines)
    assert any(line.strip() == "- Begin: 10000000.0" for line in lines)


def test_timers_ring() -> None:
    class Weekly(bt.Strategy):
        def __init__(self) -> None:
            self.rang: list[date] = []
            self.add_timer(when=bt.timer.SESSION_START, weekdays=[1], weekcarry=True)

        def notify_timer(self, timer: Any, when: Any, *args: Any, **kwargs: Any) -> None:
            self.rang.append(self.data.datetime.date())

    run = ours(market({A: [10.0] * 13}), Weekly).strategy
    assert run.rang == [date(2023, 1, 3), date(2023, 1, 9), date(2023, 1, 16)]


def test_the_public_entry_takes_a_strategy_file_and_analyzers(sample: Any, tmp_path: Any) -> None:
    (tmp_path / "mine.py").write_text(
        "import backtrader as bt\n"
        "class Cross(bt.Strategy):\n"
        "    params = (('symbol', '600519.SH'),)\n"
        "    def __init__(self):\n"
        "        self.stock = self.getdatabyname(self.p.symbol)\n"
        "        self.cross = bt.ind.CrossOver(self.stock, bt.ind.SMA(self.stock, period=10))\n"
        "    def next(self):\n"
        "        if self.cross[0] > 0:\n"
        "            self.order_target_percent(self.stock, 0.5)\n"
        "        elif self.cross[0] < 0:\n"
        "            self.order_target_percent(self.stock, 0)\n"
    )
    result = backtest(
        {
            "strategy": {"name": f"{tmp_path}/mine.py:Cross", "params": {"symbol": "600036.SH"}},
            "span": {"start": "2021-03-01", "end": "2022-02-28"},
        },
        panel=sample,
        analyzers=[(an.TradeAnalyzer, {}), (an.AnnualReturn, {})],
        observers=[(ob.DrawDown, {})],
    )
    trades = result.analyzers.tradeanalyzer.get_analysis()
    assert trades.total.closed == len(result.round_trips) > 3
    profit = sum(trip.profit_fen for trip in result.round_trips) / 100
    assert trades.pnl.net.total == pytest.approx(profit)
    assert set(result.fills["symbol"]) == {"600036.SH"}


def column(line: Any) -> np.ndarray:
    """Values of a line up to now; behind them backtrader leaves room in an observer's buffer."""
    return np.array(line.array)[: len(line)]


def numbers(told: Any) -> dict[str, float]:
    """What an analyzer returns as flat numbers, so that it can be compared with a tolerance."""
    if isinstance(told, dict):
        return flat({key: numbers(value) for key, value in told.items()})
    if isinstance(told, list | tuple):
        return flat({str(i): numbers(value) for i, value in enumerate(told)})
    return {"": told} if isinstance(told, int | float) else {str(told): 1.0}


def test_cash_and_fund_are_told_in_backtraders_turns(sample: Any) -> None:
    class Child(bt.Analyzer):
        def notify_cashvalue(self, cash: float, value: float) -> None:
            self.strategy.calls.append("child: cash")

        def notify_fund(self, cash: float, value: float, fundvalue: float, shares: float) -> None:
            self.strategy.calls.append("child: fund")

    class Parent(bt.Analyzer):
        def __init__(self) -> None:
            self.child = Child()

        def notify_cashvalue(self, cash: float, value: float) -> None:
            self.strategy.calls.append("parent: cash")

        def notify_fund(self, cash: float, value: float, fundvalue: float, shares: float) -> None:
            self.strategy.calls.append("parent: fund")

    class Listening(bt.Strategy):
        def __init__(self) -> None:
            self.calls: list[str] = []
            self.getdatabyname(SYMBOL)

        def notify_fund(self, cash: float, value: float, fundvalue: float, shares: float) -> None:
            self.calls.append("strategy: fund")

    wanted = [(Parent, {})]
    mine = ours(sample, Listening, START, END, analyzers=wanted).strategy.calls
    assert mine == plain(sample, Listening, [SYMBOL], START, END, analyzers=wanted).calls
    assert mine[:5] == ["strategy: fund", "child: cash", "parent: cash", "child: fund", "parent: fund"]
