"""`OrderDesk`: what strategies ask for, written as requests for the next session."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

import backtrader as bt
import numpy as np

from engine.broker.account import Account
from engine.broker.bt_order import check_options
from engine.broker.config import BrokerConfig
from engine.broker.orders import OrderRequest, Side, market_orders, order_id
from engine.broker.quotes import PanelPrices
from engine.broker.validity import limit_price, sessions_until
from engine.errors import StrategyError

_VOLUME_SESSIONS = 20


class OrderDesk:
    """Writes requests with their ids, sizing prices and caps, as of the session of the prices."""

    def __init__(self, prices: PanelPrices, config: BrokerConfig) -> None:
        self._prices, self._config = prices, config
        self._symbols = prices.symbols
        self._volume = prices.panel.field("volume")
        #: orders written at this close, by symbol and whether it is a buy
        self._counters: dict[tuple[str, bool], int] = {}

    def close(self) -> None:
        """End the session: the orders of the next are numbered from one again."""
        self._counters.clear()

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
        """Write an order for the next session, without sending it."""
        prices, config = self._prices, self._config
        symbol, day = self._symbols[column], prices.day
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
            prices.close_fen(symbol) if sized else None,
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
        config, symbols = self._config, self._symbols
        if config.participation is not None or config.sizing == "at_decision":
            return tuple(
                self.request(column, side, value_fen=value_fen, target_fen=target_fen) for column in columns
            )
        return market_orders(
            self._prices.day,
            [symbols[column] for column in columns],
            side,
            self._counters,
            value_fen=value_fen,
            target_fen=target_fen,
            sessions=config.order_sessions,
        )

    def translate(
        self,
        account: Account,
        data: Any,
        side: Side,
        size: float,
        price: float | None,
        options: dict[str, Any],
    ) -> OrderRequest:
        """Write the order that a backtrader strategy means by ``buy(data, size, price, **options)``.

        Raises
        ------
        StrategyError
            If it cannot be sent here: a kind of order we do not have, no tradable name, no size.
        """
        check_options(options)
        prices = self._prices
        try:
            column = prices.column(data._name)
        except KeyError:
            raise StrategyError(
                f"{data._name!r} cannot be traded; take a symbol's data from getdatabyname('600519.SH')"
            ) from None
        if not math.isfinite(size):
            raise StrategyError(f"an order of {size} shares of {data._name}: the size must be a number")
        shares, limited = int(size), options.get("exectype") == bt.Order.Limit
        # who sells all of it means the bonus shares of tomorrow too
        everything = side is Side.SELL and shares == account.shares(data._name) > 0
        return self.request(
            column,
            side,
            shares=None if everything else shares,
            target_fen=0 if everything else None,
            limit_fen=limit_price(side, price, prices.whole_fen) if limited else None,
            sessions=sessions_until(options.get("valid"), prices.panel, prices.row),
        )

    def _cap(self, column: int, participation: float) -> int:
        row = self._prices.row
        recent = self._volume[max(0, row - _VOLUME_SESSIONS + 1) : row + 1, column]
        mean = np.nanmean(recent) if not np.isnan(recent).all() else 0.0
        return int(participation * mean)
