"""`TrialLedger`: how many formulas were tried, and how often a test span was opened."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, datetime
from pathlib import Path
from types import TracebackType
from typing import Any

import pandas as pd
from sqlalchemy import Connection, Select, and_, func, select
from sqlalchemy.dialects.sqlite import insert

from alpha_sources.evaluation.trials.records import (
    Origin,
    Scope,
    Trial,
    TrialError,
    checked_name,
    day,
    formula_hash,
    moment,
)
from alpha_sources.evaluation.trials.schema import SCHEMA, evaluations, openings, scopes, trials
from engine.sqlite import SqliteFile

#: SQLite takes this many values in one statement everywhere
_AT_ONCE = 500


class TrialLedger:
    """Every formula ever evaluated in a project, and every opening of a test span.

    A formula counts once, however often it is evaluated and however it is written. Nothing is ever taken
    back: there is no method that forgets. Several processes may record at the same time.

    Use :meth:`open`, as a context manager or with :meth:`close`. It can be pickled, and opened before a
    process forks: each step has a connection of its own.
    """

    def __init__(self, file: SqliteFile) -> None:
        self._file = file

    @classmethod
    def open(cls, path: Path | str, *, create: bool = False, timeout_s: float = 30.0) -> TrialLedger:
        """Open a ledger.

        Parameters
        ----------
        path : Path or str
            The file, usually ``trials.db`` in ``ALPHALOOM_HOME``.
        create : bool
            Make it, and its folder, if there is none.
        timeout_s : float
            How long to wait for another process that is writing.

        Raises
        ------
        DatabaseError
            If there is no file, or it is damaged, foreign or of a newer version; it is left as it is.
        DatabaseLocked
            If another process holds it for longer than `timeout_s`.
        """
        file = SqliteFile(Path(path).expanduser(), SCHEMA, create=create, timeout_s=timeout_s)
        return cls(file)

    def __enter__(self) -> TrialLedger:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __reduce__(self) -> tuple[Any, ...]:
        return _reopened, (self.path, self._file.timeout_s)

    @property
    def path(self) -> Path:
        """The file."""
        return self._file.path

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def record(self, project: str, scope: Scope, batch: Iterable[Trial], *, at: datetime) -> int:
        """Write down formulas that were evaluated together: all of them, or none if it fails.

        Parameters
        ----------
        project : str
            What the count is kept for.
        scope : Scope
            What they were evaluated on.
        batch : iterable of Trial
            One evaluated again in the same scope leaves the result that is there. To be counted whatever
            happens, formulas are recorded before they are evaluated, without numbers, and again with them.
        at : datetime
            Now, with its time zone.

        Returns
        -------
        int
            How many of them the project had never tried before.
        """
        project, now = checked_name("a project", project), moment(at)
        by_hash: dict[str, Trial] = {}
        for trial in batch:
            by_hash.setdefault(formula_hash(trial.canonical), trial)
        if not by_hash:
            return 0
        rows = [
            {
                "project": project,
                "formula_hash": key,
                "formula": trial.formula,
                "canonical": trial.canonical,
                "origin": Origin(trial.origin).value,
                "first_seen": now,
            }
            for key, trial in by_hash.items()
        ]
        with self._file.writing() as connection:
            known = _ids(connection, project, list(by_hash))
            new = [row for row in rows if row["formula_hash"] not in known]
            if new:
                connection.execute(insert(trials), new)
                known |= _ids(connection, project, [row["formula_hash"] for row in new])
            scope_id = _scope_id(connection, scope)
            results = [
                {
                    "trial": known[key],
                    "scope": scope_id,
                    "ic_mean": _number(trial.ic_mean),
                    "ic_t": _number(trial.ic_t),
                    "evaluated_at": now,
                }
                for key, trial in by_hash.items()
            ]
            new_result = insert(evaluations)
            known_now = {name: new_result.excluded[name] for name in ("ic_mean", "ic_t", "evaluated_at")}
            # a result is written once; what was only begun is waiting for one
            connection.execute(
                new_result.on_conflict_do_update(
                    index_elements=["trial", "scope"],
                    set_=known_now,
                    where=evaluations.c.ic_mean.is_(None) & evaluations.c.ic_t.is_(None),
                ),
                results,
            )
        return len(new)

    def count(
        self,
        project: str,
        *,
        universe: str | None = None,
        span: tuple[date, date] | None = None,
        horizon_sessions: int | None = None,
        origin: Origin | None = None,
    ) -> int:
        """Return how many distinct formulas a project has tried: the N that significance is deflated by.

        Parameters
        ----------
        project : str
        universe, horizon_sessions, origin : optional
            Only those evaluated so.
        span : (first day, last day), optional
            Only those evaluated on a span that shares a day with this one: a formula tried on half of it has
            been tried on it.
        """
        query = select(func.count(trials.c.id.distinct())).where(trials.c.project == project)
        if origin is not None:
            query = query.where(trials.c.origin == Origin(origin).value)
        conditions = []
        if universe is not None:
            conditions.append(scopes.c.universe == universe)
        if horizon_sessions is not None:
            conditions.append(scopes.c.horizon_sessions == horizon_sessions)
        if span is not None:
            conditions.append(_shares_a_day(scopes, *_in_order(*span)))
        if conditions:
            query = query.join(evaluations, evaluations.c.trial == trials.c.id)
            query = query.join(scopes, scopes.c.id == evaluations.c.scope).where(and_(*conditions))
        with self._file.reading() as connection:
            return int(connection.execute(query).scalar_one())

    def open_test(self, project: str, span: tuple[date, date], config_hash: str, *, at: datetime) -> int:
        """Write down that a test span is opened.

        Parameters
        ----------
        project : str
        span : (first day, last day)
        config_hash : str
            Of the run that opens it.
        at : datetime
            Now, with its time zone.

        Returns
        -------
        int
            How many times the project has opened this span or one that shares a day with it, this time
            included: above 1 the test is no longer one that nobody has seen.
        """
        start, end = _in_order(*span)
        row = {
            "project": checked_name("a project", project),
            "start": start,
            "end": end,
            "config_hash": checked_name("a configuration's hash", config_hash),
            "opened_at": moment(at),
        }
        with self._file.writing() as connection:
            connection.execute(insert(openings), row)
            return _opened(connection, project, start, end)

    def times_opened(self, project: str, span: tuple[date, date]) -> int:
        """Return how many times a project has opened a test span or one that shares a day with it."""
        with self._file.reading() as connection:
            return _opened(connection, project, *_in_order(*span))

    def projects(self) -> list[str]:
        """Return the projects that have tried or opened anything, sorted."""
        query = select(trials.c.project).union(select(openings.c.project)).order_by("project")
        with self._file.reading() as connection:
            return [str(name) for name in connection.execute(query).scalars()]

    def trials(self, project: str) -> pd.DataFrame:
        """Return one row for each formula: as first written, its canonical form, origin, when first seen.

        ``evaluations`` is in how many scopes it was evaluated, ``largest_t`` its largest t value by size.
        """
        columns = [trials.c[n] for n in ("formula", "canonical", "formula_hash", "origin", "first_seen")]
        query = (
            select(
                *columns,
                func.count(evaluations.c.scope).label("evaluations"),
                func.max(func.abs(evaluations.c.ic_t)).label("largest_t"),
            )
            .join(evaluations, evaluations.c.trial == trials.c.id)
            .where(trials.c.project == project)
            .group_by(trials.c.id)
            .order_by(trials.c.first_seen, trials.c.id)
        )
        return self._frame(query, moments=("first_seen",), numbers=("largest_t",))

    def evaluations(self, project: str) -> pd.DataFrame:
        """Return one row for each formula and scope, with the mean IC and its t value (NaN: undefined)."""
        query = (
            select(
                trials.c.formula,
                trials.c.formula_hash,
                trials.c.origin,
                *(scopes.c[n] for n in ("start", "end", "universe", "data_hash", "horizon_sessions")),
                *(evaluations.c[n] for n in ("ic_mean", "ic_t", "evaluated_at")),
            )
            .select_from(evaluations)
            .join(trials, evaluations.c.trial == trials.c.id)
            .join(scopes, evaluations.c.scope == scopes.c.id)
            .where(trials.c.project == project)
            .order_by(evaluations.c.evaluated_at, trials.c.id)
        )
        return self._frame(query, ("evaluated_at",), ("start", "end"), ("ic_mean", "ic_t"))

    def openings(self, project: str) -> pd.DataFrame:
        """Return one row for each opening of a test span, the first one first."""
        query = (
            select(*(openings.c[name] for name in ("start", "end", "config_hash", "opened_at")))
            .where(openings.c.project == project)
            .order_by(openings.c.id)
        )
        return self._frame(query, ("opened_at",), ("start", "end"))

    def _frame(
        self,
        query: Select[Any],
        moments: Sequence[str] = (),
        days: Sequence[str] = (),
        numbers: Sequence[str] = (),
    ) -> pd.DataFrame:
        with self._file.reading() as connection:
            result = connection.execute(query)
            frame = pd.DataFrame.from_records([tuple(row) for row in result], columns=list(result.keys()))
        for name in moments:
            frame[name] = pd.to_datetime(frame[name], utc=True, format="ISO8601")
        for name in days:
            frame[name] = pd.to_datetime(frame[name], format="%Y-%m-%d")
        for name in numbers:
            frame[name] = frame[name].astype("float64")
        return frame


def _reopened(path: Path, timeout_s: float) -> TrialLedger:
    return TrialLedger.open(path, timeout_s=timeout_s)


def _ids(connection: Connection, project: str, hashes: list[str]) -> dict[str, int]:
    out: dict[str, int] = {}
    for first in range(0, len(hashes), _AT_ONCE):
        query = select(trials.c.formula_hash, trials.c.id).where(
            trials.c.project == project, trials.c.formula_hash.in_(hashes[first : first + _AT_ONCE])
        )
        out.update((str(key), int(number)) for key, number in connection.execute(query))
    return out


def _scope_id(connection: Connection, scope: Scope) -> int:
    row = {
        "start": scope.start.isoformat(),
        "end": scope.end.isoformat(),
        "universe": scope.universe,
        "data_hash": scope.data_hash,
        "horizon_sessions": scope.horizon_sessions,
    }
    connection.execute(insert(scopes).on_conflict_do_nothing(), row)
    found = select(scopes.c.id).where(*(scopes.c[name] == value for name, value in row.items()))
    return int(connection.execute(found).scalar_one())


def _opened(connection: Connection, project: str, start: str, end: str) -> int:
    query = select(func.count()).where(openings.c.project == project, _shares_a_day(openings, start, end))
    return int(connection.execute(query).scalar_one())


def _shares_a_day(table: Any, start: str, end: str) -> Any:
    return and_(table.c.start <= end, table.c.end >= start)


def _in_order(start: date, end: date) -> tuple[str, str]:
    first, last = day(start), day(end)
    if first > last:
        raise TrialError(f"a span from {first} to {last} ends before it begins")
    return first.isoformat(), last.isoformat()


def _number(value: float) -> float | None:
    # what is undefined is NULL: SQLite has no NaN
    return None if value != value else float(value)
