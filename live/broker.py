"""`PaperBroker`: the broker of a back-test, told by a ledger what has happened already."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Protocol

from engine.broker.account import Account, Receivable
from engine.broker.config import BrokerConfig
from engine.broker.ex_sessions import ex_columns
from engine.broker.match import step
from engine.broker.orders import Basket, ExDate, OrderRequest, Reason, Refusal, Trade
from engine.broker.prices import Quote, SessionPrices
from engine.broker.quotes import PanelPrices
from engine.broker.shell import AShareBroker
from engine.market.panel import MarketPanel
from live.ledger import ExDated, Sent
from live.moment import Unquoted
from live.past import PastSession
from live.planning import not_sent
from live.quotes import AskedPrices, impossible_prices


class Sessions(Protocol):
    """Who takes the account through its sessions."""

    def before(self, broker: PaperBroker) -> None:
        """Prepare the broker for the session after the one it stands at."""
        ...

    def after(self, broker: PaperBroker) -> None:
        """Take down the session the broker stands at."""
        ...

    def decides(self, row: int) -> bool:
        """Whether a decision at the close of a row is still to be made."""
        ...


class PaperBroker(AShareBroker):
    """Matches as in a back-test; sessions that are recorded are played as they were.

    Parameters
    ----------
    sessions : Sessions
        Asked before, and told after, every session.

    Attributes
    ----------
    past : PastSession or None
        The record of the session to come, if it is over already.
    sends : bool
        Whether the orders of the session to come are sent at all.
    sent_as : Sent or None
        The orders as they went out, where these are not simply what waits.
    received, went_ex, trades : sequence
        What happened in the session.
    withdrawn : list of Refusal
        Orders of earlier sessions that the strategy took back at the close.
    """

    def __init__(
        self,
        panel: MarketPanel,
        config: BrokerConfig,
        first: int,
        last: int,
        on_session: Callable[[int], None] | None = None,
        *,
        sessions: Sessions,
    ) -> None:
        super().__init__(panel, config, first, last, on_session)
        self._steps = ex_columns(panel, first, min(last + 1, len(panel.dates) - 1))
        self._sessions = sessions
        self.past: PastSession | None = None
        self.sends = True
        self.sent_as: Sent | None = None
        self.received: tuple[Receivable, ...] = ()
        self.went_ex: list[ExDated] = []
        self.trades: Sequence[Trade] = ()
        self.withdrawn: list[Refusal] = []

    @property
    def is_last_session(self) -> bool:
        """Whether nothing is to be decided at this close: the session to come is planned, or too late."""
        return not self._sessions.decides(self.row)

    @property
    def carried(self) -> tuple[OrderRequest, ...]:
        """What is left of orders of earlier sessions."""
        return self._carried

    def next(self) -> None:
        """Move to the clock's session."""
        self._sessions.before(self)
        self.received, self.went_ex, self.trades, self.withdrawn = (), [], (), []
        super().next()
        self._sessions.after(self)

    def stop(self) -> None:
        """Leave what waits as it is: another run goes on from here."""

    def put_back(self, owner: Any, sent: Basket, carried: tuple[OrderRequest, ...] = ()) -> None:
        """Let stored orders take the place of all that waits; others are refused, and their owner told."""
        stored = {request.order_id for request in (*carried, *sent.orders)}
        for order_id, order in self._orders.items():
            if order_id not in stored:
                order.refuse(Reason.NOT_SENT, self.moments[self.row])
                self._teller.add(order)
        super().put_back(owner, sent, carried)

    def account_at_open(self, quotes: SessionPrices | None = None) -> Account:
        """The account after the ex-dates of the session to come; nothing is booked.

        Parameters
        ----------
        quotes : SessionPrices, optional
            Prices of the moment; by default those of the panel.
        """
        with self._at_the_session_to_come(quotes):
            return self._account_at_open()

    def preview(
        self, *, at_auction: bool, quotes: SessionPrices | None = None, sent: Sent | None = None
    ) -> tuple[AskedPrices, list[Trade]]:
        """What the waiting orders meet in the session to come at the moment; nothing is booked.

        Parameters
        ----------
        at_auction : bool
            The open is known, the rest of the session is not.
        quotes : SessionPrices, optional
            Prices of the moment; by default those of the panel.
        sent : Sent, optional
            The orders as they go out; by default what waits.
        """
        with self._at_the_session_to_come(quotes):
            basket = self.waiting if sent is None else sent.basket
            shown = self.prices if sent is None else Unquoted(self.prices, sent.unquoted)
            prices = AskedPrices(shown, at_auction=at_auction)
            _, trades = step(self._account_at_open(), basket, prices, self._terms)
            return prices, trades

    @contextmanager
    def _at_the_session_to_come(self, quotes: SessionPrices | None) -> Iterator[None]:
        usual = self.prices
        self._stand_at(self.row + 1)
        if quotes is not None:
            self.prices = _MomentPrices(usual, quotes)
        try:
            yield
        finally:
            self.prices = usual
            self._stand_at(self.row - 1)

    def _account_at_open(self) -> Account:
        account, _ = self.account.paid(self.prices.day)
        for after, _ in self._ex_dates(self._steps.get(self.row, ()), account):
            account = after
        return account

    def _stand_at(self, row: int) -> None:
        self.row = self.prices.row = row

    # -- where a recorded session, or one that cannot be trusted, differs

    def _go_ex(self, columns: tuple[int, ...]) -> None:
        if self.past is None:
            super()._go_ex(columns)
            return
        for each in self.past.ex_dates:
            event, account = each.event, self.account
            lots = {**account.lots, event.symbol: each.lots} if each.lots else dict(account.lots)
            if not each.lots:
                del lots[event.symbol]
            due = account.receivables
            if event.pay_day is not None:
                due = (*due, Receivable(event.pay_day, event.symbol, event.receivable_fen))
            self._book_ex_date(Account(account.cash_fen + event.paid_fen, lots, due), event)

    def _receive(self) -> None:
        known = len(self.journal.received)
        super()._receive()
        self.received = tuple(due for _, due in self.journal.received[known:])

    def _book_ex_date(self, account: Account, event: ExDate) -> None:
        super()._book_ex_date(account, event)
        self.went_ex.append(ExDated(event, account.lots.get(event.symbol, ())))

    def _trade(self) -> Sequence[Trade]:
        if self.past is None:
            self.trades = super()._trade()
        else:
            self.trades = self._match() if self.past.trades or self.waiting else ()
        return self.trades

    def _fill(self, basket: Basket) -> tuple[Account, list[Trade]]:
        if self.past is not None:
            assert self.past.account is not None, "only sessions that are over are played again"
            return self.past.account, list(self.past.trades)
        if not self.sends:
            return self.account, [
                Refusal(request, request.side, request.shares or 0, Reason.NOT_SENT)
                for request in not_sent(basket)
            ]
        if self.sent_as is not None:
            return self._fill_what_was_sent(basket, self.sent_as)
        if any(self._is_impossible(request.symbol) for request in all_requests(basket)):
            return step(self.account, basket, AskedPrices(self.prices, at_auction=False), self._terms)
        return super()._fill(basket)

    def _fill_what_was_sent(self, basket: Basket, sent: Sent) -> tuple[Account, list[Trade]]:
        went = {request.order_id for request in all_requests(sent.basket)}
        kept_back: list[Trade] = [
            Refusal(request, request.side, request.shares or 0, Reason.NOT_SENT)
            for request in not_sent(basket)
            if request.order_id not in went
        ]
        prices = AskedPrices(Unquoted(self.prices, sent.unquoted), at_auction=False)
        account, trades = step(self.account, sent.basket, prices, self._terms)
        return account, [*kept_back, *trades]

    def _is_impossible(self, symbol: str) -> bool:
        quote = self.prices.quote(symbol)
        return quote is not None and bool(impossible_prices(quote))

    def _record(self, event: Any) -> None:
        super()._record(event)
        if isinstance(event, Refusal):
            self.withdrawn.append(event)


class _MomentPrices(PanelPrices):
    """A session of a panel in which quotes are those of a moment."""

    def __init__(self, panel: PanelPrices, quotes: SessionPrices) -> None:
        # the panel's tables are large, and the same
        vars(self).update(vars(panel))
        self._quotes = quotes

    def quote(self, symbol: str) -> Quote | None:
        """Prices of a stock at the moment."""
        return self._quotes.quote(symbol)


def all_requests(basket: Basket) -> tuple[OrderRequest, ...]:
    """Every order of a basket, reserves included."""
    return (*basket.orders, *(() if basket.slot_buys is None else basket.slot_buys.candidates))
