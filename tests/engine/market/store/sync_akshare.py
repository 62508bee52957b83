"""A sync through akshare and the local proxy, in a process of its own that tests may kill."""

from __future__ import annotations

import sys
import time
from collections.abc import Collection, Sequence
from datetime import date, datetime
from datetime import time as clock_time
from pathlib import Path
from random import Random

from engine.market.sources.akshare.sina import SinaDaily
from engine.market.sources.remote.caller import Retries, WorkerCaller
from engine.market.sources.remote.limits import NO_RATES, HostLimits
from engine.market.sources.vendors import vendors
from engine.market.store import Kind, MarketStore
from engine.market.store.sync import SyncReport, sync
from engine.rules.limits import limit_percent

#: vendors of bars and actions; the others cost tests time and are asked for in one of them
BARS_AND_ACTIONS = ("akshare/eastmoney", "akshare/tencent", "akshare/sina", "akshare/actions")


def worker() -> WorkerCaller:
    """A worker without pauses, which may be kept for many syncs."""
    return WorkerCaller(no_limits(), retries=Retries(1, 0.01), random=Random(1))


def no_limits() -> HostLimits:
    return HostLimits(None, clock=time.time, sleep=time.sleep, rates=NO_RATES)


def akshare_sync(
    call: WorkerCaller,
    folder: Path,
    names: str | list[str],
    since: str,
    day: str,
    *,
    told: list[str] | None = None,
    crosscheck_names: int = 0,
    only: Sequence[str] = BARS_AND_ACTIONS,
    extras: Collection[Kind] = (),
) -> SyncReport:
    """Sync at 17:00 of a day; where the vendors are, the environment says."""
    today = date.fromisoformat(day)
    call.limits = no_limits()
    sources = [s for s in vendors(call, today=lambda: today) if s.name in only or not only]
    return sync(
        MarketStore(folder),
        sources,
        universe=names,
        since=date.fromisoformat(since),
        clock=lambda: datetime.combine(today, clock_time(17)),
        tell=(told if told is not None else []).append,
        limit_percent=limit_percent,
        crosscheck_names=crosscheck_names,
        extras=extras,
        checkers=[SinaDaily(call, factors=True), *sources],
    )


if __name__ == "__main__":
    with worker() as one:
        report = akshare_sync(
            one, Path(sys.argv[1]), sys.argv[2].split(","), sys.argv[3], sys.argv[4], only=()
        )
    sys.exit(not report.complete)
