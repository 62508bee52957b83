"""`Transport`: one exchange with a server through the openai client, and nothing that remembers the key."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from alpha_sources.llm.characters import one_line
from alpha_sources.llm.clock import Clock
from alpha_sources.llm.config import Profile
from alpha_sources.llm.key import Key
from alpha_sources.llm.request import Task

_MOST_BYTES = 8 * 1024 * 1024
#: Response headers that anybody asks for; the others are forgotten.
_KEPT_HEADERS = ("retry-after", "retry-after-ms")
#: Failures before anything of the request was sent, by the names of the HTTP library's errors.
_NEVER_SENT = frozenset(
    {"ConnectError", "ConnectTimeout", "PoolTimeout", "UnsupportedProtocol", "ProxyError"}
)
# the client has used two of them: httpx, and from some version on httpx2
_HTTP_LIBRARIES = frozenset({"httpx", "httpx2", "httpcore", "httpcore2"})


@dataclass(frozen=True, slots=True)
class Response:
    """What a server sent back, whatever it is.

    Parameters
    ----------
    status : int
    body : str
        Without the key, should the server have echoed it.
    headers : mapping of str to str
        Those that say how long to wait.
    """

    status: int
    body: str
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Lost:
    """No whole response came back.

    Parameters
    ----------
    words : str
        Why, on one line.
    sent : bool
        Whether the server may have got the request, and may charge for it.
    """

    words: str
    sent: bool


class Transport:
    """The openai client of one profile; safe to use from several threads.

    Its own retries are off: each would be a call that nobody counts. The client is made, and imported, at the
    first call.

    Parameters
    ----------
    profile : Profile
    key : Key
    clock : Clock
        For the time a whole reply may take.
    """

    def __init__(self, profile: Profile, key: Key, clock: Clock) -> None:
        self.profile, self._key, self._clock = profile, key, clock
        self._client: Any = None
        self._making = threading.Lock()

    def close(self) -> None:
        """Close all connections."""
        with self._making:
            if self._client is not None:
                self._client.close()
                self._client = None

    def holds_key(self, text: str) -> bool:
        """Whether the key stands in `text`."""
        return self._key.is_in(text)

    def send(self, task: Task, arguments: Mapping[str, Any], idempotency_key: str | None) -> Response | Lost:
        """Send one request and read what comes back to its end.

        Parameters
        ----------
        task : Task
        arguments : mapping
            Of the client's method.
        idempotency_key : str or None
            A server that honours it charges once for all requests that bear it.

        Returns
        -------
        Response or Lost
            Never an exception for what a server or a network does, so that no chain of exceptions leads to a
            request and its headers.
        """
        import openai

        headers = {"Idempotency-Key": idempotency_key} if idempotency_key else None
        deadline = self._clock.monotonic() + self.profile.timeout_s
        try:
            with self._method(task)(**arguments, extra_headers=headers) as response:
                body = self._body(response.iter_bytes(), deadline)
                if isinstance(body, Lost):
                    return body
                return Response(response.status_code, self._text(body), _kept(response.headers))
        except openai.APIStatusError as problem:
            answer = problem.response
            return Response(answer.status_code, self._text(answer.content), _kept(answer.headers))
        except openai.APITimeoutError as problem:
            return self._lost(problem.__cause__ or problem, f"no reply within {self.profile.timeout_s:g} s")
        except openai.APIConnectionError as problem:
            return self._lost(problem.__cause__ or problem)
        except Exception as problem:
            # while the body is read, errors of the HTTP library come through as they are
            if type(problem).__module__.split(".")[0] not in _HTTP_LIBRARIES:
                raise
            return self._lost(problem)

    def _method(self, task: Task) -> Any:
        client = self._made()
        if task is Task.TRANSCRIPTION:
            return client.audio.transcriptions.with_streaming_response.create
        return client.chat.completions.with_streaming_response.create

    def _made(self) -> Any:
        with self._making:
            if self._client is None:
                import openai

                client = openai.OpenAI(
                    api_key=self._key.reveal(),
                    base_url=self.profile.base_url,
                    timeout=openai.Timeout(self.profile.timeout_s, connect=self.profile.connect_timeout_s),
                    max_retries=0,
                )
                if self.profile.host != "api.openai.com":
                    # read from the environment; other servers need not know them
                    client.organization = client.project = None
                self._client = client
            return self._client

    def _body(self, chunks: Iterable[bytes], deadline: float) -> bytes | Lost:
        body = bytearray()
        for chunk in chunks:
            body += chunk
            if len(body) > _MOST_BYTES:
                return Lost(f"the reply is longer than {_MOST_BYTES} bytes", sent=True)
            # the client's own timeout starts anew with every byte; pieces of a fixed size would wait for more
            if self._clock.monotonic() > deadline:
                return Lost(f"the reply took more than {self.profile.timeout_s:g} s", sent=True)
        return bytes(body)

    def _text(self, body: bytes) -> str:
        return self._key.hide(body.decode("utf-8", errors="replace"))

    def _lost(self, problem: BaseException, words: str = "") -> Lost:
        name = type(problem).__name__
        said = words or f"the connection failed ({name}: {one_line(str(problem), 160)})"
        return Lost(self._key.hide(said), sent=name not in _NEVER_SENT)


def _kept(headers: Any) -> dict[str, str]:
    return {name: str(headers[name]) for name in _KEPT_HEADERS if name in headers}
