"""Whether the quotes of a moment, all together, may be traded on, and what people are told if not."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from datetime import date, datetime, timedelta

from engine.market.phases import OPENING_PRICE, SHANGHAI
from engine.market.sources.remote.failure import Trouble
from live.feeds.config import QuotesConfig
from live.feeds.feed import FeedAnswer, in_short
from live.feeds.quote import LiveQuote, Unreadable
from live.feeds.report import Refused, SourceReport, Verdict
from live.feeds.stages import Stage, stage_of, trading_seconds


def source_report(answer: FeedAnswer, fresh: int, now: datetime, doubted: str = "") -> SourceReport:
    """Say how a source did: `fresh` of its quotes are believed on their own, one is not, being `doubted`."""
    times = [quote.time for quote in answer.quotes.values() if isinstance(quote, LiveQuote)]
    newest = max(times, default=None)
    ahead = None if newest is None else (newest - now).total_seconds()
    trouble = "" if answer.trouble is None else str(answer.trouble)
    if answer.trouble is None and not times:
        broken = [each.why for each in answer.quotes.values() if isinstance(each, Unreadable)]
        trouble = f"none of its lines can be read: {broken[0]}" if broken else "it knows none of the names"
    doubt = "" if fresh or trouble else doubted
    return SourceReport(answer.name, answer.host, len(times), fresh, newest, ahead, trouble, doubt)


def verdict_on(
    answers: Sequence[FeedAnswer],
    sources: Sequence[SourceReport],
    refused: Mapping[str, Refused],
    symbols: Sequence[str],
    session: date,
    now: datetime,
    config: QuotesConfig,
    traded_before: Collection[str] | None,
) -> tuple[Verdict, str]:
    """Return the verdict, and why in a sentence; see `live.feeds.judge.judge` for what goes in."""
    if not symbols:
        return Verdict.TRUSTED, ""
    spoke = [(source, source.newest) for source in sources if source.newest is not None]
    if not spoke:
        return Verdict.NO_QUOTES, _no_quotes(answers, session)
    skew = _skew(spoke, session, now, config)
    if skew:
        return Verdict.CLOCK_SKEW, skew
    if session not in {_day(newest) for _, newest in spoke}:
        last = ", ".join(f"{source.name} ends {newest:%Y-%m-%d %H:%M:%S}" for source, newest in spoke)
        return (
            Verdict.OTHER_SESSION,
            f"there are no quotes of {session}, so no order is sent ({last}); has the exchange opened? Is "
            "this machine's date right?",
        )
    failed = [f"{each.name}: {in_short(each.trouble)}" for each in answers if each.trouble is not None]
    why = too_few(symbols, refused, config.least_coverage, traded_before, failed)
    return (Verdict.TOO_FEW, why) if why else (Verdict.TRUSTED, "")


def too_few(
    symbols: Sequence[str],
    refused: Mapping[str, Refused],
    least_coverage: float,
    traded_before: Collection[str] | None = None,
    failed: Sequence[str] = (),
) -> str:
    """Say that too many names are refused for the others to be traded; empty where they are not.

    Parameters
    ----------
    symbols : sequence of str
        Names asked for.
    refused : mapping of str to Refused
        Those of them without a trusted quote.
    least_coverage : float
        Smallest share of names with one.
    traded_before : collection of str, optional
        Names that the share is counted among; by default all.
    failed : sequence of str
        Sources that did not answer, a sentence each.
    """
    counted = [s for s in symbols if traded_before is None or s in traded_before] or list(symbols)
    without = [refused[s] for s in counted if s in refused]
    good = len(counted) - len(without)
    if good >= least_coverage * len(counted):
        return ""
    reasons = Counter(each.reason.value for each in without)
    what = ", ".join(f"{n} {reason}" for reason, n in reasons.items())
    # one of them spelled out says more than the count
    seen = [*failed, f"{without[0].symbol}: {without[0].why}"]
    return (
        f"{good} of {len(counted)} names have trusted quotes ({what}); so few are not traded "
        f"on, and no order is sent. {'; '.join(seen)}"
    )


def site(host: str) -> str:
    """The part of a host that one owner has: ``gtimg.cn`` of ``qt.gtimg.cn``."""
    return ".".join(host.lower().rsplit(".", 2)[-2:])


def _no_quotes(answers: Sequence[FeedAnswer], session: date) -> str:
    said = [
        f"{each.name}: {'no quotes' if each.trouble is None else in_short(each.trouble)}" for each in answers
    ]
    why = f"no source has quotes for {session}, so no order is sent ({'; '.join(said)})"
    cut_off = all(each.trouble is not None and each.trouble.trouble is Trouble.NETWORK for each in answers)
    return f"{why}; check the network and the proxy settings" if cut_off else why


def _skew(
    spoke: Sequence[tuple[SourceReport, datetime]], session: date, now: datetime, config: QuotesConfig
) -> str:
    """Say that this machine's clock is wrong, where independent sources agree against it."""
    # whoever serves an earlier day than the others knows nothing of the time
    day = max(_day(newest) for _, newest in spoke)
    spoke = [(source, newest) for source, newest in spoke if _day(newest) == day]
    if len({site(source.host) for source, _ in spoke}) < 2:
        return ""
    first, last = min(newest for _, newest in spoke), max(newest for _, newest in spoke)
    tolerance = timedelta(seconds=config.clock_tolerance_s)
    shown = ", ".join(f"{source.name} {newest:%m-%d %H:%M:%S}" for source, newest in spoke)
    if first > now + tolerance:
        return (
            f"this machine's clock says {now:%Y-%m-%d %H:%M:%S}, and all quotes are later ({shown}): "
            f"it is at least {_span(first - now)} slow. Set it right (NTP); no order is sent"
        )
    if day != session or last - first > tolerance:
        return ""
    behind = trading_seconds(session, last, now) > config.max_age_s
    ends = datetime.combine(session, OPENING_PRICE, SHANGHAI)
    in_auction = stage_of(now) is Stage.OPENED and last < ends - tolerance
    if behind or in_auction:
        return (
            f"this machine's clock says {now:%Y-%m-%d %H:%M:%S}, and the newest quotes of all sources are of "
            f"one earlier moment ({shown}): it is {_span(now - last)} fast, or "
            f"{'trading has stopped' if behind else 'they are late'}. Check it (NTP); no order is sent"
        )
    return ""


def _day(moment: datetime) -> date:
    return moment.astimezone(SHANGHAI).date()


def _span(span: timedelta) -> str:
    seconds = span.total_seconds()
    return f"{seconds:.0f} s" if seconds < 120 else f"{seconds / 60:.0f} min"
