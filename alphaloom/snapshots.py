"""Find snapshots on disk, and say what is in them and in what two of them differ."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np

from alpha_sources.snapshot import Snapshot
from alphaloom.home import home
from engine.errors import ProviderError

#: characters of a hash that are enough to be meant
_LEAST = 6


def find_snapshot(name: str, day: date | None = None) -> Snapshot:
    """Read a snapshot.

    Parameters
    ----------
    name : str
        Its folder, a run folder, or the beginning of its hash, of those kept in ALPHALOOM_HOME.
    day : date, optional
        Of a run folder: the one that was in force at the close of that day; by default the last.

    Raises
    ------
    ProviderError
        If there is none, several begin like that, or it was changed after it was written.
    """
    path = Path(name).expanduser()
    if (path / "snapshot.json").is_file():
        return Snapshot.load(path)
    if path.is_dir():
        return _of_run(path, day)
    kept = home() / "store" / "refreshes"
    found = sorted(kept.glob(f"{name}*/snapshot.json")) if len(name) >= _LEAST and name.isalnum() else []
    if len(found) > 1:
        raise ProviderError(f"{len(found)} snapshots begin with {name}; write more of the hash")
    if not found:
        raise ProviderError(
            f"there is no snapshot {name!r}: give its folder, a run folder, or at least {_LEAST} characters "
            f"of its hash, of those kept in {kept}"
        )
    return Snapshot.load(found[0].parent)


def snapshots_of(run: Path) -> list[Snapshot]:
    """Snapshots of a run folder, the oldest first.

    Raises
    ------
    ProviderError
        If it holds none, or one that was changed.
    """
    folders = sorted(path.parent for path in (run / "snapshots").glob("*/snapshot.json"))
    if not folders:
        raise ProviderError(f"{run} holds no snapshots: it is no run folder, or its provider learned nothing")
    return sorted((Snapshot.load(folder) for folder in folders), key=lambda one: one.as_of)


def parent_of(snapshot: Snapshot, name: str) -> Snapshot:
    """Read the snapshot that one was refreshed from, found beside it or among those kept.

    Raises
    ------
    ProviderError
        If it was the first, or its parent is nowhere.
    """
    if snapshot.parent is None:
        raise ProviderError(f"snapshot {snapshot.hash[:12]} was learned without one before it; name two")
    place = Path(name).expanduser()
    for folder in (place.parent, place / "snapshots", home() / "store" / "refreshes"):
        if (folder / snapshot.parent / "snapshot.json").is_file():
            return Snapshot.load(folder / snapshot.parent)
    raise ProviderError(f"the parent {snapshot.parent[:12]} of {snapshot.hash[:12]} is not there; name two")


def describe(snapshot: Snapshot) -> list[tuple[str, str]]:
    """Say who learned it, when, from what; label and text."""
    about = [
        ("hash", snapshot.hash),
        ("provider", snapshot.provider or "unnamed"),
        ("as of", snapshot.as_of or "?"),
        ("parent", snapshot.parent or "none"),
    ]
    about += [("payload", f"{key}: {_short(value)}") for key, value in snapshot.payload.items()]
    about += [("array", f"{name}: {array.shape} {array.dtype}") for name, array in snapshot.arrays.items()]
    return about


def differences(before: Snapshot, after: Snapshot) -> Iterator[str]:
    """Say in what two snapshots differ, a line each; nothing if they are equal."""
    for key in ("provider", "params_hash", "as_of"):
        first, second = getattr(before, key), getattr(after, key)
        if first != second:
            yield f"{key}: {_short(first)} -> {_short(second)}"
    yield from _in_values(before.payload, after.payload, "payload")
    for name in sorted({*before.arrays, *after.arrays}):
        yield from _in_array(name, before.arrays.get(name), after.arrays.get(name))


def _of_run(run: Path, day: date | None) -> Snapshot:
    found = snapshots_of(run)
    if day is None:
        return found[-1]
    in_force = [one for one in found if one.as_of <= day.isoformat()]
    if not in_force:
        raise ProviderError(f"{run}: nothing was learned by {day}; the first snapshot is of {found[0].as_of}")
    return in_force[-1]


def _in_values(first: Any, second: Any, key: str) -> Iterator[str]:
    if isinstance(first, Mapping) and isinstance(second, Mapping):
        for name in sorted({*first, *second}):
            yield from _in_values(first.get(name), second.get(name), f"{key}.{name}")
    elif isinstance(first, tuple) and isinstance(second, tuple) and len(first) == len(second):
        for i, (one, other) in enumerate(zip(first, second, strict=True)):
            yield from _in_values(one, other, f"{key}[{i}]")
    elif first != second:
        yield f"{key}: {_short(first)} -> {_short(second)}"


def _in_array(name: str, first: Any, second: Any) -> Iterator[str]:
    if first is None or second is None:
        yield f"array {name}: {'added' if first is None else 'gone'}"
    elif first.shape != second.shape:
        yield f"array {name}: {first.shape} -> {second.shape}"
    elif not np.array_equal(first, second, equal_nan=first.dtype.kind == "f"):
        moved = float(np.nanmax(np.abs(second.astype(np.float64) - first.astype(np.float64))))
        yield f"array {name}: differs by at most {moved:.6g}"


def _short(value: Any) -> str:
    if isinstance(value, Mapping):
        return f"{len(value)} keys"
    if isinstance(value, tuple):
        return f"{len(value)} items" if len(value) > 3 else ", ".join(map(_short, value))
    text = "null" if value is None else str(value)
    return text if len(text) <= 100 else f"{text[:97]}..."
