"""Parity: sessions as paper-traded, beside the same sessions back-tested on the settled data."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import partial
from types import MappingProxyType
from typing import Any

import backtrader as bt

from alpha_sources.signal import ProviderSignal
from alpha_sources.snapshot import Snapshot
from engine.broker.carry import carried
from engine.broker.orders import Basket, Fill, OrderRequest, Reason, Trade
from engine.broker.quotes import PanelPrices
from engine.broker.shell import AShareBroker
from engine.market.panel import MarketPanel
from engine.runner import run_strategy
from engine.span import Span
from live.broker import all_requests
from live.ledger import QuotesUsed, Task, TaskState
from live.past import PastSession
from live.run import PaperRun
from strategies.base import PanelStrategy


@dataclass(frozen=True, slots=True)
class Difference:
    """One respect in which a paper order and the back-test's differ, and why."""

    session: date
    order_id: str
    what: str
    paper: str
    backtest: str
    why: str

    def __str__(self) -> str:
        return (
            f"{self.session} {self.order_id}: {self.what}: paper {self.paper}, "
            f"back-test {self.backtest}: {self.why}"
        )


@dataclass(slots=True)
class _Rerun:
    """One session to be back-tested again, and what came of it."""

    past: PastSession
    rest: tuple[OrderRequest, ...]
    snapshot: Snapshot | None
    basket: Basket = field(default_factory=Basket)
    trades: Sequence[Trade] = ()


class Parity:
    """Back-tests sessions again, each from the account it began with; the ledger is only read.

    The strategy decides again at the close before, on the data as they are now, and its orders are matched
    at the prices of the whole session. A strategy of one's own that remembers more than the account is not
    asked again: its orders as planned are matched.
    """

    def __init__(self, run: PaperRun) -> None:
        self._run = run
        self._trader = run.trader()
        self._asks_again = issubclass(self._trader.strategy, PanelStrategy)

    def of(
        self,
        sessions: Sequence[PastSession],
        previous: PastSession | None,
        snapshots: Mapping[date, Snapshot | None],
        quoted: Mapping[date, QuotesUsed] = MappingProxyType({}),
    ) -> dict[date, list[Difference]]:
        """Compare settled sessions that follow each other.

        Parameters
        ----------
        sessions : sequence of PastSession
        previous : PastSession or None
            The session before the first of them in the account's life.
        snapshots : mapping of date to Snapshot or None
            What the provider had learned when a session was planned.
        quoted : mapping of date to QuotesUsed
            Live quotes that the orders of a session met; they are held against the settled prices.

        Returns
        -------
        dict of date to list of Difference
            One entry per session; an empty list where it equals its back-test.
        """
        reruns: dict[int, _Rerun] = {}
        for past in sessions:
            rest = () if previous is None else carried(previous.trades)
            reruns[self._run.row(past.session)] = _Rerun(past, rest, snapshots.get(past.session))
            previous = past
        # for the first session of all nothing could be decided
        again = {row: rerun for row, rerun in reruns.items() if row > self._run.span.clock_start}
        try:
            if again:
                self._run_again(again)
        finally:
            if self._trader.signal is not None:
                self._trader.signal.provider.close()
        found = {rerun.past.session: list(_differences(rerun)) for rerun in reruns.values()}
        for row, rerun in reruns.items():
            quotes = quoted.get(rerun.past.session)
            if quotes is not None:
                found[rerun.past.session] += _quotes(self._run.panel, row, rerun.past, quotes)
        return found

    def _run_again(self, reruns: Mapping[int, _Rerun]) -> None:
        trader, params = self._trader, dict(self._trader.params)
        signal = None
        if trader.signal is not None:
            params["signal"] = signal = trader.signal.frozen(None)
        first, last = min(reruns), max(reruns)
        make = partial(
            _SecondBroker,
            reruns=reruns,
            origin=self._run.span.clock_start,
            asks_again=self._asks_again,
            signal=signal,
        )
        run_strategy(
            self._run.panel,
            trader.strategy if self._asks_again else bt.Strategy,
            params if self._asks_again else {},
            broker=self._run.broker,
            span=Span(first - 1, first, last),
            benchmark=self._run.benchmark,
            make_broker=make,
        )


class _SecondBroker(AShareBroker):
    """Goes through sessions like any other, but begins each with the account as the paper one was."""

    def __init__(
        self,
        *args: Any,
        reruns: Mapping[int, _Rerun],
        origin: int,
        asks_again: bool,
        signal: ProviderSignal | None,
    ) -> None:
        super().__init__(*args)
        self.origin = origin
        self._reruns, self._asks_again, self._provider_signal = reruns, asks_again, signal

    def next(self) -> None:
        if self.row < self.first:
            self.row = self.prices.row = self.first
        else:
            super().next()
        coming = self._reruns.get(self.row + 1)
        if coming is None:
            return
        self.restore(coming.past.before)
        if self._asks_again:
            self.put_back(None, Basket(), coming.rest)
        else:
            planned = Basket() if coming.past.planned is None else coming.past.planned.basket
            back = {refusal.request.order_id for refusal in coming.past.withdrawn}
            self.put_back(None, planned, tuple(r for r in coming.rest if r.order_id not in back))
        if self._provider_signal is not None:
            self._provider_signal.hold(coming.snapshot)

    def _trade(self) -> Sequence[Trade]:
        rerun = self._reruns[self.row]
        rerun.basket = self.waiting
        rerun.trades = super()._trade()
        return rerun.trades


