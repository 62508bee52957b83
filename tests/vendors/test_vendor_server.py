"""The proxy that stands in for every host: real clients go through it, and it can be as bad as they are."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from vendors.server import Answer, Request, VendorServer, chain


def routes(request: Request) -> Answer | None:
    if request.path == "/echo":
        return Answer.of_json({"host": request.host, "query": dict(request.query), "form": request.form})
    if request.path == "/slow":
        return Answer("late", delay_s=30.0)
    if request.path == "/drip":
        return Answer("x" * 100, drip_s=0.01)
    if request.path == "/cut":
        return Answer("x" * 1000, cut_at=10)
    if request.path == "/hang":
        return Answer(cut_at=0, reset=True)
    if request.path == "/banned":
        return Answer.html("<html>403</html>", status=403)
    return None


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[VendorServer]:
    with VendorServer(routes) as running:
        for name, value in running.environment().items():
            monkeypatch.setenv(name, value)
        yield running


def test_requests_trusts_any_host_with_tls(server: VendorServer) -> None:
    for host in ("push2his.eastmoney.com", "finance.sina.com.cn"):
        said = requests.get(f"https://{host}/echo", params={"q": "中"}, timeout=5).json()
        assert said == {"host": host, "query": {"q": "中"}, "form": {}}
    assert server.hosts() == ["push2his.eastmoney.com", "finance.sina.com.cn"]


def test_a_plain_host_and_a_base_url_are_answered_too(server: VendorServer) -> None:
    assert requests.post("http://qt.gtimg.cn/echo", data={"a": "1"}, timeout=5).json()["form"] == {"a": "1"}
    assert requests.get(f"{server.url}/echo", timeout=5).json()["host"] == "127.0.0.1"


def test_a_session_keeps_its_tunnel(server: VendorServer) -> None:
    with requests.Session() as session:
        for _ in range(3):
            assert session.get("https://a.b.com/echo", timeout=5).ok
    assert len(server.asked("b.com", "/echo")) == 3


def test_curl_cffi_in_a_subprocess_goes_through_it(server: VendorServer) -> None:
    code = (
        "from curl_cffi import requests; print(requests.get('https://so.eastmoney.com/echo').json()['host'])"
    )
    ran = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, **server.environment()},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert ran.stdout.strip() == "so.eastmoney.com", ran.stderr


def test_how_badly_a_host_can_answer(server: VendorServer) -> None:
    with pytest.raises(requests.exceptions.ReadTimeout):
        requests.get("https://v.com/slow", timeout=0.3)
    before = time.monotonic()
    assert requests.get("https://v.com/drip", timeout=5).text == "x" * 100
    assert time.monotonic() - before > 0.15
    with pytest.raises(requests.exceptions.ChunkedEncodingError):
        requests.get("https://v.com/cut", timeout=5)
    with pytest.raises(requests.exceptions.ConnectionError):
        requests.get("https://v.com/hang", timeout=5)
    assert requests.get("https://v.com/banned", timeout=5).status_code == 403
    assert requests.get("https://v.com/nowhere", timeout=5).status_code == 404
    assert [request.path for request in server.unknown] == ["/nowhere"]


def test_closing_ends_answers_under_way(tmp_path: Path) -> None:
    running = VendorServer(routes)
    running.close()
    with pytest.raises(requests.exceptions.ConnectionError):
        requests.get(f"{running.url}/echo", timeout=1)


def test_the_first_route_that_answers_counts() -> None:
    asked = chain(lambda r: None, lambda r: Answer("b"), lambda r: Answer("c"))
    found = asked(Request(0.0, "GET", "h", "/", {}))
    assert found is not None and found.raw == b"b"
