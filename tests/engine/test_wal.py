"""Processes that make a SQLite file together."""

from __future__ import annotations

import multiprocessing
import sqlite3
from pathlib import Path
from typing import Any

import pytest

from engine.wal import use_wal


def _opens(path: Path, ready: Any, line: Any) -> None:
    ready.wait()
    try:
        connection = sqlite3.connect(path, timeout=30.0, isolation_level=None)
        use_wal(connection, 30.0)
        line.send(connection.execute("PRAGMA journal_mode").fetchone()[0])
    except sqlite3.OperationalError as problem:
        line.send(str(problem))


def test_processes_that_open_a_new_file_at_once_wait_for_one_another(tmp_path: Path) -> None:
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["test_wal"])
    for number in range(12):
        ready = context.Barrier(6)
        lines = [context.Pipe(duplex=False) for _ in range(6)]
        processes = [
            context.Process(target=_opens, args=(tmp_path / f"{number}.db", ready, theirs))
            for _, theirs in lines
        ]
        for process in processes:
            process.start()
        assert [ours.recv() for ours, _ in lines] == ["wal"] * 6
        for process in processes:
            process.join()


def test_a_file_that_stays_locked_is_given_up(tmp_path: Path) -> None:
    holder = sqlite3.connect(tmp_path / "a.db", isolation_level=None)
    holder.execute("BEGIN EXCLUSIVE")
    late = sqlite3.connect(tmp_path / "a.db", timeout=0.0, isolation_level=None)
    with pytest.raises(sqlite3.OperationalError, match="locked"):
        use_wal(late, 0.05)
    holder.execute("COMMIT")
    use_wal(late, 0.05)
