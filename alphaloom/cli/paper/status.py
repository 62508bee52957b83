"""``alphaloom paper status``: where an account stands."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from alphaloom.cli.paper.options import Account, Db, day_of, ledger_url, state_text, wide_console

if TYPE_CHECKING:
    from datetime import date

    from rich.console import Console

    from live.ledger import Ledger, SessionMark, TaskRecord


def status(
    session: Annotated[
        str | None, typer.Option("--session", metavar="DATE", help="A session. Default: the latest.")
    ] = None,
    db: Db = None,
    account: Account = None,
    alive: Annotated[
        bool, typer.Option("--alive", help="End with exit code 1 unless a daemon runs the account.")
    ] = False,
) -> None:
    """Show an account: its money and positions, the tasks of a session, and why nothing traded.

    Where a daemon runs it: whether that lives, whether the account is halted,
    what its provider learned and cost, and messages that reached nobody.
    """
    from datetime import UTC, datetime

    from rich.markup import escape

    from alphaloom.paper.status import is_alive, standing
    from live.ledger import Ledger

    console = wide_console()
    with Ledger.open(ledger_url(db), read_only=True) as ledger:
        name = ledger.epoch(account).account
        _account(console, ledger, name)
        for heading, text in standing(ledger, name, datetime.now(UTC)):
            console.print(f"{heading:<8} {escape(text)}", soft_wrap=True)
        day = None if session is None else day_of(session, "--session")
        tasks = ledger.tasks(None, name)
        if day is None and tasks:
            day = tasks[-1].session
        if day is None:
            console.print(f"no session yet; {_how_to_begin(ledger, name)}")
        else:
            _session(console, ledger, name, day, [task for task in tasks if task.session == day])
        lives = is_alive(ledger, name, datetime.now(UTC))
    if alive and not lives:
        raise typer.Exit(1)


def _how_to_begin(ledger: Ledger, name: str) -> str:
    if ledger.service(name).heartbeat() is None:
        return "begin with alphaloom paper run, or paper step --session DATE"
    return "the daemon plans the first one on the evening before it"


def _session(console: Console, ledger: Ledger, name: str, day: date, shown: list[TaskRecord]) -> None:
    from live.errors import LedgerError

    if not shown:
        raise LedgerError(f"account {name!r} knows nothing of {day}")
    _tasks(console, ledger, name, shown)
    marks = dict(ledger.marks(name))
    held = max((each for each in marks if each <= day), default=None)
    if held is not None:
        _holdings(console, marks[held], str(held))


def _account(console: Console, ledger: Ledger, name: str) -> None:
    from rich.markup import escape

    epoch = ledger.epoch(name)
    console.print(
        f"[bold]{escape(name)}[/bold]  epoch {epoch.epoch}, configuration {epoch.config_hash[:12]}, "
        f"began with {epoch.opening_fen / 100:,.2f}; settled to {epoch.marked_on or 'nothing yet'}",
        soft_wrap=True,
    )


def _tasks(console: Console, ledger: Ledger, name: str, shown: list[TaskRecord]) -> None:
    from rich.markup import escape

    from engine.broker.orders import REASON_TEXT, Refusal
    from live.ledger import Note

    for task in shown:
        until = f"until {task.deadline:%m-%d %H:%M}" if task.deadline and task.state == "waiting" else ""
        text = task.note or task.error or until
        console.print(
            f"{task.session}  {task.task.value:<8} {state_text(task.state)}  {escape(text)}",
            soft_wrap=True,
        )
        for _, entry in ledger.entries(task.session, task.task, name, kinds=("note", "refusal")):
            if isinstance(entry, Refusal):
                line = f"{entry.request.order_id}: {REASON_TEXT[entry.reason]}"
            else:
                line = entry.text if isinstance(entry, Note) else ""
            console.print(f"    {escape(line)}", soft_wrap=True)


def _holdings(console: Console, mark: SessionMark, day: str) -> None:
    from rich.table import Table

    # no title of the table, which would be broken to its width
    console.print(
        f"At the close of {day}: equity {mark.value_fen / 100:,.2f}, cash {mark.cash_fen / 100:,.2f}",
        soft_wrap=True,
    )
    if not mark.holdings:
        return
    table = Table(box=None, padding=(0, 2, 0, 0))
    for heading in ("Held", "Shares", "Close", "Value"):
        table.add_column(heading, justify="left" if heading == "Held" else "right")
    for held in mark.holdings:
        table.add_row(
            held.symbol, f"{held.shares}", f"{held.close_fen / 100:.2f}", f"{held.value_fen / 100:,.2f}"
        )
    console.print(table)
