"""Options that the commands of ``alphaloom paper`` share, and how sessions are printed."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from rich.console import Console

    from live.ledger import TaskState
    from live.parity import Difference
    from live.task_book import TaskEnded

Db = Annotated[
    str | None,
    typer.Option(
        "--db",
        metavar="URL",
        help="Ledger: a SQLite file, sqlite:///FILE or postgresql://... Default: paper.db in ALPHALOOM_HOME.",
    ),
]
Account = Annotated[
    str | None, typer.Option("--account", help="Which account. Default: the only one there is.")
]
Sets = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        metavar="KEY=VALUE",
        help="Override a key, like --set strategy.params.topk=20; as often as needed.",
    ),
]

_STYLES = {"done": "green", "missed": "yellow", "failed": "bold red", "running": "cyan", "waiting": "dim"}


def wide_console() -> Console:
    """Return a console whose tables are not squeezed where there is no terminal."""
    from rich.console import Console

    console = Console(highlight=False)
    return console if console.is_terminal else Console(highlight=False, width=160)


def ledger_url(db: str | None) -> str:
    """Return the ledger that is meant."""
    from alphaloom.paper.ledgers import default_ledger

    return db or default_ledger()


def day_of(text: str, option: str) -> date:
    """Read a day as it is written on the command line, or refuse it by the option's name."""
    from engine.errors import ConfigError

    try:
        return date.fromisoformat(text)
    except ValueError:
        raise ConfigError(f"{option}: {text!r} is no date; write it like 2023-11-01") from None


def state_text(state: TaskState) -> str:
    """Return a state in its colour."""
    return f"[{_STYLES[state.value]}]{state.value:<7}[/]"


def print_task(console: Console, ended: TaskEnded) -> None:
    """Print one task of a session that has ended."""
    from rich.markup import escape

    console.print(
        f"{ended.session}  {ended.task.value:<8} {state_text(ended.state)}  {escape(ended.note)}",
        soft_wrap=True,
    )


def print_differences(console: Console, differences: list[Difference]) -> None:
    """Print where a session differs from its back-test."""
    from rich.markup import escape

    for difference in differences:
        console.print(f"  [yellow]parity[/yellow]  {escape(str(difference))}", soft_wrap=True)
