"""Calls in a worker: deadlines, deaths, retries, and every failure as one kind of error."""

from __future__ import annotations

import multiprocessing
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from random import Random
from typing import Any

import pytest
import requests
from vendors.server import Answer, VendorServer

from engine.errors import DataError
from engine.market.sources.remote.caller import DirectCaller, Retries, WorkerCaller
from engine.market.sources.remote.failure import Trouble, VendorError
from engine.market.sources.remote.limits import NO_RATES, HostLimits, Rate
from engine.market.sources.remote.translate import trouble_of

sys.path.insert(0, str(Path(__file__).parent))  # workers import their functions from here
ABOUT: dict[str, Any] = {"vendor": "akshare/x", "host": "data.host.cn", "about": "600519.SH"}
KLINES = '{"data": {"klines": ["2023-01-03,1"]}}'


def no_limits() -> HostLimits:
    return HostLimits(None, clock=time.time, sleep=time.sleep, rates=NO_RATES)


@pytest.fixture(scope="module")
def caller() -> Iterator[WorkerCaller]:
    """One worker for many tests, as it is meant to be; nothing is retried."""
    with WorkerCaller(no_limits(), retries=Retries(0), random=Random(1)) as made:
        yield made


@pytest.fixture(autouse=True)
def _forgiven(request: pytest.FixtureRequest) -> None:
    """No test leaves a host alone for the next one."""
    if "caller" in request.fixturenames:
        request.getfixturevalue("caller").limits = no_limits()


@pytest.fixture(scope="module")
def server() -> Iterator[VendorServer]:
    """A host, and the environment that leads to it."""
    with VendorServer(lambda _: None) as made, pytest.MonkeyPatch.context() as patch:
        for name, value in made.environment().items():
            patch.setenv(name, value)
        yield made


@pytest.fixture(scope="module")
def asking(server: VendorServer) -> Iterator[WorkerCaller]:
    """A worker that was begun in that environment."""
    with WorkerCaller(no_limits(), retries=Retries(0), random=Random(1)) as made:
        made("remote_functions:process", **ABOUT)
        yield made


def fails(caller: Any, function: str, **arguments: Any) -> VendorError:
    with pytest.raises(VendorError) as raised:
        caller(f"remote_functions:{function}", **ABOUT, **arguments)
    return raised.value


def test_a_worker_is_kept_between_calls(caller: WorkerCaller) -> None:
    first = caller("remote_functions:process", **ABOUT)
    assert caller("remote_functions:add", **ABOUT, one=1, other=2) == [3]
    assert caller("remote_functions:process", **ABOUT) == first != [os.getpid()]


@pytest.mark.parametrize("function", ["sleeps", "stops_itself"])
def test_a_call_that_hangs_is_killed_at_its_deadline_and_the_next_one_answered(
    caller: WorkerCaller, function: str
) -> None:
    before = caller("remote_functions:process", **ABOUT)
    arguments = {"seconds": 60.0} if function == "sleeps" else {}
    begun = time.monotonic()
    problem = fails(caller, function, deadline_s=0.2, **arguments)
    assert time.monotonic() - begun < 10.0
    assert problem.trouble is Trouble.TIMEOUT
    assert str(problem) == (
        "akshare/x [600519.SH, data.host.cn]: no answer within the deadline (0.2 s); repeat the command "
        "later, or ask another vendor"
    )
    assert caller("remote_functions:process", **ABOUT) != before


def test_a_worker_that_dies_is_said_to_have_and_another_one_begins(caller: WorkerCaller) -> None:
    problem = fails(caller, "dies")
    assert problem.trouble is Trouble.DIED
    assert "exit code 7" in str(problem)
    assert caller("remote_functions:add", **ABOUT, one=1, other=1) == [2]


def test_the_worker_has_the_environment_of_whoever_asks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy.example:3128")
    with WorkerCaller(no_limits(), random=Random(1)) as caller:
        told = caller("remote_functions:variable", **ABOUT, name="HTTPS_PROXY")
    assert told == ["http://proxy.example:3128"]


def test_what_a_client_prints_is_no_output_of_ours(
    caller: WorkerCaller, capfd: pytest.CaptureFixture[str]
) -> None:
    caller("remote_functions:prints", **ABOUT)
    assert capfd.readouterr().out == ""


@pytest.mark.parametrize("make", [lambda caller: caller, lambda caller: DirectCaller()])
@pytest.mark.parametrize("text", ["[]", "null", '""'])
def test_nothing_is_an_error_too(caller: WorkerCaller, make: Any, text: str) -> None:
    with pytest.raises(VendorError) as raised:
        make(caller)("json:loads", **ABOUT, s=text)
    assert raised.value.trouble is Trouble.EMPTY


def test_a_client_that_is_not_installed_is_named_with_the_remedy(caller: WorkerCaller) -> None:
    with pytest.raises(DataError, match=r"akshare/x \[600519\.SH\]: .*'nosuchclient'; install it"):
        caller("nosuchclient:bars", **ABOUT)


