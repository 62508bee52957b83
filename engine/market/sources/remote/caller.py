"""Calling a vendor's client in a process of its own: hard deadlines, limits, retries, one kind of error."""

from __future__ import annotations

import importlib
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from random import Random
from types import TracebackType
from typing import Any, Protocol

from engine.errors import AlphaloomError, DataError
from engine.market.sources.remote.failure import NotAskable, Trouble, VendorError
from engine.market.sources.remote.limits import HostLimits
from engine.market.sources.remote.translate import trouble_of
from engine.market.sources.remote.worker import Ask, Done, Failed, Request, Stopped, work
from engine.processes import DiedError, Line, TimedOutError, conversing

#: how long a worker may take to start
_STARTING_S = 60.0
#: the gate's own timeout comes first, so that a worker usually outlives a vendor's silence
_GRACE_S = 2.0


class Caller(Protocol):
    """Whatever runs a function that asks a vendor."""

    def __call__(
        self,
        function: str,
        /,
        *,
        vendor: str,
        host: str,
        about: str,
        deadline_s: float | None = None,
        **kwargs: Any,
    ) -> Any:
        """Return what a function returns that is not empty.

        Parameters
        ----------
        function : str
            ``package.module:name``; its arguments and its result can be pickled.
        vendor, host, about : str
            For messages; `host` is the first that the function asks, whose limits count.
        deadline_s : float, optional
            For the whole call, without the time spent waiting for a host's rate.
        kwargs
            Its arguments.

        Raises
        ------
        VendorError
            If there is no usable answer.
        """


class DirectCaller:
    """Calls in this process, without limits or deadlines: to look at what a function makes of an answer."""

    def __call__(
        self,
        function: str,
        /,
        *,
        vendor: str,
        host: str,
        about: str,
        deadline_s: float | None = None,
        **kwargs: Any,
    ) -> Any:
        """Return what the function returns; see :class:`Caller`."""
        del deadline_s
        module, _, name = function.partition(":")
        try:
            result = getattr(importlib.import_module(module), name)(**kwargs)
        except AlphaloomError:
            raise
        except Exception as problem:
            trouble, detail = trouble_of(problem, None)
            raise VendorError(vendor, host, about, trouble, detail) from problem
        return _not_empty(result, vendor, host, about)


@dataclass(frozen=True, slots=True)
class Retries:
    """How often, and after which pauses, what may pass is tried again.

    Parameters
    ----------
    times : int
        Tries after the first.
    first_s, longest_s : float
        The pause before the n-th of them is drawn from 0.5 to 1.5 times ``first_s · 2ⁿ⁻¹``, at most
        `longest_s`.
    silence_s : float
        A call with a longer deadline that ended in silence is not tried again: it would cost minutes, and
        another vendor may answer at once.
    """

    times: int = 2
    first_s: float = 1.0
    longest_s: float = 30.0
    silence_s: float = 30.0

    def pause_s(self, tried: int, random: Random) -> float:
        """Seconds to wait after so many tries."""
        return min(self.first_s * 2.0 ** (tried - 1), self.longest_s) * random.uniform(0.5, 1.5)


class WorkerCaller:
    """Calls in a worker process that is kept between calls, and killed and begun anew when it hangs.

    Threads may share it; their calls go one after the other. Use it as a context manager.

    Parameters
    ----------
    limits : HostLimits
        Asked before every request that the worker makes by requests or curl_cffi, and before every call.
    deadline_s : float
        For a call, where it names none.
    retries : Retries
    random : random.Random
        Draws the pauses.
    clock, sleep : callable
        Measure deadlines, and wait out pauses.
    """

    def __init__(
        self,
        limits: HostLimits,
        *,
        deadline_s: float = 30.0,
        retries: Retries = Retries(),
        random: Random,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.limits, self.deadline_s, self.retries = limits, deadline_s, retries
        self._random, self._clock, self._sleep = random, clock, sleep
        self._mutex = threading.Lock()
        self._stack = ExitStack()
        self._line: Line | None = None

    def __enter__(self) -> WorkerCaller:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """End the worker; the next call would begin another."""
        self._line = None
        self._stack.close()

    def __call__(
        self,
        function: str,
        /,
        *,
        vendor: str,
        host: str,
        about: str,
        deadline_s: float | None = None,
        **kwargs: Any,
    ) -> Any:
        """Return what the function returns; see :class:`Caller`."""
        seconds = self.deadline_s if deadline_s is None else deadline_s
        request = Request(function, kwargs, self.limits.rule(host), seconds)
        tried = 0
        with self._mutex:
            while True:
                tried += 1
                try:
                    return self._once(request, vendor, host, about)
                except VendorError as problem:
                    silent = problem.trouble is Trouble.TIMEOUT and seconds > self.retries.silence_s
                    if not problem.trouble.may_pass or silent or tried > self.retries.times:
                        raise
                self._sleep(self.retries.pause_s(tried, self._random))

    def _once(self, request: Request, vendor: str, host: str, about: str) -> Any:
        line = self._worker()
        self.limits.wait(host, vendor=vendor, about=about)
        hosts = {host}
        try:
            said = self._answer(line, request, vendor, about, hosts)
        except TimedOutError:
            self.close()
            self.limits.failed(host, Trouble.TIMEOUT)
            raise VendorError(vendor, host, about, Trouble.TIMEOUT, f"{request.deadline_s:g} s") from None
        except DiedError as problem:
            self.close()
            raise VendorError(vendor, host, about, Trouble.DIED, f"it {problem}") from None
        except BaseException:
            # between a question and its answer there is no way back to an idle worker
            self.close()
            raise
        if isinstance(said, Stopped):
            raise DataError(f"{vendor} [{about}]: {said.words}")
        if isinstance(said, Failed):
            asked = said.host or host
            self.limits.failed(asked, said.trouble)
            raise VendorError(vendor, asked, about, said.trouble, said.detail, said.now, said.words)
        for asked in sorted(hosts):
            self.limits.succeeded(asked)
        return _not_empty(said.result, vendor, host, about)

    def _answer(
        self, line: Line, request: Request, vendor: str, about: str, hosts: set[str]
    ) -> Done | Failed | Stopped:
        """What the worker makes of a request; the hosts that it asks meanwhile are added to `hosts`."""
        line.say(request)
        left = request.deadline_s + _GRACE_S
        while True:
            begun = self._clock()
            said = line.hear(max(left, 0.0))
            if not isinstance(said, Ask):
                return said  # type: ignore[no-any-return]
            # what we make it wait is not its fault
            left -= self._clock() - begun
            self.limits.wait(said.host, vendor=vendor, about=about)
            hosts.add(said.host)
            line.say(None)

    def _worker(self) -> Line:
        if self._line is not None and not self._line.alive:
            self.close()
        if self._line is None:
            line = self._stack.enter_context(conversing(work))
            try:
                line.hear(_STARTING_S)
            except (TimedOutError, DiedError) as problem:
                self.close()
                raise NotAskable(
                    f"the process that asks vendors did not start: it {problem}; repeat the command"
                ) from None
            self._line = line
        return self._line


def _not_empty(result: Any, vendor: str, host: str, about: str) -> Any:
    if result is None or (hasattr(result, "__len__") and len(result) == 0):
        raise VendorError(vendor, host, about, Trouble.EMPTY)
    return result
