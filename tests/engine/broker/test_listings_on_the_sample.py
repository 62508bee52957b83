"""688981.SH listed on 2020-07-16, closing at 82.92: its first sessions through the broker."""

from __future__ import annotations

from typing import Any

import backtrader as bt
import pytest

from alphaloom.api import load_panel
from engine.broker.config import BrokerConfig
from engine.broker.orders import Fill, Refusal
from engine.broker.quotes import PanelPrices
from engine.market.panel import MarketPanel
from engine.rules.limits import Limits, LimitState
from engine.runner import RunLog, run_strategy
from engine.span import Span

SMIC = "688981.SH"
FREE = {"fees": {"buy": 0.0, "sell": 0.0}, "slippage_bps": 0.0}


class Orders(bt.Strategy):
    """Shares to order by the session of the decision; with a limit price where there is one."""

    params = (("orders", {}),)

    def next(self) -> None:
        session = str(self.broker.panel.dates[self.broker.row])
        for shares, price in self.p.orders.get(session, ()):
            limit = {} if price is None else {"exectype": bt.Order.Limit, "price": price}
            send = self.buy if shares > 0 else self.sell
            send(data=self.getdatabyname(SMIC), size=abs(shares), **limit)


@pytest.fixture(scope="module")
def panel() -> MarketPanel:
    return load_panel("sse50")


def story(panel: MarketPanel, orders: dict[str, Any]) -> list[tuple[str, int, float | str]]:
    """(session, shares, price in CNY or reason) of everything that happened until 2020-07-24."""
    first = panel.row("2020-07-15")
    log: RunLog = run_strategy(
        panel,
        Orders,
        {"orders": orders},
        broker=BrokerConfig(cash=1_000_000.0, **FREE),
        span=Span(first, first + 1, panel.row("2020-07-24")),
    )
    out: list[tuple[str, int, float | str]] = []
    for row, event in log.journal.trades:
        session = str(panel.dates[row])[5:]
        if isinstance(event, Refusal):
            out.append((session, 0, event.reason.value))
        elif isinstance(event, Fill):
            out.append((session, event.shares, event.price_fen / 100))
    return out


def test_a_star_order_of_150_shares_is_refused_and_one_of_201_is_not(panel: MarketPanel) -> None:
    orders = {"2020-07-16": [(150, None)], "2020-07-17": [(201, None)]}
    assert story(panel, orders) == [("07-17", 0, "below_one_lot"), ("07-20", 201, 77.19)]


def test_less_than_200_shares_of_star_are_sold_only_as_a_whole(panel: MarketPanel) -> None:
    orders = {"2020-07-16": [(300, None)], "2020-07-17": [(-150, None)], "2020-07-20": [(-200, None)]}
    orders |= {"2020-07-21": [(-100, None)]}
    assert story(panel, orders) == [
        ("07-17", 300, 79.0),
        ("07-20", 0, "below_one_lot"),
        ("07-21", 200, 78.3),
        ("07-22", 100, 77.8),
    ]


def test_an_order_sent_the_evening_before_a_listing_is_filled_at_its_opening(panel: MarketPanel) -> None:
    assert story(panel, {"2020-07-15": [(200, None)]}) == [("07-16", 200, 95.0)]


def test_the_first_five_sessions_have_no_limit_and_the_sixth_has(panel: MarketPanel) -> None:
    prices, limits = PanelPrices(panel), []
    for prices.row in range(panel.row("2020-07-16"), panel.row("2020-07-24")):
        quote = prices.quote(SMIC)
        assert quote is not None
        limits.append(quote.limits)
    assert limits[:5] == [Limits(LimitState.UNLIMITED, None, None)] * 5
    assert limits[5] == Limits(LimitState.LIMITED, 95_48, 63_66)  # 79.57 × 1.2 and × 0.8


def test_a_limit_price_beyond_20_percent_is_taken_until_the_sixth_session(panel: MarketPanel) -> None:
    """A bid of 100.00 is more than 25 % above the closes of 2020-07-21 and 2020-07-22."""
    orders = {"2020-07-21": [(200, 100.0)], "2020-07-22": [(200, 100.0)]}
    assert story(panel, orders) == [("07-22", 200, 77.8), ("07-23", 0, "price_outside_limits")]
