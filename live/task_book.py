"""`TaskBook`: where the tasks of an account stand, and what is written when one begins or ends."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime
from typing import Protocol

from engine.broker.account import Account
from engine.errors import AlphaloomError
from live.errors import LedgerError, SessionError
from live.ledger import AccountWriter, Entry, Task, TaskState
from live.past import PastSession
from live.run import PaperRun
from live.timetable import Timetable

#: what is in one of these is not done any more
OVER = (TaskState.DONE, TaskState.MISSED)


class Clock(Protocol):
    """Tells the time of the exchanges."""

    def reach(self, due: datetime) -> datetime:
        """Wait for a moment, unless it has passed; the time it is then."""
        ...


@dataclass(frozen=True, slots=True)
class TaskEnded:
    """That a task of a session ended, and with what."""

    session: date
    task: Task
    state: TaskState
    note: str


class TaskBook:
    """The tasks of one account, by row of the session.

    Parameters
    ----------
    run : PaperRun
    writer : AccountWriter
        It has the account's lock.
    past : mapping of date to PastSession
        Sessions as the ledger has them.
    clock : Clock
        A task whose deadline it has passed is missed.
    tell : callable, optional
        Called for every task that ends.
    count_attempts : bool
        Record that a task was begun, too: one more transaction each.

    Attributes
    ----------
    past : dict of int to PastSession
        By row; kept up to date.
    doing : (row, Task) or None
        What fails, should something fail now.
    """

    def __init__(
        self,
        run: PaperRun,
        writer: AccountWriter,
        past: Mapping[date, PastSession],
        *,
        clock: Clock,
        tell: Callable[[TaskEnded], None] | None = None,
        count_attempts: bool = False,
    ) -> None:
        self._run, self._writer, self._clock = run, writer, clock
        self.tell, self._counts_attempts = tell, count_attempts
        self.timetable = Timetable.of(run.broker)
        self.past = {run.row(day): session for day, session in past.items()}
        self.doing: tuple[int, Task] | None = None

    @property
    def next_row(self) -> int:
        """Row of the first session that is not settled."""
        settled = [row for row, past in self.past.items() if past.settled]
        return max(settled) + 1 if settled else self._run.span.start

    def is_over(self, row: int, task: Task) -> bool:
        """Whether a task is done, or can never be done any more."""
        past = self.past.get(row)
        return past is not None and past.is_(task, *OVER)

    def reach(self, row: int, task: Task) -> datetime:
        """Wait until a task of a session is due; the time it is then."""
        return self._clock.reach(self._due(row, task))

    def begin(self, row: int, task: Task) -> bool:
        """Whether a task is to be done now: it is not over, and not too late."""
        if self.is_over(row, task):
            return False
        self.doing = row, task
        session, now = self._run.session(row), self.reach(row, task)
        deadline = self.timetable.deadline(task, session)
        # to look back and to book is never too late
        if now > deadline and task not in (Task.PREPARE, Task.SETTLE):
            why = f"its time was up at {deadline:%Y-%m-%d %H:%M}"
            past = self.past.get(row)
            if past is not None and past.is_(task, TaskState.FAILED):
                why += f", after it had failed: {past.notes.get(task, '')}"
            self.miss(row, task, why)
            return False
        if self._counts_attempts:
            self._writer.start(session, task, at=now)
        return True

    def miss(self, row: int, task: Task, why: str) -> None:
        """Record that a task can never be done any more."""
        self._writer.miss(self._run.session(row), task, why, at=self.reach(row, task))
        self._ended(row, task, TaskState.MISSED, why)

    def done(
        self,
        row: int,
        task: Task,
        entries: list[Entry],
        note: str,
        at: datetime,
        account: Account | None = None,
    ) -> None:
        """Record what a task did; with the first of a session all its tasks are entered."""
        session = self._run.session(row)
        deadlines = self.timetable.deadlines(session) if task is Task.PREPARE else None
        self._writer.record(session, task, entries, at=at, account=account, note=note, schedule=deadlines)
        self._ended(row, task, TaskState.DONE, note)

    @contextmanager
    def failures(self) -> Iterator[None]:
        """Record what goes wrong within as the failure of the task at hand.

        Raises
        ------
        SessionError
            In its place; an error of the ledger itself goes on as it is, nothing can be recorded then.
        """
        try:
            yield
        except LedgerError:
            raise
        except AlphaloomError as problem:
            if self.doing is None:
                raise
            row, task = self.doing
            session = self._run.session(row)
            self._writer.fail(session, task, str(problem), at=self.reach(row, task))
            self._ended(row, task, TaskState.FAILED, str(problem))
            raise SessionError(
                f"{task.value} of {session} failed: {problem}; nothing of it was recorded but this. "
                "Mend the cause and run the same command again"
            ) from problem

    def _due(self, row: int, task: Task) -> datetime:
        return self.timetable.due(task, self._run.session(row), self._run.eve(row))

    def _ended(self, row: int, task: Task, state: TaskState, note: str) -> None:
        past = self.past[row]
        past.states[task], past.notes[task] = state, note
        if self.tell is not None:
            self.tell(TaskEnded(past.session, task, state, note))
