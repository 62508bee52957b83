"""The manifest: which files make up the store. Replacing it is the moment at which a change happens."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from engine.hashing import hash_json
from engine.market.store.files import StoreError, write_whole
from engine.market.store.schema import Kind

NAME = "manifest.json"
_FORMAT = 1


#: what to do about a manifest that cannot be used
NEW_MANIFEST = (
    "restore it from a backup, or run alphaloom data verify --repair, which makes a new one of the files"
)


class ManifestDamaged(StoreError):  # noqa: N818 - says what it is
    """The manifest is missing or damaged; the files that it named may be whole."""


@dataclass(frozen=True, slots=True)
class Segment:
    """One immutable file of rows.

    Parameters
    ----------
    path : str
        Below the store's folder, with ``/``.
    kind : Kind
    partition : str
        Year of its days, or ``all``.
    rows, bytes : int
    sha256 : str
    first, last : str
        First and last day among its rows; empty in a table that is not cut by days.
    """

    path: str
    kind: Kind
    partition: str
    rows: int
    bytes: int
    sha256: str
    first: str
    last: str


@dataclass(frozen=True, slots=True)
class Commit:
    """What one step added.

    Parameters
    ----------
    sequence : int
        1 for the first.
    fetched_at : str
        ISO time by the clock of whoever wrote.
    source : str
    rows : dict of str to int
        Rows added or changed, by table.
    accepted : tuple of str
        Reasons for which bars would have been quarantined, that were overruled.
    """

    sequence: int
    fetched_at: str
    source: str
    rows: dict[str, int]
    accepted: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Manifest:
    """The state of a store after a commit."""

    segments: tuple[Segment, ...] = ()
    commits: tuple[Commit, ...] = ()

    @property
    def sequence(self) -> int:
        """Number of the last commit; 0 in an empty store."""
        return self.commits[-1].sequence if self.commits else 0

    def of(self, kind: Kind, first: str = "", last: str = "") -> tuple[Segment, ...]:
        """Segments of a table that may hold days from `first` to `last` (ISO; empty: no bound)."""
        return tuple(
            s
            for s in self.segments
            if s.kind is kind
            and (not first or not s.last or s.last >= first)
            and (not last or not s.first or s.first <= last)
        )

    def after(self, commit: Commit, gone: Iterable[Segment], new: Iterable[Segment]) -> Manifest:
        """Return the manifest with some segments replaced by others."""
        dropped = set(gone)
        kept = [s for s in self.segments if s not in dropped]
        segments = sorted([*kept, *new], key=lambda s: (s.kind, s.partition, s.path))
        return replace(self, segments=tuple(segments), commits=(*self.commits, commit))

    def save(self, folder: Path) -> None:
        """Put the manifest in force."""
        content = {
            "format": _FORMAT,
            "segments": [asdict(s) for s in self.segments],
            "commits": [asdict(c) for c in self.commits],
        }
        text = json.dumps({**content, "checksum": hash_json(content)}, ensure_ascii=False, indent=1)
        write_whole(folder / NAME, text.encode())


def read_manifest(folder: Path) -> Manifest:
    """Read the manifest in force; an empty one where a store has not begun.

    Raises
    ------
    ManifestDamaged
        If it is damaged.
    StoreError
        If it was written by a newer version.
    """
    path = folder / NAME
    try:
        content = json.loads(path.read_bytes())
    except FileNotFoundError:
        return Manifest()
    except (OSError, ValueError) as problem:
        raise _damaged(path, str(problem).splitlines()[0]) from problem
    if not isinstance(content, dict) or "format" not in content:
        raise _damaged(path, "it is no manifest")
    if content["format"] != _FORMAT:
        raise StoreError(
            f"{path}: its format is {content['format']!r}, this program knows {_FORMAT}; it was written by a "
            "newer alphaloom: update it with pip install -U alphaloom"
        )
    checksum = content.pop("checksum", None)
    if checksum != hash_json(content):
        raise _damaged(path, "its checksum does not fit its content")
    unknown = sorted({segment["kind"] for segment in content["segments"]} - set(Kind))
    if unknown:
        raise StoreError(
            f"{path}: it names a table {unknown[0]!r} that this program does not know; it was written by a "
            "newer alphaloom: update it with pip install -U alphaloom"
        )
    return Manifest(tuple(map(_segment, content["segments"])), tuple(map(_commit, content["commits"])))


def _segment(fields: dict[str, Any]) -> Segment:
    return Segment(**{**fields, "kind": Kind(fields["kind"])})


def _commit(fields: dict[str, Any]) -> Commit:
    return Commit(**{**fields, "accepted": tuple(fields["accepted"])})


def _damaged(path: Path, why: str) -> StoreError:
    return ManifestDamaged(f"{path} is damaged: {why}; {NEW_MANIFEST}")
