"""Getting a page from a vendor within a deadline that holds whatever the other side does."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TypeVar
from urllib.parse import urlsplit

from engine.market.sources.remote.failure import Trouble, VendorError
from engine.market.sources.remote.limits import HostLimits
from engine.market.sources.remote.translate import status_trouble, trouble_of

#: a few hundred quotes are some 100 KB
_LARGEST = 8 * 2**20
_PIECE = 1 << 16
#: A connection that has been idle for longer may be gone without anybody having said so.
_IDLE_S = 30.0
_UTF8_MARK = b"\xef\xbb\xbf"

Read = TypeVar("Read")


@dataclass(frozen=True, slots=True)
class Page:
    """What to ask for; `about` is for messages."""

    url: str
    about: str
    params: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    encoding: str = "utf-8"


class Web:
    """A session of requests whose every answer is whole by a deadline, or a `VendorError`.

    Timeouts of sockets only bound the time between two bytes; a server that drips would hold us for as long
    as it likes. So a timer hangs up, on whatever stage the connection is: handshake, head or body.

    Parameters
    ----------
    limits : HostLimits
        Asked before every request, told after it.
    connect_s, read_s : float
        For the connection, and between two bytes.
    total_s : float
        For all requests after one `begin`, without the time spent waiting for the host's rate.

    Notes
    -----
    One thread at a time uses it. Proxies and certificates come from the environment, as for any program.
    """

    def __init__(
        self,
        limits: HostLimits,
        *,
        connect_s: float = 3.0,
        read_s: float = 5.0,
        total_s: float = 8.0,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._limits, self._monotonic = limits, monotonic
        self._timeouts, self._total_s = (connect_s, read_s), total_s
        # requests takes its time to import, and whoever reads a configuration asks nobody
        from live.feeds.lines import OpenLines, session_on

        self._lines = OpenLines()
        self._session = session_on(self._lines)
        self._session.headers["User-Agent"] = "Mozilla/5.0"
        self._left_s, self._vendor = total_s, ""
        self._used_at = monotonic()

    def begin(self, vendor: str) -> None:
        """Count the time for a vendor from now on; old connections are not used again."""
        self._left_s, self._vendor = self._total_s, vendor
        if self._monotonic() - self._used_at > _IDLE_S:
            self.close()

    def get(self, page: Page) -> str:
        """Return the text of a page; see `read`."""
        return self.read(page, lambda text: text)

    def read(self, page: Page, reader: Callable[[str], Read]) -> Read:
        """Return what a reader makes of the text of a page.

        Parameters
        ----------
        page : Page
        reader : callable
            May raise `VendorError` itself: an answer of status 200 may turn us away too.

        Raises
        ------
        VendorError
            If it does not come whole in time, comes with a status that is no success, or is a web page.
        """
        host = urlsplit(page.url).hostname or ""
        self._limits.wait(host, vendor=self._vendor, about=page.about)
        started = self._monotonic()
        try:
            found = reader(self._ask(page, host, started))
        except VendorError as problem:
            self._limits.failed(host, problem.trouble)
            raise
        finally:
            self._used_at = self._monotonic()
            self._left_s -= self._used_at - started
        self._limits.succeeded(host)
        return found

    def close(self) -> None:
        """Close the connections; the next request opens another one."""
        self._session.close()
        self._lines.hang_up()

    def _ask(self, page: Page, host: str, started: float) -> str:
        if self._left_s <= 0.0:
            raise self._error(page, host, Trouble.TIMEOUT, f"{self._total_s:g} s for all requests are up")
        late = threading.Event()
        timer = threading.Timer(self._left_s, self._give_up, (late,))
        timer.daemon = True
        timer.start()
        try:
            status, raw = self._receive(page)
        # those of requests are OSErrors; below it some speak of addresses as ValueErrors
        except (OSError, ValueError) as problem:
            self.close()
            if late.is_set():
                after = f"given up after {self._monotonic() - started:.1f} s"
                raise self._error(page, host, Trouble.TIMEOUT, after) from None
            raise self._error(page, host, *_what_happened(problem)) from None
        finally:
            timer.cancel()
        if late.is_set():
            # cut off where the length of the body was not promised
            raise self._error(page, host, Trouble.TIMEOUT, "cut off at the deadline")
        if status != 200:
            trouble = status_trouble(status) or Trouble.NOT_DATA
            raise self._error(page, host, trouble, f"status {status}")
        if raw is None:
            raise self._error(page, host, Trouble.NOT_DATA, f"more than {_LARGEST >> 20} MB")
        # the kind that is promised says nothing: Tencent calls its quotes text/html
        if raw.removeprefix(_UTF8_MARK).lstrip().startswith(b"<"):
            raise self._error(page, host, Trouble.NOT_DATA, "status 200")
        if not raw.strip():
            raise self._error(page, host, Trouble.EMPTY, "")
        return raw.decode(page.encoding, errors="replace")

    def _receive(self, page: Page) -> tuple[int, bytes | None]:
        with self._session.get(
            page.url,
            params=dict(page.params),
            headers=dict(page.headers),
            timeout=self._timeouts,
            allow_redirects=False,
            stream=True,
        ) as answer:
            body = bytearray()
            for piece in answer.iter_content(_PIECE):
                body += piece
                if len(body) > _LARGEST:
                    return answer.status_code, None
            return answer.status_code, bytes(body)

    def _give_up(self, late: threading.Event) -> None:
        late.set()
        self._lines.hang_up()

    def _error(self, page: Page, host: str, trouble: Trouble, detail: str) -> VendorError:
        now = "the other sources are asked meanwhile"
        return VendorError(self._vendor or host, host, page.about, trouble, detail, now)


def _what_happened(problem: Exception) -> tuple[Trouble, str]:
    """Trouble and detail of an exception; never the address of a proxy, which may hold a password."""
    from requests.exceptions import ContentDecodingError, InvalidURL
    from urllib3.exceptions import LocationValueError

    if isinstance(problem, ContentDecodingError):
        return Trouble.COLUMNS, "it is not compressed as it says"
    if isinstance(problem, (InvalidURL, LocationValueError, UnicodeError)):
        # what we ask for is well formed, so it is the way there, and the error may quote it
        return Trouble.NETWORK, (
            f"{type(problem).__name__}: the proxy's address in HTTPS_PROXY is none; signs such as # / @ in "
            "its user or password are written %23 %2F %40"
        )
    return trouble_of(problem, None)
