"""What stands between a vendor's client and the network, inside a worker process.

A client such as akshare turns one call into many requests, most without a timeout, and often tells a refusal
from data only by failing to parse it. The gate asks leave for every single request, gives it a timeout, and
looks at the status and kind of every answer. The client itself is not changed: only the transports of the
libraries it uses, in this process.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import Any
from urllib.parse import urlsplit

from engine.market.sources.remote.translate import REFUSALS, Refused, Seen

_CONNECT_S = 10.0


class Gate:
    """The way out for requests and curl_cffi.

    Parameters
    ----------
    leave : callable
        Called with the host before each request; returns when it may be sent, raises if it may not.
    """

    def __init__(self, leave: Callable[[str], None]) -> None:
        self._leave = leave
        self._closed: Refused | None = None
        self.seen: Seen | None = None
        self.timeout_s = 60.0

    def open(self, timeout_s: float) -> None:
        """Begin a call: nothing was seen yet, and no answer may take longer than this."""
        self.seen, self._closed, self.timeout_s = None, None, timeout_s

    def install(self) -> None:
        """Stand in the way of every request of this process from now on."""
        with suppress(ImportError):
            self._install_requests()
        with suppress(ImportError):
            self._install_curl()

    def _install_requests(self) -> None:
        from requests.adapters import HTTPAdapter

        transport: Any = HTTPAdapter
        send, gate = transport.send, self

        def guarded(adapter: Any, request: Any, *args: Any, **options: Any) -> Any:
            host = urlsplit(request.url).hostname or ""
            gate._ask(host)
            if options.get("timeout") is None:
                options["timeout"] = (_CONNECT_S, gate.timeout_s)
            answer = send(adapter, request, *args, **options)
            kind = answer.headers.get("content-type") or ""
            # some vendors call their data a page, so its first letters are looked at too
            gate._look(host, answer.status_code, kind, b"" if options.get("stream") else answer.content[:64])
            return answer

        transport.send = guarded

    def _install_curl(self) -> None:
        from curl_cffi.requests import Session

        sessions: Any = Session
        request, gate = sessions.request, self

        def guarded(session: Any, method: Any, url: str, *args: Any, **options: Any) -> Any:
            host = urlsplit(url).hostname or ""
            gate._ask(host)
            if options.get("timeout") is None:
                options["timeout"] = gate.timeout_s
            answer = request(session, method, url, *args, **options)
            gate._look(
                host, answer.status_code, answer.headers.get("content-type") or "", answer.content[:64]
            )
            return answer

        sessions.request = guarded

    def _ask(self, host: str) -> None:
        if self._closed is not None:
            # a client that tries again by itself must not ask a host that has just refused
            raise self._closed
        self._leave(host)

    def _look(self, host: str, status: int, kind: str, head: bytes) -> None:
        is_page = "html" in kind.lower() and head.lstrip().startswith(b"<")
        self.seen = Seen(host, status, is_page)
        if status in REFUSALS or status >= 500:
            problem = Refused(f"{host} answered with status {status}")
            if status in REFUSALS:
                self._closed = problem
            raise problem
