"""``alphaloom paper replay``: recorded days, played as if they were live."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from alphaloom.cli.paper.options import Account, Db, Sets, day_of, ledger_url, print_differences

if TYPE_CHECKING:
    from live.parity import Difference
    from live.past import PastSession


def replay(
    config: Annotated[str, typer.Argument(help="A YAML file, or the name of a shipped configuration.")],
    start: Annotated[str, typer.Option("--from", metavar="DATE", help="First day, inclusive.")],
    end: Annotated[str, typer.Option("--to", metavar="DATE", help="Last day, inclusive.")],
    speed: Annotated[str, typer.Option("--speed", help="Sessions a second, or max.")] = "max",
    db: Db = None,
    account: Account = None,
    out: Annotated[
        Path | None,
        typer.Option("--out", help="Folder for equity, fills and more, as a back-test writes them."),
    ] = None,
    sets: Sets = None,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Only the last lines.")] = False,
) -> None:
    """Play recorded days session by session, through the same ledger and tasks as live days.

    At 9:25 the account knows the opening prices and no more. Stopped, it goes
    on where it was; each session is compared with its back-test.
    """
    import os
    import time

    from rich.console import Console
    from rich.markup import escape

    from alphaloom.config import load_config
    from alphaloom.paper.configured import account_name
    from alphaloom.paper.ledgers import check_export
    from alphaloom.paper.recorded import replay as run
    from live.ledger import Ledger, Task

    pause = _pause(speed)
    settings = load_config(config, sets=sets or [], environ=os.environ)
    first, last = day_of(start, "--from"), day_of(end, "--to")
    name, url = account_name(settings) if account is None else account, ledger_url(db)
    if out is not None:
        check_export(out)
    console = Console(highlight=False)

    def after(past: PastSession, differences: list[Difference] | None) -> None:
        settled = past.notes[Task.SETTLE]
        planned = "" if settled.startswith("nothing traded") else f"{past.notes[Task.PLAN]}; "
        line = f"{past.session}  {escape(planned + settled)}{_parity(differences)}"
        if not quiet:
            console.print(line, soft_wrap=True)
        time.sleep(pause)

    def begin(done: int, total: int) -> None:
        if done and not quiet:
            console.print(f"account {escape(name)} goes on after {done} of {total} sessions")

    differences = run(
        settings,
        first,
        last,
        url=url,
        account=name,
        after_session=after,
        on_start=begin,
        out=out,
        each_evening=pause > 0,
    )
    for found in differences.values():
        print_differences(console, found)
    with Ledger.open(url, read_only=True) as ledger:
        marks, events, where = ledger.marks(name), ledger.verify(name).events, ledger.name
    played = f"{len(differences)} sessions played" if differences else "nothing left to play"
    console.print(f"[bold]{escape(name)}[/bold]  {played}, {len(marks)} in all")
    if marks:
        console.print(f"  equity   {marks[-1][1].value_fen / 100:,.2f} on {marks[-1][0]}")
    if differences:
        equal = sum(not found for found in differences.values())
        console.print(
            f"  parity   {equal} of {len(differences)} sessions equal their back-test, fill by fill"
        )
    console.print(f"  ledger   sound, {events} events: {escape(where)}", soft_wrap=True)
    if out is not None:
        console.print(f"  written  {escape(str(out))}", soft_wrap=True)


def _parity(differences: list[Difference] | None) -> str:
    if differences is None:
        return ""
    return (
        "; [green]equal[/] to its back-test" if not differences else f"; [yellow]{len(differences)} differ[/]"
    )


def _pause(speed: str) -> float:
    """Seconds after each session."""
    from engine.errors import ConfigError

    if speed == "max":
        return 0.0
    try:
        sessions = float(speed)
    except ValueError:
        sessions = 0.0
    if not 1 / 86400 <= sessions < float("inf"):
        raise ConfigError(f"--speed: {speed!r} is no speed; write sessions a second, like 20, or max")
    return 1.0 / sessions
