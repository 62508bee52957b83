"""What a strategy does wrong is said with its name, the session and the line; the future is not shown."""

from __future__ import annotations

from typing import Any

import backtrader as bt
import numpy as np
import pytest
from bt_runs import Recorder, market, ours, rows_of
from test_bt_same_as_plain import END, START, SYMBOL

from engine.errors import ConfigError, StrategyError

A = "600001.SH"
FLAT = [10.0] * 10


def test_an_error_in_next_names_class_session_error_and_line() -> None:
    with pytest.raises(StrategyError) as told:
        ours(market({A: FLAT}), Recorder, params={"script": {3: lambda s: 1 / 0}})
    assert str(told.value).startswith(
        "strategy Recorder failed at 2023-01-05: ZeroDivisionError: division by zero ("
    )
    assert "test_bt_errors.py:" in str(told.value)
    assert isinstance(told.value.__cause__, ZeroDivisionError)


class Broken(bt.Strategy):
    params = (("where", "init"),)

    def __init__(self) -> None:
        self.fail("init")

    def fail(self, where: str) -> None:
        if self.p.where == where:
            raise KeyError("nothing there")

    def start(self) -> None:
        self.fail("start")

    def prenext(self) -> None:
        self.fail("prenext")

    def next(self) -> None:
        self.fail("next")
        if len(self) == 2:
            self.buy(A, size=100)

    def notify_order(self, order: Any) -> None:
        self.fail("notify_order")

    def notify_trade(self, trade: Any) -> None:
        self.fail("notify_trade")

    def stop(self) -> None:
        self.fail("stop")


@pytest.mark.parametrize(
    ("where", "when"),
    [
        ("init", "could not start"),
        ("start", "could not start"),
        ("next", "failed at 2023-01-03"),
        ("notify_order", "failed at 2023-01-05"),
        ("notify_trade", "failed at 2023-01-05"),
        ("stop", "failed at 2023-01-16"),
    ],
)
def test_errors_are_placed_wherever_they_are_raised(where: str, when: str) -> None:
    with pytest.raises(
        StrategyError, match=f"strategy Broken {when}: KeyError: 'nothing there'.*test_bt_errors"
    ):
        ours(market({A: FLAT}), Broken, params={"where": where})


def test_an_error_of_the_configuration_stays_one() -> None:
    class Misset(bt.Strategy):
        def __init__(self) -> None:
            raise ConfigError("strategy.params.k: must be positive")

    with pytest.raises(ConfigError, match=r"^strategy\.params\.k: must be positive$"):
        ours(market({A: FLAT}), Misset)


@pytest.mark.parametrize(
    "of",
    [lambda d: d, lambda d: d.close, lambda d: d.close - d.open, lambda d: bt.ind.EMA(d, period=2).lines.ema],
)
def test_an_indicator_longer_than_the_run_is_named(of: Any) -> None:
    class Slow(bt.Strategy):
        def __init__(self) -> None:
            self.average = bt.ind.SMA(of(self.getdatabyname(A)), period=11)

    with pytest.raises(
        StrategyError, match=r"SMA needs 1[12] bars for its first value, 600001\.SH has 10 in this"
    ):
        ours(market({A: FLAT}), Slow)


def test_a_strategy_that_stops_the_run_keeps_what_it_holds() -> None:
    class Stops(Recorder):
        def next(self) -> None:
            super().next()
            if len(self) == 3:
                self.env.runstop()

    panel = market({A: [10, 10, 10, 10, 10, 12]})
    log = ours(panel, Stops, params={"script": {1: lambda s: s.buy(A, size=100), 3: lambda s: s.close(A)}})
    assert len(log.journal.sessions) == 6
    assert log.broker.account.shares(A) == 100
    assert log.strategy.sent[1].getstatusname() == "Expired"


# -- the future


def feed(strategy: Any) -> Any:
    return strategy.getdatabyname(A)


def light(strategy: Any) -> Any:
    return strategy.broker.light(0)


AHEAD = {
    "close[1]": lambda d: d.close[1],
    "datetime[1]": lambda d: d.datetime[1],
    "volume[2]": lambda d: d.volume[2],
}


