"""Processes with a deadline: what runs in them may hang or die without taking anybody along."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection
from typing import Any


class TimedOutError(Exception):
    """Nothing was heard for so many seconds."""

    def __init__(self, seconds: float) -> None:
        super().__init__(f"nothing was heard for {seconds:g} s")
        self.seconds = seconds


class DiedError(Exception):
    """The process ended without an answer; the message says how."""


class NotStartedError(DiedError):
    """The process ended before it was asked anything."""


@dataclass(frozen=True, slots=True)
class _Defect:
    """What went wrong in the process that is no fault of a provider."""

    trace: str


class Line:
    """What a process is heard through; its silence and its end are exceptions."""

    def __init__(self, connection: Connection[Any, Any], process: Any) -> None:
        self._connection = connection
        self._process = process

    def hear(self, seconds: float) -> Any:
        """Return what the process says next.

        Raises
        ------
        TimedOutError, DiedError
            If it says nothing within `seconds`, or ends.
        """
        try:
            if not self._connection.poll(seconds):
                raise TimedOutError(seconds)
            said = self._connection.recv()
        except (EOFError, ConnectionError):
            self._process.join()
            raise DiedError(_ending(self._process.exitcode)) from None
        if isinstance(said, _Defect):
            raise RuntimeError(said.trace)
        return said


@contextmanager
def started(target: Callable[..., None], *args: Any) -> Iterator[Line]:
    """Run ``target(say, *args)`` in a spawned process; it is killed at the end, if it still runs."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe(duplex=False)
    given, giving = context.Pipe(duplex=False)
    process = context.Process(target=_guarded, args=(target, theirs, given))
    process.start()
    theirs.close()
    given.close()
    with suppress(ConnectionError):  # as arguments of the process they would wait for ever if it dies early
        giving.send(args)
    giving.close()
    try:
        yield Line(ours, process)
    finally:
        if process.is_alive():
            process.kill()
        process.join()
        ours.close()


def call_in_process(function: Callable[..., Any], argument: Any, limit: float, starting: float) -> Any:
    """Return ``function(argument)`` from a process of its own.

    Parameters
    ----------
    function : callable
        At the top of a module.
    argument : object
        Can be pickled.
    limit, starting : float
        Seconds for the call, and for the process to start.

    Raises
    ------
    TimedOutError, DiedError
        If there is no answer; `NotStartedError` if the function was never called.
    """
    with started(_call, function, argument) as line:
        try:
            line.hear(starting)
        except DiedError as exc:
            raise NotStartedError(str(exc)) from None
        return line.hear(limit)


def _call(say: Callable[[Any], None], function: Callable[..., Any], argument: Any) -> None:
    say(None)  # it has started
    say(function(argument))


def _guarded(
    target: Callable[..., None], connection: Connection[Any, Any], given: Connection[Any, Any]
) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for whoever started us
    with suppress(OSError):
        os.dup2(2, 1)  # what a provider prints is no part of the report
    threading.Thread(target=_leave_with_the_parent, daemon=True).start()
    try:
        target(connection.send, *given.recv())
    except BrokenPipeError:
        pass
    except BaseException:
        with suppress(OSError):  # a provider may have closed it
            connection.send(_Defect(traceback.format_exc()))
    finally:
        with suppress(OSError):
            connection.close()


def _leave_with_the_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def _ending(code: int | None) -> str:
    if code is not None and code < 0:
        return f"was killed by {signal.Signals(-code).name}"
    return f"ended with exit code {code}"
