"""``alphaloom seed mine``."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from alphaloom.cli.seed.options import Config, FactoryOptions, Force, LimitOptions, Sets

if TYPE_CHECKING:
    from rich.console import Console

    from alphaloom.seeds import Mining


def mine(
    documents: Annotated[
        list[Path], typer.Argument(metavar="DOCS...", help="Files and folders: papers, notes, charts, calls.")
    ],
    out: Annotated[Path, typer.Option("--out", help="The seed file, a .yaml.")] = Path("seeds.yaml"),
    config: Config = None,
    sets: Sets = None,
    mode: Annotated[
        str | None, typer.Option("--mode", help="Of the model: offline, record, replay, live.")
    ] = None,
    offline: Annotated[
        bool, typer.Option("--offline", help="Ask no model: the same as --mode offline.")
    ] = False,
    mask: Annotated[
        bool, typer.Option("--mask", help="Show the model no names, codes or dates, and no pictures.")
    ] = False,
    mask_names: Annotated[
        Path | None,
        typer.Option(
            "--mask-names", help="With --mask: a .yaml of further names by symbol, as English ones."
        ),
    ] = None,
    library: Annotated[
        list[str] | None,
        typer.Option(
            "--library", help="A shipped library whose formulas come first. Offline: paper_seeds unless said."
        ),
    ] = None,
    no_library: Annotated[bool, typer.Option("--no-library", help="None, also offline.")] = False,
    factory: FactoryOptions = None,
    limit: LimitOptions = None,
    project: Annotated[
        str | None,
        typer.Option("--project", help="Leave out what this project of the trial ledger has tried."),
    ] = None,
    force: Force = False,
    quiet: Annotated[bool, typer.Option("--quiet", help="No progress bar.")] = False,
) -> None:
    """Mine documents for seed alphas.

    A model reads each document, says what it is about and proposes formulas
    with the sentence each follows from; what the parser, the data and the
    other seeds do not bear is sent back or left out, with the reason.

    The same command continues a file that was interrupted: what was asked is
    on the cassette and costs nothing.

    Without a model (llm.mode offline, the default) the formulas that stand in
    the documents are taken, beside those of the library paper_seeds.
    """
    from datetime import UTC, datetime

    from alpha_sources.masking import read_names
    from alpha_sources.seed.errors import SeedError
    from alphaloom.cli.seed.options import console, factory_of, limits_of, settings_of
    from alphaloom.seeds import mine_seeds

    if offline and mode not in (None, "offline"):
        raise SeedError(f"--offline and --mode {mode} contradict each other; name one")
    if no_library and library:
        raise SeedError("--library and --no-library contradict each other; name one")
    if mask_names and not mask:
        raise SeedError("--mask-names is of no use without --mask; set both")
    wanted = "offline" if offline else mode
    settings = settings_of(config, [*(sets or []), *([f"llm.mode={wanted}"] if wanted else [])])
    chosen, limits = factory_of(factory), limits_of(limit)
    names = read_names(mask_names) if mask_names else {}
    try:
        with _progress(console(stderr=True), documents, quiet) as say:
            mining = mine_seeds(
                documents,
                out,
                settings,
                now=datetime.now(UTC),
                factory=chosen,
                libraries=[] if no_library else library,
                limits=limits,
                mask=mask,
                names=names,
                project=project,
                force=force,
                say=say,
            )
    except KeyboardInterrupt:
        if out.exists():
            typer.echo(f"What was mined is in {out}: the same command continues it.", err=True)
        raise
    _print(console(), mining, out)
    if mining.mined.unfinished:
        raise SeedError(
            f"{mining.mined.unfinished}; what was mined before is in {out}: the same command continues it"
        )


def _print(to: Console, mining: Mining, out: Path) -> None:
    from alphaloom.cli.columns import print_columns

    mined = mining.mined
    rows = [["document", "kind", "published", "about", "proposed", "kept"]]
    for each in mined.documents:
        about = "" if each.tradable is None else ", ".join(each.categories) or "nothing tradable"
        published = str(each.published or "unknown")
        rows.append([each.name, each.kind, published, about, str(each.proposed), str(each.kept)])
    if mined.documents:
        print_columns(to, rows)
    for each in mined.documents:
        for note in each.notes:
            _say(to, f"{each.name}: {note}")
    for skipped in mined.skipped:
        _say(to, f"skipped  {skipped.path}: {skipped.reason}", "yellow")
    if mining.costs is None:
        beside = f", beside those of {', '.join(mining.libraries)}" if mining.libraries else ""
        _say(to, f"offline: no model was asked; formulas that stand in the documents{beside}")
    _say(to, f"seeds    {len(mined.seeds)}{_counted(mined.counts())}")
    if mined.rejected:
        _say(to, f"left out {sum(each.times for each in mined.rejected)}{_counted(mined.reasons())}")
        _say(to, f"why      alphaloom seed show {out} --rejected")
    _say(to, f"written  {out}")
    _say(to, mining.costs.line() if mining.costs else "Language model: none was asked (offline)")


def _counted(counts: dict[str, int]) -> str:
    return f" ({', '.join(f'{name} {number}' for name, number in counts.items())})" if counts else ""


def _say(to: Console, text: str, style: str | None = None) -> None:
    to.print(text, markup=False, soft_wrap=True, style=style)


@contextmanager
def _progress(
    to: Console, documents: Sequence[Path], quiet: bool
) -> Iterator[Callable[[str, int, int], None] | None]:
    """A bar of documents, and what is asked of the one at hand."""
    if quiet or not to.is_terminal:
        yield None
        return
    from rich.markup import escape
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    total = sum(
        sum(1 for file in path.rglob("*") if file.is_file()) if path.is_dir() else 1 for path in documents
    )
    columns = TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn()
    with Progress(*columns, console=to, transient=True) as bar:
        task = bar.add_task("reading", total=total)
        seen: set[str] = set()

        def say(what: str, done: int, of: int) -> None:
            name = what.partition(": ")[0]
            seen.add(name)
            part = f" ({done} of {of})" if of else ""
            bar.update(task, description=escape(f"{what}{part}"), completed=max(0, len(seen) - 1))

        yield say
