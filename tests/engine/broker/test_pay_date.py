"""Dividends that are paid after their ex-dates: value at once, cash on the day."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from broker_world import LONG_AGO, MOUTAI, PINGAN, TODAY, fen, with_lots

import alphaloom
from alphaloom.sample import sample_paths
from engine.broker.account import Account, Receivable
from engine.broker.ex_date import RightsPolicy, apply_terms
from engine.errors import DataError
from engine.market.actions import read_actions
from engine.market.calendar import xshg
from engine.market.corporate import CorporateAction, CorporateActions
from engine.market.table import Table
from engine.market.validate import Findings
from engine.result import Result

LATER = TODAY + 9


def go_ex(
    account: Account, action: CorporateAction, policy: RightsPolicy = RightsPolicy.SUBSCRIBE
) -> Account:
    return apply_terms(account, MOUTAI, action, 100_00, 96_73, TODAY, policy)[0]


def test_until_it_is_paid_a_dividend_is_owed() -> None:
    account = with_lots(1.00, (MOUTAI, 300, LONG_AGO))
    after = go_ex(account, CorporateAction(3.27, 0, 0, 0, pay_day=LATER))
    assert after.cash_fen == 1_00
    assert after.receivables == (Receivable(LATER, MOUTAI, fen(981.00)),)
    assert after.lots[MOUTAI][0].dividends_fen == fen(981.00)
    before, none = after.paid(LATER - 1)
    assert (before, none) == (after, ())
    paid, due = after.paid(LATER)
    assert paid.cash_fen == 1_00 + fen(981.00)
    assert (paid.receivables, due) == ((), after.receivables)


@pytest.mark.parametrize("pay_day", [None, TODAY])
def test_without_a_later_day_it_is_paid_on_the_ex_date(pay_day: int | None) -> None:
    after = go_ex(with_lots(0, (MOUTAI, 300, LONG_AGO)), CorporateAction(3.27, 0, 0, 0, pay_day))
    assert (after.cash_fen, after.receivables) == (fen(981.00), ())


def test_money_that_has_not_come_pays_for_no_rights() -> None:
    """3 for 10 at 3.00 cost 90.00 for 100 shares; the dividend of 327.00 comes later, cash is 10.00."""
    account = with_lots(10.00, (MOUTAI, 100, LONG_AGO))
    action = CorporateAction(3.27, 0, 0.3, 3.00, pay_day=LATER)
    after = go_ex(account, action)
    assert after.shares(MOUTAI) == 100
    assert after.cash_fen == 10_00
    assert go_ex(account, action._replace(pay_day=None)).shares(MOUTAI) == 130


def test_only_what_is_due_is_paid() -> None:
    dues = Receivable(LATER, MOUTAI, 5_00), Receivable(TODAY, PINGAN, 7_00)
    paid, now = Account(0, {}, dues).paid(TODAY)
    assert (paid.cash_fen, paid.receivables, now) == (7_00, dues[:1], dues[1:])


# -- the table


def actions_of(*rows: tuple[str, str, float, str]) -> CorporateActions:
    frame = pd.DataFrame(rows, columns=["symbol", "ex_date", "cash_per_share", "pay_date"])
    dates = xshg().between(np.datetime64("2023-06-01"), np.datetime64("2023-06-30"))
    return read_actions(Table.of_frame(frame, "dividends.csv"), dates, np.array([MOUTAI]), Findings())


def test_the_table_may_say_when_a_dividend_is_paid() -> None:
    day = np.datetime64("2023-06-13")
    (action,) = actions_of((MOUTAI, "2023-06-13", 1.5, "2023-06-20")).on(day).values()
    assert action.pay_day == int(np.datetime64("2023-06-20").astype(int))
    (action,) = actions_of((MOUTAI, "2023-06-13", 1.5, "")).on(day).values()
    assert action.pay_day is None


def test_of_two_payments_of_one_ex_date_the_later_day_counts() -> None:
    both = (MOUTAI, "2023-06-13", 1.5, "2023-06-13"), (MOUTAI, "2023-06-13", 0.5, "2023-06-20")
    (action,) = actions_of(*both).on(np.datetime64("2023-06-13")).values()
    assert (action.cash, action.pay_day) == (2.0, int(np.datetime64("2023-06-20").astype(int)))


def test_a_payment_before_the_ex_date_is_refused() -> None:
    with pytest.raises(DataError, match=r"dividends.csv, row 0: pay_date 2023-06-12 .* 2023-06-13"):
        actions_of((MOUTAI, "2023-06-13", 1.5, "2023-06-12"))


# -- a run


def run(folder: Path, days_later: int) -> Result:
    """Summer 2023 on the sample, every dividend paid so many calendar days after its ex-date."""
    actions = pd.read_csv(sample_paths()["actions"])
    pay_date = pd.to_datetime(actions["ex_date"]) + pd.Timedelta(days=days_later)
    actions["pay_date"] = pay_date.dt.strftime("%Y-%m-%d")
    path = folder / f"actions_{days_later}.csv"
    actions.to_csv(path, index=False)
    span = ["span.start=2023-06-01", "span.end=2023-08-31"]
    return alphaloom.backtest("buy_and_hold", sets=[*span, f"data.actions={path}"])


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> tuple[Result, Result]:
    """Paid at once, and after five days; the last ex-dates of the span are long over at its end."""
    folder = tmp_path_factory.mktemp("actions")
    return run(folder, 0), run(folder, 5)


def test_the_value_of_an_account_does_not_wait_for_the_money(runs: tuple[Result, Result]) -> None:
    at_once, later = runs
    assert len(later.journal.received) > 10
    np.testing.assert_array_equal(later.equity["equity"], at_once.equity["equity"])
    waiting = at_once.equity["cash"] - later.equity["cash"]
    assert (waiting >= 0).all()
    assert waiting.max() > 10_000
    assert waiting.iloc[-1] == 0


def test_every_dividend_comes_on_the_first_session_from_its_day_on(runs: tuple[Result, Result]) -> None:
    _, later = runs
    sessions = later.panel.dates
    for row, due in later.journal.received:
        pay_day = np.datetime64(due.pay_day, "D")
        assert sessions[row] == sessions[np.searchsorted(sessions, pay_day)]


def test_events_and_fills_explain_the_cash_to_the_fen(runs: tuple[Result, Result]) -> None:
    """Each session's change of cash is the sum of what it names."""
    for result in runs:
        cash = np.round(np.append(1e7, result.equity["cash"]) * 100).astype(int)
        moved = result.events.groupby("date")["cash_cny"].sum()
        fills = result.fills[result.fills["shares"] > 0]
        costs = fills[["commission", "stamp_duty", "transfer_fee"]].sum(axis=1)
        sign = np.where(fills["side"] == "buy", -1, 1)
        traded = (sign * fills["amount_cny"] - costs).groupby(fills["date"]).sum()
        days = result.equity["date"]
        explained = moved.reindex(days, fill_value=0.0) + traded.reindex(days, fill_value=0.0)
        np.testing.assert_array_equal(np.diff(cash), np.round(explained.to_numpy() * 100).astype(int))
    kinds = set(runs[1].events["kind"])
    assert {"ex_date", "dividend"} <= kinds
    assert "dividend" not in set(runs[0].events["kind"])
