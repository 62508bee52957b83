"""A ledger that cannot be written for a while: what was due is done afterwards, if there is time for it."""

from __future__ import annotations

import os
import pwd
import sqlite3
import subprocess
from collections.abc import Callable
from contextlib import closing, suppress
from datetime import date
from pathlib import Path

import pytest
from full_disk import largest_file
from ledger_edits import execute
from postgres_server import NoServerError, binaries, server
from simulation import World, moment, states, told
from sqlalchemy import make_url

from live.errors import LedgerError
from live.ledger import Ledger, Task, TaskState

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


@pytest.mark.parametrize("other", ["a copy", "nothing", "something else"])
def test_a_ledger_whose_file_is_replaced_is_opened_again_and_never_written_to_in_secret(
    world: World, tmp_path: Path, other: str
) -> None:
    """A backup is put in the place of the file that the daemon has open, or nothing is, for an hour."""
    ledger = tmp_path / "paper.db"
    url, backup = str(ledger), tmp_path / "backup.db"
    with world.daemon(url, world.settings()) as outfit:
        world.drive(outfit, moment("2023-06-12T09:40"))
        with closing(sqlite3.connect(url)) as there, closing(sqlite3.connect(backup)) as copy:
            there.backup(copy)
        for name in (f"{url}-wal", f"{url}-shm"):
            Path(name).unlink(missing_ok=True)
        match other:
            case "a copy":
                backup.rename(ledger)
            case "nothing":
                ledger.unlink()
            case _:
                (tmp_path / "letter").write_text("Dear ledger")
                (tmp_path / "letter").rename(ledger)
        world.drive(outfit, moment("2023-06-12T10:40"))
        if backup.exists():
            assert ledger.exists() is (other != "nothing"), "nobody begins an empty one in its place"
            backup.rename(ledger)
        world.drive(outfit, moment("2023-06-13T20:00"))
    assert set(states(url, FIRST).values()) == set(states(url, SECOND).values()) == {TaskState.DONE}
    what = "removed" if other == "nothing" else "replaced by another"
    (line,) = (line for line in world.log if "while account 'live' was open" in line)
    assert f"its file was {what}" in line
    titles = [each.title for each in told(url)]
    assert len([title for title in titles if title.startswith(f"{FIRST} settled")]) == 1


def test_an_unsound_ledger_in_the_place_of_the_one_that_was_open_is_not_written_to(
    world: World, tmp_path: Path
) -> None:
    url, other = str(tmp_path / "paper.db"), tmp_path / "other.db"
    with world.daemon(url, world.settings()) as outfit:
        world.drive(outfit, moment("2023-06-12T17:30"))
        with closing(sqlite3.connect(url)) as there, closing(sqlite3.connect(other)) as copy:
            there.backup(copy)
        execute(f"sqlite:///{other}", "UPDATE marks SET value_fen = value_fen + 1")
        for name in (f"{url}-wal", f"{url}-shm"):
            Path(name).unlink(missing_ok=True)
        other.rename(url)
        world.drive(outfit, moment("2023-06-12T18:20"))
    assert any("is not sound" in line for line in world.log)
    with Ledger.open(url, read_only=True) as ledger:
        planned = ledger.task(SECOND, Task.PLAN)
    assert planned is None or planned.state is TaskState.WAITING


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