@pytest.mark.parametrize("data", [feed, light, lambda s: s.data], ids=["feed", "light", "clock"])
@pytest.mark.parametrize("line", AHEAD)
def test_no_line_shows_the_future(data: Any, line: str) -> None:
    with pytest.raises(StrategyError, match=r"at 2023-01-05: line\[\d\] lies in the future.*test_bt_errors"):
        ours(market({A: FLAT}), Recorder, params={"script": {3: lambda s: AHEAD[line](data(s))}})


def test_slices_of_a_feed_end_now() -> None:
    panel = market({A: [10, 10.1, 10.2, 10.3, 10.4]})
    script = {3: lambda s: list(feed(s).close.get(size=2)), 4: lambda s: list(feed(s).close.get(size=9))}
    assert ours(panel, Recorder, params={"script": script}).strategy.sent == [[10.1, 10.2], []]
    with pytest.raises(StrategyError, match="lies in the future"):
        ours(panel, Recorder, params={"script": {3: lambda s: feed(s).close.get(ago=1, size=2)}})


@pytest.mark.parametrize("data", [feed, light], ids=["feed", "light"])
def test_an_index_before_the_first_bar_does_not_wrap_around_to_the_last(data: Any) -> None:
    with pytest.raises(StrategyError, match=r"IndexError: line\[-3\] lies before the first bar"):
        ours(market({A: FLAT}), Recorder, params={"script": {3: lambda s: data(s).close[-3]}})


def test_a_name_not_yet_listed_has_no_price(sample: Any) -> None:
    script = {1: lambda s: (len(s.getdatabyname("601728.SH")), s.getdatabyname("601728.SH").close[0])}
    with pytest.raises(StrategyError, match=r"IndexError: line\[0\] lies before the first bar"):
        ours(sample, Recorder, "2021-08-02", END, params={"script": script})


@pytest.mark.parametrize(
    "make",
    [
        lambda d: bt.ind.SMA(d, period=2),
        lambda d: bt.ind.MACD(d, period_me1=2, period_me2=3, period_signal=2),
        lambda d: d.close - d.open,
        lambda d: d.close(-1),
    ],
    ids=["average", "macd", "operation", "delay"],
)
def test_indicators_computed_in_advance_do_not_show_the_future(make: Any) -> None:
    class Peeks(bt.Strategy):
        def __init__(self) -> None:
            self.made = make(self.getdatabyname(A))

        def next(self) -> None:
            assert self.made[0] == self.made[0]
            self.made[1]

    with pytest.raises(StrategyError, match=r"Peeks failed at .*: line\[1\] lies in the future"):
        ours(market({A: FLAT}), Peeks)


def test_a_line_shifted_into_the_past_is_computed_bar_by_bar(sample: Any) -> None:
    """Ichimoku's chikou is the close drawn 26 bars back: computed in advance, [0] is a price to come."""

    class Cloud(bt.Strategy):
        def __init__(self) -> None:
            self.stock = self.getdatabyname(SYMBOL)
            self.cloud = bt.ind.Ichimoku(self.stock)
            self.seen: list[tuple[float, ...]] = []

        def next(self) -> None:
            now = self.cloud.tenkan_sen[0], self.cloud.kijun_sen[0], self.cloud.senkou_span_b[0]
            self.seen.append(
                (*now, self.cloud.chikou_span[0], self.cloud.chikou_span[-26], self.stock.close[0])
            )

    seen = np.array(ours(sample, Cloud, START, END).strategy.seen)
    first, last = rows_of(sample, START, END)
    high, low, close = (
        sample.field(f)[first : last + 1, sample.column(SYMBOL)] for f in ("high", "low", "close")
    )
    tail = slice(len(close) - len(seen), None)
    tenkan = [(high[i - 8 : i + 1].max() + low[i - 8 : i + 1].min()) / 2 for i in range(8, len(close))]
    assert seen[:, 0] == pytest.approx(tenkan[-len(seen) :])
    assert np.isnan(seen[:, 3]).all()
    assert np.array_equal(seen[:, 4], seen[:, 5])
    assert np.array_equal(seen[:, 5], close[tail])
