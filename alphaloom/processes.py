"""Independent tasks over processes: Ctrl-C stops them all, and they end with whoever started them."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from multiprocessing.connection import wait
from typing import TypeVar

from engine.errors import AlphaloomError

T = TypeVar("T")
R = TypeVar("R")


def do_all(
    tasks: Sequence[T], do: Callable[[T], R], jobs: int, on_outcome: Callable[[R], None], *, kept: str
) -> None:
    """Do all tasks, `jobs` at a time; with one job in this process.

    Parameters
    ----------
    tasks : sequence
        Values that can be pickled.
    do : callable
        A function of a module; what it raises ends everything.
    jobs : int
    on_outcome : callable
        Called here with each outcome as it comes.
    kept : str
        What stays when a worker dies, for the message.

    Raises
    ------
    AlphaloomError
        If a worker dies.
    KeyboardInterrupt
        After the workers have been stopped.
    """
    if jobs == 1 or len(tasks) < 2:
        for task in tasks:
            on_outcome(do(task))
        return
    others = set(multiprocessing.active_children())
    pool = ProcessPoolExecutor(
        min(jobs, len(tasks)), mp_context=multiprocessing.get_context("spawn"), initializer=_begin
    )
    try:
        with _interrupts_ignored():  # workers inherit it, also while they start
            futures = [pool.submit(do, task) for task in tasks]
        for future in as_completed(futures):
            on_outcome(future.result())
        pool.shutdown()
    except BaseException as problem:
        for worker in set(multiprocessing.active_children()) - others:
            worker.terminate()
        pool.shutdown(cancel_futures=True)
        if isinstance(problem, BrokenProcessPool):
            raise AlphaloomError(
                f"a worker process died, perhaps for want of memory; {kept}: run it again with fewer --jobs"
            ) from None
        raise


def _begin() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    parent = multiprocessing.parent_process()
    if parent is not None:
        threading.Thread(target=_end_with, args=(parent.sentinel,), daemon=True).start()


def _end_with(sentinel: int) -> None:
    """End this process when its parent does: one that was killed cannot say so, and nobody would read."""
    wait([sentinel])
    os._exit(1)


@contextmanager
def _interrupts_ignored() -> Iterator[None]:
    if threading.current_thread() is not threading.main_thread():
        yield  # only the main thread may touch signals
        return
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
