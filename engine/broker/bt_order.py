"""Orders and trades as backtrader knows them, without what makes them slow and never freed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import backtrader as bt
import numpy as np
from numpy.typing import NDArray

from engine.broker.account import Account
from engine.broker.orders import Fill, OrderRequest, Reason, Side
from engine.errors import StrategyError

_STATUS = {
    Reason.INSUFFICIENT_CASH: bt.Order.Margin,
    Reason.CANCELLED: bt.Order.Canceled,
    Reason.END_OF_RUN: bt.Order.Expired,
    Reason.PRICE_NOT_REACHED: bt.Order.Expired,
    Reason.REPLACED: bt.Order.Canceled,
}
_UNSUPPORTED = ("oco", "parent", "trailamount", "trailpercent", "plimit")
_OPTIONS = frozenset({*_UNSUPPORTED, "exectype", "valid", "tradeid", "transmit", "histnotify"})


class StockComminfo(bt.CommInfoBase):
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
        self.comm = (fill.fees_fen + fill.tax_fen) / 100
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
        self.pclose = price
        self.value = self.comm = self.pnl = self.pprice = 0.0
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

    def getpending(self) -> list[_Bit]:
        """Executions not yet told to the strategy, as a list."""
        return list(self.pending)

    @classmethod
    def of(cls, bits: tuple[_Bit, ...], size: int, *, told: int) -> Execution:
        """Sum up the executions of an order of `size`; the strategy has heard of the first `told`."""
        last = bits[-1]
        done = cls(last.dt, last.size, last.price)
        done.value, done.comm, done.pnl = last.value, last.comm, last.pnl
        if len(bits) > 1:
            done.size = sum([bit.size for bit in bits])
            done.price = sum([bit.size * bit.price for bit in bits]) / done.size
            done.value = sum([bit.value for bit in bits])
            done.comm = sum([bit.comm for bit in bits])
            done.pnl = sum([bit.pnl for bit in bits])
        done.remsize = size - done.size
        done.exbits, done.pending = bits, bits[told:]
        done.psize, done.pprice = last.psize, last.pprice
        return done


class FillSession(NamedTuple):
    """What all fills of a session share.

    `account` is the one after the basket; `closes` is (T, N), `row` the session of the fills, `dt` its date.
    """

    account: Account
    dt: float
    closes: NDArray[np.float64]
    row: int
    comminfo: bt.CommInfoBase


_PARTICULARS = frozenset({"comminfo", "created", "executed", "info", "plen", "size"})
_NUMBERS = bt.Order.refbasis
_BUY, _BOUGHT, _SOLD, _COMPLETED = Side.BUY, bt.Order.Buy, bt.Order.Sell, bt.Order.Completed


class AShareOrder(bt.Order):
    """An order for the next session, at the market or with a limit.

    It has the attributes strategies and analyzers read. ``info.reason`` says why it was refused or cut;
    ``request`` is the order as decided.
    """

    p = bt.Order.params  # backtrader's defaults; those that differ are set on the order
    price = pricelimit = plimit = valid = oco = parent = trailamount = trailpercent = None
    exectype = bt.Order.Market
    broker: Any = None
    triggered = False
    position = 0
    dteos = 0.0
    ordtype: int
    tradeid = 0
    # the particulars, see `filled`
    size: int
    plen: int
    info: Any
    comminfo: Any
    created: Execution
    executed: Execution

    @classmethod
    def make(
        cls,
        request: OrderRequest,
        owner: Any,
        data: Any,
        size: int,
        *,
        dt: float,
        close: float,
        comminfo: bt.CommInfoBase,
        tradeid: int = 0,
    ) -> AShareOrder:
        """Create an order without backtrader's costly parameter machinery.

        `size` is signed; `dt` and `close` are those of the session of the decision.
        """
        order: AShareOrder = object.__new__(cls)
        order.ref = next(bt.Order.refbasis)
        order.request = request
        order.owner, order.data, order.size, order.tradeid = owner, data, size, tradeid
        order.ordtype = cls.Buy if request.side is Side.BUY else cls.Sell
        order.status = cls.Created
        order.comminfo = comminfo
        order.plen = len(data)
        order.info = bt.utils.AutoOrderedDict()
        order.created = Execution(dt, size, close)
        order.executed = Execution(None, 0, 0.0, remsize=size)
        return order

    @classmethod
    def filled(cls, fill: Fill, owner: Any, data: Any, session: FillSession) -> AShareOrder:
        """Create an order that one fill has completed; its particulars are made when somebody reads them."""
        order: AShareOrder = object.__new__(cls)
        order.ref = next(_NUMBERS)
        order.request = fill[0]
        order.owner, order.data = owner, data
        order.ordtype = _BOUGHT if fill[1] is _BUY else _SOLD
        order.status = _COMPLETED
        order._particulars = fill, session
        return order

    def __getattr__(self, name: str) -> Any:
        """The particulars of an order made by `filled`; what no order has, from its parameters."""
        if name not in _PARTICULARS or "_particulars" not in self.__dict__:
            return super().__getattr__(name)
        fill, (account, dt, closes, row, comminfo) = self.__dict__.pop("_particulars")
        symbol = fill.request.symbol
        size = fill.shares if fill.side is Side.BUY else -fill.shares
        held = account.shares(symbol)
        cost = account.cost_fen(symbol) / held / 100 if held else 0.0
        made = {
            "size": size,
            "comminfo": comminfo,
            "plen": row - self.data._cursor.first + 1,
            "info": bt.utils.AutoOrderedDict(),
            "created": Execution(dt, size, closes.item(row, self.data.column)),
            "executed": Execution.of((_Bit(fill, dt, held, cost),), size, told=0),
        }
        # what somebody has set in the meantime stays
        self.__dict__ = made | self.__dict__
        return self.__dict__[name]

    def set_limit(self, price: float) -> None:
        """Make it a limit order at `price`, CNY."""
        self.exectype = bt.Order.Limit
        self.__dict__["price"] = self.created.price = price

    __hash__ = object.__hash__

    def clone(self) -> AShareOrder:
        """A copy that keeps today's status, for notifications; executions are replaced, never changed."""
        _ = self.executed
        other: AShareOrder = object.__new__(type(self))
        other.__dict__.update(self.__dict__)
        return other

    def fill(self, fill: Fill, dt: float, psize: int, pprice: float) -> None:
        """Book a fill."""
        bit = _Bit(fill, dt, psize, pprice)
        before = self.executed.exbits
        if not before:
            self.size = self.created.size = fill.requested if fill.side is Side.BUY else -fill.requested
        self.executed = Execution.of((*before, bit), self.size, told=len(before))
        if fill.reason is not None:
            self.info["reason"] = fill.reason.value
        self.status = self.Partial if self.executed.remsize else self.Completed

    def refuse(self, reason: Reason, dt: float) -> None:
        """Mark the order as not filled, or what was left of it as gone."""
        self.info["reason"] = reason.value
        if self.executed.exbits:
            self.expire_rest()
            return
        self.executed = Execution(dt, 0, 0.0, self.size)
        self.status = _STATUS.get(reason, self.Rejected)

    def expire_rest(self) -> AShareOrder:
        """End a partly filled order with its session; what was executed has been told already."""
        bits = self.executed.exbits
        self.executed = Execution.of(bits, self.size, told=len(bits))
        self.status = self.Expired
        return self


def check_options(options: Mapping[str, Any]) -> None:
    """Refuse what would otherwise be ignored in silence."""
    exectype = options.get("exectype")
    if exectype not in (None, bt.Order.Market, bt.Order.Limit):
        name = bt.Order.ExecTypes[exectype]
        raise StrategyError(f"{name} orders are not supported; send a market or limit order, see broker.fill")
    for key in _UNSUPPORTED:
        if options.get(key) is not None:
            raise StrategyError(f"orders with {key!r} are not supported by the A-share broker")
    if not options.get("transmit", True):
        raise StrategyError("orders with transmit=False (brackets) are not supported by the A-share broker")


def information(options: Mapping[str, Any]) -> dict[str, Any]:
    """What was said with an order that only its sender understands."""
    return {key: value for key, value in options.items() if key not in _OPTIONS}
