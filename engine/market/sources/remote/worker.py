"""What runs in the worker process: one call after the other, until nobody asks any more."""

from __future__ import annotations

import importlib
import os
import threading
import time
import traceback
import warnings
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from engine.errors import AlphaloomError
from engine.market.sources.remote.failure import Trouble, VendorError
from engine.market.sources.remote.gate import Gate
from engine.market.sources.remote.translate import trouble_of

#: how long a leave that came with a call holds: what is sent much later, after a slow import, counts anew
_GRANTED_S = 0.1


@dataclass(frozen=True, slots=True)
class Request:
    """One call.

    Parameters
    ----------
    function : str
        ``package.module:name``.
    arguments : dict
    granted : str
        Rule of the host that one request may be sent to without asking.
    deadline_s : float
    """

    function: str
    arguments: dict[str, Any]
    granted: str
    deadline_s: float


@dataclass(frozen=True, slots=True)
class Ask:
    """May a request be sent to this host? Any answer means yes."""

    host: str


@dataclass(frozen=True, slots=True)
class Done:
    """The call has returned."""

    result: Any


@dataclass(frozen=True, slots=True)
class Failed:
    """The vendor gave no usable answer."""

    trouble: Trouble
    detail: str
    host: str = ""
    now: str = ""
    words: str = ""


@dataclass(frozen=True, slots=True)
class Stopped:
    """The call cannot be made at all; the words say why and what now."""

    words: str


def work(say: Callable[[Any], None], hear: Callable[[], Any]) -> None:
    """Answer requests until the other end is closed."""
    # bars of progress would be drawn across ours; a client's warnings are for its own developers
    os.environ["TQDM_DISABLE"] = "1"
    with suppress(ImportError):
        # its own would be one between processes, which a killed worker leaves behind
        importlib.import_module("tqdm").tqdm.set_lock(threading.RLock())
    warnings.simplefilter("ignore")
    granted: list[tuple[str, float]] = []

    def leave(host: str) -> None:
        while granted:
            rule, until = granted.pop()
            if (host == rule or host.endswith("." + rule)) and time.monotonic() < until:
                return
        say(Ask(host))
        hear()

    gate = Gate(leave)
    gate.install()
    say(None)
    while True:
        try:
            request: Request = hear()
        except EOFError:
            return
        granted[:] = [(request.granted, time.monotonic() + _GRANTED_S)]
        gate.open(request.deadline_s)
        say(_outcome(request, gate))


def _outcome(request: Request, gate: Gate) -> Done | Failed | Stopped:
    module, _, name = request.function.partition(":")
    try:
        function = getattr(importlib.import_module(module), name)
        return Done(function(**request.arguments))
    except VendorError as problem:
        return Failed(problem.trouble, problem.detail, problem.host, problem.now, problem.words)
    except AlphaloomError as problem:
        return Stopped(str(problem))
    except ImportError as problem:
        return Stopped(f"{problem}; install it with pip install {problem.name or 'akshare'}")
    except Exception as problem:
        if _is_ours(problem):
            raise
        trouble, detail = trouble_of(problem, gate.seen)
        return Failed(trouble, detail, gate.seen.host if gate.seen is not None else "")


def _is_ours(problem: Exception) -> bool:
    """Whether a mistake of this program, not of a vendor, has raised it."""
    if isinstance(problem, NameError) and not isinstance(problem, UnboundLocalError):
        return True
    wrong_call = isinstance(problem, TypeError) and "argument" in str(problem)
    frames = traceback.extract_tb(problem.__traceback__)
    return wrong_call and len(frames) <= 1