def test_a_defect_of_ours_is_no_fault_of_a_vendor(caller: WorkerCaller) -> None:
    for function, arguments in (("defective", {}), ("add", {"one": 1})):
        with pytest.raises(RuntimeError, match=r"NameError|missing 1 required"):
            caller(f"remote_functions:{function}", **ABOUT, **arguments)


class TestRetries:
    def call(self, path: Path, answers: str, silence_s: float = 30.0) -> tuple[Any, list[float]]:
        path.write_text(answers)
        pauses: list[float] = []
        retries = Retries(2, 1.0, silence_s=silence_s)
        caller = WorkerCaller(
            no_limits(), deadline_s=0.3, retries=retries, random=Random(5), sleep=pauses.append
        )
        with caller:
            try:
                return caller("remote_functions:as_told", **ABOUT, path=str(path), answers="bars"), pauses
            except VendorError as problem:
                return problem, pauses

    def test_what_may_pass_is_tried_again_after_growing_pauses_that_vary(self, tmp_path: Path) -> None:
        answer, pauses = self.call(tmp_path / "told", "resets hangs answers")
        assert answer == ["bars"]
        draws = Random(5)
        assert pauses == [1.0 * draws.uniform(0.5, 1.5), 2.0 * draws.uniform(0.5, 1.5)]

    def test_a_long_silence_is_not_waited_for_twice(self, tmp_path: Path) -> None:
        problem, pauses = self.call(tmp_path / "told", "resets hangs answers", silence_s=0.2)
        assert problem.trouble is Trouble.TIMEOUT
        assert len(pauses) == 1  # after the reset
        assert (tmp_path / "told").read_text() == "answers"

    def test_it_ends_after_as_many_tries_as_are_allowed(self, tmp_path: Path) -> None:
        problem, pauses = self.call(tmp_path / "told", "resets resets resets resets")
        assert problem.trouble is Trouble.NETWORK
        assert len(pauses) == 2
        assert (tmp_path / "told").read_text() == "resets"


class TestAnswers:
    """Each wrong answer of a host, read by a client that looks at nothing."""

    URL = "https://data.host.cn/kline"

    def told(
        self, server: VendorServer, asking: WorkerCaller, answer: Answer, function: str = "gets"
    ) -> VendorError:
        asking.limits = no_limits()
        server.routes = lambda _: answer
        return fails(asking, function, url=self.URL, deadline_s=1.0)

    def test_data_are_handed_on(self, server: VendorServer, asking: WorkerCaller) -> None:
        server.routes = lambda _: Answer(KLINES)
        assert asking("remote_functions:gets", **ABOUT, url=self.URL) == [["2023-01-03,1"]]

    @pytest.mark.parametrize(
        ("answer", "trouble"),
        [
            (Answer.html(status=403), Trouble.REFUSED),
            (Answer("{}", status=429), Trouble.REFUSED),
            (Answer("", status=456), Trouble.REFUSED),
            (Answer("{}", status=500), Trouble.SERVER),
            (Answer.html(status=502), Trouble.SERVER),
            (Answer.html(), Trouble.NOT_DATA),
            (Answer.html(status=404), Trouble.NOT_DATA),
            (Answer("var x = 1;"), Trouble.NOT_DATA),
            (Answer('{"rc": 0, "data": null}'), Trouble.EMPTY),
            (Answer('{"rc": 102}'), Trouble.EMPTY),
            (Answer('{"data": {"other": []}}'), Trouble.COLUMNS),
            (Answer(KLINES, delay_s=30.0), Trouble.TIMEOUT),
            (Answer(KLINES, cut_at=5), Trouble.NETWORK),
            (Answer(KLINES, cut_at=0, reset=True), Trouble.NETWORK),
        ],
        ids=lambda value: value.value if isinstance(value, Trouble) else f"{value.status} {value.raw[:12]!r}",
    )
    def test_every_wrong_answer_has_its_name(
        self, server: VendorServer, asking: WorkerCaller, answer: Answer, trouble: Trouble
    ) -> None:
        problem = self.told(server, asking, answer)
        assert problem.trouble is trouble, problem
        assert (problem.vendor, problem.about) == ("akshare/x", "600519.SH")
        assert "600519.SH" in str(problem) and problem.trouble.remedy in str(problem)

    def test_a_dripping_answer_is_cut_off_at_the_deadline(
        self, server: VendorServer, asking: WorkerCaller
    ) -> None:
        begun = time.monotonic()
        problem = self.told(server, asking, Answer(KLINES * 10, drip_s=0.7))
        assert problem.trouble is Trouble.TIMEOUT
        assert time.monotonic() - begun < 8.0

    @pytest.mark.parametrize("width", [1, 3])
    def test_one_column_fewer_or_more(self, server: VendorServer, asking: WorkerCaller, width: int) -> None:
        problem = self.told(server, asking, Answer.of_json([[1.0] * width]), "renames")
        assert problem.trouble is Trouble.COLUMNS
        assert "Length mismatch" in str(problem) and "pip install -U akshare" in str(problem)

    def test_a_client_that_insists_cannot_go_on_asking_a_host_that_refuses(
        self, server: VendorServer, asking: WorkerCaller
    ) -> None:
        asked = len(server.log)
        assert self.told(server, asking, Answer("", status=403), "insists").trouble is Trouble.REFUSED
        assert len(server.log) - asked == 1

    def test_after_a_refusal_the_host_is_not_asked_at_all(
        self, server: VendorServer, asking: WorkerCaller
    ) -> None:
        self.told(server, asking, Answer("", status=403))
        asked = len(server.log)
        assert ": not asked (it is left alone after refused); it is tried again in" in str(
            fails(asking, "gets", url=self.URL)
        )
        assert len(server.log) == asked

    def test_every_request_of_a_call_keeps_the_rate(self, server: VendorServer, asking: WorkerCaller) -> None:
        server.routes = lambda _: Answer(KLINES)
        asking.limits = HostLimits(None, clock=time.time, sleep=time.sleep, rates={"host.cn": Rate(1, 0.4)})
        asked = len(server.log)
        # more pauses than the deadline allows: they are not the vendor's
        asking("remote_functions:gets", **ABOUT, url=self.URL, times=4, deadline_s=0.9)
        at = [request.at for request in server.log[asked:]]
        assert len(at) == 4
        assert all(later - earlier > 0.3 for earlier, later in pairwise(at))