def _differences(rerun: _Rerun) -> Iterator[Difference]:
    past = rerun.past
    planned = Basket() if past.planned is None else past.planned.basket
    yield from _decisions(past, [*all_requests(planned), *rerun.rest], all_requests(rerun.basket))
    yield from _trades(past, past.trades, rerun.trades)


def _decisions(
    past: PastSession, paper: Iterable[OrderRequest], again: Iterable[OrderRequest]
) -> Iterator[Difference]:
    """Orders that only one of the two decided on."""
    ours, theirs = {r.order_id for r in paper}, {r.order_id for r in again}
    ours -= {refusal.request.order_id for refusal in past.withdrawn}
    why = "the data it was decided on have changed since, or the strategy or provider has"
    if past.is_(Task.PLAN, TaskState.MISSED):
        why = f"the plan was missed: {past.notes.get(Task.PLAN, '')}"
    for order_id in sorted(ours - theirs):
        yield Difference(past.session, order_id, "decision", "planned", "not planned", why)
    for order_id in sorted(theirs - ours):
        yield Difference(past.session, order_id, "decision", "not planned", "planned", why)


def _trades(past: PastSession, paper: Sequence[Trade], again: Sequence[Trade]) -> Iterator[Difference]:
    """Orders that both sent and that met different prices, sizes or refusals."""
    ours, theirs = _by_order(paper), _by_order(again)
    for order_id, mine in ours.items():
        other = theirs.get(order_id)
        if other is None or mine == other:
            continue
        what, a, b = _first_difference(mine, other)
        yield Difference(past.session, order_id, what, a, b, _why(past, mine, what))
    for order_id in sorted(ours.keys() - theirs.keys()):
        # the back-test's slots went to others, after other differences of the session
        if past.sent is not None:
            yield Difference(
                past.session, order_id, "size", _outcome(ours[order_id]), "not tried", _why(past, [], "slot")
            )


def _quotes(panel: MarketPanel, row: int, past: PastSession, quoted: QuotesUsed) -> Iterator[Difference]:
    """Live quotes that the settled prices do not bear out; fills follow the settled ones."""
    ordered: dict[str, str] = {}
    for request in all_requests(Basket() if past.planned is None else past.planned.basket):
        ordered.setdefault(request.symbol, request.order_id)
    prices = PanelPrices(panel, row)
    for quote in quoted.quotes:
        settled = prices.quote(quote.symbol)
        pairs: list[tuple[str, str, str]] = []
        if settled is None:
            pairs.append(("quote", "quoted", "no price"))
        else:
            trades = "trades", "does not trade"
            if quote.trading != settled.trading:
                pairs.append(("trading", trades[not quote.trading], trades[not settled.trading]))
            elif settled.trading:
                for name in ("open", "close", "reference"):
                    live, later = getattr(quote, f"{name}_fen"), getattr(settled, name)
                    if live is not None and later is not None and live != later:
                        pairs.append((name, f"{live / 100:.2f}", f"{later / 100:.2f}"))
        for what, live, later in pairs:
            yield Difference(
                past.session,
                ordered.get(quote.symbol, quote.symbol),
                what,
                live,
                later,
                f"{quoted.source} quoted so at {quoted.quoted_at:%H:%M:%S}; the settled data say otherwise, "
                "and fills follow them",
            )


def _by_order(trades: Sequence[Trade]) -> dict[str, list[Trade]]:
    out: dict[str, list[Trade]] = {}
    for trade in trades:
        out.setdefault(trade.request.order_id, []).append(trade)
    return out


def _first_difference(mine: list[Trade], other: list[Trade]) -> tuple[str, str, str]:
    prices = [{f"{t.price_fen / 100:.2f}" for t in each if isinstance(t, Fill)} for each in (mine, other)]
    if not prices[0] or not prices[1]:
        return "refusal", _outcome(mine), _outcome(other)
    if prices[0] != prices[1]:
        return "price", ", ".join(sorted(prices[0])), ", ".join(sorted(prices[1]))
    return "size", _outcome(mine), _outcome(other)


def _outcome(trades: list[Trade]) -> str:
    shares = sum(t.shares for t in trades if isinstance(t, Fill))
    reasons = sorted({t.reason.value for t in trades if t.reason is not None})
    if not shares:
        return f"refused ({', '.join(reasons)})"
    return f"{shares} shares" + (f" ({', '.join(reasons)})" if reasons else "")


def _why(past: PastSession, mine: list[Trade], what: str) -> str:
    sent = past.sent
    if sent is not None:
        held = [sent.reasons[t.request.order_id] for t in mine if t.request.order_id in sent.reasons]
        if held:
            return f"the protections: {held[0]}"
        unquoted = [sent.unquoted[t.request.symbol] for t in mine if t.request.symbol in sent.unquoted]
        if unquoted:
            return f"no quote of it was trusted: {unquoted[0]}"
    if any(t.reason is Reason.NOT_SENT for t in mine):
        return f"it was not sent: {past.notes.get(Task.EXECUTE, '')}"
    if what == "slot":
        return "it took the slot of an order that was cut or not quoted"
    if what == "size":
        return "there was more or less cash for it, after other differences of the session"
    return "the settled data have other prices than those that were quoted"
