"""`ResultStore`: measures of alphas, found by what they depend on and nothing else."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np
from sqlalchemy import func, select

from alpha_sources.evaluation.measures import Measured
from alpha_sources.evaluation.status import Status
from alpha_sources.evaluation.store.schema import SCHEMA, results
from engine.hashing import canonical_json, hash_json
from engine.sqlite import SqliteFile

_FILE = "evaluations.db"
_ARRAYS = ("measures", "decay", "rank_ic", "series", "rank_ics")
_DIGESTED = ("key", "formula", "data", "settings", "status", "reason", "shapes")
#: keys asked for at once: every build of SQLite takes as many parameters
_AT_ONCE = 500
_BYTES = 8


class ResultStore:
    """Measures of alphas, by formula, data and settings.

    Rows are only added, and series to a row that came without. Several processes may use one store.

    Parameters
    ----------
    folder : Path or str
        Made if there is none; the file in it is ``evaluations.db``.
    timeout_s : float
        How long to wait for another process that is writing.

    Raises
    ------
    DatabaseError
        If the file is damaged, foreign or of a newer version; it is left as it is.
    DatabaseLocked
        If another process holds it for longer than `timeout_s`.
    """

    def __init__(self, folder: Path | str, *, timeout_s: float = 30.0) -> None:
        path = Path(folder).expanduser() / _FILE
        self._file = SqliteFile(path, SCHEMA, create=True, timeout_s=timeout_s)

    def __enter__(self) -> ResultStore:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __len__(self) -> int:
        with self._file.reading() as connection:
            return connection.execute(select(func.count()).select_from(results)).scalar_one()

    @property
    def path(self) -> Path:
        """The file."""
        return self._file.path

    def close(self) -> None:
        """Close all connections."""
        self._file.close()

    def find(self, keys: Sequence[str], *, with_series: bool = False) -> dict[str, Measured]:
        """Return the results that are there, by key.

        Parameters
        ----------
        keys : sequence of str
            See `result_key`.
        with_series : bool
            Only results whose series were kept, and with them.

        Raises
        ------
        DatabaseError
            If a row is not what was written.
        """
        found: dict[str, Measured] = {}
        with self._file.reading() as connection:
            for start in range(0, len(keys), _AT_ONCE):
                query = select(results).where(results.c.key.in_(keys[start : start + _AT_ONCE]))
                if with_series:
                    query = query.where(results.c.has_series)
                for row in connection.execute(query).mappings():
                    found[row["key"]] = self._read(dict(row), with_series)
        return found

    def add(self, fresh: Iterable[tuple[str, tuple[str, str, str], Measured]]) -> None:
        """Store results: all of them, or none.

        Parameters
        ----------
        fresh : iterable of (key, (formula, data, settings), Measured)
        """
        rows = [_row(key, parts, measured) for key, parts, measured in fresh]
        if not rows:
            return
        with self._file.writing() as connection:
            for row in rows:
                mine = results.c.key == row["key"]
                has_series = connection.execute(select(results.c.has_series).where(mine)).scalar()
                if has_series is None:
                    connection.execute(results.insert().values(row))
                elif row["has_series"] and not has_series:
                    connection.execute(results.update().where(mine).values(row))

    def _read(self, row: dict[str, Any], with_series: bool) -> Measured:
        if row["digest"] != _digest(row):
            raise self._file.error(
                f"the result {row['key'][:12]} is not what was written: the file is damaged and was left "
                "as it is; restore a backup, or move it away to begin a new one"
            )
        arrays: dict[str, Any] = {}
        at = 0
        for name, shape in zip(_ARRAYS, json.loads(row["shapes"]), strict=True):
            arrays[name] = None
            if shape is None:
                continue
            size = int(np.prod(shape, dtype=np.int64))
            if with_series or name not in ("series", "rank_ics"):
                numbers = np.frombuffer(row["numbers"], dtype="<f8", count=size, offset=at)
                arrays[name] = numbers.astype(np.float64).reshape(shape)
            at += _BYTES * size
        return Measured(Status(row["status"]), row["reason"], **arrays)


def result_key(formula: str, data: str, settings: str) -> str:
    """Return the key of a result: the hash of the formula's operations, the data and the settings."""
    return hash_json([formula, data, settings])


def _row(key: str, parts: tuple[str, str, str], measured: Measured) -> dict[str, Any]:
    arrays = [getattr(measured, name) for name in _ARRAYS]
    formula, data, settings = parts
    row = {
        "key": key,
        "formula": formula,
        "data": data,
        "settings": settings,
        "status": str(measured.status),
        "reason": measured.reason,
        "has_series": measured.series is not None,
        "shapes": canonical_json([None if array is None else list(array.shape) for array in arrays]),
        "numbers": b"".join(np.ascontiguousarray(a, dtype="<f8").tobytes() for a in arrays if a is not None),
    }
    return row | {"digest": _digest(row)}


def _digest(row: dict[str, Any]) -> str:
    said = canonical_json([row[name] for name in _DIGESTED])
    return hashlib.sha256(said.encode() + row["numbers"]).hexdigest()
