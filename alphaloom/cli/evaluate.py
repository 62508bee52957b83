"""``alphaloom evaluate``: whether it is an alpha."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from rich.console import Console

    from alphaloom.evaluation import Hearing

_SHOWN = (
    ("rank IC", "rank_ic_mean", "{:+.4f}"),
    ("ICIR", "rank_ic_ir", "{:+.2f}"),
    ("t", "rank_ic_t", "{:+.2f}"),
    ("q", "q", "{:.3f}"),
    ("spread", "spread", "{:+.2%}"),
    ("turnover", "turnover", "{:.0%}"),
    ("l-s net", "long_short_net_return", "{:+.1%}"),
    ("coverage", "coverage", "{:.0%}"),
)
_SORTS = {
    "t": "rank_ic_t",
    "ic": "rank_ic_mean",
    "icir": "rank_ic_ir",
    "q": "q",
    "spread": "spread",
    "turnover": "turnover",
    "net": "long_short_net_return",
    "coverage": "coverage",
    "name": "",
}
_STYLES = {"distinct": "green", "unproven": "yellow", "noise": "dim", "undefined": "dim"}


def evaluate(
    what: Annotated[
        str, typer.Argument(metavar="FORMULA|LIBRARY|FILE", help="What to judge; see alphaloom library list.")
    ],
    config: Annotated[
        str, typer.Option("--config", help="Whose data, universe and spans to judge it on.")
    ] = "quickstart",
    sets: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="KEY=VALUE", help="Override a key; as often as needed."),
    ] = None,
    universe: Annotated[
        str | None, typer.Option("--universe", help="sse50, csi300 or all. Default: the configuration's.")
    ] = None,
    span: Annotated[
        str | None,
        typer.Option(
            "--span",
            help="START..END, or train, valid or test of the configuration; opening test is recorded.",
        ),
    ] = None,
    horizon: Annotated[int, typer.Option("--horizon", min=1, help="Sessions a name is held.")] = 1,
    quantiles: Annotated[int, typer.Option("--quantiles", min=2, help="Buckets of names.")] = 5,
    dialect: Annotated[
        str,
        typer.Option("--dialect", help="Of a formula or a text file: alphaloom, alpha101, gtja191, qlib."),
    ] = "alphaloom",
    project: Annotated[
        str | None,
        typer.Option("--project", help="What trials are counted for. Default: the configuration's name."),
    ] = None,
    controls: Annotated[
        int, typer.Option("--controls", min=0, help="Random controls of each alpha that looks like one.")
    ] = 40,
    sort: Annotated[str, typer.Option("--sort", help=f"By {', '.join(_SORTS)}.")] = "t",
    top: Annotated[int, typer.Option("--top", min=1, help="Rows to print.")] = 30,
    threads: Annotated[int, typer.Option("--threads", min=1, help="Threads at work.")] = 1,
    out: Annotated[
        Path | None, typer.Option("--out", help="Folder for pages and evaluation.parquet; new or empty.")
    ] = None,
    quiet: Annotated[bool, typer.Option("--quiet", help="No progress bar.")] = False,
) -> None:
    """Judge a formula, a library or a file of formulas, honestly.

    Every formula ever tried in a project is counted, and what it takes to be
    told from noise grows with the count.
    """
    import os
    from datetime import UTC, datetime

    from rich.console import Console

    from alphaloom.api import market_of
    from alphaloom.config import load_config
    from alphaloom.evaluation import hear, read_batch, write_pages
    from engine.errors import ConfigError
    from engine.run_folder import check_writable

    if sort not in _SORTS:
        raise ConfigError(f"--sort: {sort!r} is no column; known: {', '.join(_SORTS)}")
    said = [*(sets or []), *([f"data.universe={universe}"] if universe else [])]
    settings = load_config(config, sets=said, environ=os.environ)
    if out is not None:
        check_writable(out)
    console = Console(highlight=False)
    with _Bar(Console(stderr=True), quiet) as bar:
        bar.say("loading")
        panel = market_of(settings).panel
        batch = read_batch(what, dialect, tuple(sorted(panel.fields)))
        bar.total = len(batch.formulas)
        hearing = hear(
            batch,
            settings,
            panel=panel,
            span=span,
            horizon_sessions=horizon,
            quantiles=quantiles,
            project=project,
            controls=controls,
            threads=threads,
            at=datetime.now(UTC),
            progress=bar.advance,
            on_step=bar.say,
        )
        if out is not None:
            bar.say("pages")
            write_pages(hearing, out)
    _print(console, hearing, _SORTS[sort], top)
    if out is not None:
        console.print(f"pages  {out / 'index.html'}", soft_wrap=True)


class _Bar:
    """A bar of alphas judged, on a terminal."""

    def __init__(self, console: Console, quiet: bool) -> None:
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

        columns = TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn()
        self._progress = Progress(
            *columns, console=console, transient=True, disable=quiet or not console.is_terminal
        )
        self._task = self._progress.add_task("", total=None)
        self.total = 0

    def __enter__(self) -> _Bar:
        self._progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._progress.stop()

    def say(self, what: str) -> None:
        self._progress.update(self._task, description=what)

    def advance(self, done: int, reused: int) -> None:
        known = f" ({reused} known)" if reused else ""
        self._progress.update(self._task, description=f"judging{known}", completed=done, total=self.total)


def _print(console: Console, hearing: Hearing, key: str, top: int) -> None:
    from rich.markup import escape
    from rich.table import Table

    from alpha_sources.honesty import Label
    from alphaloom.cli.output import print_labelled

    assessment = hearing.assessment
    frame = assessment.frame
    if key:
        order = frame[key] if key == "q" else -frame[key].abs()
        frame = frame.loc[order.sort_values(na_position="last", kind="stable").index]
    else:
        frame = frame.sort_index()
    first, last = hearing.span
    table = Table(
        title=f"{hearing.batch.name}: {len(frame)} alpha{'s' * (len(frame) != 1)}, {first} to {last}",
        title_justify="left",
        box=None,
        padding=(0, 2, 0, 0),
    )
    table.add_column("alpha", overflow="fold")
    printed = ("published", "published_ic", "{:+.4f}")
    shown = [_SHOWN[0], *([printed] if frame["published_ic"].notna().any() else []), *_SHOWN[1:]]
    for title, _, _ in shown:
        table.add_column(title, justify="right", no_wrap=True)
    table.add_column("verdict", no_wrap=True)
    for name, row in frame.head(top).iterrows():
        cells = [form.format(row[key]) if row[key] == row[key] else "" for _, key, form in shown]
        verdict = row["verdict"] if row["rank_ic_sessions"] > 0 else row["status"]
        style = _STYLES.get(verdict, "red")
        table.add_row(escape(str(name)), *cells, f"[{style}]{escape(verdict)}[/]")
    wide = console if console.is_terminal else _wide()
    wide.print(table)
    if len(frame) > top:
        console.print(f"[dim]and {len(frame) - top} more; --top shows them[/]")
    for name, row in frame.iterrows():
        if row["status"] != "ok" and len(frame) <= top:
            print_labelled(console, "note", f"{name}: {row['reason']}")
    if len(frame) == 1 and frame["rank_ic_sessions"].iloc[0] > 0:
        console.print(escape(f"{frame['sentence'].iloc[0]}"), soft_wrap=True)
    for note in hearing.notes:
        print_labelled(console, "note", note)
    if Label.CLEAN in hearing.labels:
        print_labelled(console, "note", "clean: whoever chose the formulas knew nothing of this span")
    found = assessment.overfitting
    chance = f"; overfitting {found.probability:.0%}" if found is not None else ""
    trials = f"{assessment.trials:,} trial{'s' * (assessment.trials != 1)}"
    console.print(
        f"{trials} in project {escape(hearing.project)} ({hearing.new_trials} new): "
        f"|t| {assessment.needed_t:.2f} is needed; {len(assessment.distinct)} told from noise{chance}",
        soft_wrap=True,
    )


def _wide() -> Console:
    from rich.console import Console

    return Console(highlight=False, width=160)
