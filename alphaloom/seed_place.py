"""The seed file while it is mined: begun, continued by the same command, and never with less in it."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

from alpha_sources.seed.file import mined_entries, read_mined, seed_file
from alpha_sources.seed.mined import Mined
from alphaloom.home import home
from alphaloom.whole_file import write_whole
from engine.errors import OutputError
from engine.hashing import hash_json
from engine.locks import FileLock, LockHeld


class SeedPlace:
    """Where a mining run writes; as a context manager it keeps other processes out.

    Parameters
    ----------
    out : Path
    force : bool
        Replace a file that is complete, or that something else was written to.

    Raises
    ------
    OutputError
        On entry, if another process mines to this file, or the file is not to be replaced.
    """

    def __init__(self, out: Path, *, force: bool) -> None:
        if out.suffix.lower() not in (".yaml", ".yml"):
            raise OutputError(f"{out}: a seed file is called .yaml")
        self.out, self._force = out, force
        self._before: dict[str, Any] | None = None
        self._seeds = 0
        self._lock: FileLock | None = None

    def __enter__(self) -> SeedPlace:
        self._lock = _locked(self.out)
        try:
            self._before = _begun(self.out, self._force)
            self._seeds = len(mined_entries(self.out)) if self._before is not None else 0
        except BaseException:
            self._lock.release()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._lock is not None:
            self._lock.release()

    def begin(self, nothing: Mined, sources: Sequence[Path | str], models: Sequence[str]) -> None:
        """Find out, before anything is paid for, that a file cannot be written or holds something else.

        Parameters
        ----------
        nothing : Mined
            What the run has before its first document.
        sources : sequence of Path or str
            Its documents.
        models : sequence of str
            That it asks.
        """
        if self._before is not None:
            _same(self.out, self._before, nothing, sources, models)
        if not self.out.exists():
            write_whole(self.out, seed_file(nothing))
        elif not os.access(self.out.parent, os.W_OK):
            raise OutputError(f"cannot write {self.out}: its folder is read-only")

    def write(self, mined: Mined) -> None:
        """Write what was mined; until all is done the file that is continued loses no seed."""
        if not mined.unfinished or len(mined.seeds) >= self._seeds:
            write_whole(self.out, seed_file(mined))


def _locked(out: Path) -> FileLock:
    # not beside the file: its folder may be the one that is mined
    folder = home() / "locks"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = FileLock(folder / f"seeds-{hash_json(str(out.resolve()))[:24]}.mine.lock")
        lock.acquire()
        return lock
    except LockHeld:
        raise OutputError(
            f"{out}: another process mines to this file; wait for it, or name another file"
        ) from None
    except OSError as problem:
        raise OutputError(f"cannot write the lock of {out} in {folder}: {problem}") from None


def _begun(out: Path, force: bool) -> dict[str, Any] | None:
    """What a file that is to be continued says of itself; None if it is written anew."""
    if out.is_dir():
        raise OutputError(f"{out} is a folder; name a file in it")
    if force or not out.exists():
        return None
    before = read_mined(out)
    if before is None:
        raise OutputError(f"{out} exists and was not mined; name another file, or replace it with --force")
    if not before.get("unfinished"):
        raise OutputError(f"{out} is complete; name another file, or mine it anew with --force")
    return before


def _same(
    out: Path, before: Mapping[str, Any], now: Mined, sources: Sequence[Path | str], models: Sequence[str]
) -> None:
    """Refuse to continue a file that was begun with something else."""
    other = [
        what
        for what, then, today in (
            ("settings", before.get("settings"), now.settings),
            ("data", before.get("data"), now.data),
            ("mask", before.get("mask", ""), now.mask),
        )
        if then != today
    ]
    if gone := [name for name in before.get("models") or [] if name not in models]:
        other.append(f"models ({', '.join(gone)})")
    if lost := [name for each in before.get("documents") or [] if not _there(name := each["name"], sources)]:
        other.append(f"documents ({lost[0]}{' and others' if len(lost) > 1 else ''})")
    if other:
        raise OutputError(
            f"{out} was begun with other {other[0]}; name another file, or mine it anew with --force"
        )


def _there(name: str, sources: Sequence[Path | str]) -> bool:
    # a name that is no text was written with its bytes escaped, and is not looked for
    return "\\" in name or any(
        (path / name).exists() if path.is_dir() else path.name == name for path in map(Path, sources)
    )
