from __future__ import annotations

import re
import sqlite3
import subprocess
import sys
import tempfile
from contextlib import closing
from datetime import date
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from full_disk import largest_file
from ledger_edits import execute
from paper_days import PaperDay, at, open_account, write_day

from live.errors import LedgerError, LedgerLocked
from live.ledger import AccountWriter, Ledger, Note, Task, schema
from live.ledger.database import Database
from live.ledger.migrate import VERSIONS


def test_migrations_lead_to_the_tables_the_program_knows(ledger: Ledger, url: str) -> None:
    database = Database(url, create=False, read_only=False, timeout_s=2)
    with database.connect() as connection:
        options = {"version_table": "ledger_version", "compare_server_default": True}
        assert compare_metadata(MigrationContext.configure(connection, opts=options), schema.metadata) == []


def test_a_ledger_is_opened_again_as_it_was(ledger: Ledger, traded: AccountWriter, url: str) -> None:
    with Ledger.open(url) as again:
        assert again.epoch() == ledger.epoch()


def test_a_ledger_of_a_newer_program_is_refused(ledger: Ledger, url: str) -> None:
    execute(url, "UPDATE ledger_version SET version_num = '9999'")
    with pytest.raises(LedgerError, match=rf"version 9999, .* knows {VERSIONS[-1]}.*newer alphaloom"):
        Ledger.open(url)


def test_a_database_without_a_ledger_is_not_made_one_unasked(url: str) -> None:
    if url.startswith("sqlite"):
        Path(url.removeprefix("sqlite:///")).touch()
    with pytest.raises(LedgerError, match="the database holds no ledger; start one"):
        Ledger.open(url)


@pytest.mark.parametrize(
    ("place", "create", "message"),
    [
        ("none.db", False, "there is no such file; start one"),
        ("none/paper.db", True, "there is no folder"),
        ("", True, "is a folder"),
        ("letter.txt", True, "is not a SQLite database"),
        ("half.db", True, "is not a database|malformed|damaged"),
    ],
)
def test_a_file_that_is_no_ledger_is_named(tmp_path: Path, place: str, create: bool, message: str) -> None:
    (tmp_path / "letter.txt").write_text("Dear ledger, this is a long enough letter.")
    (tmp_path / "half.db").write_bytes(b"SQLite format 3\0" + b"\xff" * 5000)
    with pytest.raises(LedgerError, match=message) as refused:
        Ledger.open(str(tmp_path / place), create=create)
    assert str(tmp_path / place) in str(refused.value)


@pytest.mark.parametrize("url", ["mysql://a:secret@b/c", "sqlite://", "nonsense://x", "://"])
def test_a_url_that_names_no_usable_database_is_refused(url: str) -> None:
    with pytest.raises(LedgerError) as refused:
        Ledger.open(url, create=True)
    assert "secret" not in str(refused.value)


def test_a_server_that_does_not_answer_is_named_without_its_password() -> None:
    pytest.importorskip("psycopg")
    with pytest.raises(LedgerError, match=r"ledger postgresql.*me:\*\*\*@127.0.0.1:1/x") as refused:
        Ledger.open("postgresql://me:secret@127.0.0.1:1/x", create=True, timeout_s=2)
    assert "secret" not in str(refused.value)


