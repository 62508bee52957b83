"""One holder at a time, and none after its death."""

from __future__ import annotations

import multiprocessing
import os
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from engine.locks import FileLock, LockFailed, LockHeld


def _hold(path: Path, line: Any) -> None:
    with FileLock(path):
        line.send("held")
        time.sleep(60)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "some.lock"


def test_a_second_process_is_told_who_holds_it_until_that_one_is_killed(path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    other = context.Process(target=_hold, args=(path, theirs))
    other.start()
    try:
        assert ours.poll(60)
        with pytest.raises(LockHeld, match=f"is held by process {other.pid}"):
            FileLock(path).acquire()
    finally:
        other.kill()
        other.join()
    with FileLock(path):
        pass


def test_it_holds_within_a_process_too(path: Path) -> None:
    with FileLock(path), pytest.raises(LockHeld) as held:
        FileLock(path).acquire()
    assert held.value.process == os.getpid()
    with FileLock(path):
        pass


def test_waiting_ends_when_it_is_released(path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    other = context.Process(target=_hold, args=(path, theirs))
    other.start()
    assert ours.poll(60)
    begun = time.monotonic()
    with pytest.raises(LockHeld):
        FileLock(path, timeout_s=0.5).acquire()
    assert time.monotonic() - begun >= 0.5
    other.kill()
    with FileLock(path, timeout_s=30.0):
        assert not other.join()


@pytest.mark.skipif(sys.platform == "win32", reason="fork")
def test_no_child_inherits_it(path: Path) -> None:
    parent = os.fork()
    if not parent:
        FileLock(path).acquire()
        child = os.fork()
        if not child:
            time.sleep(20)
            os._exit(0)
        path.with_name("child").write_text(str(child))
        os._exit(0)
    os.waitpid(parent, 0)
    try:
        with FileLock(path):
            pass
    finally:
        os.kill(int(path.with_name("child").read_text()), 9)


def test_it_leaves_nothing_but_its_own_file(path: Path) -> None:
    with FileLock(path):
        assert [p.name for p in path.parent.iterdir()] == [path.name]
    assert [p.name for p in path.parent.iterdir()] == [path.name]


def test_releasing_what_is_not_held_does_nothing(path: Path) -> None:
    FileLock(path).release()
    assert not path.exists()


@pytest.mark.parametrize("what", ["no folder", "a folder", "no lock"])
def test_a_file_that_cannot_be_used_is_named(path: Path, what: str) -> None:
    if what == "no folder":
        path = path.parent / "none" / "some.lock"
    elif what == "a folder":
        path.mkdir()
    else:
        path.write_text("something else " * 100)
    with pytest.raises(LockFailed, match=r"some\.lock cannot be taken"):
        FileLock(path).acquire()
