"""Processes that record trials and can be killed.

Run as a program: ``python trial_worker.py LEDGER NAME BATCHES SIZE``. Batch k of a worker holds formulas that
all workers try, and as many of its own. Each stored batch is reported on stdout.
"""

from __future__ import annotations

import subprocess
import sys
from datetime import UTC, date, datetime
from pathlib import Path

from alpha_sources.evaluation.trials import Origin, Scope, Trial, TrialLedger

SCOPE = Scope(date(2021, 1, 1), date(2022, 12, 31), "sse50", "d" * 64, 5)
AT = datetime(2024, 1, 2, 15, 0, tzinfo=UTC)


def trial(text: str, t: float = 1.0) -> Trial:
    return Trial(text, text, Origin.FACTORY, ic_mean=t / 100, ic_t=t)


def batch(name: str, number: int, size: int) -> list[Trial]:
    shared = [trial(f"shared_{number}_{i}") for i in range(size)]
    return shared + [trial(f"{name}_{number}_{i}") for i in range(size)]


def start(path: Path, name: str, batches: int, size: int) -> subprocess.Popen[str]:
    command = [sys.executable, __file__, str(path), name, str(batches), str(size)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


if __name__ == "__main__":
    path, name, batches, size = sys.argv[1:]
    with TrialLedger.open(path, create=True) as ledger:
        print("open", flush=True)
        for number in range(int(batches)):
            new = ledger.record("demo", SCOPE, batch(name, number, int(size)), at=AT)
            print(new, flush=True)
