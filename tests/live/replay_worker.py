"""Processes that play a replay and can be killed: forked from one that has loaded everything.

Run as a program: ``python replay_worker.py URL START END``; each line on stdin forks a player, whose process
id is printed, then its exit status once it is gone.
"""

from __future__ import annotations

import importlib
import os
import select
import subprocess
import sys
from contextlib import suppress
from datetime import date
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))


class Players:
    """Starts players and kills them."""

    def __init__(self, url: str, days: tuple[date, date]) -> None:
        command = [sys.executable, __file__, url, *(day.isoformat() for day in days)]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def run_for(self, seconds: float) -> bool:
        """Start a player and kill it after a while; whether it had finished before."""
        assert self.process.stdin is not None
        self.process.stdin.write("go\n")
        self.process.stdin.flush()
        pid = self._number()
        select.select([self.process.stdout], [], [], seconds)  # its exit status comes when it is through
        with suppress(ProcessLookupError):
            os.kill(pid, 9)
        status = self._number()
        assert status in (0, 9), f"the player failed with status {status}"
        return status == 0

    def close(self) -> None:
        self.process.communicate(timeout=30)

    def _number(self) -> int:
        assert self.process.stdout is not None
        return int(self.process.stdout.readline())


def main() -> None:
    if sys.argv[1].startswith("postgresql"):
        importlib.import_module("psycopg")
    from replays import play, settings_of

    import alphaloom

    url, days = sys.argv[1], (date.fromisoformat(sys.argv[2]), date.fromisoformat(sys.argv[3]))
    settings = settings_of()
    # what is imported and compiled on first use is there before anybody is killed
    alphaloom.backtest("reversal", sets=["span.start=2023-05-04", "span.end=2023-05-12"])
    for _ in sys.stdin:
        pid = os.fork()
        if not pid:
            play(settings, days, url)
            os._exit(0)
        print(pid, flush=True)
        print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) * -1, flush=True)


if __name__ == "__main__":
    main()
