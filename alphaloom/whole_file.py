"""Files that appear whole or not at all."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from engine.errors import OutputError


def check_new_file(path: Path, *, force: bool = False) -> None:
    """Refuse to write where something would be lost.

    Raises
    ------
    OutputError
        If `path` is a folder, or exists and `force` is not set.
    """
    if path.is_dir():
        raise OutputError(f"{path} is a folder; name a file in it")
    if path.exists() and not force:
        raise OutputError(f"{path} exists; name another file, or replace it with --force")


def write_whole(path: Path, content: str | bytes) -> None:
    """Write a file beside its place, then move it there; text as UTF-8.

    Raises
    ------
    OutputError
        If it cannot be written.
    """
    data = content.encode() if isinstance(content, str) else content
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, partial = tempfile.mkstemp(prefix=f".{path.name}-", dir=path.parent)
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(data)
            Path(partial).chmod(0o644)
            Path(partial).replace(path)
        except BaseException:
            Path(partial).unlink(missing_ok=True)
            raise
    except OSError as problem:
        raise OutputError(f"cannot write {path}: {problem.strerror or problem}") from None
