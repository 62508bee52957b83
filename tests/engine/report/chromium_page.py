"""A page in a real, headless Chromium that a test can click: DevTools messages over a pipe, nothing else."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "chrome")
BROWSER = next(filter(None, map(shutil.which, BROWSERS)), None)
WHY_NOT = f"none of {', '.join(BROWSERS)} is on PATH"


class Page:
    """One page; `value` is that of a JavaScript expression."""

    def __init__(self, read: int, write: int) -> None:
        self._read, self._write, self._rest, self._id, self._session = read, write, b"", 0, ""
        target = self.send("Target.createTarget", url="about:blank")["targetId"]
        self._session = self.send("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]

    def send(self, method: str, **params: Any) -> dict[str, Any]:
        self._id += 1
        message: dict[str, Any] = {"id": self._id, "method": method, "params": params}
        if self._session:
            message["sessionId"] = self._session
        os.write(self._write, json.dumps(message).encode() + b"\0")
        while True:
            answer = self._receive()
            if answer.get("id") == self._id:
                assert "error" not in answer, answer
                return answer["result"]

    def value(self, expression: str) -> Any:
        answer = self.send("Runtime.evaluate", expression=expression, returnByValue=True)
        assert "exceptionDetails" not in answer, answer["exceptionDetails"]
        return answer["result"].get("value")

    def open(self, file: Path, width: int = 1200) -> None:
        self.send(
            "Emulation.setDeviceMetricsOverride", width=width, height=900, deviceScaleFactor=1, mobile=False
        )
        self.send("Page.enable")
        self.send("Page.navigate", url=file.as_uri())
        for _ in range(600):
            if self.value("document.body && document.body.dataset.ready") == "true":
                return
            time.sleep(0.05)
        raise AssertionError("the page was not ready within 30 s")

    def _receive(self) -> dict[str, Any]:
        while b"\0" not in self._rest:
            got = os.read(self._read, 1 << 16)
            assert got, "the browser has closed"
            self._rest += got
        text, self._rest = self._rest.split(b"\0", 1)
        return json.loads(text)


@contextmanager
def browser(profile: Path) -> Iterator[Page]:
    """Start the browser with an empty profile; it ends with the block."""
    to_read, to_write = os.pipe()
    from_read, from_write = os.pipe()
    flags = (
        "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking "
        "--disable-component-update --disable-sync --remote-debugging-pipe"
    )
    command = f'exec "{BROWSER}" {flags} --user-data-dir="{profile}" 3<&{to_read} 4>&{from_write}'
    process = subprocess.Popen(
        ["bash", "-c", command],  # sh may know descriptors of one digit only
        pass_fds=(to_read, from_write),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    os.close(to_read)
    os.close(from_write)
    try:
        yield Page(from_read, to_write)
    finally:
        process.terminate()
        process.wait(30)
        os.close(to_write)
        os.close(from_read)
