"""How vendors are asked from this machine: one file of rates for all processes, a worker with deadlines."""

from __future__ import annotations

import time
from random import Random
from typing import TYPE_CHECKING

from alphaloom.home import home

if TYPE_CHECKING:
    from engine.market.sources.remote.caller import WorkerCaller
    from engine.market.sources.remote.limits import HostLimits


def host_limits(pace: float = 1.0) -> HostLimits:
    """Return the rates of hosts, in the file that all processes of this user share.

    Parameters
    ----------
    pace : float
        Pauses between calls are so many times as long as usual; 0: there are none.
    """
    from engine.market.sources.remote.limits import DEFAULT_RATES, HostLimits, Rate

    rates = {host: Rate(rate.calls, rate.per_s * pace) for host, rate in DEFAULT_RATES.items()}
    return HostLimits(home() / "hosts.db", clock=time.time, sleep=time.sleep, rates=rates)


def worker(limits: HostLimits) -> WorkerCaller:
    """Return a worker for vendors' clients; a context manager."""
    from engine.market.sources.remote.caller import WorkerCaller

    return WorkerCaller(limits, random=Random())
