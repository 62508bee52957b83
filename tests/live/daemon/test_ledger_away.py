"""A ledger that cannot be written for a while: what was due is done afterwards, if there is time for it."""

from __future__ import annotations

import os
import pwd
import subprocess
from collections.abc import Callable
from contextlib import suppress
from datetime import date
from pathlib import Path

import pytest
from full_disk import largest_file
from ledger_edits import execute
from postgres_server import NoServerError, binaries, server
from simulation import World, moment, states, told
from sqlalchemy import make_url

from live.errors import LedgerError
from live.ledger import Ledger, TaskState

FIRST, SECOND = date(2023, 6, 12), date(2023, 6, 13)


def test_orders_wait_for_room_on_a_disk_that_is_full(world: World, tmp_path: Path) -> None:
    url = str(tmp_path / "paper.db")
    world.run(url, world.settings(), "2023-06-12T09:10")
    with world.daemon(url, world.settings()) as outfit:
        world.drive(outfit, moment("2023-06-12T09:20"))
        with largest_file(1024):  # what is there stays, and nothing is added
            world.drive(outfit, moment("2023-06-12T09:28"))
        world.drive(outfit, moment("2023-06-12T20:00"))
    assert set(states(url, FIRST).values()) == {TaskState.DONE}
    said = next(each for each in told(url) if each.title.startswith(f"{FIRST} sent"))
    assert moment("2023-06-12T09:28") <= said.at <= moment("2023-06-12T09:29:30")
    full = [line for line in world.log if "the disk" in line]
    assert full
    # nine attempts and as many heartbeats; the log, the person and the heart hear of it, not each time
    assert len(full) <= 5, full


@pytest.fixture
def stoppable(tmp_path: Path) -> tuple[str, Callable[[], None], Callable[[], None]]:
    """A server of this test's own: its URL, and what stops and starts it again."""
    running = server()
    try:
        base = running.__enter__()
    except NoServerError as reason:
        pytest.skip(f"no PostgreSQL server: {reason}")
    ((data,),) = execute(f"{base}/postgres", "SHOW data_directory")
    port = make_url(base).port
    as_user = ["runuser", "-u", "postgres", "--"] if os.getuid() == 0 and pwd.getpwnam("postgres") else []
    control = [*as_user, str(binaries() / "pg_ctl"), "-D", data, "-w"]

    def stop() -> None:
        subprocess.run([*control, "-m", "immediate", "stop"], check=True, stdout=subprocess.DEVNULL, cwd="/")

    def start() -> None:
        options = f"-p {port} -k {Path(data).parent} -c listen_addresses=127.0.0.1"
        command = [*control, "-l", f"{Path(data).parent}/log", "-o", options, "start"]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, cwd="/")

    yield f"{base}/postgres", stop, start
    with suppress(subprocess.CalledProcessError):
        start()  # what ends it expects it to run
    running.__exit__(None, None, None)


def test_a_server_that_is_gone_for_hours_is_waited_for(
    world: World, stoppable: tuple[str, Callable[[], None], Callable[[], None]]
) -> None:
    """From before the close to the evening: the session is settled, and people were told once."""
    url, stop, start = stoppable
    with world.daemon(url, world.settings()) as outfit:
        world.drive(outfit, moment("2023-06-12T15:40"))
        stop()
        world.drive(outfit, moment("2023-06-12T17:10"))
        with pytest.raises(LedgerError, match=r"(?i)refused|closed"):
            Ledger.open(url, read_only=True).accounts()
        start()
        world.drive(outfit, moment("2023-06-13T20:00"))
    assert set(states(url, FIRST).values()) == {TaskState.DONE}
    assert set(states(url, SECOND).values()) == {TaskState.DONE}
    settled = next(each for each in told(url) if each.title.startswith(f"{FIRST} settled"))
    assert moment("2023-06-12T17:10") <= settled.at <= moment("2023-06-12T17:12")
    lines = [line for line in world.log if "ledger" in line]
    assert lines
    # ninety attempts; a server may close a connection in one way and refuse the next in another
    assert len(lines) <= 8, lines
    assert len(lines) == len(set(lines)), lines
