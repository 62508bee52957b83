"""Talking to the courier: a child process that sends messages, and is ended when one takes too long."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any, NamedTuple

from live.notify.message import Outcome

_COURIER = Path(__file__).with_name("courier.py")
#: what starting a courier may take on a busy machine
_STARTING_S = 15.0


class Address:
    """A channel's address. It shows itself to nobody by accident."""

    __slots__ = ("_url",)

    def __init__(self, url: str) -> None:
        self._url = url

    def reveal(self) -> str:
        """Return the address, for the one who sends."""
        return self._url

    def __repr__(self) -> str:
        return "Address(***)"

    def __reduce__(self) -> Any:
        raise TypeError("an address is not stored")


class Sending(NamedTuple):
    """What became of a message, why it failed, and whether the same may go well a little later."""

    outcome: Outcome
    why: str = ""
    may_pass: bool = False


class Dispatch:
    """Keeps a courier while there is something to send.

    One thread sends; another one may `end` what is under way.

    Parameters
    ----------
    deadline_s : float
        For a message, beside the time that a courier has for starting.
    """

    def __init__(self, deadline_s: float) -> None:
        self._deadline_s = deadline_s
        self._lock = threading.Lock()
        self._child: subprocess.Popen[str] | None = None
        self._ended = False

    def send(self, address: Address, title: str, body: str, level: str) -> Sending:
        """Send a message; what became of it, without any text of others."""
        said = self._ask({"url": address.reveal(), "title": title, "body": body, "level": level})
        match said:
            case {"outcome": "sent"}:
                return Sending(Outcome.SENT)
            case {"outcome": "failed", "code": int(code)}:
                return Sending(Outcome.FAILED, f"the service refused it with code {code}")
            case {"outcome": "failed", "status": int(status)} if status < 400:
                return Sending(Outcome.FAILED, f"the service did not take it (status {status})")
            case {"outcome": "failed", "status": int(status)}:
                busy = status == 429 or status >= 500
                return Sending(Outcome.FAILED, f"the service answered with status {status}", busy)
            case {"outcome": "failed", "unreachable": True}:
                return Sending(Outcome.FAILED, "the service cannot be reached", may_pass=True)
            case {"outcome": "failed"}:
                return Sending(Outcome.FAILED, "the service did not take it")
            case _:
                return Sending(Outcome.FAILED, _words(said), may_pass=said.get("outcome") == "timeout")

    def check(self, address: Address) -> str:
        """Why an address cannot be used; empty where it can. Nothing is sent."""
        said = self._ask({"url": address.reveal()})
        return "" if said.get("outcome") == "understood" else _words(said)

    def rest(self) -> None:
        """Let the courier go until there is something to send again."""
        with self._lock:
            child, self._child = self._child, None
        if child is not None:
            _finish(child)

    def end(self) -> None:
        """End the courier, whatever it does, and start no more."""
        with self._lock:
            self._ended = True
            child = self._child
        if child is not None:
            child.kill()

    def _ask(self, request: dict[str, Any]) -> dict[str, Any]:
        allowed = self._deadline_s
        with self._lock:
            if self._ended:
                return {"outcome": "ended"}
            if self._child is None:
                self._child = _start()
                allowed += _STARTING_S
            child = self._child
        late = threading.Event()

        def give_up() -> None:
            late.set()
            child.kill()

        timer = threading.Timer(allowed, give_up)
        timer.daemon = True
        timer.start()
        said: Any = None
        try:
            assert child.stdin is not None and child.stdout is not None
            child.stdin.write(json.dumps(request) + "\n")
            child.stdin.flush()
            said = json.loads(child.stdout.readline())
        except (ValueError, OSError):
            pass
        finally:
            timer.cancel()
        if isinstance(said, dict) and not late.is_set():
            return said
        self.rest()
        return {"outcome": "ended" if self._ended else "timeout" if late.is_set() else "defect"}


def _start() -> subprocess.Popen[str]:
    # -P: modules that lie beside the courier are none of its own
    return subprocess.Popen(
        [sys.executable, "-P", str(_COURIER)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        encoding="utf-8",
        start_new_session=True,
    )


def _finish(child: subprocess.Popen[str]) -> None:
    child.kill()
    child.communicate()


_WORDS = {
    "no_apprise": "apprise is not installed; pip install 'alphaloom[notify]'",
    "bad_url": "its address is none that apprise understands",
    "timeout": "no answer within the deadline",
    "ended": "the program ended first",
}


def _words(said: dict[str, Any]) -> str:
    kind = said.get("kind")
    known = _WORDS.get(str(said.get("outcome")), "the courier failed")
    return f"{known} ({kind})" if isinstance(kind, str) else known
