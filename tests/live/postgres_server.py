"""A PostgreSQL server of the tests' own: a temporary folder, a free port, gone when they end."""

from __future__ import annotations

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


class NoServerError(Exception):
    """Why there is none."""


def binaries() -> Path:
    found = [*Path("/usr/lib/postgresql").glob("*/bin/initdb"), *Path("/usr/local").glob("pgsql/bin/initdb")]
    on_path = shutil.which("initdb")
    if on_path:
        found.append(Path(on_path))
    if not found:
        raise NoServerError("PostgreSQL is not installed (no initdb); apt-get install postgresql")
    return max(found, key=lambda path: [int(part) for part in path.parts if part.isdigit()]).parent


@contextmanager
def server() -> Iterator[str]:
    """URL of a running server, without a database name."""
    try:
        import psycopg  # noqa: F401
    except ImportError:
        raise NoServerError("psycopg is not installed; pip install 'alphaloom[postgres]'") from None
    programs, as_user = binaries(), []
    folder = Path(tempfile.mkdtemp(prefix="alphaloom-pg-"))
    try:
        if os.getuid() == 0:  # the server refuses to run as root
            try:
                owner = pwd.getpwnam("postgres")
            except KeyError:
                raise NoServerError("it does not run as root, and there is no user postgres") from None
            os.chown(folder, owner.pw_uid, owner.pw_gid)
            as_user = ["runuser", "-u", "postgres", "--"]
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        data = folder / "data"
        run([*as_user, str(programs / "initdb"), "-D", str(data), "-U", "tests", "-A", "trust", "-E", "UTF8"])
        # tests kill processes, never the machine: what the system was given to write is not lost
        options = f"-p {port} -k {folder} -c listen_addresses=127.0.0.1 -c fsync=off"
        control = [*as_user, str(programs / "pg_ctl"), "-D", str(data), "-w", "-l", str(folder / "log")]
        run([*control, "-o", options, "start"])
        try:
            yield f"postgresql://tests@127.0.0.1:{port}"
        finally:
            subprocess.run([*control, "-m", "immediate", "stop"], capture_output=True, check=False)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def run(command: list[str]) -> None:
    try:
        # the server keeps the pipes of pg_ctl open: a file, not a pipe
        with tempfile.TemporaryFile() as log:
            done = subprocess.run(command, stdout=log, stderr=log, timeout=60, check=False, cwd="/")
            log.seek(0)
            said = log.read().decode(errors="replace").strip()
    except (OSError, subprocess.TimeoutExpired) as problem:
        raise NoServerError(f"{command[-1]}: {problem}") from None
    if done.returncode:
        raise NoServerError(f"{Path(command[0]).name} failed: {said[-300:]}")
