"""The work folder: what was asked, and every result as soon as it is there, whole or not at all."""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from alphaloom.whole_file import write_whole
from engine.errors import OutputError

_ASKED = "experiment.json"
#: raised when a row comes to mean or to hold something else: records of both must not stand on one page
LAYOUT = 2


@dataclass(frozen=True, slots=True)
class Identity:
    """What makes results fit to stand on one page.

    Parameters
    ----------
    version : str
        Of Alphaloom and of its records, see `LAYOUT`.
    config, data : str
        Hashes of the configuration, and of the market that it gives.
    files : str
        Hash of the files that the configuration names.
    """

    version: str
    config: str
    data: str
    files: str

    def difference(self, other: Mapping[str, Any]) -> str | None:
        """Say what of a record differs first, or None."""
        words = {
            "data": "the data are others",
            "config": "the configuration is another",
            "files": "files that the configuration names have changed",
            "version": "they were made by another version of Alphaloom",
        }
        for key, text in words.items():
            there, here = str(other.get(key)), getattr(self, key)
            if there != here:
                return f"{text} ({key} {there[:12]} there, {here[:12]} now)"
        return None


@dataclass(frozen=True, slots=True)
class WorkFolder:
    """Results by name; use :meth:`open`.

    Parameters
    ----------
    path : Path
    """

    path: Path

    @classmethod
    def open(cls, path: Path, identity: Identity) -> WorkFolder:
        """Begin in a new or empty folder, or go on in that of the same experiment.

        Raises
        ------
        OutputError
            If its results are of other data, another configuration or version, or it is no such folder.
        """
        asked = path / _ASKED
        if asked.is_file():
            try:
                there = dict(json.loads(asked.read_bytes()))
            except (OSError, ValueError, TypeError):
                raise OutputError(f"{asked} cannot be read; name a new --out") from None
            difference = identity.difference(there)
            if difference:
                raise OutputError(
                    f"{path} holds results that these must not be mixed with: {difference}; restore what "
                    "changed, or name a new --out"
                )
            return cls(path)
        if path.exists() and not path.is_dir():
            raise OutputError(f"{path} is a file; name a new or empty folder")
        if path.is_dir() and any(path.iterdir()):
            raise OutputError(f"{path} is not empty and holds no reproduction; name a new or empty folder")
        plain = {key: getattr(identity, key) for key in ("version", "config", "data", "files")}
        write_whole(asked, json.dumps(plain, indent=2) + "\n")
        return cls(path)

    def write(self, name: str, record: Mapping[str, Any]) -> None:
        """Write a record; the same record gives the same bytes."""
        text = json.dumps(record, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
        digest = hashlib.sha256(text.encode()).hexdigest()
        write_whole(self.path / f"{name}.json", f'{{"sha256":"{digest}","record":{text}}}\n')

    def read(self, name: str) -> dict[str, Any] | None:
        """Return a record; None where there is none, or it was damaged."""
        try:
            text = (self.path / f"{name}.json").read_text(encoding="utf-8")
            head, _, body = text.partition(',"record":')
            body = body.rstrip()[:-1]
            if hashlib.sha256(body.encode()).hexdigest() != json.loads(head + "}")["sha256"]:
                return None
            return dict(json.loads(body))
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def write_arrays(self, name: str, arrays: Mapping[str, NDArray[Any]]) -> None:
        """Write arrays under one name."""
        content = io.BytesIO()
        np.savez_compressed(content, allow_pickle=False, **dict(arrays))
        write_whole(self.path / f"{name}.npz", content.getvalue())

    def read_arrays(self, name: str) -> dict[str, NDArray[Any]] | None:
        """Return arrays; None where there are none, or they were damaged."""
        try:
            with np.load(self.path / f"{name}.npz", allow_pickle=False) as found:
                return {key: found[key] for key in found.files}
        except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
            return None
