"""``alphaloom seed import``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from alphaloom.cli.seed.options import Config, FactoryOptions, Force, Sets


def import_list(
    path: Annotated[Path, typer.Argument(metavar="LIST", help="A .csv or .xlsx file with name and formula.")],
    out: Annotated[
        Path | None, typer.Option("--out", help="The seed file, a .yaml. Without it nothing is written.")
    ] = None,
    everything: Annotated[
        bool, typer.Option("--all", help="Keep duplicates, constants and mere levels too, with marks.")
    ] = False,
    config: Config = None,
    sets: Sets = None,
    factory: FactoryOptions = None,
    force: Force = False,
) -> None:
    """Bring in a list of formulas and say what is wrong with each row.

    Duplicates by form and by values, labels that the formula contradicts,
    mixed units and values in yuan or shares, what is the same for all stocks,
    what is nothing but price or size, and what cannot be read.
    """
    from datetime import UTC, datetime

    from alpha_sources.seed.importing import Fault
    from alphaloom.cli.seed.options import console, factory_of, settings_of
    from alphaloom.seeds import import_seeds

    found = import_seeds(
        path,
        out,
        settings_of(config, sets or []),
        now=datetime.now(UTC),
        factory=factory_of(factory),
        keep_all=everything,
        force=force,
    )
    to = console()
    for each in found.findings:
        text = f"row {each.row.number}  {each.row.name}  {each.fault}: {' '.join(each.text.split())}"
        to.print(text, markup=False, soft_wrap=True)
    for fault in Fault:
        rows = {each.row.number for each in found.findings if each.fault is fault}
        if rows:
            to.print(f"{fault}: {len(rows)} {'row' if len(rows) == 1 else 'rows'}", style="dim")
    kept, lost = len(found.seeds), sum(each.times for each in found.rejected)
    to.print(f"{kept + lost} rows, {kept} kept, {lost} left out")
    if out is not None:
        to.print(f"written  {out}", markup=False, soft_wrap=True)
