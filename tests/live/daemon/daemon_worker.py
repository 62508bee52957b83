"""Daemons in processes of their own, in the simulated market of the tests.

``lives URL FOLDER``: each line on stdin forks a daemon that lives on from the last heartbeat to the end of
the days, its process id is printed, then its exit status once it is gone.
``wall URL FOLDER MOMENT``: a daemon with the real alarm and real signals, whose clock runs as the wall's,
from a moment on.
``zone URL FOLDER MOMENT UNTIL``: one life in the zone that the environment names; prints what was told.
``fortnight URL FOLDER MOMENT UNTIL END``: a life in the eventful fortnight; at its end it says so, and waits
for its death or (``END`` is ``close``) takes its leave.
``memory URL FOLDER MOMENT SESSIONS``: prints on every evening how large it is.
"""

from __future__ import annotations

import json
import os
import sys
import time
import tracemalloc
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np

sys.path[:0] = [str(Path(__file__).parents[1]), str(Path(__file__).parent)]

import fortnight  # noqa: E402
from sample_store import MarketStore  # noqa: E402
from simulation import Time, World, as_text, moment, told  # noqa: E402

from alphaloom.paper.ledgers import snapshots_of  # noqa: E402
from engine.market.phases import SHANGHAI  # noqa: E402
from live.daemon.loop import StopSign, run  # noqa: E402
from live.daemon.memory import give_back  # noqa: E402
from live.ledger import Ledger  # noqa: E402

#: where `lives` end
UNTIL = "2023-06-15T20:00"


def known(folder: Path, begins: str) -> World:
    """The world in a folder that the test has filled."""
    store, clock = MarketStore(folder / "store"), Time(moment(begins))
    return World(MarketStore(folder / "whole"), store, clock, folder)


def lives(url: str, folder: Path) -> None:
    known(folder, fortnight.BEGINS).settings()  # what is imported on first use is there before anybody dies
    for _ in sys.stdin:
        pid = os.fork()
        if not pid:
            live_on(url, folder)
            os._exit(0)
        print(pid, flush=True)
        print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) * -1, flush=True)


def live_on(url: str, folder: Path) -> None:
    world = known(folder, fortnight.BEGINS)
    with Ledger.open(url, create=True) as ledger:
        if ledger.accounts():
            beat = ledger.service().heartbeat()
            world.clock.at = world.clock.at if beat is None else beat.at
    world.run(url, world.settings(), UNTIL)


def wall(url: str, folder: Path, begins: str) -> None:
    world, sign = known(folder, begins), StopSign()
    offset = moment(begins).timestamp() - time.time()

    def now() -> datetime:
        return datetime.fromtimestamp(time.time() + offset, SHANGHAI)

    class Running(Time):
        def now(self) -> datetime:
            return now()

    world.clock = Running(moment(begins))
    for feed in world.feeds:
        feed.clock = world.clock
    with world.daemon(url, world.settings(), sign=sign) as outfit:
        print("ready", flush=True)
        run(outfit.daemon, sign, now=now, beat=outfit.heart.beat, heartbeat_s=1.0)
    print("ended", flush=True)


def zone(url: str, folder: Path, begins: str, until: str) -> None:
    world = known(folder, begins)
    world.run(url, world.settings(), until)
    print(time.tzname, as_text(told(url)), sep="\n")


def eventful(url: str, folder: Path, begins: str, until: str, end: str) -> None:
    world = fortnight.world(MarketStore(folder / "whole"), folder, begins)
    settings = fortnight.settings_of(world)
    with Ledger.open(url, create=True) as ledger:
        learn = fortnight.here(settings, snapshots_of(ledger))
    with world.daemon(url, settings, learn) as outfit:
        outfit.daemon.start()
        world.drive(outfit, moment(until))
        print("there", flush=True)
        if end != "close":
            time.sleep(600)
        outfit.daemon.close("the test is over")
    assert not world.defects, world.defects


def memory(url: str, folder: Path, begins: str, sessions: str) -> None:
    world, day = known(folder, begins), moment(begins).date()
    with world.daemon(url, world.settings()) as outfit:
        tracemalloc.start(1)
        for _ in range(int(sessions)):
            while np.datetime64(day) not in world.panel.dates:
                day += timedelta(days=1)
            world.drive(outfit, moment(f"{day}T21:00"))
            day += timedelta(days=1)
            # what the test itself takes down
            for kept in (world.log, world.syncs, *(feed.asked for feed in world.feeds)):
                kept.clear()
            outfit.daemon.forget()  # the market for the coming morning is read anew, and no leak
            give_back()
            size = {"resident_kb": resident_kb(), "python_kb": tracemalloc.get_traced_memory()[0] // 1024}
            print(json.dumps(size), flush=True)


def resident_kb() -> int:
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmRSS"))


if __name__ == "__main__":
    modes = {"lives": lives, "wall": wall, "zone": zone, "fortnight": eventful, "memory": memory}
    modes[sys.argv[1]](sys.argv[2], Path(sys.argv[3]), *sys.argv[4:])
