"""`Desk`: what is asked of the market and of the protections when a session's orders are to be sent."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from engine.broker.account import Account
from engine.broker.orders import Basket
from engine.broker.prices import SessionPrices
from engine.errors import AlphaloomError
from engine.market.panel import MarketPanel
from live.feeds import (
    LivePrices,
    NameRules,
    QuoteFeed,
    QuotesConfig,
    QuotesReport,
    ask,
    rules_of,
    too_few,
)
from live.moment import Guarded, Moment
from live.protections import ProtectionsConfig, ProtectionState, protect, read_kill_switch


class NotTrusted(AlphaloomError):  # noqa: N818 - says what it is
    """The quotes of a moment, as a whole, are not traded on; the message says why."""


@dataclass(frozen=True)
class Desk:
    """Whom to ask, what to trust, what to protect against.

    Parameters
    ----------
    feeds : sequence of QuoteFeed
    quotes : QuotesConfig
    protections : ProtectionsConfig
    """

    feeds: Sequence[QuoteFeed]
    quotes: QuotesConfig
    protections: ProtectionsConfig

    def rules(self, panel: MarketPanel, session: date, symbols: Sequence[str]) -> dict[str, NameRules]:
        """What the data know of some names in a session, looked up before there are quotes."""
        return rules_of(panel, session, symbols)

    def moment(
        self,
        symbols: Sequence[str],
        rules: Mapping[str, NameRules],
        *,
        session: date,
        now: Callable[[], datetime],
        traded_before: frozenset[str],
    ) -> Moment:
        """Ask for quotes and judge them.

        Raises
        ------
        NotTrusted
            If they are not to be traded on as a whole.
        """
        report = ask(
            self.feeds, symbols, session=session, now=now, config=self.quotes, traded_before=traded_before
        )
        if not report.trusted:
            raise NotTrusted(report.why)
        prices = LivePrices(report, rules)
        # vendors that agree may serve another day's prices under today's date: the data know the close before
        why = too_few(symbols, prices.refused, self.quotes.least_coverage, traded_before)
        if why:
            raise NotTrusted(why)
        return _moment(report, prices)

    def guard(self, state: ProtectionState) -> Callable[[Basket, Account, SessionPrices], Guarded]:
        """Make the protections of a session, given what they must know of it."""

        def cut(basket: Basket, account: Account, prices: SessionPrices) -> Guarded:
            done = protect(basket, account, prices, state, self.protections)
            return Guarded(done.basket, done.reasons)

        return cut

    def killed(self) -> str | None:
        """The reason in the kill switch's file; None where there is none."""
        switch = self.protections.kill_switch
        return None if switch is None else read_kill_switch(switch)


def moment_of(report: QuotesReport, rules: Mapping[str, NameRules]) -> Moment:
    """Make of trusted quotes the prices of a moment; names that the rules contradict have none."""
    return _moment(report, LivePrices(report, rules))


def _moment(report: QuotesReport, prices: LivePrices) -> Moment:
    notes = report.source_notes()
    unquoted = {
        symbol: f"not traded ({refused.reason.value}): {refused.why}"
        for symbol, refused in prices.refused.items()
    }
    return Moment(prices, prices.source or "no source", report.at, unquoted, tuple(notes), report.passing)
