"""Where what providers have learned is kept beside a ledger, and what to do when it is gone."""

from __future__ import annotations

from pathlib import Path

from alpha_sources.snapshot import Snapshot
from engine.errors import ProviderError
from live.errors import LedgerError


def keep(snapshot: Snapshot, folder: Path) -> None:
    """Store a snapshot under its hash.

    Raises
    ------
    LedgerError
        If the folder cannot be written.
    """
    try:
        snapshot.save(folder)
    except OSError as problem:
        raise LedgerError(
            f"what {snapshot.provider} learned cannot be kept in {folder}: {problem.strerror}"
        ) from None


def recall(folder: Path, digest: str) -> Snapshot:
    """Read the snapshot with a hash.

    Raises
    ------
    LedgerError
        If it is gone or was changed. It is not learned again: nothing says that the same would come of it.
    """
    try:
        return Snapshot.load(folder / digest)
    except ProviderError as problem:
        raise LedgerError(
            f"{problem}; restore {folder} from a backup, or begin anew: alphaloom paper reset"
        ) from None
