"""An ordinary backtrader strategy sees and earns here what it sees and earns on plain backtrader."""

from __future__ import annotations

from typing import Any

import backtrader as bt
import pytest
from bt_runs import ours, plain

SYMBOL, START, END = "600519.SH", "2021-07-01", "2022-06-28"  # no ex-date, no suspension


class Crossover(bt.Strategy):
    params = (("symbol", SYMBOL), ("fast", 5), ("slow", 20), ("size", 1000))

    def __init__(self) -> None:
        self.stock = self.getdatabyname(self.p.symbol)
        self.fast = bt.ind.SMA(self.stock.close, period=self.p.fast)
        self.slow = bt.ind.SMA(self.stock, period=self.p.slow)
        self.cross = bt.ind.CrossOver(self.fast, self.slow)
        self.bars: list[tuple[Any, ...]] = []
        self.fills: list[tuple[Any, ...]] = []
        self.closed: list[tuple[Any, ...]] = []
        self.values: list[float] = []

    def notify_order(self, order: Any) -> None:
        if order.status == order.Completed:
            done = order.executed
            self.fills.append((bt.num2date(done.dt).date(), done.size, done.price, done.remsize))

    def notify_trade(self, trade: Any) -> None:
        if trade.isclosed:
            self.closed.append((trade.pnl, trade.pnlcomm, trade.barlen, trade.open_datetime().date()))

    def notify_cashvalue(self, cash: float, value: float) -> None:
        self.values += [cash, value]

    def next(self) -> None:
        self.bars.append(
            (
                len(self),
                len(self.stock),
                self.stock.datetime.date(),
                self.fast[0],
                self.slow[0],
                self.cross[0],
            )
        )
        if self.cross[0] > 0:
            self.buy(self.stock, size=self.p.size)
        elif self.cross[0] < 0 and self.getposition(self.stock).size:
            self.close(self.stock)


@pytest.fixture(scope="module")
def runs(sample: Any) -> tuple[Any, Any]:
    analyzers = [(bt.analyzers.TradeAnalyzer, {}), (bt.analyzers.TimeReturn, {})]
    mine = ours(sample, Crossover, START, END, analyzers=analyzers).strategy
    return mine, plain(sample, Crossover, [SYMBOL], START, END, analyzers=analyzers)


def test_the_same_bars_and_indicator_values_are_seen(runs: Any) -> None:
    mine, theirs = runs
    assert mine.bars[0][0] == 21  # the slow average's second value, which a crossing needs
    assert mine.bars == theirs.bars


def test_orders_fill_on_the_same_days_at_the_same_prices(runs: Any) -> None:
    mine, theirs = runs
    assert len(mine.fills) > 8
    assert mine.fills == theirs.fills


def test_trades_earn_the_same(runs: Any) -> None:
    mine, theirs = runs
    assert len(mine.closed) > 4
    for left, right in zip(mine.closed, theirs.closed, strict=True):
        assert left[:2] == pytest.approx(right[:2])
        assert left[2:] == right[2:]


def test_cash_and_value_are_the_same_every_day(runs: Any) -> None:
    mine, theirs = runs
    assert len(mine.values) == 2 * 240
    assert mine.values == pytest.approx(theirs.values)


def test_the_trade_analyzer_says_the_same(runs: Any) -> None:
    mine, theirs = (flat(run.analyzers.tradeanalyzer.get_analysis()) for run in runs)
    assert mine.keys() == theirs.keys()
    assert mine == pytest.approx(theirs)


def test_returns_are_the_same(runs: Any) -> None:
    mine, theirs = (run.analyzers.timereturn.get_analysis() for run in runs)
    assert mine == pytest.approx(theirs)


class AsksLate(bt.Strategy):
    """Asks for the feed when it needs it, and remembers what it has seen of it."""

    def __init__(self) -> None:
        self.seen: list[tuple[Any, ...]] = []

    def next(self) -> None:
        if len(self) < 30:
            return
        stock = self.getdatabyname(SYMBOL)
        last = (
            stock.close[0],
            stock.close[-1],
            stock.open[-29],
            stock.volume[0],
            list(stock.close.get(size=5)),
        )
        self.seen.append((len(self), len(stock), stock.datetime.date(), *last))
        if len(self) == 40:
            self.order_target_size(stock, target=500)
        if len(self) == 60:
            self.order_target_percent(SYMBOL, target=0.3)
        if len(self) == 80:
            self.order_target_value(stock, target=0)
        self.seen.append((self.getposition(stock).size, round(self.broker.getvalue(), 2)))


def test_a_feed_asked_for_in_next_shows_the_same_past(sample: Any) -> None:
    mine = ours(sample, AsksLate, START, END, broker={"lot": 1}).strategy
    theirs = plain(sample, AsksLate, [SYMBOL], START, END)
    assert len({size for size, _ in mine.seen[1::2]}) == 3  # 500, then about 1800, then none
    assert mine.seen == theirs.seen


