"""Orders as backtrader knows them, without what makes them slow and never freed."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import backtrader as bt

from engine.broker.orders import Fill, OrderRequest, Reason, Side

_STATUS = {
    Reason.INSUFFICIENT_CASH: bt.Order.Margin,
    Reason.CANCELLED: bt.Order.Canceled,
    Reason.END_OF_RUN: bt.Order.Expired,
}


class StockComminfo(bt.CommInfoBase):  # type: ignore[misc]
    """Stocks bought with cash; fees are the broker's business, since they depend on the date."""

    params = (("stocklike", True), ("percabs", True), ("commission", 0.0))


class _Bit:
    """One execution, as ``bt.Strategy`` reads it to keep its trades."""

    __slots__ = (
        "closed", "closedcomm", "closedvalue", "comm", "dt", "opened", "openedcomm", "openedvalue",
        "pnl", "pprice", "price", "psize", "size", "value",
    )  # fmt: skip

    def __init__(self, fill: Fill, dt: float, psize: int, pprice: float) -> None:
        self.dt = dt
        self.price = fill.price_fen / 100
        self.comm = (fill.fees.total + fill.tax_fen) / 100
        self.psize, self.pprice = psize, pprice
        if fill.side is Side.BUY:
            self.size = self.opened = fill.shares
            self.closed = 0
            self.openedvalue, self.closedvalue = fill.amount_fen / 100, 0.0
            self.openedcomm, self.closedcomm = self.comm, 0.0
            self.pnl = 0.0
        else:
            self.size = self.closed = -fill.shares
            self.opened = 0
            self.openedvalue, self.closedvalue = 0.0, fill.cost_fen / 100
            self.openedcomm, self.closedcomm = 0.0, self.comm
            self.pnl = (fill.amount_fen - fill.cost_fen) / 100
        self.value = self.openedvalue + self.closedvalue


class Execution:
    """Stands for ``order.created`` and ``order.executed``."""

    __slots__ = (
        "comm", "dt", "exbits", "margin", "pclose", "pending", "plimit", "pnl", "pprice", "price",
        "pricelimit", "psize", "remsize", "size", "trailamount", "trailpercent", "value",
    )  # fmt: skip

    def __init__(self, dt: float | None, size: int, price: float, remsize: int = 0) -> None:
        self.dt, self.size, self.price, self.remsize = dt, size, price, remsize
        self.value = self.comm = self.pnl = self.pprice = self.pclose = 0.0
        self.psize = 0
        self.margin = self.pricelimit = self.plimit = self.trailamount = self.trailpercent = None
        self.exbits: tuple[_Bit, ...] = ()
        self.pending: tuple[_Bit, ...] = ()

    def __len__(self) -> int:
        return len(self.exbits)

    def __getitem__(self, i: int) -> _Bit:
        return self.exbits[i]

    def iterpending(self) -> Iterator[_Bit]:
        """Executions not yet told to the strategy."""
        return iter(self.pending)


_PARAMS = SimpleNamespace(simulated=False, histnotify=False, transmit=True, parent=None, oco=None)


class AShareOrder(bt.Order):  # type: ignore[misc]
    """A market order for the next session, with the attributes strategies and analyzers read.

    ``info.reason`` says why it was refused or cut; ``request`` is the order as decided.
    """

    ordtype: int

    @classmethod
    def make(cls, request: OrderRequest, owner: Any, data: Any, size: int, tradeid: int = 0) -> AShareOrder:
        """Create an order without backtrader's costly parameter machinery. `size` is signed."""
        order: AShareOrder = object.__new__(cls)
        order.ref = next(bt.Order.refbasis)
        order.request = request
        order.owner = owner
        order.data = data
        order.size = size
        order.ordtype = cls.Buy if request.side is Side.BUY else cls.Sell
        order.status = cls.Created
        order.exectype = cls.Market
        order.p = order.params = _PARAMS
        order.tradeid = tradeid
        order.price = order.pricelimit = order.valid = order.plimit = None
        order.trailamount = order.trailpercent = order.oco = order.parent = order.broker = None
        order.comminfo = None
        order.triggered = False
        order.position = 0
        order.plen = len(data)
        order.dteos = 0.0
        order.info = bt.utils.AutoOrderedDict()
        order.created = Execution(data.datetime[0], size, data.close[0])
        order.executed = Execution(None, 0, 0.0, remsize=size)
        return order

    __hash__ = object.__hash__

    def clone(self) -> AShareOrder:
        """A copy that keeps today's status, for notifications."""
        other = copy.copy(self)
        other.executed = copy.copy(self.executed)
        return other

    def fill(self, fill: Fill, dt: float, psize: int, pprice: float) -> None:
        """Book a fill; whatever is left open expires with the session."""
        bit = _Bit(fill, dt, psize, pprice)
        done = self.executed
        done.exbits = done.pending = (bit,)
        done.dt, done.size, done.price, done.value, done.comm = dt, bit.size, bit.price, bit.value, bit.comm
        done.pnl, done.psize, done.pprice = bit.pnl, psize, pprice
        signed = fill.requested if fill.side is Side.BUY else -fill.requested
        self.size = self.created.size = signed
        done.remsize = signed - bit.size
        if fill.reason is not None:
            self.info["reason"] = fill.reason.value
        self.status = self.Partial if done.remsize else self.Completed

    def refuse(self, reason: Reason, dt: float) -> None:
        """Mark the order as not filled."""
        self.executed.dt = dt
        self.info["reason"] = reason.value
        self.status = _STATUS.get(reason, self.Rejected)

    def expire_rest(self) -> AShareOrder:
        """The notification after a partial fill: the open part is gone with the session."""
        other = self.clone()
        other.executed.pending = ()
        other.status = self.Expired
        return other
