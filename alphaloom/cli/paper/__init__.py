"""``alphaloom paper``: paper accounts, one thin command per file."""

from __future__ import annotations

import typer

from alphaloom.cli.paper.export import export
from alphaloom.cli.paper.halt import halt, resume
from alphaloom.cli.paper.init import init
from alphaloom.cli.paper.parity import parity
from alphaloom.cli.paper.plan import plan
from alphaloom.cli.paper.replay import replay
from alphaloom.cli.paper.reset import reset
from alphaloom.cli.paper.run import run
from alphaloom.cli.paper.status import status
from alphaloom.cli.paper.step import step
from alphaloom.cli.paper.verify import verify

paper_app = typer.Typer(
    help="Trade on paper: an account whose every step is kept in a ledger.", no_args_is_help=True
)
paper_app.command()(init)
paper_app.command()(run)
paper_app.command()(halt)
paper_app.command()(resume)
paper_app.command()(step)
paper_app.command()(status)
paper_app.command()(plan)
paper_app.command()(parity)
paper_app.command()(replay)
paper_app.command()(reset)
paper_app.command()(verify)
paper_app.command()(export)
