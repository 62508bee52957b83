"""``alphaloom seed show``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from rich.console import Console

    from alpha_sources.libraries import LibraryEntry


def show(
    source: Annotated[str, typer.Argument(metavar="FILE|NAME", help="A seed file, or a shipped library.")],
    seed: Annotated[str | None, typer.Argument(metavar="[SEED]", help="One seed, with all about it.")] = None,
    category: Annotated[str | None, typer.Option("--category", help="Of one category.")] = None,
    documents: Annotated[
        bool, typer.Option("--documents", help="The documents, with their summaries.")
    ] = False,
    rejected: Annotated[bool, typer.Option("--rejected", help="What was left out, and why.")] = False,
) -> None:
    """Print the seeds of a file, one of them, its documents, or what was left out."""
    from alpha_sources.seed import load_seeds
    from alpha_sources.seed.file import mined_entries, read_mined
    from alphaloom.cli.seed.options import console

    to = console()
    path = Path(source)
    said = read_mined(path) if path.is_file() and path.suffix.lower() != ".csv" else None
    if documents or rejected:
        _print_head(to, source, said or {}, "documents" if documents else "rejected")
        return
    library = load_seeds(source)
    beside = mined_entries(path) if said is not None else {}
    if seed is not None:
        entry = library.entry(seed)
        for label, text in _about(entry, beside.get(entry.name, {})):
            to.print(f"[dim]{label:<13}[/dim]  ", end="")
            to.print(text, markup=False, soft_wrap=True)
        return
    chosen = [each for each in library if category is None or each.category == _category(category)]
    for each in chosen:
        to.print(each.name, style="bold", markup=False, end="")
        to.print(f"  {each.category}", style="dim", markup=False, end="")
        to.print(f"  {each.formula or each.printed}", markup=False, soft_wrap=True)
        origin = "  ".join(part for part in (each.source, _quoted(beside.get(each.name, {}))) if part)
        if origin:
            to.print(f"  {origin}", style="dim", markup=False, soft_wrap=True)
        for mark in each.marks:
            to.print(f"  {mark}", style="yellow", markup=False, soft_wrap=True)
    to.print(f"{len(chosen)} of {len(library)} seeds", style="dim")
    if said and said.get("unfinished"):
        to.print(f"unfinished: {said['unfinished']}", style="yellow", markup=False, soft_wrap=True)


def _quoted(said: dict[str, Any]) -> str:
    passage = " ".join(str(said.get("passage", "")).split())
    if not passage:
        return ""
    cut = passage if len(passage) <= 120 else f"{passage[:117]}..."
    return f"“{cut}”" + ("" if said.get("passage_found") else " (not found in the document)")


def _about(entry: LibraryEntry, said: dict[str, Any]) -> list[tuple[str, str]]:
    rows = [
        ("name", entry.name),
        ("title", entry.title),
        ("category", str(entry.category)),
        ("formula", entry.formula),
        ("printed", entry.printed),
        ("source", entry.source),
        ("knows until", str(entry.knows_until or "nobody says")),
        *(("mark", str(mark)) for mark in entry.marks),
    ]
    for key, value in said.items():
        if key == "checks":
            rows += [(name.replace("_", " "), _text(figure)) for name, figure in value.items()]
        else:
            rows.append((key.replace("_", " "), _text(value)))
    return [(label, text) for label, text in rows if text]


def _text(value: Any) -> str:
    if isinstance(value, list):
        return "; ".join(map(str, value))
    if isinstance(value, bool):
        return "yes" if value else "no"
    return str(value)


def _print_head(to: Console, source: str, said: dict[str, Any], what: str) -> None:
    from alpha_sources.seed.errors import SeedError

    if not said:
        raise SeedError(f"{source} was not mined: it has no documents and nothing that was left out")
    if what == "documents":
        for each in said.get("documents", []):
            published = each.get("published", "unknown")
            to.print(f"{each['name']}  {each['kind']}, published {published}", markup=False, soft_wrap=True)
            for text in (each.get("summary"), *each.get("notes", [])):
                if text:
                    to.print(f"  {text}", style="dim", markup=False, soft_wrap=True)
        for each in said.get("skipped", []):
            to.print(
                f"skipped  {each['name']}: {each['reason']}", style="yellow", markup=False, soft_wrap=True
            )
        return
    for each in said.get("rejected", []):
        times = f" ({each['times']} times)" if each.get("times") else ""
        to.print(f"{each['reason']}  {each['formula']}{times}", markup=False, soft_wrap=True)
        to.print(f"  {' '.join(each['why'].split())}", style="dim", markup=False, soft_wrap=True)
    to.print(f"{len(said.get('rejected', []))} left out", style="dim")


def _category(text: str) -> str:
    from alpha_sources.libraries import Category
    from alpha_sources.seed.errors import SeedError

    wanted = text.lower().replace(" ", "_")
    if wanted not in list(Category):
        raise SeedError(f"no category {text!r}; there are {', '.join(Category)}")
    return wanted
