"""`RefreshStore`: what a provider learned from a market, so that the same need not be learned twice."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import tempfile
from functools import cache
from importlib.resources import files
from pathlib import Path

from alpha_sources.snapshot import Snapshot
from engine.errors import ProviderError
from engine.hashing import hash_json
from engine.market.calendar import iso
from engine.market.view import MarketView

#: raised when records are written otherwise than before
_VERSION = 1
_RECORDS = "refreshes"
_SOURCES = frozenset({".py", ".yaml", ".csv", ".txt"})


@cache
def program_hash() -> str:
    """Sha256 of all sources and tables of the packages that learn and that know the market."""
    digest = hashlib.sha256()
    for package in ("engine", "alpha_sources"):
        top = Path(str(files(package)))
        for path in sorted(top.rglob("*")):
            if path.suffix in _SOURCES and path.is_file():
                digest.update(f"{package}/{path.relative_to(top).as_posix()}\n".encode())
                digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()


class RefreshStore:
    """A folder of snapshots, found by what determines them.

    A walk that was interrupted goes on where it was, and one that is finished is played again without
    learning. A record is a file of its own that appears whole or not at all, so that several processes may
    use one folder.

    Parameters
    ----------
    folder : Path
        Made when something is first kept.

    Notes
    -----
    What a refresh gives depends on the provider and its parameters, on what the parameters stand for (its
    `AlphaProvider.fingerprint`), on the market up to the session, on the snapshot before it, on the program.
    All of that is in the key: a row of the past that was corrected changes it, and so does a changed line of
    this package. The market's hash is computed anew for every refresh, which takes a second where the data
    have a few hundred megabytes.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def key(
        self, provider: str, params_hash: str, fingerprint: str, view: MarketView, previous: Snapshot | None
    ) -> str:
        """Return the name of one refresh: a sha256."""
        return hash_json(
            {
                "version": _VERSION,
                "program": program_hash(),
                "provider": provider,
                "params_hash": params_hash,
                "fingerprint": fingerprint,
                "session": iso(view.session),
                "data": view.panel().data_hash,
                "previous": None if previous is None else previous.hash,
            }
        )

    def find(self, key: str) -> tuple[bool, Snapshot | None]:
        """Look a refresh up.

        Returns
        -------
        found : bool
            False too where the record or its snapshot is damaged: it is learned again.
        snapshot : Snapshot or None
            None where the refresh kept what was there.
        """
        try:
            record = json.loads(self._record(key).read_bytes())
            digest = record["snapshot"]
            return True, None if digest is None else Snapshot.load(self.folder / digest)
        except (OSError, ValueError, KeyError, TypeError, ProviderError):
            return False, None

    def keep(self, key: str, snapshot: Snapshot | None) -> None:
        """Remember what a refresh gave.

        Raises
        ------
        OSError
            If the folder cannot be written.
        """
        if snapshot is not None:
            self._save(snapshot)
        record = self._record(key)
        record.parent.mkdir(parents=True, exist_ok=True)
        text = json.dumps({"snapshot": None if snapshot is None else snapshot.hash})
        handle, scratch = tempfile.mkstemp(dir=record.parent, prefix=".writing-")
        try:
            with os.fdopen(handle, "w", encoding="utf-8") as file:
                file.write(text)
                file.flush()
                os.fsync(file.fileno())
            Path(scratch).replace(record)
        except BaseException:
            Path(scratch).unlink(missing_ok=True)
            raise

    def _save(self, snapshot: Snapshot) -> None:
        target = self.folder / snapshot.hash
        if target.exists():
            try:
                Snapshot.load(target)
            except ProviderError:  # damaged: it would be learned anew for ever
                shutil.rmtree(target)
        snapshot.save(self.folder)

    def _record(self, key: str) -> Path:
        return self.folder / _RECORDS / key[:2] / f"{key}.json"
