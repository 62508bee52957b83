"""Progress and findings on the terminal, and where a run is written when nobody says."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from alphaloom.home import home
from engine.errors import OutputError
from engine.run_folder import check_writable

_EVERY = 10  # sessions between two redraws


@contextmanager
def progress(console: Console, name: str, quiet: bool) -> Iterator[Callable[[int, int], None] | None]:
    """Show a bar of sessions on a terminal; yields what the run calls after each session."""
    if quiet or not console.is_terminal:
        yield None
        return
    name = escape(name)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task(f"{name}: loading", total=None)

        def on_session(done: int, total: int) -> None:
            if done % _EVERY == 0 or done == total:
                bar.update(task, description=name, completed=done, total=total)

        yield on_session


def print_labelled(console: Console, label: str, text: str, style: str = "yellow", width: int = 0) -> None:
    """Print a label and a text: wrapped under itself on a terminal, one line in a pipe."""
    if not console.is_terminal:
        console.print(f"{label:<{width}}  {escape(text)}", soft_wrap=True)
        return
    grid = Table.grid(padding=(0, 2))
    grid.add_row(f"[{style}]{label:<{width}}[/{style}]", escape(text))
    console.print(grid)


def default_run_folder(name: str) -> Path:
    """``runs/NAME-TIME`` in the first writable one of: working folder, ALPHALOOM_HOME, temporary folder.

    The root of the file system is nobody's working folder, even where it can be written to.

    Raises
    ------
    OutputError
        If none of them can be written to.
    """
    safe = "".join(c if c.isalnum() or c in "-_" else "-" for c in name) or "run"
    stem = f"{safe}-{datetime.now():%Y%m%d-%H%M%S}"
    for parent in _parents():
        folder, n = parent / "runs" / stem, 1
        while folder.exists():
            n += 1
            folder = parent / "runs" / f"{stem}-{n}"
        try:
            check_writable(folder)
        except OutputError:
            continue
        return folder
    raise OutputError("neither the working folder nor the temporary one can be written to; choose --out DIR")


def _parents() -> Iterator[Path]:
    here = Path.cwd()
    if here != Path(here.anchor):
        yield here
    yield home()
    user = os.getuid() if hasattr(os, "getuid") else "run"
    # not tempfile.gettempdir(), whose last resort is the working folder
    for temporary in (os.environ.get("TMPDIR"), os.environ.get("TEMP"), "/tmp", "/var/tmp"):
        if temporary:
            yield Path(temporary) / f"alphaloom-{user}"
