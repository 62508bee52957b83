"""Files that appear whole or not at all, and what can go wrong with them, in words."""

from __future__ import annotations

import errno
import hashlib
import os
import tempfile
from contextlib import suppress
from pathlib import Path

from engine.errors import DataError

#: how the names of files begin that are not finished; a later writer removes what a killed one left
PARTIAL = ".partial-"
_FULL = "the disk is full, or a limit on file sizes is reached"
_WORDS = {
    errno.ENOSPC: _FULL,
    errno.EFBIG: _FULL,
    getattr(errno, "EDQUOT", errno.ENOSPC): "the disk quota is used up",
    errno.EROFS: "the file system is read-only",
    errno.EACCES: "access is denied",
}


class StoreError(DataError):
    """The market store cannot be read or written; the message names the file and says what now."""


class StoreBusy(StoreError):  # noqa: N818 - says what it is
    """Another process is writing to the store."""


def write_whole(path: Path, data: bytes) -> None:
    """Write a file beside its place, bring it to the disk, then move it there.

    Raises
    ------
    StoreError
        If it cannot be written; what stood there before stands there still.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(prefix=PARTIAL, dir=path.parent)
        partial = Path(name)
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            partial.chmod(0o644)
            partial.replace(path)
            _sync_folder(path.parent)
        except BaseException:
            partial.unlink(missing_ok=True)
            raise
    except OSError as problem:
        raise not_written(path, problem) from problem


def not_written(path: Path, problem: OSError) -> StoreError:
    """Say why a file could not be written, and what now."""
    why = _WORDS.get(problem.errno or 0, problem.strerror or str(problem))
    return StoreError(
        f"{path} cannot be written: {why}; nothing of this step was stored: see to it and repeat the command"
    )


def sha256(data: bytes) -> str:
    """Return the checksum by which a file is known."""
    return hashlib.sha256(data).hexdigest()


def _sync_folder(folder: Path) -> None:
    if os.name != "posix":
        return
    with suppress(OSError):  # some file systems of a network refuse it
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
