"""A daemon that has run for a month is no larger than one of a few days: ``ALPHALOOM_SESSIONS=22``."""

from __future__ import annotations

import gc
import os
import tracemalloc
from datetime import timedelta
from pathlib import Path

import fortnight
from simulation import World, moment

#: sessions after the warm-up; three evenings are enough to fill what is filled once
SESSIONS = int(os.environ.get("ALPHALOOM_SESSIONS", "4"))


def test_the_daemon_does_not_grow(world: World, tmp_path: Path) -> None:
    days = (SESSIONS + 3) * 7 // 5 + 2
    settings = world.settings()
    with world.daemon(str(tmp_path / "paper.db"), settings) as outfit:
        world.drive(outfit, moment("2023-06-14T21:00"))
        tracemalloc.start(1)
        try:
            sizes = []
            for evening in range(4, days):
                world.drive(outfit, moment(fortnight.BEGINS).replace(hour=21) + timedelta(days=evening))
                # what is kept of the market for the coming morning is loaded anew, and no leak
                outfit.daemon.forget()
                gc.collect()
                sizes.append(tracemalloc.get_traced_memory()[0])
        finally:
            tracemalloc.stop()
    world.log.clear()
    kilobytes = [size / 1024 for size in sizes]
    # a session leaves less than the text of its messages, which the test's own log holds
    growth = (kilobytes[-1] - kilobytes[1]) / (len(kilobytes) - 2)
    assert growth < 40, f"{growth:.0f} KB a day: {[round(size) for size in kilobytes]}"
