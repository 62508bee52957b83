"""A daemon that has run for months is no larger than one of a few days: ``ALPHALOOM_SESSIONS=60``."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from datetime import date
from pathlib import Path

import daemon_worker
import pytest
from sample_store import cut, whole_store

#: sessions after the warm-up; four evenings are enough to fill what is filled once
SESSIONS = int(os.environ.get("ALPHALOOM_SESSIONS", "7"))
WARM_UP = 4
#: what may come and go: pages of the allocators, the store's mapped files
NOISE_KB = 12_000
#: a session leaves a row in every field of the panel, and what its ledger is read for
SESSION_KB = 150


@pytest.mark.skipif(sys.platform != "linux", reason="resident memory is read as Linux gives it")
def test_the_daemon_does_not_grow(tmp_path: Path) -> None:
    """In resident memory of a process of its own, and in what Python itself has handed out."""
    whole = whole_store(tmp_path / "whole", date(2022, 11, 1), date(2023, 7, 21))
    cut(whole, tmp_path / "store", date(2023, 2, 1))
    command = [sys.executable, daemon_worker.__file__, "memory", str(tmp_path / "paper.db"), str(tmp_path)]
    ran = subprocess.run(
        [*command, "2023-02-02T08:00", str(WARM_UP + SESSIONS)],
        capture_output=True,
        text=True,
        check=False,
        timeout=3600,
        env={**os.environ, "ALPHALOOM_HOME": str(tmp_path / "home")},
    )
    assert not ran.returncode, ran.stderr
    evenings = [json.loads(line) for line in ran.stdout.splitlines()]
    assert len(evenings) == WARM_UP + SESSIONS
    first, last = evenings[WARM_UP - 1], evenings[-1]
    resident_kb, python_kb = (last[name] - first[name] for name in ("resident_kb", "python_kb"))
    print(f"resident {resident_kb / SESSIONS:.0f} KB, Python {python_kb / SESSIONS:.0f} KB a session")
    assert resident_kb < NOISE_KB + SESSION_KB * SESSIONS, [each["resident_kb"] for each in evenings]
    # what Python hands out does not come and go: a session leaves less than the text of its messages
    assert python_kb < 40 * SESSIONS, [each["python_kb"] for each in evenings]
