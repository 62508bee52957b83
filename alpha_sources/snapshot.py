"""`Snapshot`: what a provider has learned, as a value that can be hashed, stored and read back."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.errors import ProviderError
from engine.hashing import canonical_json, hash_arrays, hash_json

_RECORD = "snapshot.json"
_ARRAYS = "arrays.safetensors"
_FIELDS = ("provider", "params_hash", "as_of", "parent", "payload")


@dataclass(frozen=True, eq=False, kw_only=True)
class Snapshot:
    """All that a provider needs, besides a view, to score: no model, no network, no clock.

    A provider gives `payload` and `arrays`; the rest is stamped on by whoever called its refresh.

    Parameters
    ----------
    payload : mapping
        Anything JSON can say. Kept deeply read-only: lists become tuples, keys are sorted.
    arrays : mapping of str to ndarray
        Numbers and booleans of any shape. Copied, and read-only from then on.
    provider : str
        Name of the provider in the configuration.
    params_hash : str
        Hash of that name and its parameters.
    as_of : str
        ISO date of the session at whose close it was learned.
    parent : str or None
        Hash of the snapshot it was refreshed from.

    Raises
    ------
    ProviderError
        If the payload is no JSON or an array cannot be stored.
    """

    provider: str = ""
    params_hash: str = ""
    as_of: str = ""
    parent: str | None = None
    payload: Mapping[str, Any] = field(default_factory=dict)
    arrays: Mapping[str, NDArray[Any]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not isinstance(self.payload, Mapping):
            raise ProviderError(f"a snapshot's payload must be a mapping, not {type(self.payload).__name__}")
        try:
            plain = json.loads(canonical_json(_thaw(self.payload)))
        except (TypeError, ValueError) as exc:
            raise ProviderError(f"a snapshot's payload must be JSON: {exc}") from exc
        arrays = {name: _readonly(name, self.arrays[name]) for name in sorted(self.arrays)}
        object.__setattr__(self, "payload", _freeze(plain))
        object.__setattr__(self, "arrays", MappingProxyType(arrays))

    @cached_property
    def hash(self) -> str:
        """Sha256 of everything in it. Equal hashes are equal snapshots, on every machine."""
        return hash_json({**self._record(), "arrays": hash_arrays(self.arrays.items())})

    def __eq__(self, other: object) -> bool:
        return self.hash == other.hash if isinstance(other, Snapshot) else NotImplemented

    def __hash__(self) -> int:
        return hash(self.hash)

    def __repr__(self) -> str:
        return f"Snapshot({self.provider or 'unnamed'}, as of {self.as_of or '?'}, {self.hash[:12]})"

    def __reduce__(self) -> tuple[Any, ...]:
        return _rebuild, ({**self._record(), "arrays": dict(self.arrays)},)

    def stamped(self, *, provider: str, params_hash: str, as_of: str, parent: str | None) -> Snapshot:
        """Return the same learning under these particulars."""
        return replace(self, provider=provider, params_hash=params_hash, as_of=as_of, parent=parent)

    def save(self, folder: Path) -> Path:
        """Write ``<folder>/<hash>/`` whole or not at all; return it. An existing one is left as it is."""
        from safetensors.numpy import save

        target = folder / self.hash
        if target.exists():
            return target
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder, prefix=".writing-") as scratch:
            whole = Path(scratch) / self.hash
            whole.mkdir()
            text = json.dumps(self._record(), ensure_ascii=False, indent=2, sort_keys=True)
            _write(whole / _RECORD, text.encode())
            _write(whole / _ARRAYS, save(dict(self.arrays)))
            try:
                whole.rename(target)
            except OSError:  # somebody else was first: same name, same content
                if not target.exists():
                    raise
        return target

    @classmethod
    def load(cls, folder: Path) -> Snapshot:
        """Read the snapshot that `folder` holds.

        Raises
        ------
        ProviderError
            If there is none, it cannot be read, or its content does not give the hash it is named by.
        """
        from safetensors import SafetensorError
        from safetensors.numpy import load

        try:
            record = json.loads((folder / _RECORD).read_bytes())
            arrays = load((folder / _ARRAYS).read_bytes())
        except FileNotFoundError as exc:
            raise ProviderError(f"no snapshot in {folder}: {Path(exc.filename).name} is missing") from exc
        except (OSError, ValueError, SafetensorError) as exc:
            raise ProviderError(f"the snapshot in {folder} cannot be read: {exc}") from exc
        if not isinstance(record, dict) or sorted(record) != sorted(_FIELDS):
            raise ProviderError(f"{folder / _RECORD} must hold exactly {', '.join(_FIELDS)}")
        snapshot = cls(**record, arrays=arrays)
        if snapshot.hash != folder.resolve().name:
            raise ProviderError(
                f"the snapshot in {folder} was changed after it was written: its content gives the hash "
                f"{snapshot.hash[:12]}…; restore it or refresh anew"
            )
        return snapshot

    def _record(self) -> dict[str, Any]:
        return {name: _thaw(getattr(self, name)) for name in _FIELDS}


def _readonly(name: str, value: Any) -> NDArray[Any]:
    array = np.array(value, order="C")  # a copy: whoever made it may go on using theirs
    if array.dtype.kind not in "biuf" or array.dtype.itemsize > 8:
        raise ProviderError(f"snapshot array {name!r} has dtype {array.dtype}; store numbers or booleans")
    array = array.astype(array.dtype.newbyteorder("<"), copy=False)
    array.flags.writeable = False
    return array


def _freeze(value: Any) -> Any:
    if isinstance(value, dict):
        return MappingProxyType({key: _freeze(item) for key, item in value.items()})
    return tuple(map(_freeze, value)) if isinstance(value, list) else value


def _thaw(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _thaw(item) for key, item in value.items()}
    return [_thaw(item) for item in value] if isinstance(value, list | tuple) else value


def _write(path: Path, content: bytes) -> None:
    with path.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())  # or a power cut could leave the name without the bytes


def _rebuild(fields: dict[str, Any]) -> Snapshot:
    return Snapshot(**fields)
