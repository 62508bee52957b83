"""What workers of the tests run."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path
from typing import Any


def add(one: int, other: int) -> list[int]:
    return [one + other]


def process() -> list[int]:
    return [os.getpid()]


def variable(name: str) -> list[str]:
    return [os.environ[name]]


def sleeps(seconds: float) -> list[float]:
    time.sleep(seconds)
    return [seconds]


def stops_itself() -> None:
    os.kill(os.getpid(), signal.SIGSTOP)


def dies() -> None:
    os._exit(7)


def prints() -> list[str]:
    print("a client's banner")
    return ["done"]


def defective() -> None:
    undefined  # noqa: B018, F821


def as_told(path: str, answers: str) -> list[str]:
    """Do what the next line of a file says, and drop it."""
    lines = Path(path).read_text().split()
    Path(path).write_text(" ".join(lines[1:]))
    if lines[0] == "hangs":
        time.sleep(60)
    if lines[0] == "resets":
        raise ConnectionResetError("reset by peer")
    if lines[0] == "refuses":
        import requests

        raise requests.exceptions.HTTPError("403")
    return [answers]


def gets(url: str, times: int = 1, timeout: float | None = None) -> list[Any]:
    """What an ordinary client does: no timeout, no look at the status."""
    import requests

    return [requests.get(url, timeout=timeout).json()["data"]["klines"] for _ in range(times)]


def insists(url: str) -> list[Any]:
    """A client that tries again by itself, whatever happens."""
    import requests

    for _ in range(5):
        try:
            return list(requests.get(url, timeout=5).json())
        except Exception as problem:
            last = problem
    raise last


def renames(url: str) -> Any:
    """Columns are given by position, as akshare does."""
    import pandas as pd
    import requests

    frame = pd.DataFrame(requests.get(url).json())
    frame.columns = ["date", "close"]
    return frame