PARENT = """
import sys, time
sys.path[:0] = {path!r}
from random import Random
from engine.market.sources.remote.caller import WorkerCaller
from engine.market.sources.remote.limits import HostLimits
if __name__ == "__main__":
    limits = HostLimits(None, clock=time.time, sleep=time.sleep)
    with WorkerCaller(limits, random=Random(1)) as call:
        about = dict(vendor="v", host="h.cn", about="a")
        print(call("remote_functions:process", **about)[0], flush=True)
        call("remote_functions:sleeps", **about, seconds=60.0)
"""


def _gone(pid: int) -> bool:
    for _ in range(100):
        try:
            state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
        except (FileNotFoundError, ProcessLookupError):
            return True
        if state == "Z":
            return True
        time.sleep(0.1)
    return False


@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGINT])
def test_a_worker_leaves_with_whoever_began_it(tmp_path: Path, how: signal.Signals) -> None:
    script = tmp_path / "parent.py"
    script.write_text(PARENT.format(path=[str(Path(__file__).parent), str(Path.cwd())]))
    parent = subprocess.Popen(
        [sys.executable, str(script)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        start_new_session=True,
    )  # fmt: skip
    assert parent.stdout is not None
    worker = int(parent.stdout.readline())
    time.sleep(0.3)
    if how is signal.SIGINT:
        os.killpg(parent.pid, signal.SIGINT)  # as the terminal does: to both
    else:
        parent.send_signal(how)
    _, errors = parent.communicate(timeout=30)
    assert _gone(worker)
    assert errors.count("KeyboardInterrupt") == (how is signal.SIGINT), errors


def test_an_error_survives_the_way_between_processes() -> None:
    problem = VendorError("akshare/x", "h.cn", "600519.SH", Trouble.SERVER, "status 500", "wait")
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    theirs.send(problem)
    told = ours.recv()
    assert str(told) == str(problem)
    assert (told.vendor, told.trouble, told.now) == ("akshare/x", Trouble.SERVER, "wait")


def test_two_callers_have_two_workers_and_keep_one_rate(server: VendorServer, tmp_path: Path) -> None:
    server.routes = lambda _: Answer(KLINES)
    asked = len(server.log)
    rates = {"host.cn": Rate(1, 0.3)}

    def one() -> WorkerCaller:
        limits = HostLimits(tmp_path / "hosts.db", clock=time.time, sleep=time.sleep, rates=rates)
        return WorkerCaller(limits, random=Random(1))

    with one() as first, one() as second:
        for call in (first, second, first, second):
            call("remote_functions:gets", **ABOUT, url="https://data.host.cn/k")
    at = [request.at for request in server.log[asked:]]
    assert len(at) == 4
    assert all(later - earlier > 0.2 for earlier, later in pairwise(at))


def test_what_lies_below_an_error_of_the_network_is_shown_with_its_brackets_closed() -> None:
    below = "HTTPSConnection(host='a.cn', port=443): Failed to resolve 'a.cn' ([Errno -2] Name not known)"
    problem = ConnectionError(f'Pool: Max retries (Caused by NameResolutionError("{below}"))')
    said = trouble_of(problem, None)
    assert said == (
        Trouble.NETWORK, "ConnectionError: Failed to resolve 'a.cn' ([Errno -2] Name not known)"
    )  # fmt: skip


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_the_password_of_a_proxy_with_a_malformed_address_is_not_told(
    scheme: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What a client says of an address that it cannot use quotes the whole of it."""
    for name in ("HTTPS_PROXY", "https_proxy"):
        monkeypatch.setenv(name, f"{scheme}://me:pa#ss-w0rd@127.0.0.1:x/")
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(requests.exceptions.InvalidURL) as caught:
        requests.get("https://data.host.cn/k", timeout=2)
    assert "pa" in str(caught.value)
    trouble, said = trouble_of(caught.value, None)
    assert trouble is Trouble.NETWORK
    assert "HTTPS_PROXY" in said
    assert "ss-w0rd" not in said and "me:" not in said
