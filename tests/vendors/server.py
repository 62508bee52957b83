"""A local proxy that stands in for every host of the world, with TLS.

An unmodified client (requests, akshare, curl_cffi, httpx) goes through it when its environment says so::

    with VendorServer(routes) as server:
        subprocess.run([...], env={**os.environ, **server.environment()})
        assert server.hosts() == ["push2his.eastmoney.com"]

`routes` takes a `Request` and returns an `Answer`, or None for a 404 that is kept in `server.unknown`. It is
called in many threads at once. `server.routes` may be set anew at any time. The proxy also answers as a plain
server under `server.url` for clients that take a base URL; the request's host is then what they sent.
"""

from __future__ import annotations

import json
import os
import socket
import socketserver
import ssl
import struct
import tempfile
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from types import TracebackType
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import trustme


@dataclass(frozen=True)
class Request:
    """What a client asked."""

    at: float  # time.monotonic()
    method: str
    host: str  # without the port, lower case
    path: str
    query: Mapping[str, str]
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)  # names in lower case

    @property
    def form(self) -> dict[str, str]:
        """Fields of a posted form."""
        return dict(parse_qsl(self.body.decode(), keep_blank_values=True))

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass(frozen=True)
class Answer:
    """What a host says, and how badly.

    `delay_s` passes before the first byte; with `drip_s` the body comes in 20 pieces with that pause between
    them; `cut_at` closes the connection after so many bytes of a body whose whole length was promised (0: not
    even the head); `reset` makes it a reset instead of an end.
    """

    body: bytes | str = b""
    status: int = 200
    content_type: str = "application/json; charset=utf-8"
    headers: Mapping[str, str] = field(default_factory=dict)
    delay_s: float = 0.0
    drip_s: float = 0.0
    cut_at: int | None = None
    reset: bool = False

    @classmethod
    def of_json(cls, value: Any, **more: Any) -> Answer:
        return cls(json.dumps(value, ensure_ascii=False), **more)

    @classmethod
    def html(cls, text: str = "<html><body>请完成安全验证</body></html>", **more: Any) -> Answer:
        """A page instead of data, as a captcha is."""
        return cls(text, content_type="text/html; charset=utf-8", **more)

    @property
    def raw(self) -> bytes:
        return self.body.encode() if isinstance(self.body, str) else self.body


Routes = Callable[[Request], Answer | None]


class VendorServer:
    """The proxy; a context manager. Everything it was asked is in `log`, in order of arrival."""

    def __init__(self, routes: Routes) -> None:
        self.routes = routes
        self.log: list[Request] = []
        self.unknown: list[Request] = []
        self._folder = tempfile.TemporaryDirectory(prefix="vendors-")
        self._authority = trustme.CA()
        self._ca = Path(self._folder.name) / "ca.pem"
        self._authority.cert_pem.write_to_path(str(self._ca))
        self._contexts: dict[str, ssl.SSLContext] = {}
        self._lock = threading.Lock()
        self.closing = threading.Event()
        self._server = _Server(("127.0.0.1", 0), _Handler)
        self._server.vendors = self
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)
        self._thread.start()

    @property
    def url(self) -> str:
        """The base URL of the plain server, which is the proxy's too."""
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def environment(self) -> dict[str, str]:
        """Variables that lead a client here."""
        proxy = dict.fromkeys(("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"), self.url)
        both = {**proxy, "NO_PROXY": ""}
        trust = {name: str(self._ca) for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE")}
        return {**both, **{name.lower(): value for name, value in both.items()}, **trust}

    def hosts(self) -> list[str]:
        """Every host asked, in order of its first request."""
        return list(dict.fromkeys(request.host for request in self.log))

    def asked(self, host: str = "", path: str = "") -> list[Request]:
        """Requests whose host ends with `host` and whose path holds `path`."""
        return [r for r in list(self.log) if r.host.endswith(host) and path in r.path]

    def context(self, host: str) -> ssl.SSLContext:
        with self._lock:
            if host not in self._contexts:
                context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
                self._authority.issue_cert(host).configure_cert(context)
                self._contexts[host] = context
            return self._contexts[host]

    def answer(self, request: Request) -> Answer:
        with self._lock:
            self.log.append(request)
        found = self.routes(request)
        if found is None:
            with self._lock:
                self.unknown.append(request)
            return Answer(f"no route for {request.host}{request.path}", status=404, content_type="text/plain")
        return found

    def close(self) -> None:
        self.closing.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
        self._folder.cleanup()

    def __enter__(self) -> VendorServer:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def chain(*routes: Routes) -> Routes:
    """Ask one after the other; the first that answers counts."""

    def asked(request: Request) -> Answer | None:
        for route in routes:
            found = route(request)
            if found is not None:
                return found
        return None

    return asked


class _Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True
    block_on_close = False
    request_queue_size = 128
    vendors: VendorServer

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that hangs up is no error here."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server
    tunnel = ""

    def log_message(self, format: str, *args: object) -> None:
        pass

    def do_CONNECT(self) -> None:
        self.tunnel = self.path.rsplit(":", 1)[0].lower()
        self.wfile.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
        self.wfile.flush()
        secure = self.server.vendors.context(self.tunnel).wrap_socket(self.connection, server_side=True)
        self.connection = secure
        self.rfile = secure.makefile("rb", -1)
        self.wfile = socketserver._SocketWriter(secure)  # type: ignore[attr-defined]
        self.close_connection = False

    def _any(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        body = self.rfile.read(length) if length else b""
        parts = urlsplit(self.path)
        named = parts.hostname or self.headers.get("Host", "").rsplit(":", 1)[0]
        vendors = self.server.vendors
        answer = vendors.answer(
            Request(
                time.monotonic(),
                self.command,
                (self.tunnel or named).lower(),
                parts.path,
                dict(parse_qsl(parts.query, keep_blank_values=True)),
                body,
                {name.lower(): value for name, value in self.headers.items()},
            )
        )
        if answer.delay_s and vendors.closing.wait(answer.delay_s):
            self.close_connection = True
            return
        self._send(answer, vendors.closing)

    do_GET = do_POST = do_HEAD = do_PUT = _any  # noqa: N815

    def _send(self, answer: Answer, closing: threading.Event) -> None:
        raw = answer.raw
        if answer.cut_at == 0:
            self._hang_up(answer.reset)
            return
        self.send_response(answer.status)
        self.send_header("Content-Type", answer.content_type)
        self.send_header("Content-Length", str(len(raw)))
        for name, value in answer.headers.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command == "HEAD":
            return
        if answer.cut_at is not None:
            self.wfile.write(raw[: answer.cut_at])
            self._hang_up(answer.reset)
            return
        step = max(len(raw) // 20, 1) if answer.drip_s else max(len(raw), 1)
        for at in range(0, len(raw), step):
            self.wfile.write(raw[at : at + step])
            self.wfile.flush()
            if answer.drip_s and closing.wait(answer.drip_s):
                break

    def _hang_up(self, reset: bool) -> None:
        self.close_connection = True
        if reset:
            linger = struct.pack("ii", 1, 0)
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        # the file objects hold the socket open until they are closed themselves
        os.close(self.connection.detach())
