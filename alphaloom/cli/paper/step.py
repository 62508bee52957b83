"""``alphaloom paper step``: the tasks of one session."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from alphaloom.cli.paper.options import Account, Db, day_of, ledger_url, print_differences, print_task

if TYPE_CHECKING:
    from live.task_book import TaskEnded


def step(
    session: Annotated[str, typer.Option("--session", metavar="DATE", help="The trading session.")],
    task: Annotated[
        str,
        typer.Option("--task", help="Go as far as prepare, refresh, plan, execute or settle."),
    ] = "settle",
    db: Db = None,
    account: Account = None,
) -> None:
    """Take an account through one session of recorded data, or up to one of its tasks.

    What is done already is not done again. Sessions left out before are valued
    at their closes; what they would have traded is missed.
    """
    from rich.console import Console

    from alphaloom.paper.accounts import step as run
    from engine.errors import ConfigError
    from live.ledger import Ledger, Task, TaskState

    if task not in list(Task):
        raise ConfigError(f"--task: {task!r} is no task; known: {', '.join(Task)}")
    console = Console(highlight=False)
    told: list[TaskEnded] = []

    def tell(ended: TaskEnded) -> None:
        told.append(ended)
        print_task(console, ended)

    url, wanted = ledger_url(db), day_of(session, "--session")
    differences = run(url, account, wanted, Task(task), tell=tell)
    for day, found in differences.items():
        print_differences(console, found)
        if not found:
            console.print(f"{day}  parity   [green]equal  [/]  fill by fill to the session's back-test")
    if Task(task) in [ended.task for ended in told]:
        return
    with Ledger.open(url, read_only=True) as ledger:
        record = ledger.task(wanted, Task(task), account)
    if record is None or record.state in (TaskState.DONE, TaskState.MISSED):
        state = "over" if record is None else record.state.value
        console.print(f"{session}  {task} is {state} already; see alphaloom paper status")
    else:
        console.print(f"{session}  {task} waits for the plan: a provider first learns when it is asked")
