"""One writer at a time: a lock that the operating system takes back when its process ends, in any way."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path
from types import TracebackType
from typing import IO

from engine.market.store.files import StoreBusy, not_written

_PAUSE_S = 0.05


class WriterLock:
    """Context manager that holds a file locked.

    Parameters
    ----------
    path : Path
        The file stays; a lock is the operating system's, not the file's being there.
    timeout_s : float
        How long to wait for another process.

    Raises
    ------
    StoreBusy
        On entry, if another process holds it for longer.
    """

    def __init__(self, path: Path, timeout_s: float) -> None:
        self.path, self.timeout_s = path, timeout_s
        self._file: IO[str] | None = None

    def __enter__(self) -> WriterLock:
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            file = self.path.open("a+", encoding="utf-8")
        except OSError as problem:
            raise not_written(self.path, problem) from problem
        deadline = time.monotonic() + self.timeout_s
        while not _take(file):
            if time.monotonic() >= deadline:
                holder = _holder(file)
                file.close()
                raise StoreBusy(
                    f"{self.path.parent}: another process{holder} is writing to this store; nothing was "
                    "changed: repeat the command once it is done"
                )
            time.sleep(_PAUSE_S)
        file.seek(0)
        file.truncate()
        file.write(f"{os.getpid()}\n")
        file.flush()
        self._file = file
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._file is not None:
            _release(self._file)
            self._file.close()
            self._file = None


def _holder(file: IO[str]) -> str:
    try:
        file.seek(0)
        number = file.read(20).strip()
    except OSError:  # a locked file cannot be read on Windows
        return ""
    return f" ({number})" if number.isdigit() else ""


if sys.platform == "win32":
    import msvcrt

    def _take(file: IO[str]) -> bool:
        file.seek(0)
        try:
            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        return True

    def _release(file: IO[str]) -> None:
        file.seek(0)
        msvcrt.locking(file.fileno(), msvcrt.LK_UNLCK, 1)

else:
    import fcntl

    def _take(file: IO[str]) -> bool:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            return False
        return True

    def _release(file: IO[str]) -> None:
        fcntl.flock(file, fcntl.LOCK_UN)
