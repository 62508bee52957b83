"""`AShareBroker`: the backtrader broker around the account and the pure step."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import backtrader as bt
import numpy as np

from engine.broker.account import Account
from engine.broker.bt_order import AShareOrder, StockComminfo
from engine.broker.config import BrokerConfig
from engine.broker.ex_date import apply_terms, preserve_value
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
    order_id,
)
from engine.broker.quotes import PanelPrices
from engine.clock import LightData
from engine.errors import StrategyError
from engine.market.panel import MarketPanel

_VOLUME_SESSIONS = 20
_FACTOR_NOISE = 1e-5


class SessionRecord(NamedTuple):
    """The account at the close of one session, in fen."""

    row: int
    cash_fen: int
    value_fen: int
    fees_fen: int
    bought_fen: int
    sold_fen: int


class Holding(NamedTuple):
    """One position at the close of one session."""

    row: int
    symbol: str
    shares: int
    sellable: int
    close_fen: float
    value_fen: int


@dataclass
class Journal:
    """Everything that happened, in order: what a result is made of."""

    sessions: list[SessionRecord] = field(default_factory=list)
    holdings: list[Holding] = field(default_factory=list)
    trades: list[tuple[int, Fill | Refusal]] = field(default_factory=list)
    ex_dates: list[tuple[int, ExDate]] = field(default_factory=list)
    ended: dict[str, int] = field(default_factory=dict)
    """Symbols still held after their last row, with that row."""


class AShareBroker(bt.BrokerBase):  # type: ignore[misc]
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
    ``account`` is the whole state; ``restore(account)`` puts it back.
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
        self.account = Account(round(config.cash * 100))
        self.startingcash = self.account.cash_fen / 100
        self.journal = Journal()
        self.prices = PanelPrices(panel)
        self._terms = config.terms()
        self._on_session = on_session
        self._values: dict[str, int] = {}
        self._last_close: dict[str, float] = {}
        self._equity = self.account.cash_fen
        self._requests: list[OrderRequest] = []
        self._slot_buys: SlotBuys | None = None
        self._slot_owner: Any = None
        self._orders: dict[str, AShareOrder] = {}
        self._counters: dict[tuple[str, Side], int] = {}
        self._notices: deque[AShareOrder] = deque()
        self._light: dict[int, LightData] = {}
        self._owners: dict[str, tuple[Any, Any, int]] = {}
        factor = panel.field("adj_factor")
        self._steps = self._ex_columns(factor, first, last)

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
        return sum(self._values.get(data._name, 0) for data in datas) / 100

    get_cash, get_value = getcash, getvalue

    def getposition(self, data: Any) -> bt.Position:
        """Position in a symbol: shares and their average cost with fees."""
        return self._position(data._name)

    @property
    def positions(self) -> dict[Any, bt.Position]:
        """Positions by light data object."""
        lots = self.account.lots
        return {self.light(self.prices.column(symbol)): self._position(symbol) for symbol in lots}

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
        """Order a number of shares for the next session."""
        return self._order(owner, data, Side.BUY, size, kwargs)

    def sell(
        self, owner: Any, data: Any, size: float, price: float | None = None, **kwargs: Any
    ) -> AShareOrder:
        """Sell a number of shares in the next session; never more than are held."""
        return self._order(owner, data, Side.SELL, size, kwargs)

    def submit(self, order: AShareOrder) -> AShareOrder:
        """Accept an order for the next session."""
        self._requests.append(order.request)
        self._orders[order.request.order_id] = order
        order.status, order.broker = order.Submitted, self
        if _listens(order.owner):
            self._notices.append(order.clone())
        return order

    def cancel(self, order: AShareOrder) -> bool:
        """Take back an order of this session; whether there was one."""
        if self._orders.pop(order.request.order_id, None) is None:
            return False
        self._requests.remove(order.request)
        refusal = Refusal(order.request, order.request.side, order.request.shares or 0, Reason.CANCELLED)
        self.journal.trades.append((self.row, refusal))
        order.refuse(Reason.CANCELLED, self._now())
        self._notices.append(order)
        return True

    def request(
        self,
        column: int,
        side: Side,
        *,
        shares: int | None = None,
        value_fen: int | None = None,
        target_fen: int | None = None,
    ) -> OrderRequest:
        """Write an order for the next session, with its id and caps, without sending it."""
        symbol = str(self.panel.symbols[column])
        n = self._counters[symbol, side] = self._counters.get((symbol, side), 0) + 1
        by_money = value_fen is not None or target_fen is not None
        return OrderRequest(
            order_id=order_id(self.prices.day, symbol, side, n),
            symbol=symbol,
            side=side,
            decided_day=self.prices.day,
            shares=shares,
            value_fen=value_fen,
            target_fen=target_fen,
            sizing_price_fen=self._sizing_price(symbol) if by_money else None,
            cap_shares=self._cap(column),
        )

    def send(self, owner: Any, basket: Basket) -> None:
        """Send a whole basket; its orders reach the strategy's notifications once they are matched."""
        self._requests.extend(basket.orders)
        self._slot_buys, self._slot_owner = basket.slot_buys, owner

    def sizing_price(self, symbol: str) -> float | None:
        """Price in fen at which slot buys turn money into shares; None for the fill price."""
        return self._sizing_price(symbol)

    def _order(self, owner: Any, data: Any, side: Side, size: float, options: dict[str, Any]) -> AShareOrder:
        _check_options(options)
        try:
            column = self.prices.column(data._name)
        except KeyError:
            raise StrategyError(
                f"{data._name!r} cannot be traded; take a symbol's data from getdatabyname('600519.SH')"
            ) from None
        shares = int(size)
        order = AShareOrder.make(
            self.request(column, side, shares=shares),
            owner,
            data,
            shares if side is Side.BUY else -shares,
            options.get("tradeid", 0),
        )
        order.addcomminfo(self.getcommissioninfo(data))
        return self.submit(order)

    def _sizing_price(self, symbol: str) -> float | None:
        return self.prices.close_fen(symbol) if self.config.sizing == "at_decision" else None

    def _cap(self, column: int) -> int | None:
        if self.config.participation is None:
            return None
        recent = self.panel.field("volume")[max(0, self.row - _VOLUME_SESSIONS + 1) : self.row + 1, column]
        mean = np.nanmean(recent) if not np.isnan(recent).all() else 0.0
        return int(self.config.participation * mean)

    # -- one session

    def next(self) -> None:
        """Move to the clock's session: ex-dates, matching, marks."""
        self.row += 1
        self.prices.row = self.row
        self._go_ex()
        fees = bought = sold = 0
        if self._requests or self._slot_buys is not None:
            for event in self._match():
                if isinstance(event, Fill):
                    fees += event.fees.total
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
        for request in self._requests:
            refusal = Refusal(request, request.side, request.shares or 0, Reason.END_OF_RUN)
            self.journal.trades.append((self.row, refusal))
        self._requests, self._slot_buys = [], None

    def get_notification(self) -> AShareOrder | None:
        """The next order whose status changed."""
        return self._notices.popleft() if self._notices else None

    def _match(self) -> list[Fill | Refusal]:
        basket = Basket(tuple(self._requests), self._slot_buys)
        orders, owner = self._orders, self._slot_owner
        self._requests, self._slot_buys, self._orders, self._slot_owner = [], None, {}, None
        for order in orders.values():
            order.status = order.Accepted
            if _listens(order.owner):
                self._notices.append(order.clone())
        self.account, events = step(self.account, basket, self.prices, self._terms)
        out: list[Fill | Refusal] = []
        for event in events:
            if isinstance(event, ExDate):
                continue
            out.append(event)
            self.journal.trades.append((self.row, event))
            self._notify(event, orders.get(event.request.order_id), owner)
        return out

    def _notify(self, event: Fill | Refusal, order: AShareOrder | None, owner: Any) -> None:
        symbol = event.request.symbol
        if order is None:
            if isinstance(event, Refusal) and not _listens(owner):
                return
            data = self.light(self.prices.column(symbol))
            order = AShareOrder.make(event.request, owner, data, 0)
            order.addcomminfo(self.getcommissioninfo(data))
        if isinstance(event, Refusal):
            order.refuse(event.reason, self._now())
            self._notices.append(order)
            return
        position = self._position(symbol)
        order.fill(event, self._now(), position.size, position.price)
        self._owners[symbol] = (order.owner, order.data, order.tradeid)
        self._notices.append(order)
        if order.status == order.Partial and _listens(order.owner):
            self._notices.append(order.expire_rest())

    # -- ex-dates and marks

    def _ex_columns(self, factor: np.ndarray, first: int, last: int) -> dict[int, tuple[int, ...]]:
        """Columns that go ex on each row of the run: by the table of actions, or by a step of the factor."""
        out: dict[int, set[int]] = {}
        lo = max(first, 1)
        with np.errstate(invalid="ignore"):
            rose = factor[lo : last + 1] > factor[lo - 1 : last] * (1 + _FACTOR_NOISE)
        for row, column in zip(*np.nonzero(rose), strict=True):
            out.setdefault(int(row) + lo, set()).add(int(column))
        for session, column, _ in self.panel.actions.rows():
            row = int(np.searchsorted(self.panel.dates, session))
            if first <= row <= last:
                out.setdefault(row, set()).add(column)
        return {row: tuple(sorted(columns)) for row, columns in out.items()}

    def _go_ex(self) -> None:
        actions = self.panel.actions.on(self.panel.dates[self.row])
        for column in self._steps.get(self.row, ()):
            symbol = str(self.panel.symbols[column])
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
            self._adjust_trade(event)

    def _adjust_trade(self, event: ExDate) -> None:
        """Keep backtrader's open trade in step with the shares and dividends that came without an order."""
        owner, data, tradeid = self._owners.get(event.symbol, (None, None, 0))
        trades = owner._trades[data][tradeid] if owner is not None else ()
        if not trades or not trades[-1].isopen:
            return
        trade = trades[-1]
        cost = trade.price * trade.size + event.rights_cost_fen / 100
        trade.size = event.shares_after
        trade.price = cost / trade.size
        trade.pnl += event.cash_fen / 100
        trade.pnlcomm = trade.pnl - trade.commission

    def _mark(self, record: bool = False) -> None:
        """Value every position at the close; a stock whose rows have ended stays at its last one."""
        day, row = self.prices.day, self.row
        total = self.account.cash_fen
        values: dict[str, int] = {}
        for symbol, lots in self.account.lots.items():
            close = self.prices.close_fen(symbol)
            if close is None:
                close = self._last_close[symbol]
                self.journal.ended.setdefault(symbol, row)
            else:
                self._last_close[symbol] = close
            shares = sum(lot.shares for lot in lots)
            value = close * shares
            value = values[symbol] = value if isinstance(value, int) else int(value + 0.5)
            total += value
            if record:
                free = shares if lots[-1].day < day else sum(x.shares for x in lots if x.day < day)
                self.journal.holdings.append(Holding(row, symbol, shares, free, close, value))
        self._values, self._equity = values, total

    def _now(self) -> float:
        return float(self.light(0).datetime[0])


def _listens(owner: Any) -> bool:
    return owner is not None and type(owner).notify_order is not bt.Strategy.notify_order


def _check_options(options: dict[str, Any]) -> None:
    """Refuse what would otherwise be ignored in silence."""
    exectype = options.get("exectype")
    if exectype not in (None, bt.Order.Market):
        name = bt.Order.ExecTypes[exectype]
        raise StrategyError(f"{name} orders are not supported; send a market order and set broker.fill")
    for key in ("oco", "parent", "trailamount", "trailpercent", "plimit"):
        if options.get(key) is not None:
            raise StrategyError(f"orders with {key!r} are not supported by the A-share broker")
    if options.get("valid"):
        raise StrategyError("orders live for one session here; leave out 'valid' and order again")
