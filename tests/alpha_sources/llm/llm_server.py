"""A server on loopback that speaks chat completions and transcription, strictly, and misbehaves when told to.

Run as a program, ``python llm_server.py COUNTS``, it prints its address and keeps, in the file COUNTS, one
line for each call it charges for: a repeated one with a known idempotency key is not charged again.
"""

from __future__ import annotations

import json
import socket
import struct
import sys
import threading
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from email import message_from_bytes
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

KEY = "sk-test-5f0c91d2aa7744bb-do-not-print"

Turn = Callable[["_Handler"], None]


@dataclass
class Asked:
    """One request as the server saw it."""

    path: str
    headers: dict[str, str]
    body: dict[str, Any]
    at: float


@dataclass
class LlmServer:
    """Answers from `turns` first, then properly."""

    key: str | None = KEY
    formats: tuple[str, ...] = ("json_schema", "json_object")
    answer: Callable[[dict[str, Any]], str] | None = None
    turns: deque[Turn] = field(default_factory=deque)
    asked: list[Asked] = field(default_factory=list)
    charged: list[str] = field(default_factory=list)
    most_at_once: int = 0
    slow_s: float = 0.0
    usage: bool = True
    counts: Path | None = None
    _under_way: int = 0
    _known: dict[str, str] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    closing: threading.Event = field(default_factory=threading.Event)

    def __post_init__(self) -> None:
        server = self

        class Bound(_Handler):
            llm = server

        self._http = ThreadingHTTPServer(("127.0.0.1", 0), Bound)
        self._http.daemon_threads = True
        self._http.handle_error = lambda *_: None  # type: ignore[method-assign]  # clients that hang up
        self._thread = threading.Thread(target=self._http.serve_forever, args=(0.02,), daemon=True)
        self._thread.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._http.server_port}/v1"

    def close(self) -> None:
        self.closing.set()
        self._http.shutdown()
        self._http.server_close()

    def then(self, *turns: Turn) -> None:
        self.turns.extend(turns)


class _Handler(BaseHTTPRequestHandler):
    llm: LlmServer
    protocol_version = "HTTP/1.1"
    # head and body in one segment: two would wait 40 ms for an acknowledgement between them
    wbufsize = 1 << 16

    def log_message(self, *_: Any) -> None:
        pass

    def do_POST(self) -> None:
        llm = self.llm
        raw = self.rfile.read(int(self.headers["Content-Length"]))
        headers = {name.lower(): value for name, value in self.headers.items()}
        body = json.loads(raw) if "json" in headers["content-type"] else form(headers["content-type"], raw)
        self.body, self.raw_headers = body, headers
        with llm._lock:
            llm.asked.append(Asked(self.path, headers, body, time.monotonic()))
            llm._under_way += 1
            llm.most_at_once = max(llm.most_at_once, llm._under_way)
            turn = llm.turns.popleft() if llm.turns else properly
        try:
            with suppress(BrokenPipeError, ConnectionResetError):
                if llm.slow_s:
                    llm.closing.wait(llm.slow_s)
                turn(self)
        finally:
            with llm._lock:
                llm._under_way -= 1

    def send(
        self, status: int, body: bytes, kind: str = "application/json", headers: dict[str, str] | None = None
    ) -> None:
        self.send_response(status)
        for name, value in {
            "Content-Type": kind,
            "Content-Length": str(len(body)),
            **(headers or {}),
        }.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def json(self, status: int, value: Any, headers: dict[str, str] | None = None) -> None:
        self.send(status, json.dumps(value).encode(), headers=headers)


def form(kind: str, raw: bytes) -> dict[str, Any]:
    """Fields of a multipart form; files as (name, type, size)."""
    whole = message_from_bytes(f"Content-Type: {kind}\r\n\r\n".encode() + raw)
    out: dict[str, Any] = {}
    for part in whole.get_payload():
        content = part.get_payload(decode=True)
        name = part.get_param("name", header="content-disposition")
        file = part.get_filename()
        out[name] = (file, part.get_content_type(), len(content)) if file else content.decode()
    return out


# ---- how it behaves


def properly(h: _Handler) -> None:
    """Check the request as the real ones do, and answer it."""
    llm = h.llm
    if llm.key is not None and h.raw_headers.get("authorization") != f"Bearer {llm.key}":
        sent = h.raw_headers.get("authorization", "").removeprefix("Bearer ")
        h.json(401, {"error": {"message": f"Incorrect API key provided: {sent}.", "code": "invalid_api_key"}})
        return
    if h.path.endswith("/audio/transcriptions"):
        h.json(200, {"text": f"heard {h.body['file'][2]} bytes in {h.body.get('language', 'any')}"})
        return
    wrong = fault_of(h.body, llm.formats)
    if wrong:
        h.json(400, {"error": {"message": wrong, "type": "invalid_request_error"}})
        return
    content = llm.answer(h.body) if llm.answer else json.dumps(honest(h.body))
    once = h.raw_headers.get("idempotency-key")
    with llm._lock:
        new = once is None or once not in llm._known
        content = llm._known.setdefault(once, content) if once else content
        if new:
            llm.charged.append(once or "")
            if llm.counts is not None:
                with llm.counts.open("a", encoding="utf-8") as file:
                    file.write(f"{once}\n")
    h.json(200, completion(content, usage=llm.usage))


