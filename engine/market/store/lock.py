"""One writer at a time."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from engine.locks import FileLock, LockFailed, LockHeld
from engine.market.store.files import StoreBusy, StoreError, not_written


@contextmanager
def writer_lock(path: Path, timeout_s: float) -> Iterator[None]:
    """Hold the lock of a store; it goes with the process, in whatever way that ends.

    Parameters
    ----------
    path : Path
        The lock's file in the store's folder; it stays.
    timeout_s : float
        How long to wait for another process.

    Raises
    ------
    StoreBusy
        On entry, if another process holds it for longer.
    StoreError
        If the file cannot be made.
    """
    lock = FileLock(path, timeout_s)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        lock.acquire()
    except LockHeld as problem:
        holder = f" ({problem.process})" if problem.process is not None else ""
        raise StoreBusy(
            f"{path.parent}: another process{holder} is writing to this store; nothing was changed: repeat "
            "the command once it is done"
        ) from None
    except LockFailed as problem:
        raise StoreError(
            f"{problem}; nothing was stored: see that {path.parent} can be written to and its disk is not "
            "full; a file of that name that is no lock can be deleted"
        ) from None
    except OSError as problem:
        raise not_written(path, problem) from problem
    try:
        yield
    finally:
        lock.release()
