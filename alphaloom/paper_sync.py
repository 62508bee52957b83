"""What the daemon does of an evening to bring the store up to date: what ``alphaloom data sync`` does."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date, datetime
from typing import TYPE_CHECKING

from alphaloom.config import RunConfig
from alphaloom.paper_market import Sync
from engine.market.store import Kind, MarketStore
from live.timetable import SHANGHAI

if TYPE_CHECKING:
    from engine.market.sources.remote.limits import HostLimits

#: names in a sentence
_NAMED = 5
_TABLES = {
    "texts": Kind.TEXTS,
    "macro": Kind.MACRO,
    "minutes": Kind.MINUTE_BARS,
    "fundamentals": Kind.FUNDAMENTALS,
}


def vendors_sync(
    settings: RunConfig, limits: HostLimits, now: Callable[[], datetime], tell: Callable[[str], None]
) -> Sync:
    """Make the sync of a configuration's universe, which asks the vendors.

    Parameters
    ----------
    settings : RunConfig
    limits : HostLimits
        Shared with whoever asks for quotes.
    now : callable
        The time, with a zone.
    tell : callable
        Told in one line who failed and who stepped in.
    """

    def sync(store: MarketStore, wanted: date, stop: Callable[[], None]) -> Sequence[str]:
        from alphaloom.asking import worker
        from engine.market.sources.vendors import vendors
        from engine.market.store.sync import sync as bring_up_to_date
        from engine.rules.limits import limit_percent

        with worker(limits) as call:
            report = bring_up_to_date(
                store,
                vendors(call),
                universe=universe_of(settings, store),
                since=_first_day(store),
                clock=lambda: now().astimezone(SHANGHAI).replace(tzinfo=None),
                progress=lambda *_: stop(),
                tell=tell,
                extras=[_TABLES[name] for name in settings.live.sync_tables],
                limit_percent=limit_percent,
            )
        unanswered = [str(why) for why in (*report.gaps.values(), *report.failed.values())]
        left = unanswered[:_NAMED]
        if len(unanswered) > _NAMED:
            left.append(f"and {len(unanswered) - _NAMED} more questions that nobody answered")
        return left + [str(difference) for difference in report.differences[:_NAMED]]

    return sync


def universe_of(settings: RunConfig, store: MarketStore) -> str | list[str]:
    """What is kept up to date: what the configuration trades, or the one index that the store knows."""
    from engine.market.store.members import universes

    named = settings.resolved_data().universe
    if named is not None:
        return named
    return next(iter(universes(store.reader())), "all") if store.exists else "all"


def _first_day(store: MarketStore) -> date:
    """Where the store's bars begin; a daemon does not reach further back."""
    days = [segment.first for segment in store.reader().manifest.of(Kind.BARS)]
    return date.fromisoformat(min(days))