def completion(
    content: str | None, *, usage: bool = True, finish: str = "stop", **message: Any
) -> dict[str, Any]:
    body: dict[str, Any] = {
        "id": "c",
        "object": "chat.completion",
        "created": 1,
        "model": "m",
        "choices": [
            {
                "index": 0,
                "finish_reason": finish,
                "message": {"role": "assistant", "content": content, **message},
            }
        ],
    }
    if usage:
        body["usage"] = {"prompt_tokens": 100, "completion_tokens": 20, "total_tokens": 120}
    return body


def fault_of(body: dict[str, Any], formats: tuple[str, ...]) -> str:
    wanted = body.get("response_format", {"type": "text"})
    if body.get("stream"):
        return "no streams here"
    if wanted["type"] != "text" and wanted["type"] not in formats:
        return f"response_format of type {wanted['type']} is unavailable now"
    if wanted["type"] == "json_object" and "JSON" not in json.dumps(body["messages"]):
        return "'messages' must contain the word 'JSON' to use response_format of type json_object"
    if wanted["type"] == "json_schema":
        return schema_fault(wanted["json_schema"]["schema"])
    return ""


def schema_fault(schema: dict[str, Any]) -> str:
    """What strict structured outputs do not take."""
    taken = {"type", "properties", "required", "additionalProperties", "items", "anyOf", "enum", "const"}
    taken |= {"description", "minimum", "maximum", "minItems", "maxItems"}
    for key in schema.keys() - taken:
        return f"Invalid schema for response_format: {key} is not permitted"
    if schema.get("type") == "object":
        if schema.get("additionalProperties") is not False:
            return "Invalid schema: additionalProperties must be false"
        if schema.get("required") != list(schema["properties"]):
            return "Invalid schema: every property must be required"
    inner = [*schema.get("properties", {}).values(), *schema.get("anyOf", [])]
    inner += [schema["items"]] if "items" in schema else []
    return next((fault for one in inner if (fault := schema_fault(one))), "")


def honest(body: dict[str, Any]) -> Any:
    """Return an answer that conforms to the schema of the request, wherever it stands."""
    wanted = body.get("response_format", {})
    if wanted.get("type") == "json_schema":
        return instance(wanted["json_schema"]["schema"])
    text = body["messages"][0]["content"]
    return instance(json.loads(text[text.rindex("\n") + 1 :]))


def instance(schema: dict[str, Any]) -> Any:
    if "anyOf" in schema:
        return instance(schema["anyOf"][0])
    if "enum" in schema:
        return schema["enum"][0]
    if "const" in schema:
        return schema["const"]
    kind = schema["type"]
    if kind == "object":
        return {name: instance(one) for name, one in schema["properties"].items()}
    if kind == "array":
        return [instance(schema["items"])] * max(1, schema.get("minItems", 0))
    simple = {"string": "close / open", "boolean": True, "null": None}
    return simple[kind] if kind in simple else schema["minimum"]


def says(content: str | None, **more: Any) -> Turn:
    return lambda h: h.json(200, completion(content, **more))


def status(code: int, body: Any = None, **headers: str) -> Turn:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return lambda h: h.json(code, body or {"error": {"message": f"trouble {code}"}}, named)


def raw(body: bytes, kind: str = "application/json") -> Turn:
    return lambda h: h.send(200, body, kind)


def hang(h: _Handler) -> None:
    h.close_connection = True
    h.llm.closing.wait(30)


def dribble(h: _Handler) -> None:
    """A byte now and then, for ever: no single wait is long."""
    h.close_connection = True
    h.send_response(200)
    h.send_header("Content-Type", "application/json")
    h.end_headers()
    while not h.llm.closing.wait(0.05):
        h.wfile.write(b" ")
        h.wfile.flush()


def streamed_garbage(h: _Handler) -> None:
    h.send_response(200)
    h.send_header("Content-Type", "text/event-stream")
    h.send_header("Transfer-Encoding", "chunked")
    h.end_headers()
    for piece in (b'data: {"choi', b"\xff\xfe\x00", b'ces": [oops\n\n', b"data: [DONE]\n\n"):
        h.wfile.write(b"%x\r\n%s\r\n" % (len(piece), piece))
    h.wfile.write(b"0\r\n\r\n")


def cut(h: _Handler) -> None:
    """Fewer bytes than announced."""
    h.close_connection = True
    h.send_response(200)
    h.send_header("Content-Type", "application/json")
    h.send_header("Content-Length", "5000")
    h.end_headers()
    h.wfile.write(b'{"choices": [')


def reset(h: _Handler) -> None:
    h.close_connection = True
    h.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    h.connection.close()


if __name__ == "__main__":
    server = LlmServer(counts=Path(sys.argv[1]), slow_s=float(sys.argv[2]))
    print(server.url, flush=True)
    sys.stdin.read()
    server.close()
