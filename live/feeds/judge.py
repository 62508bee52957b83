"""Which quotes of a moment are to be believed: a pure function of the answers, the session and the clock.

Here, one name after the other; `live.feeds.verdict` looks at all of them together.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import date, datetime, timedelta
from itertools import combinations
from typing import NamedTuple

from engine.market.phases import CLOSE, OPENING_PRICE, SHANGHAI
from live.feeds.config import QuotesConfig
from live.feeds.feed import FeedAnswer
from live.feeds.quote import LiveQuote, Unreadable
from live.feeds.report import Doubt, QuotesReport, Refused
from live.feeds.stages import Stage, stage_of, trading_seconds
from live.feeds.verdict import site, source_report, verdict_on


class _Doubted(NamedTuple):
    reason: Doubt
    why: str


def judge(
    answers: Sequence[FeedAnswer],
    symbols: Sequence[str],
    *,
    session: date,
    now: datetime,
    config: QuotesConfig,
    traded_before: Collection[str] | None = None,
) -> QuotesReport:
    """Take of several sources' quotes what is of the session, fresh, and agreed by two of them.

    Parameters
    ----------
    answers : sequence of FeedAnswer
        In order of trust.
    symbols : sequence of str
        Names asked for.
    session : date
    now : datetime
        By this machine's clock, with a zone; after the answers were in.
    config : QuotesConfig
    traded_before : collection of str, optional
        Names that traded in the session before. The share of trusted quotes is that among them, so that names
        which have not traded for weeks do not count; by default it is that among all.
    """
    if now.tzinfo is None:
        raise ValueError("a clock without a zone cannot be held against the exchanges'")
    now = now.astimezone(SHANGHAI)
    stage = stage_of(now)
    fresh: dict[str, list[LiveQuote]] = {symbol: [] for symbol in symbols}
    doubts: dict[str, list[_Doubted]] = {symbol: [] for symbol in symbols}
    sources = []
    for answer in answers:
        good, doubted = 0, ""
        for symbol in fresh:
            found = _believable(answer, symbol, session, now, stage, config)
            if isinstance(found, LiveQuote):
                fresh[symbol].append(found)
                good += 1
            elif found is not None:
                doubts[symbol].append(found)
                doubted = doubted or found.why
        sources.append(source_report(answer, good, now, doubted))
    hosts = {answer.name: site(answer.host) for answer in answers}
    agreed: dict[str, LiveQuote] = {}
    witnesses: dict[str, tuple[LiveQuote, ...]] = {}
    refused: dict[str, Refused] = {}
    for symbol, quotes in fresh.items():
        chosen = _agreeing(quotes, hosts, config)
        if chosen is None or isinstance(chosen, _Doubted):
            refused[symbol] = _refuse(symbol, chosen, quotes, doubts[symbol])
        else:
            agreed[symbol], witnesses[symbol] = _one_of(chosen), chosen
    verdict, why = verdict_on(answers, sources, refused, symbols, session, now, config, traded_before)
    return QuotesReport(
        session, now, stage, tuple(symbols), agreed, witnesses, refused, tuple(sources), verdict, why
    )


# -- one quote


def _believable(
    answer: FeedAnswer, symbol: str, session: date, now: datetime, stage: Stage, config: QuotesConfig
) -> LiveQuote | _Doubted | None:
    """The quote of a name, or what speaks against it; None from a source that failed as a whole."""
    if answer.trouble is not None:
        return None
    quote, name = answer.quotes.get(symbol), answer.name
    if quote is None:
        return _Doubted(Doubt.ABSENT, f"{name} has no quote")
    if isinstance(quote, Unreadable):
        return _Doubted(Doubt.UNREADABLE, f"{name}: {quote.why}")
    if quote.symbol != symbol:
        return _Doubted(Doubt.OTHER_SYMBOL, f"{name} answers with a quote of {quote.symbol}")
    timely = _timely(quote, name, session, now, stage, config)
    return timely or _within_limits(quote, name) or quote


def _timely(
    quote: LiveQuote, name: str, session: date, now: datetime, stage: Stage, config: QuotesConfig
) -> _Doubted | None:
    here = quote.time.astimezone(SHANGHAI)
    stamp = f"{here:%Y-%m-%d %H:%M:%S}"
    if here.date() != session:
        return _Doubted(Doubt.OTHER_SESSION, f"{name}'s quote is of {stamp}, the session is {session}")
    if quote.time > now + timedelta(seconds=config.clock_tolerance_s):
        return _Doubted(Doubt.AHEAD, f"{name}'s quote is of {stamp}, and it is only {now:%H:%M:%S} here")
    if quote.suspended:
        return None  # the clock of what does not trade may stand still
    clock = here.time()
    if stage is not Stage.BEFORE_OPEN and clock < OPENING_PRICE:
        return _Doubted(Doubt.BEFORE_AUCTION, f"{name}'s quote is of {stamp}, before the auction ended")
    if stage is Stage.CLOSED and clock < CLOSE:
        return _Doubted(Doubt.STALE, f"{name}'s quote is of {stamp}, before the close")
    age = trading_seconds(session, quote.time, now)
    if age > config.max_age_s:
        return _Doubted(Doubt.STALE, f"{name}'s quote is of {stamp}, {age:.0f} s of trading ago")
    return None


def _within_limits(quote: LiveQuote, name: str) -> _Doubted | None:
    """Prices beyond the limits that come with them cannot be true."""
    for what, price in (("open", quote.open_fen), ("last", quote.last_fen)):
        if price is None:
            continue
        up, down = quote.up_limit_fen, quote.down_limit_fen
        if (up is not None and price > up) or (down is not None and price < down):
            bounds = f"{_yuan(down)}..{_yuan(up)}"
            return _Doubted(
                Doubt.BEYOND_LIMIT, f"{name}'s {what} {_yuan(price)} lies beyond its own limits {bounds}"
            )
    return None


# -- several quotes of one name


def _agreeing(
    quotes: list[LiveQuote], hosts: Mapping[str, str], config: QuotesConfig
) -> tuple[LiveQuote, ...] | _Doubted | None:
    """The quotes that agree, the most trusted first; what they differ in; or None where there are too few."""
    if len({hosts[quote.source] for quote in quotes}) < 2:
        return (quotes[0],) if quotes and config.allow_one_source else None
    differing: list[str] = []
    for first, second in combinations(quotes, 2):
        if hosts[first.source] == hosts[second.source]:
            continue
        apart = _apart(first, second, config.tolerance_ticks)
        if not apart:
            others = [q for q in quotes if q is not first and not _apart(first, q, config.tolerance_ticks)]
            return (first, *others)
        differing.append(apart)
    return _Doubted(Doubt.DISAGREE, "; ".join(differing))


def _apart(one: LiveQuote, other: LiveQuote, tolerance: int) -> str:
    """What two quotes of a name contradict each other in; empty where they do not."""
    names = f"{one.source} and {other.source}"
    halted, running = (one, other) if one.suspended else (other, one)
    # both may say so of a name that has traded before it was suspended
    if halted.suspended and running.traded and not running.suspended:
        return f"{names}: {halted.source} says that it is suspended, the other that it trades"
    checks = [
        ("previous close", one.previous_close_fen, other.previous_close_fen),
        ("open", one.open_fen, other.open_fen),
    ]
    rest = stage_of(one.time)
    if one.traded and other.traded and rest.at_rest and rest is stage_of(other.time):
        checks += [
            ("last", one.last_fen, other.last_fen),
            ("high", one.high_fen, other.high_fen),
            ("low", one.low_fen, other.low_fen),
        ]
    for what, mine, theirs in checks:
        if (mine is None) is not (theirs is None) or (
            mine is not None and theirs is not None and abs(mine - theirs) > tolerance
        ):
            return f"{names}: {what} {_yuan(mine)} and {_yuan(theirs)}"
    if one.traded and other.traded:
        earlier, later = sorted((one, other), key=lambda quote: quote.time)
        last, low, high = earlier.last_fen or 0, later.low_fen or 0, later.high_fen or 0
        # prices move between two moments, but what has traded stays within the day's range
        if not low - tolerance <= last <= high + tolerance:
            return f"{names}: last {_yuan(last)} lies outside the later range {_yuan(low)}..{_yuan(high)}"
    return ""


def _one_of(quotes: tuple[LiveQuote, ...]) -> LiveQuote:
    """The most trusted quote; a suspension that any source knows of holds."""
    for quote in quotes:
        if quote.suspended:
            return quote
    return quotes[0]


def _refuse(symbol: str, found: _Doubted | None, quotes: list[LiveQuote], doubts: list[_Doubted]) -> Refused:
    if found is not None:
        return Refused(symbol, *found)
    why = [doubt.why for doubt in doubts]
    if quotes:
        alone = f"only {quotes[0].source} has a quote to be believed"
        return Refused(symbol, Doubt.ONE_SOURCE, "; ".join([alone, *why]))
    if not doubts:
        return Refused(symbol, Doubt.ABSENT, "no source answered")
    # a quote that came and is doubted says more than one that did not come
    said = [doubt.reason for doubt in doubts if doubt.reason is not Doubt.ABSENT]
    return Refused(symbol, said[0] if said else Doubt.ABSENT, "; ".join(why))


def _yuan(fen: int | None) -> str:
    return "none" if fen is None else f"{fen / 100:.2f}"
