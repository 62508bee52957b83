"""``alphaloom seed``: seeds from documents and lists."""

from __future__ import annotations

import typer

from alphaloom.cli.seed.diff import diff
from alphaloom.cli.seed.importing import import_list
from alphaloom.cli.seed.mine import mine
from alphaloom.cli.seed.show import show

seed_app = typer.Typer(help="Mine seed alphas from documents and lists.", no_args_is_help=True)
seed_app.command()(mine)
seed_app.command()(show)
seed_app.command()(diff)
seed_app.command("import")(import_list)


@seed_app.callback()
def seed() -> None:
    """Mine seed alphas from documents and lists."""
