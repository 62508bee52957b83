"""Shares and dividends that come without an order keep backtrader's trades and positions whole."""

from __future__ import annotations

from typing import Any

import pytest
from bt_runs import CASH, Recorder, ours

LONGI, EX, START, END = "601012.SH", "2021-06-23", "2021-06-18", "2021-06-30"
# 601012.SH on 2021-06-23: 0.248 CNY and 0.4 new shares for each


def light(strategy: Any) -> Any:
    return strategy.broker.light(strategy.broker.prices.column(LONGI))


def feed(strategy: Any) -> Any:
    return strategy.getdatabyname(LONGI)


def price(sample: Any, field: str, day: str) -> float:
    row = int((sample.dates < sample.dates.dtype.type(day)).sum())
    return float(sample.field(field)[row, sample.column(LONGI)])


@pytest.mark.parametrize("data", [light, feed])
def test_a_trade_over_a_bonus_closes_with_nothing_left(sample: Any, data: Any) -> None:
    script = {
        1: lambda s: s.buy(data(s), size=1000),
        3: lambda s: s.getposition(data(s)),
        4: lambda s: s.getposition(data(s)),
        5: lambda s: s.close(data(s)),
    }
    run = ours(sample, Recorder, START, END, params={"script": script}).strategy
    before, after = run.sent[1:3]
    opened, closed = run.trades
    bought, sold = price(sample, "open", "2021-06-21"), price(sample, "open", "2021-06-25")
    assert (before.size, before.price) == (1000, pytest.approx(bought))
    assert (after.size, after.price) == (1400, pytest.approx(bought / 1.4))
    assert (opened.size, opened.price) == (1000, pytest.approx(bought))
    assert closed.isclosed and closed.size == 0
    assert closed.pnl == pytest.approx(1400 * sold - 1000 * bought + 248)
    assert run.broker.getvalue() - CASH == pytest.approx(closed.pnlcomm)


def test_several_open_trades_of_a_name_share_the_bonus(sample: Any) -> None:
    script = {
        1: lambda s: s.buy(LONGI, size=500, tradeid=1),
        2: lambda s: s.buy(LONGI, size=1000, tradeid=2),
        5: lambda s: s.sell(LONGI, size=700, tradeid=1),
        6: lambda s: s.sell(LONGI, size=1400, tradeid=2),
    }
    run = ours(sample, Recorder, START, END, params={"script": script}).strategy
    closed = [trade for trade in run.trades if trade.isclosed]
    assert [(trade.tradeid, trade.size) for trade in closed] == [(1, 0), (2, 0)]
    assert run.broker.getvalue() - CASH == pytest.approx(sum(trade.pnlcomm for trade in closed))


def test_a_dividend_is_part_of_what_the_trade_earned(sample: Any) -> None:
    script = {1: lambda s: s.buy("600519.SH", size=100), 5: lambda s: s.close("600519.SH")}
    run = ours(sample, Recorder, "2021-06-22", END, params={"script": script}).strategy  # 19.29 a share
    column = sample.column("600519.SH")
    first = int((sample.dates < sample.dates.dtype.type("2021-06-22")).sum())
    opens = sample.field("open")[first : first + 7, column]
    assert run.trades[-1].pnl == pytest.approx(100 * (opens[5] - opens[1]) + 1929)
    assert run.broker.getvalue() - CASH == pytest.approx(run.trades[-1].pnlcomm)


def test_a_name_that_is_not_held_goes_ex_unnoticed(sample: Any) -> None:
    log = ours(sample, Recorder, START, END, params={"script": {1: lambda s: s.buy("600009.SH", size=100)}})
    assert not log.journal.ex_dates
