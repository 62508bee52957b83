"""The folder of a sweep: what was asked, the points done, and the tables at the end."""

from __future__ import annotations

import hashlib
import io
import json
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from alphaloom.config import RunConfig
from alphaloom.sweep.grid import flow
from alphaloom.sweep.results import Sweep
from alphaloom.whole_file import write_whole
from engine.errors import OutputError
from engine.hashing import hash_json

_ASKED = "sweep.yaml"
_HEAD = "# What was swept. The same command with the same --out goes on where it stopped.\n"


@dataclass(frozen=True)
class Identity:
    """What makes two sweeps the same: hashes of everything that determines their points."""

    version: str
    config: str
    grid: str
    data: str
    files: str

    @classmethod
    def of(
        cls,
        version: str,
        base: RunConfig,
        grid: Mapping[str, Sequence[Any]],
        points: Sequence[RunConfig],
        data: Sequence[str],
    ) -> Identity:
        """Take the identity of a sweep; `data` are the hashes of the points' panels."""
        return cls(
            version,
            base.hash(),
            hash_json([[key, [flow(value) for value in values]] for key, values in grid.items()]),
            hash_json(list(data)),
            hash_json([named_files(point) for point in points]),
        )

    def difference(self, other: Mapping[str, Any]) -> str | None:
        """Say in words what differs first, or None."""
        words = {
            "grid": "grid",
            "config": "configuration",
            "data": "data",
            "files": "content of files that the configuration names",
            "version": "version of Alphaloom",
        }
        return next((word for key, word in words.items() if other.get(key) != getattr(self, key)), None)


def named_files(settings: RunConfig) -> dict[str, str]:
    """Sha256 of the files that provider, strategy and their parameters name; data are hashed as a panel."""
    out = {}
    for section, name in (("alpha", settings.alpha.provider), ("strategy", settings.strategy.name)):
        target = str(name).rpartition(":")[0]
        if target.endswith(".py"):
            out[f"{section}"] = _digest(settings.base / target)
        for key, value in getattr(settings, section).params.items():
            for one in value if isinstance(value, list) else [value]:
                if isinstance(one, str | Path) and (settings.base / one).is_file():
                    out[f"{section}.{key}.{Path(one).name}"] = _digest(settings.base / one)
    return out


def open_folder(folder: Path, identity: Identity, config: Mapping[str, Any], grid: Mapping[str, Any]) -> None:
    """Begin a sweep in a new or empty folder, or go on with the same one.

    Raises
    ------
    OutputError
        If the folder holds another sweep or something else, or cannot be written.
    """
    asked = folder / _ASKED
    if asked.is_file():
        difference = identity.difference(_identity_in(asked))
        if difference:
            raise OutputError(f"{folder} holds another sweep (another {difference}); name a new --out")
        return
    if folder.exists() and not folder.is_dir():
        raise OutputError(f"{folder} is a file; name a new or empty folder")
    if folder.is_dir() and any(folder.iterdir()):
        raise OutputError(f"{folder} is not empty and holds no sweep; name a new or empty folder")
    text = yaml.safe_dump(
        {
            "identity": dict(vars(identity)),
            "grid": json.loads(json.dumps(grid, default=str)),
            "config": dict(config),
        },
        sort_keys=False,
        allow_unicode=True,
    )
    write_whole(asked, _HEAD + text)


def finished(folder: Path, config_hash: str, data_hash: str) -> dict[str, Any] | None:
    """Return the metrics of a point that is already there, whole and of the same configuration and data.

    Raises
    ------
    OutputError
        If something else is there.
    """
    if not folder.exists():
        return None
    try:
        metrics: dict[str, Any] = json.loads((folder / "result.json").read_text(encoding="utf-8"))
        same = metrics["config_hash"] == config_hash and metrics["data_hash"] == data_hash
    except (OSError, ValueError, KeyError, TypeError):
        same = False
    if not same:
        raise OutputError(f"{folder} is not the run of this point; remove it, or name a new --out")
    return metrics


def remove_partial(folder: Path, points: Sequence[str]) -> None:
    """Remove what a worker that was stopped had begun to write."""
    for point in points:
        for partial in folder.glob(f".{point}-*"):
            shutil.rmtree(partial, ignore_errors=True)


def write_tables(sweep: Sweep, folder: Path, html: str) -> None:
    """Write ``sweep.json``, ``sweep.parquet``, ``sweep.csv`` and ``sweep.html``."""
    frame = sweep.frame
    parquet = io.BytesIO()
    frame.to_parquet(parquet, index=False)
    write_whole(folder / "sweep.json", sweep_json(sweep))
    write_whole(folder / "sweep.parquet", parquet.getvalue())
    write_whole(folder / "sweep.csv", "\ufeff" + frame.to_csv(index=False))
    write_whole(folder / "sweep.html", html)


def sweep_json(sweep: Sweep) -> str:
    """Return what was found, a function of configuration, grid and data alone."""
    content = {
        "name": sweep.name,
        "tries": len(sweep.points),
        "grid": sweep.grid,
        "config": sweep.config,
        "points": [
            {
                "id": point.id,
                "values": point.values,
                "config_hash": point.config_hash,
                "error": point.error,
                "metrics": point.metrics,
            }
            for point in sweep.points
        ],
    }
    return json.dumps(content, indent=2, ensure_ascii=False, allow_nan=False, default=str) + "\n"


def _identity_in(asked: Path) -> Mapping[str, Any]:
    try:
        content = yaml.safe_load(asked.read_text(encoding="utf-8"))
        return dict(content["identity"])
    except (OSError, ValueError, KeyError, TypeError, yaml.YAMLError):
        raise OutputError(f"{asked} cannot be read; name a new --out") from None


def _digest(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError:
        return "unreadable"
