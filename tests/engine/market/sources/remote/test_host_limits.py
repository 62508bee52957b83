"""How often hosts are asked, and when they are left alone."""

from __future__ import annotations

import multiprocessing
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.errors import DataError
from engine.market.sources.remote.failure import Trouble, VendorError
from engine.market.sources.remote.limits import DEFAULT_RATES, NO_RATES, HostLimits, Rate


class Clock:
    """Time passes only by sleeping."""

    def __init__(self, start: float = 1_000_000.0) -> None:
        self.now = start

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        assert seconds > 0.0
        self.now += seconds


def limits(clock: Clock, path: Path | None = None, **rates: Rate) -> HostLimits:
    named = {name.replace("_", "."): rate for name, rate in rates.items()}
    return HostLimits(path, clock=clock, sleep=clock.sleep, rates={"": Rate(1, 1.0), **named})


def most_in_a_window(times: list[float], window: float) -> int:
    """The most calls in any half-open span of that length."""
    return max(sum(start <= t < start + window for t in times) for start in times)


@given(
    calls=st.integers(1, 4),
    window=st.floats(0.1, 10.0),
    gaps=st.lists(st.floats(0.0, 5.0), min_size=1, max_size=25),
)
def test_no_window_ever_holds_more_calls_than_the_rate(calls: int, window: float, gaps: list[float]) -> None:
    clock = Clock(0.0)
    kept = limits(clock, host_cn=Rate(calls, window))
    times = []
    for gap in gaps:
        clock.now += gap
        kept.wait("host.cn")
        times.append(clock.now)
    # a float less than the window apart is the window apart
    assert most_in_a_window(times, window * (1 - 1e-9)) <= calls


def test_a_quick_caller_is_slowed_to_exactly_the_rate() -> None:
    clock = Clock(0.0)
    kept = limits(clock, host_cn=Rate(2, 1.0))
    times = []
    for _ in range(7):
        kept.wait("host.cn")
        times.append(clock.now)
    assert times == [0.0, 0.0, 1.0, 1.0, 2.0, 2.0, 3.0]


def test_hosts_share_the_rate_of_the_longest_suffix_that_names_them() -> None:
    clock = Clock()
    kept = limits(clock, eastmoney_com=Rate(1, 5.0), push2_eastmoney_com=Rate(1, 2.0))
    assert kept.rule("33.push2.eastmoney.com") == "push2.eastmoney.com"
    assert kept.rule("datacenter-web.EASTMONEY.com") == "eastmoney.com"
    assert kept.rule("noteastmoney.com") == "noteastmoney.com"
    start = clock.now
    for host in ("80.push2.eastmoney.com", "push2.eastmoney.com", "data.eastmoney.com", "other.cn"):
        kept.wait(host)
    assert clock.now - start == 2.0


def test_the_hosts_that_ban_are_asked_no_more_than_every_other_second() -> None:
    for host in ("push2.eastmoney.com", "push2his.eastmoney.com"):
        rate = DEFAULT_RATES[host]
        assert rate.per_s / rate.calls >= 2.0


