"""`AShareBroker`: the backtrader broker around the account and the pure step."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import backtrader as bt
import numpy as np
from numpy.typing import NDArray

from engine.broker.account import Account
from engine.broker.bt_books import Audience, Books, Positions
from engine.broker.bt_order import AShareOrder, FillSession, StockComminfo, check_options
from engine.broker.carry import carried
from engine.broker.config import BrokerConfig
from engine.broker.ex_date import apply_terms, preserve_value
from engine.broker.ex_sessions import ex_columns
from engine.broker.journal import Holding, Journal, MarkLog, SessionRecord
from engine.broker.marks import mark
from engine.broker.match import step
from engine.broker.orders import (
    Basket,
    Fill,
    OrderRequest,
    Reason,
    Refusal,
    Side,
    SlotBuys,
    Trade,
    market_orders,
    order_id,
)
from engine.broker.qlib import QlibExchange, qlib_step
from engine.broker.quick import QuickStep
from engine.broker.quotes import PanelPrices
from engine.broker.validity import limit_price, sessions_until
from engine.clock import LightData, moments
from engine.errors import StrategyError
from engine.market.panel import MarketPanel

__all__ = ["AShareBroker", "Holding", "Journal", "SessionRecord"]

_VOLUME_SESSIONS = 20


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
        self.moments: list[float] = moments(panel.dates).tolist()
        self.account = Account(round(config.cash * 100))
        self.startingcash = self.account.cash_fen / 100
        self.prices = PanelPrices(panel, first)
        #: line series by symbol, those that a strategy has asked for
        self.feeds: Mapping[str, Any] = {}
        self.journal = Journal(marks=MarkLog(self.prices.symbols, whole=config.compat != "qlib"))
        self._symbols = self.prices.symbols
        self._close = panel.field("close")
        self._terms = config.terms()
        self._quick = QuickStep(self.prices, self._terms)
        self._qlib = QlibExchange(panel) if config.compat == "qlib" else None
        #: closes that positions are valued at
        self._marked = self._close if self._qlib is None else self._qlib.close
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
        #: orders of baskets, made for those who listen, while they live
        self._told: dict[str, AShareOrder] = {}
        self._counters: dict[tuple[str, bool], int] = {}
        self._notices: deque[AShareOrder] = deque()
        self._light: dict[int, LightData] = {}
        self._books = Books()
        self._steps = ex_columns(panel, first, last) if self._qlib is None else {}

    # -- what strategies read

    @property
    def is_last_session(self) -> bool:
        """Whether the clock stands at the end of the run, where nothing can be decided any more."""
        return self.row >= self.last

    @property
    def equity_fen(self) -> int:
        """Cash and positions at the last close seen."""
        return self._equity

    def light(self, column: int) -> LightData:
        """The light data object of a symbol's column."""
        data = self._light.get(column)
        if data is None:
            data = self._light[column] = LightData(self, column)
        return data

    def getcash(self) -> float:
        """Cash, CNY."""
        return self.account.cash_fen / 100

    def getvalue(self, datas: Any = None) -> float:
        """Cash and positions in CNY, or the value of the positions in `datas` alone."""
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
        return self._position(data._name)

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

    def _position(self, symbol: str) -> bt.Position:
        shares = self.account.shares(symbol)
        return bt.Position(shares, self.account.cost_fen(symbol) / shares / 100 if shares else 0.0)

    def restore(self, account: Account) -> None:
        """Put an account back, for instance one that was stored."""
        self.account = account
        self._mark()

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
        if self._books.of(order.owner).orders:
            self._notices.append(order.clone())
        return order

    def cancel(self, order: AShareOrder) -> bool:
        """Take back an order that waits for the next session; whether there was one."""
        key = order.request.order_id
        if self._orders.pop(key, None) is None:
            return False
        self._requests = [request for request in self._requests if request.order_id != key]
        self._carried = tuple(request for request in self._carried if request.order_id != key)
        self._refuse(order, Reason.CANCELLED)
        self._notices.append(order)
        return True

    def setcommission(self, *args: Any, **kwargs: Any) -> None:
        """Refuse: fees follow the dated rules."""
        raise StrategyError("fees are set in the configuration (broker.fees), not by the strategy")

    addcommissioninfo = setcommission

    def request(
        self,
        column: int,
        side: Side,
        *,
        shares: int | None = None,
        value_fen: int | None = None,
        target_fen: int | None = None,
        limit_fen: float | None = None,
        sessions: int | None = None,
    ) -> OrderRequest:
        """Write an order for the next session, with its id and caps, without sending it."""
        symbol, day, config = self._symbols[column], self.prices.day, self.config
        key = symbol, side is Side.BUY  # an enum hashes slowly
        n = self._counters[key] = self._counters.get(key, 0) + 1
        sized = config.sizing == "at_decision" and (value_fen is not None or target_fen is not None)
        return OrderRequest(
            order_id(day, symbol, side, n),
            symbol,
            side,
            day,
            shares,
            value_fen,
            target_fen,
            self.prices.close_fen(symbol) if sized else None,
            None if config.participation is None else self._cap(column, config.participation),
            limit_fen,
            config.order_sessions if sessions is None else sessions,
        )

    def requests(
        self,
        columns: Iterable[int],
        side: Side,
        *,
        value_fen: int | None = None,
        target_fen: int | None = None,
    ) -> tuple[OrderRequest, ...]:
        """Write orders at the market for many names, as `request` does one by one."""
        config, symbols = self.config, self._symbols
        if config.participation is not None or config.sizing == "at_decision":
            return tuple(
                self.request(column, side, value_fen=value_fen, target_fen=target_fen) for column in columns
            )
        return market_orders(
            self.prices.day,
            [symbols[column] for column in columns],
            side,
            self._counters,
            value_fen=value_fen,
            target_fen=target_fen,
            sessions=config.order_sessions,
        )

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
        info = check_options(options)
        column = self._column_of(data)
        if self.row < self.first:
            raise StrategyError("orders can be sent from the first session on; move them from start to next")
        if not math.isfinite(size):
            raise StrategyError(f"an order of {size} shares of {data._name}: the size must be a number")
        shares = int(size)
        held = self.account.shares(data._name)
        # who sells all of it means the bonus shares of tomorrow too
        everything = side is Side.SELL and shares == held > 0
        limit_fen = (
            limit_price(side, price, self.prices.whole_fen)
            if options.get("exectype") == bt.Order.Limit
            else None
        )
        order = self._make(
            self.request(
                column,
                side,
                shares=None if everything else shares,
                target_fen=0 if everything else None,
                limit_fen=limit_fen,
                sessions=sessions_until(options.get("valid"), self.panel, self.row),
            ),
            owner,
            data,
            shares if side is Side.BUY else -shares,
            options.get("tradeid", 0),
        )
        order.info.update(info)
        if limit_fen is not None:
            order.set_limit(limit_fen / 100)
        return self.submit(order)

    def _column_of(self, data: Any) -> int:
        try:
            return self.prices.column(data._name)
        except KeyError:
            raise StrategyError(
                f"{data._name!r} cannot be traded; take a symbol's data from getdatabyname('600519.SH')"
            ) from None

    def _make(self, request: OrderRequest, owner: Any, data: Any, size: int, tradeid: int = 0) -> AShareOrder:
        return AShareOrder.make(
            request,
            owner,
            data,
            size,
            dt=self.moments[self.row],
            close=self._close.item(self.row, self.prices.column(request.symbol)),
            comminfo=self.comminfo[None],
            tradeid=tradeid,
        )

    def _cap(self, column: int, participation: float) -> int:
        recent = self.panel.field("volume")[max(0, self.row - _VOLUME_SESSIONS + 1) : self.row + 1, column]
        mean = np.nanmean(recent) if not np.isnan(recent).all() else 0.0
        return int(participation * mean)

    # -- one session

    def next(self) -> None:
        """Move to the clock's session: ex-dates, matching, marks."""
        self.row += 1
        self.prices.row = self.row
        if self.row in self._steps:
            self._go_ex(self._steps[self.row])
        fees = bought = sold = 0
        if self._requests or self._carried or self._slot_buys is not None:
            for event in self._match():
                if isinstance(event, Fill):
                    fees += event.fees_fen
                    if event.side is Side.BUY:
                        bought += event.amount_fen
                    else:
                        sold += event.amount_fen
        self._counters.clear()
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
        return self._notices.popleft() if self._notices else None

    def take_notifications(self) -> list[AShareOrder]:
        """All orders whose status changed since they were last taken."""
        taken = list(self._notices)
        self._notices.clear()
        return taken

    def audience(self, strategy: Any) -> Audience:
        """Who listens to a strategy's orders and trades."""
        return self._books.of(strategy)

    def _match(self) -> list[Trade]:
        basket = Basket((*self._carried, *self._requests), self._slot_buys, self._both_sides_at_limit)
        orders, owner = self._orders, self._slot_owner
        self._requests, self._slot_buys, self._orders, self._slot_owner = [], None, {}, None
        self._both_sides_at_limit = False
        for order in orders.values():
            if order.status != order.Submitted:
                continue
            order.status = order.Accepted
            if self._books.of(order.owner).orders:
                self._notices.append(order.clone())
        if self._qlib is None:
            self.account, out = self._quick.step(self.account, basket) or step(
                self.account, basket, self.prices, self._terms
            )
        else:
            terms = self.config.qlib_terms()
            self.account, out = qlib_step(self.account, basket, self._qlib, self.row, terms)
        self.journal.trades.extend(self.row, out)
        self._carried = carried(out)
        audience = self._books.of(owner)
        if not (orders or self._told or audience.orders or audience.trades):
            return out
        going_on = {request.order_id for request in self._carried}
        self._orders = {key: order for key, order in orders.items() if key in going_on}
        latest = {event.request.order_id: event for event in out}
        if not (orders or self._told or going_on) and len(latest) == len(out):
            self._tell_basket(out, owner, audience)
            self._told = {}
            return out
        for event in out:
            key = event.request.order_id
            sent = orders.get(key) or self._told.get(key)
            if sent is not None or audience.orders or (audience.trades and isinstance(event, Fill)):
                self._notify(event, sent, owner, latest[key] is event and key not in going_on)
        self._told = {key: order for key, order in self._told.items() if key in going_on}
        return out

    def _record(self, event: Trade) -> None:
        self.journal.trades.extend(self.row, (event,))

    def _refuse(self, order: AShareOrder, reason: Reason) -> None:
        self._record(Refusal(order.request, order.request.side, abs(order.executed.remsize), reason))
        order.refuse(reason, self.moments[self.row])

    # -- who is told

    def _tell_basket(self, events: list[Trade], owner: Any, audience: Audience) -> None:
        """Tell of a basket each of whose orders met its fate at once, as nearly all do."""
        moment, comminfo = self.moments[self.row], self.comminfo[None]
        session = FillSession(self.account, moment, self._close, self.row, comminfo)
        columns, lights = self.prices.column, self._light
        for event in events:
            if isinstance(event, Fill) and event.shares == event.requested:
                column = columns(event.request.symbol)
                light = lights[column] if column in lights else self.light(column)
                self._notices.append(AShareOrder.filled(event, owner, light, session))
            elif audience.orders or isinstance(event, Fill):
                self._notify(event, None, owner, True)

    def _notify(self, event: Trade, order: AShareOrder | None, owner: Any, ends: bool) -> None:
        """Tell of an event; `ends` if it is the last of its order."""
        symbol, now = event.request.symbol, self.moments[self.row]
        if isinstance(event, Refusal) and not ends:
            return
        if order is None:
            order = self._make(event.request, owner, self.light(self.prices.column(symbol)), 0)
            self._told[event.request.order_id] = order
        if isinstance(event, Refusal):
            order.refuse(event.reason, now)
        else:
            position = self._position(symbol)
            order.fill(event, now, position.size, position.price)
            if order.status == order.Partial:
                self._notices.append(order.clone())
                if not ends:
                    return
                order.expire_rest()
        self._notices.append(order)

    def _drop_carried(self) -> None:
        """Let what is left of earlier baskets go; orders sent one by one stay."""
        for request in self._carried:
            if request.order_id not in self._orders:
                self._record(Refusal(request, request.side, request.shares or 0, Reason.REPLACED))
        self._carried = tuple(r for r in self._carried if r.order_id in self._orders)

    # -- ex-dates and marks

    def _go_ex(self, columns: tuple[int, ...]) -> None:
        actions = self.panel.actions.on(self.panel.dates[self.row])
        for column in columns:
            symbol = self._symbols[column]
            quote = self.prices.quote(symbol) if symbol in self.account.lots else None
            if quote is None:
                continue
            before, reference = quote.previous_close, quote.reference
            action = actions.get(column)
            if action is None:
                self.account, event = preserve_value(self.account, symbol, before, reference)
            else:
                self.account, event = apply_terms(
                    self.account, symbol, action, before, reference, self.prices.day, self.config.rights
                )
            self.journal.ex_dates.append((self.row, event))
            self._books.go_ex(event, (self._light.get(column), self.feeds.get(symbol)))

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
        self._marks, self._equity = marks, self.account.cash_fen + sum(marks.values_fen)
        if record:
            self.journal.marks.append(row, columns, marks)

    def _last_close(self, symbol: str) -> float:
        self.journal.ended.setdefault(symbol, self.row)
        past = self._close[: self.row + 1, self.prices.column(symbol)]
        return self.prices.fen(float(past[~np.isnan(past)][-1])) or 0
