"""Asking all feeds at once, and judging what came."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Collection, Sequence
from datetime import date, datetime

from engine.errors import AlphaloomError
from engine.market.sources.remote.failure import Trouble, VendorError
from live.feeds.config import QuotesConfig
from live.feeds.feed import FeedAnswer, QuoteFeed
from live.feeds.judge import judge
from live.feeds.report import QuotesReport

#: what a feed's own deadline does not bound: looking up its host, waiting for its rate
_GRACE_S = 10.0


def ask(
    feeds: Sequence[QuoteFeed],
    symbols: Sequence[str],
    *,
    session: date,
    now: Callable[[], datetime],
    config: QuotesConfig | None = None,
    traded_before: Collection[str] | None = None,
) -> QuotesReport:
    """Ask every feed for some names, in parallel, and judge the answers.

    Parameters
    ----------
    feeds : sequence of QuoteFeed
        In order of trust.
    symbols : sequence of str
        Holdings and candidates; the whole market is not for asking.
    session : date
    now : callable
        This machine's clock, with a zone.
    config : QuotesConfig, optional
    traded_before : collection of str, optional
        See `judge`.

    Notes
    -----
    A feed that fails, whatever it fails with, is named in the report; nothing is raised for it.
    """
    config = config or QuotesConfig()
    symbols = list(dict.fromkeys(symbols))
    answers = collect(feeds, symbols, config.deadline_s + _GRACE_S) if symbols else []
    return judge(answers, symbols, session=session, now=now(), config=config, traded_before=traded_before)


def collect(feeds: Sequence[QuoteFeed], symbols: Sequence[str], patience_s: float) -> list[FeedAnswer]:
    """Ask every feed in a thread of its own; one that takes longer than that is not waited for."""
    answers: dict[int, FeedAnswer] = {}

    def fetch(place: int, feed: QuoteFeed) -> None:
        answers[place] = _answer(feed, symbols)

    threads = [
        threading.Thread(target=fetch, args=each, name=f"quotes-{each[1].name}", daemon=True)
        for each in enumerate(feeds)
    ]
    for thread in threads:
        thread.start()
    until = time.monotonic() + patience_s
    for thread in threads:
        thread.join(max(0.0, until - time.monotonic()))
    in_time = dict(answers)
    return [
        in_time.get(place) or FeedAnswer(feed.name, feed.host, {}, _silent(feed, patience_s))
        for place, feed in enumerate(feeds)
    ]


def _answer(feed: QuoteFeed, symbols: Sequence[str]) -> FeedAnswer:
    try:
        return FeedAnswer(feed.name, feed.host, feed.fetch(symbols))
    except VendorError as problem:
        return FeedAnswer(feed.name, feed.host, {}, problem)
    except AlphaloomError as problem:
        detail, words, now = str(problem), "not asked", "mend that; the other sources are asked meanwhile"
    except Exception as problem:  # a defect in one feed must not take the session with it
        detail, words = f"{type(problem).__name__}: {problem}", "a defect of the program"
        now = "please report it; the other sources are asked meanwhile"
    error = VendorError(feed.name, feed.host, "quotes", Trouble.DIED, detail, now, words)
    return FeedAnswer(feed.name, feed.host, {}, error)


def _silent(feed: QuoteFeed, patience_s: float) -> VendorError:
    now = "the other sources are asked meanwhile"
    return VendorError(feed.name, feed.host, "quotes", Trouble.TIMEOUT, f"nothing in {patience_s:g} s", now)
