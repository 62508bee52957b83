"""Where paper accounts are kept: the ledger, what providers have learned beside it, and exports of it."""

from __future__ import annotations

import tempfile
from pathlib import Path

from alphaloom.home import home
from engine.run_folder import check_writable
from live.errors import LedgerError
from live.ledger import Ledger

#: files of an export
_EXPORTED = frozenset(f"{name}.parquet" for name in ("equity", "fills", "orders", "positions", "events"))


def default_ledger() -> str:
    """``paper.db`` in ALPHALOOM_HOME."""
    return str(home() / "paper.db")


def made_ledger(url: str) -> Ledger:
    """Open a ledger, made where there is none; the default one with its folder."""
    if url == default_ledger():
        try:
            Path(url).parent.mkdir(parents=True, exist_ok=True)
        except OSError as problem:
            raise LedgerError(f"ledger {url}: its folder cannot be made: {problem.strerror}") from None
    Ledger.open(url, create=True).close()
    return Ledger.open(url)  # which makes no empty file where this one is removed


def snapshots_of(ledger: Ledger) -> Path:
    """What providers have learned lies beside a SQLite ledger, and moves with it."""
    if ledger.path is not None:
        return ledger.path.with_name(ledger.path.name + ".snapshots")
    return home() / "store" / "snapshots"


def check_export(folder: Path) -> None:
    """Refuse a folder that an account cannot be written to; one that holds an earlier export can be.

    Raises
    ------
    OutputError
        If it holds anything else, is a file, or cannot be made.
    """
    if not _holds_an_export(folder):
        check_writable(folder)


def export_again(ledger: Ledger, account: str, folder: Path) -> None:
    """Write an export in the place of an earlier one, which stays until the new one is whole."""
    if not _holds_an_export(folder):
        ledger.export(folder, account)
        return
    with tempfile.TemporaryDirectory(prefix=f".{folder.name}-", dir=folder.absolute().parent) as scratch:
        whole = ledger.export(Path(scratch) / folder.name, account)
        for name in sorted(_EXPORTED):
            (whole / name).replace(folder / name)


def _holds_an_export(folder: Path) -> bool:
    names = {path.name for path in folder.iterdir()} if folder.is_dir() else set()
    return bool(names) and names <= _EXPORTED
