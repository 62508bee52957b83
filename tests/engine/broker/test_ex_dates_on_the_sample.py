"""Holdings of the bundled sample across ex-dates, through backtrader, worked out by hand."""

from __future__ import annotations

from typing import Any

import backtrader as bt
import pytest

from alphaloom.api import load_panel
from engine.broker.config import BrokerConfig
from engine.broker.orders import Basket, ExDate, Refusal, Side
from engine.market.panel import MarketPanel
from engine.runner import RunLog, run_strategy
from engine.span import Span

FREE = {"fees": {"buy": 0.0, "sell": 0.0}, "slippage_bps": 0.0}


class Plan(bt.Strategy):
    """Sends the orders of a plan: shares by symbol by the session of the decision, negative to sell."""

    params = (("orders", {}),)

    def next(self) -> None:
        session = str(self.broker.panel.dates[self.broker.row])
        for symbol, shares in self.p.orders.get(session, {}).items():
            send = self.buy if shares > 0 else self.sell
            send(data=self.getdatabyname(symbol), size=abs(shares))


@pytest.fixture(scope="module")
def panel() -> MarketPanel:
    return load_panel("sse50")


@pytest.fixture(scope="module")
def panel_without_table() -> MarketPanel:
    return load_panel("sse50", actions=None)


def run(
    panel: MarketPanel, start: str, end: str, orders: dict[str, dict[str, int]], **config: Any
) -> tuple[RunLog, dict[str, tuple[float, float]]]:
    """Run from the close of `start`; returns the log and (cash, equity) in CNY by session."""
    first = panel.row(start)
    span = Span(first, first + 1, panel.row(end))
    log = run_strategy(panel, Plan, {"orders": orders}, broker=BrokerConfig(**FREE | config), span=span)
    account = {str(panel.dates[r.row]): (r.cash_fen / 100, r.value_fen / 100) for r in log.journal.sessions}
    return log, account


def only_ex_date(log: RunLog) -> ExDate:
    ((_, event),) = log.journal.ex_dates
    return event


def test_longi_pays_0_248_and_four_shares_for_ten(panel: MarketPanel) -> None:
    """601012.SH: 109.70 before 2021-06-23, reference (109.70 − 0.248) / 1.4 = 78.18."""
    orders = {"2021-06-21": {"601012.SH": 300}}
    log, account = run(panel, "2021-06-21", "2021-06-23", orders, cash=100_000.0)
    assert account == {
        "2021-06-21": (100_000.00, 100_000.00),
        "2021-06-22": (66_880.00, 99_790.00),  # 300 at 110.40, marked at 109.70
        "2021-06-23": (66_954.40, 100_462.00),  # 74.40 of dividend; 420 shares at 79.78
    }
    event = only_ex_date(log)
    assert (event.shares_before, event.shares_after) == (300, 420)
    assert (event.cash_fen, event.rounding_fen, event.beyond_tolerance) == (74_40, 0, False)
    assert event.terms == "cash 0.248 a share, bonus 0.4"


def test_bonus_shares_can_be_sold_on_the_ex_date(panel: MarketPanel) -> None:
    orders = {"2021-06-21": {"601012.SH": 300}, "2021-06-22": {"601012.SH": -420}}
    _, account = run(panel, "2021-06-21", "2021-06-23", orders, cash=100_000.0)
    assert account["2021-06-23"] == (66_954.40 + 420 * 79.28,) * 2


def test_without_a_table_the_holding_is_kept_whole_by_cash(panel_without_table: MarketPanel) -> None:
    orders = {"2021-06-21": {"601012.SH": 300}}
    log, account = run(panel_without_table, "2021-06-21", "2021-06-23", orders, cash=100_000.0)
    assert only_ex_date(log).cash_fen == 300 * (109_70 - 78_18)
    assert account["2021-06-23"] == (66_880.00 + 9_456.00, 66_880.00 + 9_456.00 + 300 * 79.78)


def test_moutai_pays_21_67_a_share(panel: MarketPanel) -> None:
    """600519.SH: 2,030.00 before 2022-06-30, reference 2,008.33."""
    orders = {"2022-06-28": {"600519.SH": 100}}
    log, account = run(panel, "2022-06-28", "2022-06-30", orders, cash=500_000.0)
    assert account["2022-06-29"] == (297_200.00, 500_200.00)
    assert account["2022-06-30"] == (299_367.00, 503_867.00)
    assert only_ex_date(log) == ExDate("600519.SH", 100, 100, 2_167_00, 0, 0, terms="cash 21.67 a share")


def test_a_share_bought_on_the_ex_date_gets_no_dividend(panel: MarketPanel) -> None:
    orders = {"2022-06-29": {"600519.SH": 100}}
    log, account = run(panel, "2022-06-28", "2022-06-30", orders, cash=500_000.0)
    assert log.journal.ex_dates == []
    assert account["2022-06-30"] == (300_000.00, 504_500.00)


