"""`AShareBroker`: the backtrader broker around the account and the pure step."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import backtrader as bt
import numpy as np
from numpy.typing import NDArray

from engine.broker.account import Account
from engine.broker.bt_books import Audience, Positions
from engine.broker.bt_order import AShareOrder, StockComminfo, information
from engine.broker.carry import carried
from engine.broker.config import BrokerConfig
from engine.broker.desk import OrderDesk
from engine.broker.ex_date import apply_terms, preserve_value
from engine.broker.ex_sessions import ex_columns
from engine.broker.journal import Holding, Journal, MarkLog, SessionRecord
from engine.broker.marks import mark
from engine.broker.match import step
from engine.broker.orders import (
    Basket,
    ExDate,
    Fill,
    OrderRequest,
    Reason,
    Refusal,
    Side,
    SlotBuys,
    Trade,
)
from engine.broker.qlib import QlibExchange, qlib_step
from engine.broker.quick import QuickStep
from engine.broker.quotes import PanelPrices
from engine.broker.teller import Teller
from engine.clock import LightData, LightDatas, moments
from engine.errors import StrategyError
from engine.market.panel import MarketPanel

__all__ = ["AShareBroker", "Holding", "Journal", "SessionRecord"]


class AShareBroker(bt.BrokerBase):
    """A broker for A-shares: orders decided at a close are matched in the next session.

    Parameters
    ----------
    panel : MarketPanel
    config : BrokerConfig
    first, last : int
        Panel rows of the clock's first and last session.
    on_session : callable, optional
        Called with the number of sessions done, for progress.

    Notes
    -----
    ``account`` is the whole state; ``restore(account)`` puts it back. Orders and trades that are done are
    forgotten, by the broker and by the strategy; the journal keeps what happened.
    """

    params = (("commission", StockComminfo()),)

    def __init__(
        self,
        panel: MarketPanel,
        config: BrokerConfig,
        first: int,
        last: int,
        on_session: Callable[[int], None] | None = None,
    ) -> None:
        super().__init__()
        self.panel = panel
        self.config = config
        self.first, self.last = first, last
        self.row = first - 1
        #: row from which schedules such as ``every 20`` are counted
        self.origin = first
        self.moments: list[float] = moments(panel.dates).tolist()
        self.account = Account(round(config.cash * 100))
        self.startingcash = self.account.cash_fen / 100
        self.prices = PanelPrices(panel, first)
        #: line series by symbol, those that a strategy has asked for
        self.feeds: Mapping[str, Any] = {}
        self.journal = Journal(marks=MarkLog(self.prices.symbols, whole=config.compat != "qlib"))
        #: (T, N) closes, CNY
        self.closes = panel.field("close")
        self._desk = OrderDesk(self.prices, config)
        #: write orders for `send`, one or many, see `OrderDesk`
        self.request, self.requests = self._desk.request, self._desk.requests
        self._teller = Teller(self)
        self._terms = config.terms()
        self._quick = QuickStep(self.prices, self._terms)
        self._qlib = QlibExchange(panel) if config.compat == "qlib" else None
        #: closes that positions are valued at
        self._marked = self.closes if self._qlib is None else self._qlib.close
        self._on_session = on_session
        #: columns of the names held, as of the last close
        self.held_columns: list[int] = []
        self._marks = mark({}, [], 0)
        self._equity = self.account.cash_fen
        self._requests: list[OrderRequest] = []
        self._carried: tuple[OrderRequest, ...] = ()
        self._slot_buys: SlotBuys | None = None
        self._slot_owner: Any = None
        self._both_sides_at_limit = False
        self._orders: dict[str, AShareOrder] = {}
        self.lights = LightDatas(self)
        self._steps = ex_columns(panel, first, last) if self._qlib is None else {}

    # -- what strategies read

    @property
    def is_last_session(self) -> bool:
        """Whether the clock stands at the end of the run, where nothing can be decided any more."""
        return self.row >= self.last

    @property
    def equity_fen(self) -> int:
        """Cash, dividends to come and positions at the last close seen."""
        return self._equity

    def light(self, column: int) -> LightData:
        """The light data object of a symbol's column."""
        return self.lights[column]

    def getcash(self) -> float:
        """Cash, CNY."""
        return self.account.cash_fen / 100

    def getvalue(self, datas: Any = None) -> float:
        """Cash, dividends to come and positions in CNY, or the value of the positions in `datas` alone."""
        if datas is None:
            return self._equity / 100
        worth = dict(zip(self._marks.symbols, self._marks.values_fen, strict=True))
        return sum(worth.get(data._name, 0) for data in datas) / 100

    get_cash, get_value = getcash, getvalue

    @property
    def fundshares(self) -> float:
        """Shares of the account seen as a fund that starts at 100 a share, as backtrader's broker counts."""
        return self.startingcash / 100

    @property
    def fundvalue(self) -> float:
        """Value of one share of the fund."""
        return self.getvalue() / self.fundshares

    def getposition(self, data: Any) -> bt.Position:
        """Position in a symbol: shares and their average cost with fees."""
        return self.position_of(data._name)

    @property
    def positions(self) -> Positions:
        """Positions by data object; any of a symbol's data objects finds its position."""
        return Positions(self)

    def get_orders_open(self, safe: bool = False) -> list[AShareOrder]:
        """Orders that wait for the next session."""
        return list(self._orders.values())

    def orderstatus(self, order: AShareOrder) -> int:
        """Status of an order."""
        return int(order.status)

    def position_of(self, symbol: str) -> bt.Position:
        """`getposition` by symbol."""
        shares = self.account.shares(symbol)
        return bt.Position(shares, self.account.cost_fen(symbol) / shares / 100 if shares else 0.0)

    def restore(self, account: Account) -> None:
        """Put an account back, for instance one that was stored."""
        self.account = account
        self._mark()

    # -- what waits for the next session

    @property
    def sent(self) -> Basket:
        """What was sent at the last close, without the rest of earlier orders."""
        return Basket(tuple(self._requests), self._slot_buys, self._both_sides_at_limit)

    @property
    def waiting(self) -> Basket:
        """All that will be matched in the next session."""
        return self.sent._replace(orders=(*self._carried, *self._requests))

    def put_back(self, owner: Any, sent: Basket, carried: tuple[OrderRequest, ...] = ()) -> None:
        """Let stored orders take the place of all that waits."""
        self._requests, self._slot_buys, self._slot_owner = list(sent.orders), sent.slot_buys, owner
        self._both_sides_at_limit = sent.both_sides_at_limit
        self._carried = carried
        known = {request.order_id for request in (*carried, *sent.orders)}
        self._orders = {key: order for key, order in self._orders.items() if key in known}

    # -- what strategies send

    def buy(
        self, owner: Any, data: Any, size: float, price: float | None = None, **kwargs: Any
    ) -> AShareOrder:
        """Order a number of shares for the next session, at the market or at `price` (``bt.Order.Limit``)."""
        return self._order(owner, data, Side.BUY, size, price, kwargs)

    def sell(
        self, owner: Any, data: Any, size: float, price: float | None = None, **kwargs: Any
    ) -> AShareOrder:
        """Sell a number of shares in the next session; never more than are held."""
        return self._order(owner, data, Side.SELL, size, price, kwargs)

    def submit(self, order: AShareOrder) -> AShareOrder:
        """Accept an order for the next session."""
        self._requests.append(order.request)
        self._orders[order.request.order_id] = order
        order.status, order.broker = order.Submitted, self
        self._teller.add_passing(order)
        return order

    def cancel(self, order: AShareOrder) -> bool:
        """Take back an order that waits for the next session; whether there was one."""
        key = order.request.order_id
        if self._orders.pop(key, None) is None:
            return False
        self._requests = [request for request in self._requests if request.order_id != key]
        self._carried = tuple(request for request in self._carried if request.order_id != key)
        self._refuse(order, Reason.CANCELLED)
        self._teller.add(order)
        return True

    def setcommission(self, *args: Any, **kwargs: Any) -> None:
        """Refuse: fees follow the dated rules."""
        raise StrategyError("fees are set in the configuration (broker.fees), not by the strategy")

    addcommissioninfo = setcommission

    def send(self, owner: Any, basket: Basket) -> None:
        """Send a whole basket; its orders reach the strategy's notifications once they are matched.

        What is left of an earlier basket gives way to it.
        """
        self._drop_carried()
        self._requests.extend(basket.orders)
        self._slot_buys, self._slot_owner = basket.slot_buys, owner
        self._both_sides_at_limit = basket.both_sides_at_limit

    def qlib_tradable(self) -> NDArray[np.bool_]:
        """(N,) what Qlib holds for tradable in the session to come.

        It looks ahead, as Qlib does, and therefore exists under ``compat: qlib`` alone.
        """
        if self._qlib is None:
            raise StrategyError("whether a stock can be traded tomorrow is not known today")
        return self._qlib.tradable(self.row + 1, self.config.qlib_terms().limit_threshold)

    def _order(
        self, owner: Any, data: Any, side: Side, size: float, price: float | None, options: dict[str, Any]
    ) -> AShareOrder:
        if self.row < self.first:
            raise StrategyError("orders can be sent from the first session on; move them from start to next")
        request = self._desk.translate(self.account, data, side, size, price, options)
        signed = int(size) if side is Side.BUY else -int(size)
        order = self.make_order(request, owner, data, signed, options.get("tradeid", 0))
        order.info.update(information(options))
        if request.limit_fen is not None:
            order.set_limit(request.limit_fen / 100)
        return self.submit(order)

    def make_order(
        self, request: OrderRequest, owner: Any, data: Any, size: int, tradeid: int = 0
    ) -> AShareOrder:
        """Make backtrader's order of a request, as of the session; `size` is signed."""
        return AShareOrder.make(
            request,
            owner,
            data,
            size,
            dt=self.moments[self.row],
            close=self.closes.item(self.row, self.prices.column(request.symbol)),
            comminfo=self.comminfo[None],
            tradeid=tradeid,
        )

    # -- one session

    def next(self) -> None:
        """Move to the clock's session: ex-dates, matching, marks."""
        self.row += 1
        self.prices.row = self.row
        if self.account.receivables:
            self._receive()
        if self.row in self._steps:
            self._go_ex(self._steps[self.row])
        fees = bought = sold = 0
        for event in self._trade():
            if isinstance(event, Fill):
                fees += event.fees_fen
                if event.side is Side.BUY:
                    bought += event.amount_fen
                else:
                    sold += event.amount_fen
        self._desk.close()
        self._mark(record=True)
        cash = self.account.cash_fen
        self.journal.sessions.append(SessionRecord(self.row, cash, self._equity, fees, bought, sold))
        if self._on_session is not None:
            self._on_session(self.row - self.first + 1)

    def stop(self) -> None:
        """Orders of the last session will never be matched; say so."""
        for request in (*self._carried, *self._requests):
            order = self._orders.get(request.order_id)
            if order is not None:
                self._refuse(order, Reason.END_OF_RUN)
            else:
                self._record(Refusal(request, request.side, request.shares or 0, Reason.END_OF_RUN))
        self._requests, self._carried, self._slot_buys, self._orders = [], (), None, {}

    def get_notification(self) -> AShareOrder | None:
        """The next order whose status changed."""
        return self._teller.take_one()

    def take_notifications(self) -> list[AShareOrder]:
        """All orders whose status changed since they were last taken."""
        return self._teller.take()

    def audience(self, strategy: Any) -> Audience:
        """Who listens to a strategy's orders and trades."""
        return self._teller.books.of(strategy)

    def _trade(self) -> Sequence[Trade]:
        """Match what waits, if anything does."""
        if self._requests or self._carried or self._slot_buys is not None:
            return self._match()
        return ()

    def _match(self) -> list[Trade]:
        basket = self.waiting
        orders, owner = self._orders, self._slot_owner
        self._requests, self._slot_buys, self._orders, self._slot_owner = [], None, {}, None
        self._both_sides_at_limit = False
        for order in orders.values():
            if order.status != order.Submitted:
                continue
            order.status = order.Accepted
            self._teller.add_passing(order)
        self.account, out = self._fill(basket)
        self.journal.trades.extend(self.row, out)
        self._carried = carried(out)
        self._orders = self._teller.tell(out, orders, owner, self._carried)
        return out

    def _fill(self, basket: Basket) -> tuple[Account, list[Trade]]:
        """Match a basket at the prices of the session; nothing is booked."""
        if self._qlib is not None:
            return qlib_step(self.account, basket, self._qlib, self.row, self.config.qlib_terms())
        return self._quick.step(self.account, basket) or step(self.account, basket, self.prices, self._terms)

    def _record(self, event: Trade) -> None:
        self.journal.trades.extend(self.row, (event,))

    def _refuse(self, order: AShareOrder, reason: Reason) -> None:
        self._record(Refusal(order.request, order.request.side, abs(order.executed.remsize), reason))
        order.refuse(reason, self.moments[self.row])

    def _drop_carried(self) -> None:
        """Let what is left of earlier baskets go; orders sent one by one stay."""
        for request in self._carried:
            if request.order_id not in self._orders:
                self._record(Refusal(request, request.side, request.shares or 0, Reason.REPLACED))
        self._carried = tuple(r for r in self._carried if r.order_id in self._orders)

    # -- ex-dates and marks

    def _receive(self) -> None:
        """Take the dividends that are paid today."""
        self.account, paid = self.account.paid(self.prices.day)
        self.journal.received += [(self.row, each) for each in paid]

    def _go_ex(self, columns: tuple[int, ...]) -> None:
        for account, event in self._ex_dates(columns, self.account):
            self._book_ex_date(account, event)

    def _ex_dates(self, columns: tuple[int, ...], account: Account) -> Iterator[tuple[Account, ExDate]]:
        """What the session's ex-dates do to the holdings, one after the other; nothing is booked."""
        actions = self.panel.actions.on(self.panel.dates[self.row])
        for column in columns:
            symbol = self.prices.symbols[column]
            quote = self.prices.quote(symbol) if symbol in account.lots else None
            if quote is None:
                continue
            before, reference = quote.previous_close, quote.reference
            action = actions.get(column)
            if action is None:
                account, event = preserve_value(account, symbol, before, reference)
            else:
                account, event = apply_terms(
                    account, symbol, action, before, reference, self.prices.day, self.config.rights
                )
            yield account, event

    def _book_ex_date(self, account: Account, event: ExDate) -> None:
        self.account = account
        self.journal.ex_dates.append((self.row, event))
        column = self.prices.column(event.symbol)
        self._teller.books.go_ex(event, (self.lights.get(column), self.feeds.get(event.symbol)))

    def _mark(self, record: bool = False) -> None:
        """Value every position at the close; a stock whose rows have ended stays at its last one."""
        row, prices, lots = self.row, self.prices, self.account.lots
        columns = self.held_columns = prices.columns(lots)
        closes = prices.fen_of(self._marked, columns)
        if None in closes:
            for i, symbol in enumerate(lots):
                if closes[i] is None:
                    closes[i] = self._last_close(symbol)
        marks = mark(lots, closes, prices.day, whole=self._qlib is None)
        self._marks = marks
        self._equity = self.account.cash_fen + self.account.receivable_fen + sum(marks.values_fen)
        if record:
            self.journal.marks.append(row, columns, marks)

    def _last_close(self, symbol: str) -> float:
        self.journal.ended.setdefault(symbol, self.row)
        past = self.closes[: self.row + 1, self.prices.column(symbol)]
        return self.prices.fen(float(past[~np.isnan(past)][-1])) or 0
