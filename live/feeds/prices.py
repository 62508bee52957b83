"""`LivePrices`: a session's agreed quotes as the broker sees prices, with limits by the rules."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date
from typing import NamedTuple

import numpy as np

from engine.broker.prices import Quote
from engine.market.board import Board, board_of
from engine.market.panel import MarketPanel
from engine.rules.limits import UNLIMITED, Limits, LimitState, price_limits, special_is_unlimited
from engine.rules.lots import lot_rule
from engine.rules.table import day_of
from live.feeds.quote import LiveQuote
from live.feeds.report import Doubt, QuotesReport, Refused
from live.feeds.stages import Stage

#: A reference is rounded to the fen, by us and by the exchange.
_TICK = 1
#: No board's limit lies further from the reference: what a vendor writes beyond it stands for none.
_WIDEST = 1.5


class NameRules(NamedTuple):
    """What decides limits and lots of a stock in a session, as far as the data know on the evening before.

    `previous_close_fen` is the last close, `reference_fen` the ex-right reference that follows from announced
    terms (the last close where nothing goes ex); None where not known. `unlimited` marks a session without a
    limit for a reason of its own.
    """

    board: Board
    st: bool
    listed_day: int | None
    sessions_listed: int
    unlimited: bool
    previous_close_fen: int | None
    reference_fen: int | None


def rules_of(panel: MarketPanel, session: date, symbols: Iterable[str]) -> dict[str, NameRules]:
    """Rules of some names in a session that the panel ends before, or holds as a row without prices.

    Names that the panel lacks get those of their code alone.
    """
    day = np.datetime64(session, "D")
    row = int(np.searchsorted(panel.dates, day))
    columns = {str(symbol): n for n, symbol in enumerate(panel.symbols)}
    calendar = panel.calendar.sessions
    today = day_of(session)
    special = {
        each.column
        for each in panel.special_sessions
        if each.day == today and special_is_unlimited(each.kind, today)
    }
    actions = panel.actions.on(day)
    closes, st = panel.field("close"), panel.field("is_st")
    out = {}
    for symbol in symbols:
        n = columns.get(symbol)
        if n is None:
            out[symbol] = NameRules(board_of(symbol), False, None, 0, False, None, None)
            continue
        listed = panel.listed[n]
        known = not np.isnat(listed)
        past = int(np.searchsorted(calendar, day) - np.searchsorted(calendar, listed)) if known else 0
        close = _fen(closes[row - 1, n]) if row else None
        flags = [st[r, n] for r in (row, row - 1) if 0 <= r < len(st) and st[r, n] == st[r, n]]
        reference = close
        if close is not None and n in actions:
            reference = _fen(actions[n].reference(close / 100))
        out[symbol] = NameRules(
            board=panel.instruments.boards[n],
            st=bool(flags and flags[0] > 0),
            listed_day=int(listed.astype(np.int64)) if known else None,
            sessions_listed=max(past, 0),
            unlimited=n in special,
            previous_close_fen=close,
            reference_fen=reference,
        )
    return out


class LivePrices:
    """Prices of one session from live quotes: a `engine.broker.prices.SessionPrices`.

    The opening price is known once it is there; close, average and range are known when the session is over.
    Limits are counted by the rules from the reference that the sources agree on, and held against those that
    they state. Where the two differ, or the reference is not the one that the data lead to (an ex-date that
    they do not know), the name is not traded.

    Parameters
    ----------
    report : QuotesReport
    rules : mapping of str to NameRules
        Of every name asked for.

    Attributes
    ----------
    refused : dict of str to Refused
        Names that are not traded: those of the report, and those that the rules contradict.
    quotes : dict of str to Quote
        All others.
    unchecked : tuple of str
        Names of `quotes` with a limit that no source states.
    """

    def __init__(self, report: QuotesReport, rules: Mapping[str, NameRules]) -> None:
        self._report = report
        self._day = day_of(report.session)
        self.refused: dict[str, Refused] = dict(report.refused)
        self.quotes: dict[str, Quote] = {}
        over = report.stage is Stage.CLOSED
        unchecked = []
        for symbol, quote in report.agreed.items():
            own = rules[symbol]
            limits = self._limits(quote.previous_close_fen, own)
            doubt = _reference_doubt(symbol, quote, own) or _limits_doubt(
                symbol, limits, report.witnesses[symbol], quote
            )
            if doubt is not None:
                self.refused[symbol] = doubt
            else:
                self.quotes[symbol] = self._quote(quote, own, limits, over)
                if limits.state is LimitState.LIMITED and not _stated(report.witnesses[symbol]):
                    unchecked.append(symbol)
        self.unchecked = tuple(unchecked)

    @property
    def day(self) -> int:
        """The session, in days since 1970-01-01."""
        return self._day

    @property
    def source(self) -> str:
        """Who the quotes are from, for the ledger."""
        return self._report.source

    def quote(self, symbol: str) -> Quote | None:
        """Prices of a stock, or None where there are none that may be traded at."""
        return self.quotes.get(symbol)

    def notes(self) -> list[str]:
        """Say what is not as it should be: `QuotesReport.notes`, and the names that the rules contradict."""
        here = [each for symbol, each in self.refused.items() if symbol not in self._report.refused]
        lines = [*self._report.notes(), *map(str, here)]
        if self.unchecked:
            names = ", ".join(self.unchecked[:5]) + (" ..." if len(self.unchecked) > 5 else "")
            lines.append(f"limits of {len(self.unchecked)} names are by the rules alone ({names})")
        return lines

    def _limits(self, reference_fen: int, own: NameRules) -> Limits:
        if own.unlimited:
            return UNLIMITED
        return price_limits(own.board, own.st, reference_fen, self._day, own.listed_day, own.sessions_listed)

    def _quote(self, quote: LiveQuote, own: NameRules, limits: Limits, over: bool) -> Quote:
        known = over and quote.traded
        vwap = 100.0 * quote.amount_cny / quote.volume_shares if known and quote.volume_shares else None
        reference = quote.previous_close_fen
        return Quote(
            trading=not quote.suspended,
            previous_close=reference if own.previous_close_fen is None else own.previous_close_fen,
            reference=reference,
            open=quote.open_fen,
            close=quote.last_fen if known else None,
            vwap=vwap,
            high=quote.high_fen if known else None,
            low=quote.low_fen if known else None,
            limits=limits,
            lot=lot_rule(own.board, self._day, own.st),
        )


def _reference_doubt(symbol: str, quote: LiveQuote, own: NameRules) -> Refused | None:
    """An ex-date that the data do not know, or not as it is: shares and cash would be booked wrongly."""
    expected, said = own.reference_fen, quote.previous_close_fen
    if expected is None or abs(expected - said) <= _TICK:
        return None
    close = own.previous_close_fen
    if close is None or close == expected:
        what = f"the last close was {_yuan(expected)}: an ex-date that the data do not know, or a wrong close"
    else:
        what = f"the announced terms turn the last close {_yuan(close)} into {_yuan(expected)}"
    return Refused(
        symbol,
        Doubt.REFERENCE,
        f"the sources count from {_yuan(said)}, {what}; bring prices and corporate actions up to date",
    )


def _limits_doubt(
    symbol: str, limits: Limits, witnesses: tuple[LiveQuote, ...], quote: LiveQuote
) -> Refused | None:
    """Limits of the rules that a source contradicts, and prices beyond them."""
    if limits.state is LimitState.UNLIMITED:
        stated = _stated(witnesses)
        differing = [w for w in stated if (w.up_limit_fen or 0) < _WIDEST * w.previous_close_fen]
    else:  # one that states a single limit may contradict the rules, too
        differing = [
            w
            for w in witnesses
            if w.up_limit_fen not in (None, limits.up) or w.down_limit_fen not in (None, limits.down)
        ]
    if differing and limits.state is not LimitState.UNKNOWN:
        said = differing[0]
        return Refused(
            symbol,
            Doubt.LIMITS_DISAGREE,
            f"{said.source} states limits {_yuan(said.down_limit_fen)}..{_yuan(said.up_limit_fen)}, the "
            f"rules give {_yuan(limits.down)}..{_yuan(limits.up)}; is it under special treatment, or just "
            "listed? Bring the instruments up to date",
        )
    up, down = limits.up, limits.down
    for what, price in (("open", quote.open_fen), ("last price", quote.last_fen)):
        if price is not None and ((up is not None and price > up) or (down is not None and price < down)):
            bounds = f"{_yuan(down)}..{_yuan(up)}"
            why = f"{what} {_yuan(price)} lies beyond the limits of the rules, {bounds}"
            return Refused(symbol, Doubt.BEYOND_LIMIT, why)
    return None


def _stated(witnesses: tuple[LiveQuote, ...]) -> list[LiveQuote]:
    return [w for w in witnesses if w.up_limit_fen is not None and w.down_limit_fen is not None]


def _fen(price: float) -> int | None:
    return int(price * 100 + 0.5) if price == price and price > 0 else None


def _yuan(fen: float | None) -> str:
    return "none" if fen is None else f"{fen / 100:.2f}"
