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

#: how long a process that listens may take to leave
_LEAVING_S = 0.5


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

    def __init__(
        self, connection: Connection[Any, Any], process: Any, giving: Connection[Any, Any] | None = None
    ) -> None:
        self._connection = connection
        self._process = process
        self._giving = giving

    @property
    def alive(self) -> bool:
        """Whether the process still runs."""
        return bool(self._process.is_alive())

    def say(self, what: Any) -> None:
        """Tell the process something; only one that :func:`conversing` has started listens.

        Raises
        ------
        DiedError
            If it has ended.
        """
        if self._giving is None:
            raise RuntimeError("the process does not listen")
        try:
            self._giving.send(what)
        except ConnectionError:
            self._process.join()
            raise DiedError(_ending(self._process.exitcode)) from None

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
    with _spawned(_speaking, target, args, listens=False) as line:
        yield line


@contextmanager
def conversing(target: Callable[..., None], *args: Any) -> Iterator[Line]:
    """Run ``target(say, hear, *args)`` in a spawned process; it is killed at the end, if it still runs.

    ``hear()`` returns what was told with `Line.say`, and raises EOFError once nothing more can be.
    """
    with _spawned(_talking, target, args, listens=True) as line:
        yield line


@contextmanager
def _spawned(
    role: Callable[..., None], target: Callable[..., None], args: tuple[Any, ...], listens: bool
) -> Iterator[Line]:
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe(duplex=False)
    given, giving = context.Pipe(duplex=False)
    process = context.Process(target=_guarded, args=(role, target, theirs, given))
    process.start()
    theirs.close()
    given.close()
    with suppress(ConnectionError):  # as arguments of the process they would wait for ever if it dies early
        giving.send(args)
    if not listens:
        giving.close()
    try:
        yield Line(ours, process, giving if listens else None)
    finally:
        giving.close()
        if listens:
            process.join(_LEAVING_S)  # who waits for a word that will not come leaves by itself
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
    role: Callable[..., None],
    target: Callable[..., None],
    connection: Connection[Any, Any],
    given: Connection[Any, Any],
) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for whoever started us
    with suppress(OSError):
        os.dup2(2, 1)  # what a provider prints is no part of the report
    threading.Thread(target=_leave_with_the_parent, daemon=True).start()
    try:
        role(target, connection, given)
    except BrokenPipeError:
        pass
    except BaseException:
        with suppress(OSError):  # a provider may have closed it
            connection.send(_Defect(traceback.format_exc()))
    finally:
        with suppress(OSError):
            connection.close()


def _speaking(
    target: Callable[..., None], connection: Connection[Any, Any], given: Connection[Any, Any]
) -> None:
    target(connection.send, *given.recv())


def _talking(
    target: Callable[..., None], connection: Connection[Any, Any], given: Connection[Any, Any]
) -> None:
    args = given.recv()
    target(connection.send, given.recv, *args)


def _leave_with_the_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def _ending(code: int | None) -> str:
    if code is not None and code < 0:
        return f"was killed by {signal.Signals(-code).name}"
    return f"ended with exit code {code}"