class TwoNames(Crossover):
    """A name listed within the run beside one that is older than the run."""

    params = (("late", "601728.SH"),)

    def __init__(self) -> None:
        super().__init__()
        self.young = self.getdatabyname(self.p.late)
        self.both = bt.ind.SMA(self.young, period=10)
        self.waits: list[tuple[int, int, int]] = []

    def prenext(self) -> None:
        self.waits.append((len(self), len(self.stock), len(self.young)))

    def next(self) -> None:
        self.bars.append((self.young.datetime.date(), self.young.close[-3], self.both[0]))
        super().next()


def test_prenext_lasts_until_the_youngest_name_has_its_indicators(sample: Any) -> None:
    mine = ours(sample, TwoNames, START, "2022-05-31").strategy
    theirs = plain(sample, TwoNames, [SYMBOL, "601728.SH"], START, "2022-05-31")
    assert mine.waits[0][2] == 0
    assert mine.waits[-1][2] == 9
    assert mine.waits == theirs.waits
    assert mine.bars == theirs.bars
    assert mine.fills == theirs.fills


class Momentum(bt.Indicator):
    """A user's indicator that knows only next(), bar by bar."""

    lines = ("change",)
    params = (("period", 3),)

    def __init__(self) -> None:
        self.addminperiod(self.p.period + 1)

    def next(self) -> None:
        self.lines.change[0] = self.data.close[0] - self.data.close[-self.p.period]


class Indicators(bt.Strategy):
    """Several kinds of indicators, and operations on lines."""

    params = (("kind", None),)

    def __init__(self) -> None:
        stock = self.getdatabyname(SYMBOL)
        self.made = self.p.kind(stock)
        self.seen: list[list[float]] = []

    def next(self) -> None:
        lines = self.made.lines.lines if hasattr(self.made.lines, "lines") else [self.made]
        self.seen.append([line[0] for line in lines] + [line[-1] for line in lines])


KINDS = {
    "macd": lambda d: bt.ind.MACD(d),
    "rsi": lambda d: bt.ind.RSI(d, period=14),
    "bollinger": lambda d: bt.ind.BollingerBands(d.close),
    "atr": lambda d: bt.ind.ATR(d),
    "highest": lambda d: bt.ind.Highest(d.high, period=10),
    "next only": lambda d: Momentum(d),
    "next only, nested": lambda d: bt.ind.SMA(Momentum(d), period=4),
    "operation": lambda d: (d.close - bt.ind.SMA(d, period=5)) / d.close(-1),
    "heikin ashi": lambda d: bt.ind.HeikinAshi(d),  # makes backtrader leave its vectorised mode
}


@pytest.mark.parametrize("kind", KINDS)
def test_indicators_have_the_same_values(sample: Any, kind: str) -> None:
    mine = ours(sample, Indicators, START, END, params={"kind": KINDS[kind]}).strategy
    theirs = plain(sample, Indicators, [SYMBOL], START, END, params={"kind": KINDS[kind]})
    assert len(mine.seen) > 200
    for left, right in zip(mine.seen, theirs.seen, strict=True):
        assert left == pytest.approx(right, nan_ok=True)


class Relative(bt.Indicator):
    """A user's indicator on two feeds, one of them the clock's index bars."""

    lines = ("ratio",)

    def next(self) -> None:
        self.lines.ratio[0] = self.data0.close[0] / self.data1.close[0]


class AgainstIndex(bt.Strategy):
    def __init__(self) -> None:
        self.stock = self.getdatabyname(SYMBOL)
        self.ratio = Relative(self.data, self.stock)
        self.seen: list[tuple[float, float]] = []

    def next(self) -> None:
        self.seen.append((self.ratio[0], self.data.close[0] / self.stock.close[0]))


def test_the_clock_carries_the_benchmark_and_can_be_an_indicators_input(sample: Any) -> None:
    run = ours(sample, AgainstIndex, START, END, benchmark="000016.SH").strategy
    first = int((sample.dates < sample.dates.dtype.type(START)).sum())
    index = sample.indices["000016.SH"]["close"]
    stock = sample.field("close")[:, sample.column(SYMBOL)]
    assert len(run.seen) == 240
    assert run.seen[0][0] == pytest.approx(index[first] / stock[first])
    assert all(left == pytest.approx(right) for left, right in run.seen)


def flat(nested: Any, prefix: str = "") -> dict[str, float]:
    out: dict[str, float] = {}
    for key, value in nested.items():
        out |= flat(value, f"{prefix}{key}.") if isinstance(value, dict) else {f"{prefix}{key}": value}
    return out
