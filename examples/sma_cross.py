"""An ordinary backtrader strategy, brought over: two lines say which stock, the rest is as it was.

alphaloom backtest examples/sma_cross.yaml
"""

import backtrader as bt


class SmaCross(bt.Strategy):
    """In when the fast average crosses the slow one from below, out when it falls back."""

    params = (("symbol", "600519.SH"), ("fast", 10), ("slow", 30), ("percent", 0.9))

    def __init__(self):
        self.stock = self.getdatabyname(self.p.symbol)  # self.data is the clock here, not a stock
        fast = bt.ind.SMA(self.stock.close, period=self.p.fast)
        slow = bt.ind.SMA(self.stock.close, period=self.p.slow)
        self.cross = bt.ind.CrossOver(fast, slow)

    def next(self):
        """Runs once a session, at its close; orders are filled in the next one."""
        if not self.getposition(self.stock).size:  # self.position is that of self.data
            if self.cross > 0:
                self.order_target_percent(self.stock, self.p.percent)
        elif self.cross < 0:
            self.close(self.stock)

    def notify_order(self, order):
        """Told of every fill and refusal, as always."""
        if order.status == order.Rejected:
            print(f"{order.data._name} was not traded: {order.info.reason}")
