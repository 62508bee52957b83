"""A new manifest from a store's own files, where the old one is lost: each is named by what it holds."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from engine.market.store.files import sha256
from engine.market.store.folder import LOCK, MarketStore
from engine.market.store.lock import writer_lock
from engine.market.store.manifest import (
    NAME,
    Commit,
    Manifest,
    ManifestDamaged,
    Segment,
    read_manifest,
)
from engine.market.store.schema import Kind
from engine.market.store.segments import day_span, words_of
from engine.market.store.verify import DAMAGED, keys_of, set_aside, wrong_columns


def rebuild_manifest(
    store: MarketStore, clock: Callable[[], datetime], timeout_s: float = 10.0
) -> Manifest | None:
    """Make a new manifest of the files of a store whose manifest is lost or damaged.

    Files whose content does not fit their name are moved into ``damaged/``, and those that share rows with a
    larger or newer one of the same partition are left out: a merge has replaced them. What the old manifest
    said of past steps is forgotten; it is kept in ``damaged/``.

    Parameters
    ----------
    store : MarketStore
    clock : callable
        Returns the time, naive, in Asia/Shanghai.
    timeout_s : float
        How long to wait for another process that writes to the store.

    Returns
    -------
    Manifest or None
        None: the manifest is in order, or there is no store.

    Raises
    ------
    StoreBusy
        If another process writes to the store.
    StoreError
        If the folder cannot be written to, or the manifest is a newer version's.
    """
    if not _is_lost(store):
        return None
    with writer_lock(store.folder / LOCK, timeout_s):
        if not _is_lost(store):
            return None
        segments = tuple(s for kind in Kind for s in _segments(store.folder, kind))
        rows: dict[str, int] = {}
        for segment in segments:
            rows[segment.kind] = rows.get(segment.kind, 0) + segment.rows
        step = Commit(1, clock().replace(microsecond=0).isoformat(), "repair", rows)
        old = store.folder / NAME
        if old.is_file():
            (store.folder / DAMAGED).mkdir(exist_ok=True)
            (store.folder / DAMAGED / NAME).write_bytes(old.read_bytes())
        manifest = Manifest().after(step, (), segments)
        manifest.save(store.folder)
        return manifest


def _is_lost(store: MarketStore) -> bool:
    try:
        store.refuse_headless()
        read_manifest(store.folder)
    except ManifestDamaged:
        return True
    return False


def _segments(folder: Path, kind: Kind) -> Iterator[Segment]:
    """The files of a table that make it up."""
    for partition in sorted(path for path in (folder / kind).glob("*") if path.is_dir()):
        found = []
        for path in sorted(partition.glob("*.parquet")):
            one = _read(folder, kind, path)
            if one is None:
                set_aside(folder, path)
            else:
                found.append(one)
        taken: list[Any] = []
        # a merge is larger than what it has replaced; of a table that is replaced whole the newest counts
        for segment, keys, _ in sorted(found, key=lambda one: (one[0].rows, one[2]), reverse=True):
            if not any(np.isin(keys, others).any() for others in taken):
                taken.append(keys)
                yield segment


def _read(folder: Path, kind: Kind, path: Path) -> tuple[Segment, Any, int] | None:
    """A file as a segment, its keys and its age; None if it is not what its name says."""
    try:
        data, changed = path.read_bytes(), path.stat().st_mtime_ns
        table = pq.read_table(pa.BufferReader(data), read_dictionary=words_of(kind))
    except (pa.ArrowException, OSError):
        return None
    checksum = sha256(data)
    if path.stem != checksum[:16] or any(wrong_columns(kind, table)) or not len(table):
        return None
    first, last = day_span(kind, table)
    name = path.relative_to(folder).as_posix()
    segment = Segment(name, kind, path.parent.name, len(table), len(data), checksum, first, last)
    return segment, keys_of(kind, table), changed
