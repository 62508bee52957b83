"""Matching as Qlib's exchange does it, for comparison: ``broker.compat: qlib``.

What differs from the house rules, by design of the original: limits are read off the close-to-close change of
the session that is traded (a look-ahead when dealing at the open), an untradable name still uses its share of
the cash, cash is an exact float, there is no T+1 and no ex-date. Source: TopkDropoutStrategy and Exchange of
Qlib 0.9.7.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from engine.broker.account import Account, Lot, Lots, take_first_in_first_out
from engine.broker.match import FillAt
from engine.broker.orders import Basket, Fill, OrderRequest, Reason, Refusal, Side, Trade
from engine.errors import DataError
from engine.market.panel import MarketPanel

_LOT = 100
_GUARD = 0.1  # Qlib adds a tenth of a share before rounding down to the lot


class QlibQuote(NamedTuple):
    """One stock in one session: float32 prices as floats of fen, and the change from the last valid close."""

    trading: bool
    open: float
    close: float
    change: float


class QlibExchange:
    """A panel as Qlib stores it: float32 prices and changes.

    Raises
    ------
    DataError
        If the panel is adjusted: what Qlib does with factors is not reproduced.
    """

    def __init__(self, panel: MarketPanel) -> None:
        factor = panel.field("adj_factor")
        if np.nanmax(factor, initial=1.0) != np.nanmin(factor, initial=1.0):
            raise DataError("broker.compat qlib compares on unadjusted panels only; leave adj_factor out")
        self._columns = {str(symbol): i for i, symbol in enumerate(panel.symbols)}
        self._days = panel.dates.astype(np.int64).tolist()
        self._trading = panel.field("trading") > 0
        self._open, self.close = _float32(panel.field("open")), _float32(panel.field("close"))
        close = panel.field("close")
        self._change = np.full(close.shape, np.nan)
        self._change[1:] = _float32(close[1:] / close[:-1] - 1.0)

    def day(self, row: int) -> int:
        """A session, in days since 1970-01-01."""
        day: int = self._days[row]
        return day

    def quote(self, symbol: str, row: int) -> QlibQuote:
        """Prices of a stock in a session."""
        n = self._columns[symbol]
        return QlibQuote(
            bool(self._trading[row, n]),
            self._open.item(row, n) * 100,
            self.close.item(row, n) * 100,
            self._change.item(row, n),
        )

    def close_fen(self, symbol: str, row: int) -> float:
        """Close of a session; a suspended stock keeps its last one."""
        return self.close.item(row, self._columns[symbol]) * 100

    def tradable(self, row: int, threshold: float) -> NDArray[np.bool_]:
        """(N,) whether each stock trades in a session and closes at neither limit."""
        with np.errstate(invalid="ignore"):
            limited = np.abs(self._change[row]) >= np.float32(threshold)
        free: NDArray[np.bool_] = self._trading[row] & ~limited
        return free


def _float32(values: NDArray[np.float64]) -> NDArray[np.float64]:
    return values.astype(np.float32).astype(np.float64)


@dataclass(frozen=True, slots=True)
class QlibTerms:
    """Flat costs a side with a minimum in fen, and the change from which a session counts as at its limit."""

    buy: float
    sell: float
    minimum_fen: float
    sell_at: FillAt
    buy_at: FillAt
    limit_threshold: float = 0.095


def blocked(quote: QlibQuote, side: Side | None, threshold: float) -> Reason | None:
    """Why Qlib holds a stock for untradable on a side, or on either (None)."""
    limit = float(np.float32(threshold))
    if not quote.trading:
        return Reason.SUSPENDED
    if side is not Side.SELL and quote.change >= limit:
        return Reason.LIMIT_UP
    if side is not Side.BUY and quote.change <= -limit:
        return Reason.LIMIT_DOWN
    return None


def qlib_step(
    account: Account, basket: Basket, exchange: QlibExchange, row: int, terms: QlibTerms
) -> tuple[Account, list[Trade]]:
    """Fill a basket as Qlib would: sells, then every buy with an equal share of cash × risk_degree."""
    book = _QlibBook(account, basket.both_sides_at_limit, exchange, row, terms)
    for request in basket.orders:
        if request.side is Side.SELL:
            book.sell(request)
        else:
            book.buy(request, (request.shares or 0) * 1.0)
    slots = basket.slot_buys
    if slots is not None and slots.candidates:
        value = book.cash * slots.risk_degree / len(slots.candidates)
        for request in slots.candidates:
            book.buy(request, None, value)
    return Account(book.cash, book.lots), book.events


class _QlibBook:
    """The account while a basket is being matched; money is an exact float of fen."""

    def __init__(
        self, account: Account, both_sides: bool, exchange: QlibExchange, row: int, terms: QlibTerms
    ) -> None:
        # exact floats stand where the house rules count whole fen
        self.cash: Any = account.cash_fen
        self.lots: dict[str, Lots] = dict(account.lots)
        self.events: list[Trade] = []
        self.both_sides, self.exchange, self.row, self.terms = both_sides, exchange, row, terms

    def sell(self, request: OrderRequest) -> None:
        """Sell a whole holding, or whole lots of it."""
        terms = self.terms
        lots = self.lots.get(request.symbol, ())
        held = sum(lot.shares for lot in lots)
        wanted = held if request.target_fen == 0 else request.shares or 0
        shares = held if wanted >= held else _whole_lots(wanted)
        quote = self.exchange.quote(request.symbol, self.row)
        reason = self._why_not(quote, request.side) or (None if shares else Reason.NO_POSITION)
        price = quote.close if terms.sell_at is FillAt.CLOSE else quote.open
        amount: Any = shares * price
        cost: Any = max(amount * terms.sell, terms.minimum_fen)
        if reason is None and self.cash + amount < cost:
            reason = Reason.INSUFFICIENT_CASH
        if reason is not None:
            self.events.append(Refusal(request, Side.SELL, wanted, reason))
            return
        taken, left = take_first_in_first_out(lots, shares)
        self.lots.pop(request.symbol)
        if left:
            self.lots[request.symbol] = left
        self.cash += amount - cost
        spent = sum(lot.cost_fen for lot in taken)
        self.events.append(
            Fill(request, Side.SELL, shares, price, amount, cost, 0, 0, shares, cost_fen=spent)
        )

    def buy(self, request: OrderRequest, shares: float | None, value: float = 0.0) -> None:
        """Buy whole lots for a number of shares or for money, cut to what cash allows after cost."""
        terms = self.terms
        quote = self.exchange.quote(request.symbol, self.row)
        reason = self._why_not(quote, request.side)
        price = quote.close if terms.buy_at is FillAt.CLOSE else quote.open
        asked = 0 if reason else _whole_lots(value / price if shares is None else shares)
        bought = self._affordable(asked, price)
        if not bought:
            why = reason or (Reason.INSUFFICIENT_CASH if asked else Reason.BELOW_ONE_LOT)
            self.events.append(Refusal(request, Side.BUY, asked, why))
            return
        amount: Any = bought * price
        cost: Any = max(amount * terms.buy, terms.minimum_fen)
        self.cash -= amount + cost
        lot = Lot(bought, self.exchange.day(self.row), amount + cost)
        self.lots[request.symbol] = (*self.lots.get(request.symbol, ()), lot)
        cut = Reason.INSUFFICIENT_CASH if bought < asked else None
        self.events.append(Fill(request, Side.BUY, bought, price, amount, cost, 0, 0, asked, cut))

    def _why_not(self, quote: QlibQuote, side: Side) -> Reason | None:
        return blocked(quote, None if self.both_sides else side, self.terms.limit_threshold)

    def _affordable(self, shares: int, price: float) -> int:
        terms, cash = self.terms, self.cash
        amount = shares * price
        cost = max(amount * terms.buy, terms.minimum_fen)
        if not shares or cash < cost:
            return 0
        if cash >= amount + cost:
            return _whole_lots(shares)
        if terms.buy and cash >= terms.minimum_fen / terms.buy + terms.minimum_fen:
            most = cash / (1 + terms.buy) / price
        else:
            most = (cash - terms.minimum_fen) / price
        return _whole_lots(min(most, shares))


def _whole_lots(shares: float) -> int:
    return max(0, int((shares + _GUARD) // _LOT)) * _LOT
