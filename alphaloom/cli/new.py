"""``alphaloom new``: a provider, a strategy or a project of one's own, ready to run."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from alphaloom.scaffold import Scaffold

new_app = typer.Typer(help="Start a provider, a strategy or a project of your own.", no_args_is_help=True)

Name = Annotated[
    str, typer.Argument(metavar="NAME", help="Such as low_turnover; the class is then LowTurnover.")
]


@new_app.callback()
def new() -> None:
    """Start a provider, a strategy or a project of your own."""


@new_app.command()
def provider(name: Name) -> None:
    """Write a provider that works, its test and a configuration into the working folder."""
    from alphaloom.scaffold import new_provider

    _write(new_provider(name, Path()))


@new_app.command()
def strategy(name: Name) -> None:
    """Write a strategy that works, its test and a configuration into the working folder."""
    from alphaloom.scaffold import new_strategy

    _write(new_strategy(name, Path()))


@new_app.command()
def project(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="A new or empty folder, such as my_alphas.")],
) -> None:
    """Write an installable package with a provider, a strategy, their tests and a configuration."""
    from alphaloom.scaffold import new_project

    _write(new_project(folder))


def _write(scaffold: Scaffold) -> None:
    from alphaloom.scaffold import write_new

    write_new(scaffold.files)
    width = max(map(len, scaffold.notes))
    for file, note in scaffold.notes.items():
        typer.echo(f"{file:<{width}}  {note}")
    for i, step in enumerate(scaffold.steps):
        typer.echo(f"{'' if i else 'next':<4}  {step}")
