"""Processes that write to a ledger and can be killed: forked from one that has imported everything.

Run as a program: ``python ledger_worker.py URL DAYS.pickle``; each line on stdin forks a writer, whose
process id is printed, then its exit status once it is gone.
"""

from __future__ import annotations

import importlib
import os
import pickle
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from paper_days import PaperDay, open_account, write_day

from live.ledger import Ledger, Task


class Nursery:
    """Starts writers and kills them."""

    def __init__(self, url: str, days: Path) -> None:
        command = [sys.executable, __file__, url, str(days)]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def start(self) -> int:
        assert self.process.stdin is not None
        self.process.stdin.write("go\n")
        self.process.stdin.flush()
        return int(self._line())

    def status(self) -> int:
        return int(self._line())

    def run_for(self, seconds: float) -> bool:
        """Start a writer and kill it after a while; whether it had finished before."""
        pid = self.start()
        time.sleep(seconds)
        with suppress(ProcessLookupError):
            os.kill(pid, 9)
        status = self.status()
        assert status in (0, 9), f"the writer failed with status {status}"
        return status == 0

    def close(self) -> None:
        self.process.communicate(timeout=30)

    def _line(self) -> str:
        assert self.process.stdout is not None
        return self.process.stdout.readline()


def work(url: str, days: list[PaperDay]) -> None:
    """Go on where the last writer was stopped; a step or two are repeated on purpose."""
    with Ledger.open(url, create=True) as ledger, ledger.writer("demo") as writer:
        open_account(writer)
        settled = ledger.last_done(Task.SETTLE, "demo")
        begun = sum(day.session <= settled for day in days) if settled else 0
        for day in days[max(0, begun - 1) :]:
            write_day(writer, day)


def main() -> None:
    if sys.argv[1].startswith("postgresql"):
        importlib.import_module("psycopg")
    url, days = sys.argv[1], pickle.loads(Path(sys.argv[2]).read_bytes())
    for _ in sys.stdin:
        pid = os.fork()
        if not pid:
            work(url, days)
            os._exit(0)
        print(pid, flush=True)
        print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) * -1, flush=True)


if __name__ == "__main__":
    main()
