"""``alphaloom seed diff``."""

from __future__ import annotations

from typing import Annotated

import typer


def diff(
    before: Annotated[str, typer.Argument(metavar="BEFORE", help="A seed file, or a shipped library.")],
    after: Annotated[str, typer.Argument(metavar="AFTER", help="Another.")],
) -> None:
    """Print which seeds came, went and changed; two are the same if their normal form is."""
    from alpha_sources.seed import load_seeds
    from alpha_sources.seed.difference import difference
    from alphaloom.cli.seed.options import console

    found = difference(load_seeds(before), load_seeds(after))
    to = console()
    for sign, style, entries in (("+", "green", found.added), ("-", "red", found.removed)):
        for entry in entries:
            text = f"{sign} {entry.name}  {entry.category}  {entry.formula or entry.printed}"
            to.print(text, style=style, markup=False, soft_wrap=True)
    for _, new, what in found.changed:
        to.print(f"~ {new.name}", style="yellow", markup=False, soft_wrap=True)
        for line in what:
            to.print(f"    {line}", markup=False, soft_wrap=True)
    to.print(
        f"{len(found.added)} added, {len(found.removed)} removed, {len(found.changed)} changed, "
        f"{found.same} the same",
        style="dim",
    )
