"""`sweep`: check everything that can be checked, run what is missing, write what was found."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import alphaloom
from alpha_sources.loading import ALPHA_SOURCES, handed, load_provider
from alphaloom.config import RunConfig, load_config
from alphaloom.processes import do_all
from alphaloom.sweep.folder import Identity, open_folder, remove_partial, write_tables
from alphaloom.sweep.grid import Grid, as_sets, check_grid, product
from alphaloom.sweep.report import sweep_html
from alphaloom.sweep.results import Point, Sweep
from alphaloom.sweep.workers import Outcome, Task, market, run_task
from engine.errors import AlphaloomError, ConfigError
from engine.hashing import hash_json
from engine.plugins import load_object
from engine.span import resolve_span
from strategies.loading import load_strategy, uses_signal


def sweep(
    config: str | Path | Mapping[str, Any] | None,
    grid: Mapping[str, Sequence[Any]],
    *,
    sets: Sequence[str] = (),
    environ: Mapping[str, str] | None = None,
    out: str | Path | None = None,
    jobs: int | None = None,
    on_point: Callable[[int, int], None] | None = None,
) -> Sweep:
    """Run a back-test for every point of a grid.

    Parameters
    ----------
    config : str, Path, mapping or None
        A YAML file, the name of a shipped configuration, or its sections; the quickstart by default.
    grid : mapping of ``key.path`` to values
        What is varied; all combinations are run.
    sets : sequence of ``key.path=value``
        Values that override the configuration's at every point.
    environ : mapping, optional
        Environment to read ``ALPHALOOM__A__B`` from; none by default.
    out : str or Path, optional
        Folder to write to: a run folder for each point, ``sweep.json``, ``.parquet``, ``.csv``, ``.html``.
        Where it holds the same sweep, points that are there are not run again. By default nothing is written.
    jobs : int, optional
        Processes; by default one per processor. With 1 everything runs in this one.
    on_point : callable, optional
        Called with (points done, points in all).

    Returns
    -------
    Sweep
        Its points in the order of the grid, whatever `jobs` is. A point that fails keeps its error.

    Raises
    ------
    ConfigError
        Before anything runs: an empty or overlapping grid, an unknown key, a value out of range.
    DataError
        Before anything runs: data that a back-test would refuse, or a span that they do not cover.
    OutputError
        If `out` holds another sweep or something else.

    Notes
    -----
    Workers are spawned: a script that calls this with more than one job needs the usual
    ``if __name__ == "__main__":``.
    """
    if jobs is not None and jobs < 1:
        raise ConfigError(f"--jobs must be 1 or more, not {jobs}")
    checked = check_grid(grid, sets)
    values = product(checked)
    base = load_config(config, sets=list(sets), environ=environ)
    settings = _settings(config, checked, values, sets, environ)
    data = _data_hashes(settings)
    ids = _ids(values)
    folder = None if out is None else Path(out)
    if folder is not None:
        identity = Identity.of(alphaloom.__version__, base, checked, settings, data)
        open_folder(folder, identity, base.plain(), checked)
        remove_partial(folder, ids)
    tasks = [
        Task(i, one, data[i], None if folder is None else folder / ids[i]) for i, one in enumerate(settings)
    ]
    outcomes: dict[int, Outcome] = {}

    def on_outcome(outcome: Outcome) -> None:
        outcomes[outcome.position] = outcome
        if on_point is not None:
            on_point(len(outcomes), len(tasks))

    try:
        # points over the same data follow one another, so that a worker loads them once
        order = sorted(tasks, key=lambda task: (data.index(task.data_hash), task.position))
        kept = "points that are done are kept"
        do_all(order, run_task, jobs or os.cpu_count() or 1, on_outcome, kept=kept)
    finally:
        if folder is not None:
            remove_partial(folder, ids)
    points = tuple(
        Point(ids[i], values[i], settings[i].hash(), outcomes[i].metrics, outcomes[i].error)
        for i in range(len(tasks))
    )
    found = Sweep(base.name, base.plain(), checked, points, folder)
    if folder is not None:
        write_tables(found, folder, sweep_html(found))
    return found


def _settings(
    config: str | Path | Mapping[str, Any] | None,
    grid: Grid,
    values: Sequence[Mapping[str, Any]],
    sets: Sequence[str],
    environ: Mapping[str, str] | None,
) -> list[RunConfig]:
    """Compose every point's configuration and check what can be without running it."""
    out = []
    made: set[str] = set()
    for point in values:
        try:
            settings = load_config(config, sets=[*sets, *as_sets(point)], environ=environ)
            load_strategy(
                settings.strategy.name, dict(settings.strategy.params), signal=None, base=settings.base
            )
            _check_provider(settings, made)
        except AlphaloomError as problem:
            raise type(problem)(_as_grid(str(problem), grid, point)) from None
        out.append(settings)
    return out


def _check_provider(settings: RunConfig, made: set[str]) -> None:
    """Make a provider once for each set of parameter names: unknown ones show before anything runs."""
    if not uses_signal(settings.strategy.name, settings.base):
        return
    name, params = settings.alpha.provider, settings.alpha.params
    key = hash_json([str(name), sorted(params)])
    if key not in made:
        cls = load_object(name, ALPHA_SOURCES, settings.base)
        run = handed(cls, params, seed=settings.seed, llm=settings.resolved_llm())
        load_provider(name, run, settings.base)
        made.add(key)


def _as_grid(message: str, grid: Grid, point: Mapping[str, Any]) -> str:
    """Say ``--grid`` where a key of the grid was read as if it were ``--set``."""
    for key in grid:
        message = message.replace(f"--set {key}", f"--grid {key}")
    if "--grid" not in message:
        message = f"--grid {', '.join(as_sets(point))}: {message}"
    return message


def _data_hashes(settings: Sequence[RunConfig]) -> list[str]:
    """Load the data of every point, each once, check its span, and return the data's hashes."""
    keys = [one.resolved_data().model_dump_json(exclude_unset=True) for one in settings]
    hashes: dict[int, str] = {}
    for position in sorted(range(len(keys)), key=lambda i: (keys.index(keys[i]), i)):
        panel = market(settings[position]).panel
        resolve_span(panel, settings[position].span)
        hashes[position] = panel.data_hash
    return [hashes[i] for i in range(len(keys))]


def _ids(values: Sequence[Mapping[str, Any]]) -> list[str]:
    """``03-1f9a02bc``: place in the grid and hash of the values; short, sorted and safe as a folder."""
    width = len(str(len(values)))
    return [f"{i:0{width}d}-{hash_json(as_sets(point))[:8]}" for i, point in enumerate(values, start=1)]
