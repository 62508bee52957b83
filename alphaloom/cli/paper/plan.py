"""``alphaloom paper plan``: what is to be traded, and why."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Annotated

import typer

from alphaloom.cli.paper.options import Account, Db, day_of, ledger_url, wide_console

if TYPE_CHECKING:
    from engine.broker.orders import OrderRequest
    from live.ledger import Ledger, Planned


def plan(
    session: Annotated[
        str | None, typer.Option("--session", metavar="DATE", help="Default: the latest plan.")
    ] = None,
    db: Db = None,
    account: Account = None,
) -> None:
    """Show the orders of a session with their reasons, and what should be held after it."""
    from rich.markup import escape
    from rich.table import Table

    from live.ledger import Ledger

    console = wide_console()
    with Ledger.open(ledger_url(db), read_only=True) as ledger:
        day, planned = _planned(ledger, account, None if session is None else day_of(session, "--session"))
    table = Table(title=f"Plan of {day}", title_justify="left", box=None, padding=(0, 2, 0, 0))
    for heading in ("Order", "Side", "How much", "Why"):
        table.add_column(heading, no_wrap=heading != "Why")
    slots = planned.basket.slot_buys
    for request in planned.basket.orders:
        table.add_row(*_cells(request, _how_much(request), planned))
    for request in () if slots is None else slots.candidates:
        table.add_row(*_cells(request, "an equal share of the cash", planned))
    if table.row_count:
        console.print(table)
    else:
        console.print(f"Plan of {day}: no orders; alphaloom paper status says why")
    console.print(f"[dim]to be held[/]  {escape(', '.join(planned.target) or 'nothing')}", soft_wrap=True)


def _planned(ledger: Ledger, account: str | None, session: date | None) -> tuple[date, Planned]:
    from live.errors import LedgerError
    from live.ledger import Task

    day = session or ledger.last_done(Task.PLAN, account)
    planned = None if day is None else ledger.plan(day, account)
    if day is None or planned is None:
        when = f"for {session}" if session else "yet"
        raise LedgerError(f"there is no plan {when}; make one with alphaloom paper step --task plan")
    return day, planned


def _cells(request: OrderRequest, how_much: str, planned: Planned) -> tuple[str, str, str, str]:
    why = planned.reasons.get(request.order_id, "")
    return request.order_id, request.side.value, how_much, why


def _how_much(request: OrderRequest) -> str:
    if request.shares is not None:
        return f"{request.shares} shares"
    if request.target_fen == 0:
        return "all of it"
    if request.target_fen is not None:
        return f"up to {request.target_fen / 100:,.2f}"
    return f"for {(request.value_fen or 0) / 100:,.2f}"