class TestBreaker:
    def test_a_refusal_leaves_the_host_alone_at_once_and_longer_each_time(self) -> None:
        clock = Clock()
        kept = limits(clock)
        pauses = []
        for _ in range(7):
            kept.failed("host.cn", Trouble.REFUSED)
            begun = clock.now
            while True:
                try:
                    kept.wait("host.cn")
                    break
                except VendorError as refused:
                    assert refused.trouble is Trouble.REFUSED
                    clock.now += 30.0
            pauses.append(round((clock.now - begun) / 60))
        assert pauses == [15, 30, 60, 120, 240, 240, 240]

    def test_the_message_names_vendor_symbol_and_what_now(self) -> None:
        kept = limits(Clock())
        kept.failed("host.cn", Trouble.REFUSED)
        with pytest.raises(VendorError) as refused:
            kept.wait("host.cn", vendor="akshare/x", about="600519.SH")
        assert str(refused.value) == (
            "akshare/x [600519.SH, host.cn]: not asked (it is left alone after refused); "
            "it is tried again in about 15 min; ask another vendor meanwhile"
        )

    def test_other_hosts_are_asked_meanwhile(self) -> None:
        kept = limits(Clock())
        kept.failed("host.cn", Trouble.REFUSED)
        kept.wait("other.cn")

    def test_one_call_tries_the_host_again_and_its_success_opens_the_way(self) -> None:
        clock = Clock()
        kept = limits(clock)
        kept.failed("host.cn", Trouble.REFUSED)
        clock.now += 901.0
        kept.wait("host.cn")
        with pytest.raises(VendorError):
            kept.wait("host.cn")  # that one is still on its way
        kept.succeeded("host.cn")
        kept.wait("host.cn")

    def test_a_trial_whose_process_died_does_not_keep_the_way_closed(self) -> None:
        clock = Clock()
        kept = limits(clock)
        kept.failed("host.cn", Trouble.REFUSED)
        clock.now += 901.0
        kept.wait("host.cn")
        clock.now += 121.0
        kept.wait("host.cn")

    def test_failures_that_may_pass_count_only_in_a_row(self) -> None:
        kept = limits(Clock())
        for trouble in (Trouble.TIMEOUT, Trouble.SERVER, Trouble.NETWORK, Trouble.NOT_DATA):
            kept.failed("host.cn", trouble)
        kept.succeeded("host.cn")
        for _ in range(4):
            kept.failed("host.cn", Trouble.TIMEOUT)
        kept.wait("host.cn")
        kept.failed("host.cn", Trouble.TIMEOUT)
        with pytest.raises(VendorError):
            kept.wait("host.cn")

    def test_an_empty_answer_or_a_strange_column_is_no_fault_of_the_host(self) -> None:
        kept = limits(Clock())
        for trouble in [Trouble.EMPTY, Trouble.COLUMNS, Trouble.STALE] * 10:
            kept.failed("host.cn", trouble)
        kept.wait("host.cn")

    def test_other_processes_see_it(self, tmp_path: Path) -> None:
        clock = Clock()
        limits(clock, tmp_path / "hosts.db").failed("host.cn", Trouble.REFUSED)
        with pytest.raises(VendorError):
            limits(clock, tmp_path / "hosts.db").wait("host.cn")


def test_a_clock_that_was_set_back_by_a_day_blocks_nobody() -> None:
    clock = Clock()
    kept = limits(clock, host_cn=Rate(1, 60.0))
    kept.wait("host.cn")
    kept.failed("other.cn", Trouble.REFUSED)
    clock.now -= 86_400.0
    begun = clock.now
    kept.wait("host.cn")
    assert clock.now - begun <= 60.0
    clock.now += 901.0
    kept.wait("other.cn")


@pytest.mark.parametrize("wrong", [Rate(1, 0.0), Rate(5, 0.0)])
def test_no_limit_is_no_pause(wrong: Rate) -> None:
    clock = Clock()
    kept = HostLimits(None, clock=clock, sleep=clock.sleep, rates=NO_RATES)
    for _ in range(50):
        kept.wait("host.cn")
    assert clock.now == 1_000_000.0


@pytest.mark.parametrize(("calls", "seconds"), [(0, 1.0), (1, -1.0), (1, float("nan"))])
def test_what_is_no_rate_is_refused(calls: int, seconds: float) -> None:
    with pytest.raises(ValueError, match="no rate"):
        Rate(calls, seconds)


def test_a_file_that_is_no_database_is_named_with_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "hosts.db").write_text("something else " * 100)
    with pytest.raises(DataError, match=r"hosts\.db.*delete it"):
        limits(Clock(), tmp_path / "hosts.db").wait("host.cn")


def _calls(path: Path, ready: Callable[[], None], line: multiprocessing.connection.Connection) -> None:
    kept = HostLimits(path, clock=time.time, sleep=time.sleep, rates={"": Rate(3, 0.5)})
    ready.wait()
    times = []
    for _ in range(9):
        kept.wait("host.cn")
        times.append(time.time())
    line.send(times)


def test_two_processes_together_keep_the_rate(tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    ready = context.Barrier(2)
    lines, processes = [], []
    for _ in range(2):
        ours, theirs = context.Pipe(duplex=False)
        process = context.Process(target=_calls, args=(tmp_path / "hosts.db", ready, theirs))
        process.start()
        lines.append(ours)
        processes.append(process)
    both = []
    for line in lines:
        assert line.poll(60)
        both.append(line.recv())
    for process in processes:
        process.join(10)
    times = sorted(both[0] + both[1])
    assert len(times) == 18
    # what is measured is when a process went on after it was let through, a moment later or a little more
    assert most_in_a_window(times, 0.5 - 0.1) <= 3
    assert times[-1] - times[0] >= 5 * 0.5 - 0.1
    assert both[0][0] < both[1][-1] and both[1][0] < both[0][-1]  # they took turns