def test_a_database_that_another_process_holds_is_said_to_be_locked(tmp_path: Path) -> None:
    path = tmp_path / "paper.db"
    with Ledger.open(str(path), create=True, timeout_s=0.2) as ledger, ledger.writer("demo") as writer:
        open_account(writer)
        with closing(sqlite3.connect(path, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            with pytest.raises(LedgerLocked, match=r"held it for more than 0\.2 s"):
                record_something(writer, days_at=5)
            assert ledger.verify().sound, "reading goes on"
            other.execute("ROLLBACK")
        assert record_something(writer, days_at=5)


def test_a_full_disk_loses_nothing_that_was_stored(tmp_path: Path, days: list[PaperDay]) -> None:
    path = tmp_path / "paper.db"
    with Ledger.open(str(path), create=True) as ledger, ledger.writer("demo") as writer:
        open_account(writer)
        write_day(writer, days[0])
        log = path.with_name("paper.db-wal").stat().st_size
        with largest_file(log + 60_000), pytest.raises(LedgerError, match="disk"):
            for day in days:
                write_day(writer, day)
        assert ledger.verify().sound
        assert len(ledger.marks()) < len(days)
        for day in days:
            write_day(writer, day)
        assert ledger.account() == days[-1].account
        assert ledger.verify().sound


def test_a_database_that_may_not_grow_says_that_the_disk_is_full(tmp_path: Path) -> None:
    with Ledger.open(str(tmp_path / "p.db"), create=True) as ledger, ledger.writer("demo") as writer:
        open_account(writer)
        pages = writer._connection.exec_driver_sql("PRAGMA page_count").scalar_one()
        writer._connection.exec_driver_sql(f"PRAGMA max_page_count = {pages}")
        writer._connection.rollback()
        with pytest.raises(LedgerError, match="the disk is full; nothing of this step was stored"):
            writer.record(at_session(5), Task.PREPARE, [Note("x" * 100_000)], at=at(at_session(5)))
        assert ledger.verify().sound


def test_a_read_only_ledger_is_read_and_not_written(days: list[PaperDay]) -> None:
    """Root may write anywhere: the reader is a process of the user nobody."""
    with tempfile.TemporaryDirectory(dir="/tmp") as folder:
        path = Path(folder) / "paper.db"
        with Ledger.open(str(path), create=True) as ledger, ledger.writer("demo") as writer:
            open_account(writer)
            write_day(writer, days[0])
        path.chmod(0o444)
        Path(folder).chmod(0o555)
        try:
            script = (
                "import sys, os\n"
                "from live.ledger import Ledger\n"
                "from live.errors import LedgerError\n"
                "if os.getuid() == 0: os.setuid(65534)\n"
                "print(Ledger.open(sys.argv[1], read_only=True).verify().sound)\n"
                "try: Ledger.open(sys.argv[1]).writer('demo')\n"
                "except LedgerError as error: print(error)\n"
            )
            done = subprocess.run(
                [sys.executable, "-c", script, str(path)], capture_output=True, text=True, check=False
            )
        finally:
            Path(folder).chmod(0o755)
    assert done.stdout.startswith("True\n"), done.stderr
    assert re.search(r"read-only|cannot be made|cannot be taken|cannot be opened", done.stdout)


def test_a_ledger_opened_for_reading_hands_out_no_writer(ledger: Ledger, url: str) -> None:
    with Ledger.open(url, read_only=True) as reader, pytest.raises(LedgerError, match="reading only"):
        reader.writer("demo")


def test_a_lock_holds_by_whatever_name_the_file_is_reached(tmp_path: Path) -> None:
    (tmp_path / "link.db").symlink_to(tmp_path / "paper.db")
    with (
        Ledger.open(str(tmp_path / "paper.db"), create=True) as ledger,
        ledger.writer("demo"),
        Ledger.open(str(tmp_path / "link.db")) as other,
        pytest.raises(LedgerLocked),
    ):
        other.writer("demo")


@pytest.mark.parametrize("name", ["", "a/b", "../x", "a b", "x" * 65])
def test_an_account_has_a_plain_name(ledger: Ledger, name: str) -> None:
    with pytest.raises(LedgerError, match="use letters, digits"):
        ledger.writer(name)


def test_what_is_not_there_is_said_to_be_missing(ledger: Ledger, writer: AccountWriter) -> None:
    with pytest.raises(LedgerError, match="has no account 'nobody'; known: demo"):
        ledger.account("nobody")
    with pytest.raises(LedgerError, match="has no epoch 7"):
        ledger.account(epoch=7)


def test_a_closed_writer_writes_no_more(ledger: Ledger) -> None:
    writer = ledger.writer("demo")
    writer.close()
    with pytest.raises(LedgerError, match="open the account again"):
        open_account(writer)


def test_a_writer_whose_connection_was_cut_does_not_write_without_its_lock(
    postgres: str, request: pytest.FixtureRequest
) -> None:
    url = f"{postgres}/cut"
    execute(f"{postgres}/postgres", "CREATE DATABASE cut", alone=True)
    with Ledger.open(url, create=True) as ledger:
        writer = ledger.writer("demo")
        open_account(writer)
        others = "FROM pg_stat_activity WHERE datname = 'cut' AND pid <> pg_backend_pid()"
        execute(url, f"SELECT pg_terminate_backend(pid) {others}")
        for _ in range(2):
            with pytest.raises(LedgerError):
                record_something(writer, days_at=5)
        writer.close()
        with ledger.writer("demo") as again:
            assert record_something(again, days_at=5)


def at_session(day: int) -> date:
    return date(2023, 6, day)


def record_something(writer: AccountWriter, days_at: int) -> bool:
    session = at_session(days_at)
    return writer.record(session, Task.PREPARE, [Note("a")], at=at(session))
