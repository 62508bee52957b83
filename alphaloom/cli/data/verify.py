"""``alphaloom data verify``: whether the store is whole."""

from __future__ import annotations

from typing import Annotated

import typer

from alphaloom.cli.data.place import StoreOption, shanghai_now, store_at


def verify(
    repair: Annotated[
        bool,
        typer.Option("--repair", help="Set damaged files aside, so that an import or sync fills them in."),
    ] = False,
    store: StoreOption = None,
) -> None:
    """Check every file of the market store: checksums, columns, order, calendar, duplicates.

    Exit code 0: the store is whole; 2: it is not, and each file at fault is
    named.
    """
    from engine.market.store import StoreError
    from engine.market.store.rebuild import rebuild_manifest
    from engine.market.store.verify import repair as mend
    from engine.market.store.verify import verify as look

    place = store_at(store)
    if repair:
        rebuilt = rebuild_manifest(place, shanghai_now)
        if rebuilt is not None:
            rows = sum(segment.rows for segment in rebuilt.segments)
            typer.echo(
                f"a new manifest names {len(rebuilt.segments):,} files with {rows:,} rows; what the old one "
                "said of sources and times is lost"
            )
        before, found = mend(place, shanghai_now)
        for fault in before.faults:
            typer.echo(f"set aside  {fault.segment.path}: {fault.what}")
    else:
        found = look(place)
    for fault in found.faults:
        typer.echo(f"fault  {fault}")
    if found.leftovers:
        typer.echo(
            f"{len(found.leftovers)} leftover files of an interrupted writer; the next one removes them"
        )
    if not found.ok:
        raise StoreError(f"{place.folder}: {len(found.faults)} faults in {found.files} files")
    typer.echo(f"{place.folder}: {found.files} files, {found.rows:,} rows, no faults")
