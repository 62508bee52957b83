"""Stand-ins for backtrader's analyzers that walk ``self.datas``: here a name need not be a feed to be traded.

They are put in for backtrader's of the same name when a run is set up; what they return looks the same.
"""

from __future__ import annotations

from typing import Any

import backtrader as bt
import pandas as pd


class PositionsValue(bt.analyzers.PositionsValue):
    """Value of every name ever held, session by session; the columns are known when the run ends.

    With ``headers`` the key ``Datetime`` lists the symbols; with ``cash`` a last column holds the cash.
    """

    def start(self) -> None:
        """Begin with nothing held."""
        self._sessions: dict[Any, tuple[dict[str, float], float]] = {}

    def next(self) -> None:
        """Note what is held."""
        broker = self.strategy.broker
        values = {data._name: broker.getvalue([data]) for data in broker.positions}
        self._sessions[self.strategy.datetime.date()] = values, broker.getcash()

    def stop(self) -> None:
        """Line the names up in columns."""
        names = sorted({name for values, _ in self._sessions.values() for name in values})
        if self.p.headers:
            self.rets["Datetime"] = names + ["cash"] * self.p.cash
        for day, (values, cash) in self._sessions.items():
            self.rets[day] = [values.get(name, 0.0) for name in names] + [cash] * self.p.cash


class Transactions(bt.analyzers.Transactions):
    """Fills by session: amount, price, number of the name in order of its first fill, symbol, cash flow."""

    def start(self) -> None:
        """Begin without a name."""
        super().start()
        self._idnames: list[tuple[int, str]] = []
        self._known: set[str] = set()

    def notify_order(self, order: Any) -> None:
        """Take up the executions of an order."""
        name = order.data._name
        if name not in self._known and order.executed.size:
            self._known.add(name)
            self._idnames.append((len(self._idnames), name))
        super().notify_order(order)


class PyFolio(bt.analyzers.PyFolio):
    """Backtrader's data set for pyfolio, on the stand-ins above."""

    def __init__(self) -> None:
        frame = {"timeframe": self.p.timeframe, "compression": self.p.compression}
        self._returns = bt.analyzers.TimeReturn(**frame)
        self._positions = PositionsValue(headers=True, cash=True)
        self._transactions = Transactions(headers=True)
        self._gross_lev = bt.analyzers.GrossLeverage()

    def get_pf_items(self) -> tuple[Any, Any, Any, Any]:
        """Returns, positions, transactions and leverage as pandas objects; positions keep every name."""
        returns, _, transactions, leverage = super().get_pf_items()
        (_, names), *sessions = self.rets["positions"].items()
        days = pd.DatetimeIndex([day for day, _ in sessions], name="Datetime").tz_localize("UTC")
        positions = pd.DataFrame([values for _, values in sessions], index=days, columns=names)
        return returns, positions, transactions, leverage


REPLACED = {
    bt.analyzers.PositionsValue: PositionsValue,
    bt.analyzers.Transactions: Transactions,
    bt.analyzers.PyFolio: PyFolio,
}
