"""What the daemon does of an evening to bring the store up to date: what ``alphaloom data sync`` does."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date, datetime
from typing import TYPE_CHECKING

from alphaloom.config import RunConfig
from alphaloom.paper.market import Sync
from engine.market.phases import SHANGHAI
from engine.market.store import Kind, MarketStore

if TYPE_CHECKING:
    from engine.market.sources.remote.caller import Caller
    from engine.market.sources.remote.limits import HostLimits
    from engine.market.sources.source import Source

#: names in a sentence
_NAMED = 5
#: not a table, but columns of the bars
_RATIOS = "ratios"
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
        from engine.market.store.sync import sync as bring_up_to_date
        from engine.rules.limits import limit_percent

        ratios = _RATIOS in settings.live.sync_tables
        with worker(limits) as call:
            report = bring_up_to_date(
                store,
                _sources(call, ratios=ratios),
                universe=universe_of(settings, store),
                since=_first_day(store),
                clock=lambda: now().astimezone(SHANGHAI).replace(tzinfo=None),
                progress=lambda *_: stop(),
                tell=tell,
                extras=[_TABLES[name] for name in settings.live.sync_tables if name != _RATIOS],
                limit_percent=limit_percent,
            )
        unanswered = [str(why) for why in (*report.gaps.values(), *report.failed.values())]
        if ratios and report.plain:
            unanswered.append(f"no vendor told the valuation ratios of {len(report.plain)} stocks")
        left = unanswered[:_NAMED]
        if len(unanswered) > _NAMED:
            left.append(f"and {len(unanswered) - _NAMED} more questions that nobody answered")
        return left + [str(difference) for difference in report.differences[:_NAMED]]

    return sync


def _sources(call: Caller, *, ratios: bool) -> Sequence[Source]:
    """Whom to ask; where valuation ratios are wanted, those last that cannot tell them."""
    from engine.market.sources.akshare.eastmoney import EastmoneyDaily
    from engine.market.sources.akshare.sina import SinaDaily
    from engine.market.sources.akshare.tencent import TencentDaily
    from engine.market.sources.vendors import vendors

    every = vendors(call)
    if not ratios:
        return every
    asked = [EastmoneyDaily(call, ratios=True) if s.name == EastmoneyDaily.name else s for s in every]
    return sorted(asked, key=lambda source: source.name in (TencentDaily.name, SinaDaily.name))


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
