"""``alphaloom data status``: what the store holds."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

from alphaloom.cli.data.place import StoreOption, shanghai_now, store_at

if TYPE_CHECKING:
    from engine.market.store.status import StoreStatus

_SHOWN = 5


def status(store: StoreOption = None) -> None:
    """Show what the market store holds: coverage, gaps, what is stale or set aside."""
    from rich.console import Console
    from rich.table import Table

    from engine.market.store.status import status as look

    place = store_at(store)
    found = look(place, shanghai_now())
    console = Console(highlight=False)
    console.print(str(place.folder), soft_wrap=True, markup=False)
    grid = Table(box=None, pad_edge=False)
    for name in ("table", "first", "last"):
        grid.add_column(name)
    for name in ("rows", "files", "MB"):
        grid.add_column(name, justify="right")
    for table in found.tables:
        size = f"{table.bytes / 1e6:.1f}"
        grid.add_row(
            table.kind, table.first or "–", table.last or "–", f"{table.rows:,}", str(table.files), size
        )
    console.print(grid)
    for line in _lines(found):
        typer.echo(line)


def _lines(found: StoreStatus) -> list[str]:
    out = [f"{found.symbols:,} names have bars"]
    if found.symbols and found.behind:
        are = "session is" if found.behind == 1 else "sessions are"
        late = found.asked == found.due
        why = (
            "vendors were asked and did not have them yet; repeat alphaloom data sync later"
            if late
            else "alphaloom data sync asks for them"
        )
        out.append(f"behind: {found.behind:,} complete {are} missing up to {found.due}: {why}")
    if found.stale:
        names = ", ".join(found.stale[:_SHOWN]) + (", …" if len(found.stale) > _SHOWN else "")
        out.append(
            f"stale: {len(found.stale):,} names not known as delisted end before the last session: {names}"
        )
        if not found.behind and 2 * len(found.stale) > found.symbols:
            out.append("  that many cannot be suspended: vendors are late; repeat alphaloom data sync later")
    if found.gaps:
        sessions = sum(gap.sessions for gap in found.gaps)
        out.append(
            f"gaps: {sessions:,} sessions between names' first and last bars have no row; "
            "a panel reads them as suspended"
        )
        for gap in found.gaps[:_SHOWN]:
            out.append(f"  {gap.symbol}  {gap.sessions:,} sessions, {gap.first}..{gap.last}")
    for series in found.macro:
        missing = f", {series.missing:,} periods missing" if series.missing else ""
        restated = f", {series.restated:,} restated" if series.restated else ""
        stale = ", stale" if series.stale else ""
        out.append(
            f"{series.series}: {series.periods:,} periods {series.first}..{series.last}, known from "
            f"{series.known_to}{restated}{missing}{stale}"
        )
    for texts in found.texts:
        out.append(
            f"{texts.kind}: {texts.count:,} texts about {texts.symbols:,} names, {texts.first:%Y-%m-%d}.."
            f"{texts.last:%Y-%m-%d %H:%M}"
        )
    if found.minutes is not None:
        minutes = found.minutes
        out.append(
            f"minutes: {minutes.sessions:,} sessions of {minutes.symbols:,} names, "
            f"{minutes.first}..{minutes.last}; {minutes.incomplete:,} with fewer than 240 bars, "
            f"{minutes.missing:,} traded ones missing"
        )
    for index in found.members:
        known = f"known from {index.known_from}, and as far as is known to {index.known_to}"
        out.append(f"{index.universe}: {index.members} members, {known}")
    for reason, count in found.quarantined.items():
        out.append(f"quarantined: {count:,} × {reason}")
    out.append(f"sessions are known to {found.calendar_to}")
    if found.half_known:
        out.append(f"warning: {found.half_known}")
    if found.last_commit is not None:
        out.append(f"last change {found.last_commit.fetched_at} from {found.last_commit.source}")
    return out
