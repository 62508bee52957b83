"""A file on disk: its size, its bytes, its hash; nothing is read before its size is known to be allowed."""

from __future__ import annotations

import hashlib
import os
import stat
from dataclasses import dataclass, field
from pathlib import Path

from alpha_sources.seed.documents.errors import DocumentError
from alpha_sources.seed.documents.limits import Limits
from alpha_sources.seed.documents.signatures import is_media

_BLOCK = 2**20
HEAD_BYTES = 4096


@dataclass(frozen=True, slots=True)
class Source:
    """The bytes of a file.

    Parameters
    ----------
    path : Path
    hash : str
        sha256 of all of them, in hexadecimal.
    size : int
    data : bytes
        All of them; of a sound or a film only the first 4096, since it is read from disk piece by piece.
    """

    path: Path
    hash: str
    size: int
    data: bytes = field(repr=False)


def open_source(path: Path, limits: Limits) -> Source:
    """Return a file's bytes and hash.

    Raises
    ------
    DocumentError
        If it is missing, no regular file, empty, too large, or cannot be read.
    """
    try:
        # a pipe must not make us wait for somebody to write to it
        handle = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
    except (OSError, ValueError) as error:
        raise DocumentError(f"it cannot be opened: {_reason(error)}") from None
    state = os.fstat(handle)
    if not stat.S_ISREG(state.st_mode):
        os.close(handle)
        raise DocumentError("it is no regular file: name a document")
    with os.fdopen(handle, "rb") as file:
        if not state.st_size:
            raise DocumentError("it is empty: remove it, or fetch it again")
        limits.check("media_bytes", state.st_size, "bytes")
        try:
            head = file.read(HEAD_BYTES)
            if is_media(head):
                hashed = hashlib.sha256(head)
                while block := file.read(_BLOCK):
                    hashed.update(block)
                return Source(path, hashed.hexdigest(), state.st_size, head)
            limits.check("file_bytes", state.st_size, "bytes")
            data = head + file.read(limits.file_bytes + 1 - len(head))
        except OSError as error:
            raise DocumentError(f"it cannot be read: {_reason(error)}") from None
    limits.check("file_bytes", len(data), "bytes")  # it may have grown meanwhile
    return Source(path, hashlib.sha256(data).hexdigest(), len(data), data)


def _reason(error: OSError | ValueError) -> str:
    return (error.strerror if isinstance(error, OSError) else str(error)) or type(error).__name__
