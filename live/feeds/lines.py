"""Connections whose sockets can be hung up by another thread."""

from __future__ import annotations

import socket
import threading
from contextlib import suppress
from typing import Any

import requests
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool


def session_on(lines: OpenLines) -> requests.Session:
    """Return a session whose connections tell `lines` of their sockets."""
    session = requests.Session()
    for scheme in ("https://", "http://"):
        session.mount(scheme, OpenAdapter(lines))
    return session


class OpenLines:
    """The sockets that are open, so that another thread can end what waits for them."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._sockets: dict[int, socket.socket] = {}

    def add(self, connection: object, line: socket.socket) -> None:
        """Note the socket of a connection."""
        # a descriptor of our own: TLS takes over the first one while it shakes hands
        mine = line.dup()
        with self._lock:
            before = self._sockets.pop(id(connection), None)
            self._sockets[id(connection)] = mine
        if before is not None:
            before.close()

    def drop(self, connection: object) -> None:
        """Forget it: the connection is closed."""
        with self._lock:
            mine = self._sockets.pop(id(connection), None)
        if mine is not None:
            mine.close()

    def hang_up(self) -> None:
        """End whatever waits for any of them."""
        with self._lock:
            lines = list(self._sockets.values())
            self._sockets.clear()
        for line in lines:
            with suppress(OSError):
                line.shutdown(socket.SHUT_RDWR)
            line.close()


class OpenAdapter(HTTPAdapter):
    """Connections that tell `OpenLines` of their sockets."""

    def __init__(self, lines: OpenLines) -> None:
        class Plain(HTTPConnection):
            def _new_conn(self) -> socket.socket:
                line = super()._new_conn()
                lines.add(self, line)
                return line

            def close(self) -> None:
                lines.drop(self)
                super().close()

        class Secure(HTTPSConnection):
            def _new_conn(self) -> socket.socket:
                line = super()._new_conn()
                lines.add(self, line)
                return line

            def close(self) -> None:
                lines.drop(self)
                super().close()

        class PlainPool(HTTPConnectionPool):
            ConnectionCls = Plain

        class SecurePool(HTTPSConnectionPool):
            ConnectionCls = Secure

        self._pools = {"http": PlainPool, "https": SecurePool}
        super().__init__(pool_connections=2, pool_maxsize=1)

    def init_poolmanager(self, *args: Any, **options: Any) -> Any:
        """Make the pools; see requests."""
        super().init_poolmanager(*args, **options)
        self.poolmanager.pool_classes_by_scheme = self._pools

    def proxy_manager_for(self, *args: Any, **options: Any) -> Any:
        """Make the pools towards a proxy; see requests."""
        manager: Any = super().proxy_manager_for(*args, **options)
        manager.pool_classes_by_scheme = self._pools
        return manager
