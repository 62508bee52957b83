"""`Alarm`: wakes the daemon. APScheduler rings; what is due is found out by whoever is woken."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from datetime import datetime
from typing import Any

from apscheduler.executors.pool import ThreadPoolExecutor  # type: ignore[import-untyped]
from apscheduler.jobstores.memory import MemoryJobStore  # type: ignore[import-untyped]
from apscheduler.schedulers.background import BackgroundScheduler  # type: ignore[import-untyped]

from engine.market.phases import SHANGHAI

#: seconds after which a sleeper looks at the clock all the same
_PATIENCE_S = 1.0


class Alarm:
    """Rings at a moment, and meanwhile lets the heart beat.

    Nothing is kept in the scheduler that would be missed: a ring that is lost, late or doubled makes the
    daemon look at its agenda, no more.

    Parameters
    ----------
    now : callable
        The time, with a zone.
    beat : callable
        Called every `every_s` seconds, from a thread of its own: a clock that is set back must not stop it.
    every_s : float
    """

    def __init__(self, now: Callable[[], datetime], beat: Callable[[], Any], every_s: float) -> None:
        self._now, self._beat, self._every_s = now, beat, every_s
        self._rung, self._over = threading.Event(), threading.Event()
        self._heart = threading.Thread(target=self._beat_on, name="heartbeat", daemon=True)
        self._scheduler = BackgroundScheduler(
            timezone=SHANGHAI,
            jobstores={"default": MemoryJobStore()},
            executors={"default": ThreadPoolExecutor(1)},
            # whatever the machine slept through rings once, however late it is
            job_defaults={"coalesce": True, "max_instances": 1, "misfire_grace_time": None},
        )
        # it would say through the root logger that a late ring was late
        logging.getLogger("apscheduler").setLevel(logging.ERROR)

    def __enter__(self) -> Alarm:
        self._scheduler.start()
        self._heart.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._scheduler.shutdown(wait=True)
        self._heart.join()

    def _beat_on(self) -> None:
        while not self._over.wait(self._every_s):
            self._beat()

    def sleep_until(self, moment: datetime, stop: Callable[[], None]) -> None:
        """Return at a moment, or soon after; `stop` may raise before."""
        self._rung.clear()
        self._scheduler.add_job(self._rung.set, "date", run_date=moment, id="wake", replace_existing=True)
        # the clock may have been set, or the machine may have slept: the moment itself counts
        while not self._rung.wait(_PATIENCE_S) and self._now() < moment:
            stop()
        stop()
