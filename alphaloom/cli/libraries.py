"""``alphaloom library``: look at libraries of formulas, and at what they are worth on market data."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from rich.console import Console

    from alpha_sources.libraries import EntryCheck, LibraryEntry

library_app = typer.Typer(help="Look at libraries of formulas and check them on data.", no_args_is_help=True)

Name = Annotated[
    str, typer.Argument(metavar="NAME|FILE", help="One that is shipped, or a .csv or .yaml file of your own.")
]


@library_app.callback()
def library() -> None:
    """Look at libraries of formulas and check them on data."""


@library_app.command("list")
def list_libraries() -> None:
    """List the libraries that are shipped."""
    from alpha_sources.libraries import MarkKind, library_names, load_library
    from alphaloom.cli.columns import print_columns

    rows = [["library", "formulas", "computable", "marked", "knows until"]]
    titles = []
    for name in library_names():
        read = load_library(name)
        computable = len(read.without(MarkKind.NOT_COMPUTABLE))
        marked = sum(bool(entry.marks) for entry in read)
        rows.append([name, str(len(read)), str(computable), str(marked), _latest(read.entries)])
        titles.append(f"  {name}  {read.title}")
    console = _console()
    print_columns(console, rows)
    console.print()
    for title in titles:
        console.print(title, markup=False, soft_wrap=True)


@library_app.command()
def show(
    name: Name,
    entry: Annotated[
        str | None, typer.Argument(metavar="[ENTRY]", help="One of its formulas, with all about it.")
    ] = None,
    category: Annotated[str | None, typer.Option("--category", help="Of one category.")] = None,
    marked: Annotated[bool, typer.Option("--marked", help="Only those that bear a mark.")] = False,
) -> None:
    """Print the formulas of a library, or all about one of them."""
    from alpha_sources.libraries import load_library

    read = load_library(name)
    console = _console()
    if entry is not None:
        for label, text in _about(read.entry(entry)):
            console.print(f"[dim]{label:<11}[/dim]  ", end="")
            console.print(text, markup=False, soft_wrap=True)
        return
    chosen = [
        each
        for each in read
        if (category is None or each.category is _category(category)) and (each.marks or not marked)
    ]
    for each in chosen:
        console.print(each.name, style="bold", markup=False, end="")
        console.print(f"  {each.category}", style="dim", markup=False, end="")
        console.print(f"  {each.formula or each.printed}", markup=False, soft_wrap=True)
        for mark in each.marks:
            console.print(f"  {mark}", style="yellow", markup=False, soft_wrap=True)
    console.print(f"{len(chosen)} of {len(read)} formulas", style="dim")


@library_app.command()
def check(
    name: Name,
    data: Annotated[
        Path,
        typer.Option(
            "--data", metavar="FILE|NAME", help="Daily bars, a configuration that names them, or sse50."
        ),
    ] = Path("sse50"),
    sets: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="KEY=VALUE", help="A key of the data section; as often as needed."),
    ] = None,
    threshold: Annotated[
        float,
        typer.Option("--threshold", help="Mean rank correlation from which on two formulas are the same."),
    ] = 0.99,
    everything: Annotated[
        bool, typer.Option("--all", help="Every formula, not only those with a finding.")
    ] = False,
) -> None:
    """Compute a library on market data: what has no value, repeats another, or is a price or a size.

    Coverage is the part of the members' cells that have a value. A finding
    that no mark of the library tells is printed as new.
    """
    from alpha_sources.libraries import check_library, load_library
    from alphaloom.cli.columns import print_columns
    from alphaloom.cli.data import data_section
    from engine.market import load_market

    read = load_library(name)
    config = data_section(data, [item if item.startswith("data.") else f"data.{item}" for item in sets or []])
    panel = load_market(config).panel
    checks = check_library(read, panel.view(len(panel.dates) - 1), threshold=threshold)
    shown = [each for each in checks if everything or each.found]
    console = _console()
    if shown:
        rows = [["formula", "coverage", "varies", "price", "size"]]
        rows += [[each.entry.name, *_figures(each)] for each in shown]
        print_columns(console, rows)
        console.print()
    for each in shown:
        for line in _findings(each):
            console.print(f"{each.entry.name}  {line}", markup=False, soft_wrap=True)
    found = sum(bool(each.found) for each in checks)
    console.print(f"{len(checks)} formulas, {found} with a finding", style="dim")


def _figures(each: EntryCheck) -> list[str]:
    if not each.coverage:
        return ["0", "", "", ""]
    varies = "" if each.varies != each.varies else f"{each.varies:.0%}"
    return [f"{each.coverage:.1%}", varies, f"{each.price:+.2f}", f"{each.size:+.2f}"]


def _findings(each: EntryCheck) -> list[str]:
    lines = []
    for kind in sorted(each.found):
        said = each.entry.mark(kind)
        text = str(said) if said else f"new: {str(kind).replace('_', ' ')}"
        if each.twin is not None and kind == "duplicate_of":
            text += f" ({each.twin.kept}, {each.twin.how.replace('_', ' ')}, {each.twin.signed:+.3f})"
        if each.lacking and kind == "not_on_sample":
            text += f" (the data lack {', '.join(each.lacking)})"
        lines.append(text)
    return lines


def _about(entry: LibraryEntry) -> list[tuple[str, str]]:
    said = [
        ("name", entry.name),
        ("title", entry.title),
        ("category", str(entry.category)),
        ("formula", entry.formula),
        ("dialect", entry.dialect if entry.formula else ""),
        ("means", str(entry.parsed) if entry.formula else ""),
        ("printed", entry.printed),
        ("needs", ", ".join(entry.fields)),
        ("look-back", f"{entry.parsed.lookback} sessions" if entry.formula else ""),
        ("source", entry.source),
        ("published", str(entry.published or "")),
        ("knows until", str(entry.knows_until or "nobody says")),
        ("printed IC", "" if entry.ic_mean is None else f"mean {entry.ic_mean:+.4f}, IR {entry.icir}"),
        *(("mark", str(mark)) for mark in entry.marks),
        *(("warning", warning) for warning in (entry.parsed.warnings if entry.formula else ())),
    ]
    return [(label, text) for label, text in said if text]


def _category(text: str) -> str:
    from alpha_sources.libraries import Category, LibraryError

    wanted = text.lower().replace(" ", "_")
    if wanted not in list(Category):
        raise LibraryError(f"no category {text!r}; there are {', '.join(Category)}")
    return Category(wanted)


def _latest(entries: Sequence[LibraryEntry]) -> str:
    days = [entry.knows_until for entry in entries]
    return "" if None in days else str(max(day for day in days if day is not None))


def _console() -> Console:
    from rich.console import Console

    return Console(highlight=False)
