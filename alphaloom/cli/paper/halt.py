"""``alphaloom paper halt`` and ``resume``: the switch that stops an account from trading."""

from __future__ import annotations

from typing import Annotated

import typer

from alphaloom.cli.paper.options import Account, Db, ledger_url


def halt(
    reason: Annotated[str, typer.Option("--reason", help="Why; it is kept, and told.")],
    db: Db = None,
    account: Account = None,
) -> None:
    """Stop an account from sending orders, until it is resumed.

    Works while a daemon runs the account, and while none does. Plans are made
    and sessions settled all the same; holdings stay.
    """
    _control("halt", reason, db, account, "halted; no order is sent until alphaloom paper resume")


def resume(
    reason: Annotated[str, typer.Option("--reason", help="Why; it is kept.")] = "",
    db: Db = None,
    account: Account = None,
) -> None:
    """Let a halted account send orders again, from the next session whose orders are still to be sent."""
    _control("resume", reason, db, account, "resumed")


def _control(action: str, reason: str, db: str | None, account: str | None, done: str) -> None:
    from datetime import UTC, datetime

    from live.ledger import Action, Ledger

    with Ledger.open(ledger_url(db)) as ledger:
        service = ledger.service(account)
        changed = service.control(Action(action), reason, at=datetime.now(UTC))
    state = "halted" if action == "halt" else "not halted"
    typer.echo(f"account {service.account} {done if changed else f'is {state} already; nothing was changed'}")
