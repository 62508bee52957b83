"""``alphaloom data import-csv`` and ``import-qlib``: fill the store from what is on the disk."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from alphaloom.cli.data.place import QuietOption, StoreOption, shanghai_now, store_at

if TYPE_CHECKING:
    from engine.market import DataConfig
    from engine.market.sources.source import Source
    from engine.market.store import MarketStore
    from engine.market.store.intake import Taken


class _What(StrEnum):
    BARS = "bars"
    ACTIONS = "actions"
    INDEX_BARS = "index_bars"
    INSTRUMENTS = "instruments"
    MEMBERSHIP = "membership"
    FUNDAMENTALS = "fundamentals"
    SPELLS = "spells"
    TEXTS = "texts"
    MACRO = "macro"
    MINUTE_BARS = "minute_bars"
    SESSIONS = "sessions"


class _Units(StrEnum):
    SHARES = "shares"
    LOTS = "lots"


class _Amounts(StrEnum):
    CNY = "cny"
    THOUSAND = "thousand"


AcceptOption = Annotated[
    list[str] | None,
    typer.Option(
        "--accept", metavar="REASON", help="Store bars that would be quarantined for this reason; repeatable."
    ),
]


def import_csv(
    files: Annotated[
        list[Path],
        typer.Argument(
            metavar="FILE|NAME...",
            help="Tables (.csv, .parquet), a .yaml whose data section names them, or sse50, the sample.",
        ),
    ],
    what: Annotated[
        _What | None, typer.Option("--as", help="What the files hold; by default their columns tell.")
    ] = None,
    universe: Annotated[
        str | None,
        typer.Option("--universe", metavar="INDEX", help="Whose members a file lists: sse50, csi300."),
    ] = None,
    sets: Annotated[
        list[str] | None,
        typer.Option(
            "--set", metavar="KEY=VALUE", help="A key of the data section: units=lots, columns.open=开盘."
        ),
    ] = None,
    accept: AcceptOption = None,
    store: StoreOption = None,
    quiet: QuietOption = False,
) -> None:
    """Add files to the market store; what it has already is left alone.

    Every bar is checked on arrival; one that is wrong is set aside with its
    reason, and named below; exit code 1 if that leaves nothing. An import may
    be interrupted at any moment and done again: what was stored stays.

    alphaloom data import-csv sse50

    alphaloom data import-csv bars.parquet dividends.csv --set units=lots
    """
    from engine.market.sources.tables import TableSource
    from engine.market.store import Kind

    options = [item if item.startswith("data.") else f"data.{item}" for item in sets or []]
    place = store_at(store)
    named = []
    for file in files:
        config, index, minutes = _section(file, what, universe, options)
        source = TableSource(config, f"file:{file}" if file.is_file() else f"data:{file}", minutes=minutes)
        named.append((source, [index] if index else []))
    # bars are judged by actions, special sessions and the calendar, which therefore come first; minutes by
    # bars
    late = (Kind.BARS, Kind.MINUTE_BARS)
    for source, indices in sorted(
        named, key=lambda pair: [kind in pair[0].offers for kind in reversed(late)]
    ):
        _take(place, source, indices, accept, quiet)


def import_qlib(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Holds calendars/, instruments/, features/.")],
    units: Annotated[_Units, typer.Option(help="What its volumes count.")] = _Units.SHARES,
    amounts: Annotated[_Amounts, typer.Option(help="What its amounts count.")] = _Amounts.CNY,
    accept: AcceptOption = None,
    store: StoreOption = None,
    quiet: QuietOption = False,
) -> None:
    """Add a Qlib data folder to the market store: bars made raw again, factors, index bars, members.

    The folders published for Qlib's own examples have volumes in shares;
    those made from Tushare often need --units lots --amounts thousand.
    """
    from engine.errors import DataError
    from engine.market.sources.qlib import QlibFolder

    if not folder.is_dir():
        raise DataError(
            f"{folder}: no such folder; name one that holds calendars/, instruments/ and features/"
        )
    source = QlibFolder(folder, units.value, amounts.value)
    _take(store_at(store), source, source.universes, accept, quiet)


def _section(
    file: Path, what: _What | None, universe: str | None, options: list[str]
) -> tuple[DataConfig, str | None, Path | None]:
    """The files that are meant, as a data section, the index whose members they list, and minute bars."""
    from alphaloom.cli.data.check import data_section
    from engine.market import DataConfig
    from engine.market.sources.recognise import KEYS, recognised
    from engine.market.store import Kind

    if not file.is_file() or file.suffix.lower() in (".yaml", ".yml"):
        config = data_section(file, options)
        return config, universe or config.named_index, None
    config = data_section(file, options)
    kind = recognised(file, config) if what is None else Kind(what.value)
    named = {"columns": config.columns, "units": config.units, "calendar": config.calendar}
    if kind is Kind.MINUTE_BARS:
        return DataConfig(**{"source": "file", **named}), universe, file
    return DataConfig(**{"source": "file", **named, KEYS[kind]: file}), universe, None


def _take(
    store: MarketStore, source: Source, universes: Sequence[str], accept: list[str] | None, quiet: bool
) -> None:
    from engine.market.store import Kind
    from engine.market.store.fill import fill
    from engine.market.store.further import AFTER_BARS, BEFORE_BARS, fill_further
    from engine.rules.limits import limit_percent

    accepted = _reasons(accept)
    judged_by: dict[str, Any] = {"clock": shanghai_now, "limit_percent": limit_percent, "accepted": accepted}
    with _bar(source.name, quiet) as on_progress:
        taken = fill_further(store, source, BEFORE_BARS, **judged_by)
        taken += fill(store, source, universes=universes, progress=on_progress, **judged_by)
        taken += fill_further(store, source, AFTER_BARS, **judged_by)
    _print(source.name, taken)
    if taken.quarantined and not taken.known and not taken.added.keys() - {Kind.QUARANTINE}:
        raise typer.Exit(1)


def _reasons(words: list[str] | None) -> list[Any]:
    from engine.errors import ConfigError
    from engine.market.store import Reason
    from engine.plugins import nearest

    unknown = [word for word in words or [] if word not in list(Reason)]
    if unknown:
        hint = nearest(unknown[0], list(Reason)) or f"; known: {', '.join(Reason)}"
        raise ConfigError(f"--accept {unknown[0]}: no such reason{hint}")
    return [Reason(word) for word in words or []]


@contextmanager
def _bar(name: str, quiet: bool) -> Iterator[Any]:
    from rich.console import Console
    from rich.markup import escape
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    console = Console(stderr=True)
    if quiet or not console.is_terminal:
        yield None
        return
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True) as progress:
        task = progress.add_task(f"{escape(name)}: reading", total=None)

        def told(_: str, done: int, total: int) -> None:
            progress.update(task, description=f"{escape(name)}: names", completed=done, total=total)

        yield told


def _print(name: str, taken: Taken) -> None:
    from rich.console import Console

    from alphaloom.cli.output import print_labelled
    from engine.market.store import Kind, Reason

    console = Console(highlight=False)
    added = {kind: n for kind, n in taken.added.items() if kind != Kind.QUARANTINE}
    words = ", ".join(f"{n:,} {kind.replace('_', ' ')}" for kind, n in added.items()) or "nothing new"
    told = {"bars": taken.known, **taken.repeated}
    there = ", ".join(f"{n:,} {kind.replace('_', ' ')}" for kind, n in told.items() if n)
    known = f"; {there} were there already" if there else ""
    console.print(f"{name}: {words}{known}", soft_wrap=True, markup=False)
    for reason, count in taken.quarantined.items():
        text = f"{count:,} × {reason}: {Reason(reason).words}; e.g. {taken.examples[reason]}"
        print_labelled(console, "quarantined", text)
    for note in taken.notes[:_NOTES]:
        print_labelled(console, "note", note, width=11)
    if len(taken.notes) > _NOTES:
        print_labelled(console, "note", f"and {len(taken.notes) - _NOTES:,} more", width=11)


_NOTES = 5
