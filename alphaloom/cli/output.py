"""Progress on the terminal, and where a run is written when nobody says."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

import platformdirs
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

_EVERY = 10  # sessions between two redraws


@contextmanager
def progress(console: Console, name: str, quiet: bool) -> Iterator[Callable[[int, int], None] | None]:
    """Show a bar of sessions on a terminal; yields what the run calls after each session."""
    if quiet or not console.is_terminal:
        yield None
        return
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task(f"{name}: loading", total=None)

        def on_session(done: int, total: int) -> None:
            if done % _EVERY == 0 or done == total:
                bar.update(task, description=name, completed=done, total=total)

        yield on_session


def default_run_folder(name: str) -> Path:
    """``runs/NAME-TIME`` in the first of: the working folder, ALPHALOOM_HOME, the temporary folder."""
    stem = f"{''.join(c if c.isalnum() or c in '-_' else '-' for c in name)}-{datetime.now():%Y%m%d-%H%M%S}"
    home = os.environ.get("ALPHALOOM_HOME") or platformdirs.user_data_dir("alphaloom")
    for parent in (Path.cwd(), Path(home), Path(tempfile.gettempdir()) / "alphaloom"):
        runs = parent / "runs"
        if _can_write(runs):
            folder = runs / stem
            n = 1
            while folder.exists():
                n += 1
                folder = runs / f"{stem}-{n}"
            return folder
    return Path("runs") / stem


def _can_write(folder: Path) -> bool:
    nearest = next(p for p in (folder, *folder.parents) if p.exists())
    return nearest.is_dir() and os.access(nearest, os.W_OK | os.X_OK)
