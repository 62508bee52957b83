"""Runs in a process of its own: hands messages to apprise, and says how that went.

The clients under apprise log what they send, addresses and tokens among it, to whatever logging the program
has set up, and some of them wait without a limit. Here nobody listens, and the parent ends the process when a
message takes too long. Requests come as lines of JSON on standard input, since arguments are visible to
everyone; answers are JSON of a fixed form, without any text of others.
"""

from __future__ import annotations

import json
import logging
import re
import signal
import sys
from contextlib import suppress
from typing import Any
from urllib.parse import urlsplit

_STATUS = re.compile(r"\berror=(\d{3})\b")
#: Services that refuse with status 200 and a number in the answer, which apprise takes for success: a wrong
#: key, a keyword that is missing, too many messages. By host, the fields that must be 0.
_CODES = {
    "qyapi.weixin.qq.com": ("errcode",),
    "oapi.dingtalk.com": ("errcode",),
    "open.feishu.cn": ("code", "StatusCode"),
    "open.larksuite.com": ("code", "StatusCode"),
    "sctapi.ftqq.com": ("code",),
    "api2.pushdeer.com": ("code",),
}
#: Longest text of a service that counts bytes: WeChat Work's bots take 2,048 of UTF-8.
_BYTES = {"NotifyWeComBot": 2048}


class _Heard(logging.Handler):
    """Keeps what tells of a failure, and nothing else."""

    def __init__(self) -> None:
        super().__init__()
        self.forget()

    def forget(self) -> None:
        """Begin a message."""
        self.status: int | None = None
        self.code: int | None = None
        self.unreachable = False

    def look(self, host: str, said: Any) -> None:
        """Look at the answer of a service."""
        for field in _CODES.get(host, ()):
            code = said.get(field) if isinstance(said, dict) else None
            if isinstance(code, int) and code:
                self.code = code

    def emit(self, record: logging.LogRecord) -> None:
        text = record.getMessage()
        found = _STATUS.search(text)
        if found:
            self.status = int(found[1])
        elif "onnection" in text or "ocket" in text:
            self.unreachable = True


def serve() -> None:
    """Answer every line of standard input, until it ends."""
    for each in (signal.SIGINT, signal.SIGTERM):
        # whoever stops the program stops its whole group, and the last message is that it was stopped
        signal.signal(each, signal.SIG_IGN)
    heard = _Heard()
    logger = logging.getLogger("apprise")
    logger.addHandler(heard)
    logger.setLevel(logging.DEBUG)
    logger.propagate = False
    _listen(heard)
    # what a client prints must not be taken for an answer
    out, sys.stdout = sys.stdout, sys.stderr
    for line in sys.stdin:
        try:
            answer = _answer(json.loads(line), heard)
        except Exception as problem:  # the kind alone: its text may hold an address
            answer = {"outcome": "defect", "kind": type(problem).__name__}
        print(json.dumps(answer), file=out, flush=True)


def _listen(heard: _Heard) -> None:
    """Look at every answer that the clients under apprise get, in this process."""
    import requests

    sessions: Any = requests.Session
    send = sessions.send

    def listening(session: Any, request: Any, **options: Any) -> Any:
        answer = send(session, request, **options)
        with suppress(ValueError):
            heard.look(urlsplit(request.url).hostname or "", answer.json())
        return answer

    sessions.send = listening


def _answer(request: dict[str, Any], heard: _Heard) -> dict[str, Any]:
    try:
        from apprise import Apprise, AppriseAsset, NotifyFormat, OverflowMode
    except ImportError:
        return {"outcome": "no_apprise"}
    asset = AppriseAsset(app_id="Alphaloom", app_desc="", app_url="", async_mode=False, storage_mode="memory")
    sender = Apprise(asset=asset)
    if not sender.add(request["url"]) or not len(sender):
        return {"outcome": "bad_url"}
    if "body" not in request:
        return {"outcome": "understood"}
    for service in sender:
        if type(service).__name__ in _BYTES:
            # older versions of apprise do not know it, and none counts in bytes; at most 3 make a character
            longest = _BYTES[type(service).__name__] // (1 if _is_plain(request) else 3)
            service.body_maxlen = min(service.body_maxlen, longest)
        # what is longer than a service takes would be refused whole
        if service.overflow_mode == OverflowMode.UPSTREAM:
            service.overflow_mode = OverflowMode.SPLIT
        # between parts; apprise pauses for 5.5 s, which several would not survive
        service.request_rate_per_sec = min(service.request_rate_per_sec, 1.0)
    heard.forget()
    sent = sender.notify(
        body=request["body"],
        title=request["title"],
        notify_type=request["level"],
        # said to be plain, so that where a service writes HTML line ends stay, and < and & are no tags
        body_format=NotifyFormat.TEXT,
    )
    return {
        "outcome": "sent" if sent and heard.code is None else "failed",
        "status": heard.status,
        "code": heard.code,
        "unreachable": heard.unreachable,
    }


def _is_plain(request: dict[str, Any]) -> bool:
    return bool(request["title"].isascii() and request["body"].isascii())


if __name__ == "__main__":
    serve()