def test_dividend_tax_is_withheld_when_the_shares_are_sold_within_a_month(panel: MarketPanel) -> None:
    """Bought on 2022-06-29, sold on 2022-07-29 at the open: 20 % of 2,167.00; a session later 10 %."""
    for decided, sold, tax_fen in (
        ("2022-07-28", "2022-07-29", 433_40),
        ("2022-07-29", "2022-08-01", 216_70),
    ):
        orders = {"2022-06-28": {"600519.SH": 100}, decided: {"600519.SH": -100}}
        log, account = run(panel, "2022-06-28", sold, orders, cash=500_000.0, dividend_tax=True)
        _, sale = log.journal.trades[-1]
        assert sale.tax_fen == tax_fen
        proceeds = panel.field("open")[panel.row(sold), panel.column("600519.SH")] * 100
        assert account[sold][0] == pytest.approx(299_367.00 + proceeds - tax_fen / 100, abs=0.001)


def test_citic_rights_issue_is_subscribed_when_trading_resumes(panel: MarketPanel) -> None:
    """600030.SH: suspended at 25.70 from 2022-01-19, 1.5 for 10 at 14.43; reference 24.23 on 2022-01-27."""
    orders = {"2022-01-17": {"600030.SH": 1_000}}
    log, account = run(panel, "2022-01-17", "2022-01-27", orders, cash=100_000.0)
    event = only_ex_date(log)
    assert (event.shares_before, event.shares_after, event.rights_cost_fen) == (1_000, 1_150, 2_164_50)
    assert (event.cash_fen, event.rounding_fen) == (0, 0)
    before, after = account["2022-01-26"], account["2022-01-27"]
    assert before[1] - before[0] == pytest.approx(25_700.00)
    assert after[0] == pytest.approx(before[0] - 2_164.50)
    assert after[1] - after[0] == pytest.approx(1_150 * 24.15)


def test_rights_shares_cannot_be_sold_on_the_ex_date(panel: MarketPanel) -> None:
    orders = {"2022-01-17": {"600030.SH": 1_000}, "2022-01-26": {"600030.SH": -1_150}}
    log, _ = run(panel, "2022-01-17", "2022-01-27", orders, cash=100_000.0)
    _, sale = log.journal.trades[-1]
    assert (sale.shares, sale.reason) == (1_000, "t_plus_1")


def test_rights_that_lapse_cost_what_they_were_worth(panel: MarketPanel) -> None:
    orders = {"2022-01-17": {"600030.SH": 1_000}}
    _, paid = run(panel, "2022-01-17", "2022-01-27", orders, cash=100_000.0)
    log, lapsed = run(panel, "2022-01-17", "2022-01-27", orders, cash=100_000.0, rights="lapse")
    assert only_ex_date(log).terms.endswith("lapsed")
    assert only_ex_date(log).rounding_fen == 0
    assert paid["2022-01-27"][1] - lapsed["2022-01-27"][1] == pytest.approx(150 * (24.15 - 14.43))


def test_a_holding_whose_rows_end_stays_at_its_last_close_and_is_reported(panel: MarketPanel) -> None:
    """600837.SH ends on 2023-03-17 at 8.98."""
    orders = {"2023-03-15": {"600837.SH": 1_000}, "2023-03-17": {"600837.SH": -1_000}}
    log, account = run(panel, "2023-03-15", "2023-03-22", orders, cash=100_000.0)
    cash = 100_000.00 - 8_870.00
    for session in ("2023-03-17", "2023-03-20", "2023-03-21", "2023-03-22"):
        assert account[session] == (cash, cash + 8_980.00)
    assert log.journal.ended == {"600837.SH": panel.row("2023-03-20")}
    _, refused = log.journal.trades[-1]
    assert isinstance(refused, Refusal)
    assert refused.reason == "no_price"


class SilentMixture(bt.Strategy):
    """Listens to nothing; buys 700 shares in a basket and sells 200 of them by a plain order."""

    def next(self) -> None:
        broker, symbol = self.broker, "601012.SH"
        if broker.row == broker.first:
            broker.send(self, Basket((broker.request(broker.prices.column(symbol), Side.BUY, shares=700),)))
        elif broker.row == broker.first + 1:
            self.sell(data=self.getdatabyname(symbol), size=200)


def test_a_silent_strategy_may_mix_baskets_and_plain_orders_across_an_ex_date(panel: MarketPanel) -> None:
    first, last = panel.row("2021-06-18"), panel.row("2021-06-23")
    span = Span(first, first + 1, last)
    log = run_strategy(panel, SilentMixture, {}, broker=BrokerConfig(**FREE), span=span)
    assert only_ex_date(log).shares_after == 700


def test_every_ex_date_of_the_sample_is_explained_by_its_terms(panel: MarketPanel) -> None:
    """All members bought at once and held for three years: no ex-date is beyond the tolerance."""
    first = panel.row("2020-12-31")
    members = [str(panel.symbols[c]) for c in panel.universe[first].nonzero()[0]]
    orders = {"2020-12-31": dict.fromkeys(members, 1_000)}
    log, _ = run(panel, "2020-12-31", "2023-12-29", orders, cash=1e8)
    assert len(log.journal.ex_dates) > 100
    assert [e for _, e in log.journal.ex_dates if e.beyond_tolerance] == []
    # all cash flows are accounted for: what went in and out besides the purchases are the ex-dates
    spent = sum(e.amount_fen for _, e in log.journal.trades if not isinstance(e, Refusal))
    received = sum(e.cash_fen - e.rights_cost_fen for _, e in log.journal.ex_dates)
    assert log.journal.sessions[-1].cash_fen == 10**10 - spent + received
