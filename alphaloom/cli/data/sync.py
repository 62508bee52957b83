"""``alphaloom data sync``: ask vendors for what the store lacks."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from datetime import date
from typing import TYPE_CHECKING, Annotated, Any

import typer

from alphaloom.cli.data.place import QuietOption, StoreOption, shanghai_now, store_at
from alphaloom.cli.data.place import day as day_of

if TYPE_CHECKING:
    from engine.market.sources.source import Source
    from engine.market.store import MarketStore
    from engine.market.store.schema import Kind

_YEARS = 5
_RATIOS = "ratios"
_WITHOUT_RATIOS = ("akshare/tencent", "akshare/sina")
#: what a shell takes for an interrupt
_INTERRUPTED = 130
#: of a symbol
_DIGITS = 6


def sync(
    universe: Annotated[
        str,
        typer.Option(metavar="INDEX|all|SYMBOLS", help="sse50, csi300, all stocks, or 600519.SH,000001.SZ."),
    ] = "sse50",
    since: Annotated[
        str | None,
        typer.Option(metavar="DATE", help="Bars from here on; by default the store's first day, or 5 years."),
    ] = None,
    vendor: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME", help="Ask these and, for what they have, nobody else; repeatable."),
    ] = None,
    extras: Annotated[
        str,
        typer.Option("--with", metavar="TABLES", help="Also: ratios,fundamentals,texts,macro,minutes."),
    ] = "",
    crosscheck: Annotated[
        int, typer.Option(metavar="N", min=0, help="Names of which a second vendor is asked for some bars.")
    ] = 3,
    pace: Annotated[
        float, typer.Option(min=0.0, help="Pauses between calls, times the usual ones; 0 for none.")
    ] = 1.0,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Ask nobody; say what is missing by what the store knows.")
    ] = False,
    store: StoreOption = None,
    quiet: QuietOption = False,
) -> None:
    """Bring the market store up to date from vendors on the network.

    Only what is missing is asked for, and what came is stored every few
    names: after an interruption, or the next day, the same command goes on.
    Where a vendor fails the next one is asked. Ends with 0 if every question
    was answered, 1 if some were not (they are named), 2 if it could not
    begin.

    alphaloom data sync --universe sse50 --since 2020-01-01
    """
    from rich.console import Console

    from alphaloom.cli.data.sync_report import print_report
    from engine.market.sources.remote.failure import VendorError
    from engine.market.store.sync import sync as bring_up_to_date
    from engine.market.store.sync.preview import preview
    from engine.rules.limits import limit_percent

    place, wanted = store_at(store), _universe(universe)
    kinds, ratios = _kinds(extras)
    first = day_of(since) or _first_day(place)
    reports_since = first if since or not _has_figures(place) else None
    if dry_run:
        typer.echo(str(preview(place, universe=wanted, since=first, clock=shanghai_now)))
        return
    with (
        _asked(vendor or [], pace, ratios, reports_since) as (sources, checkers),
        _bar(quiet) as (on_progress, tell),
    ):
        try:
            report = bring_up_to_date(
                place,
                sources,
                universe=wanted,
                since=first,
                clock=shanghai_now,
                progress=on_progress,
                tell=tell,
                extras=kinds,
                limit_percent=limit_percent,
                crosscheck_names=crosscheck,
                checkers=checkers,
            )
        except VendorError as problem:
            typer.echo(f"{problem}", err=True)
            raise typer.Exit(1) from None
        except KeyboardInterrupt:
            typer.echo("interrupted; what has come is stored, and the same command goes on", err=True)
            raise typer.Exit(_INTERRUPTED) from None
    print_report(Console(highlight=False), universe, report, ratios=ratios)
    if not report.complete:
        raise typer.Exit(1)


def _universe(text: str) -> str | list[str]:
    from engine.errors import ConfigError
    from engine.market.universe import INDEX_SIZE

    if text == "all" or text in INDEX_SIZE:
        return text
    if sum(sign.isdigit() for sign in text) >= _DIGITS:
        from engine.market.board import parse_symbol

        return [parse_symbol(part.strip()) for part in text.split(",") if part.strip()]
    raise ConfigError(
        f"--universe {text}: name {', '.join(INDEX_SIZE)}, all, or symbols like 600519.SH,000001.SZ"
    )


def _kinds(text: str) -> tuple[list[Kind], bool]:
    """The tables that are wanted, and whether valuation ratios are to come with the bars."""
    from engine.errors import ConfigError
    from engine.market.store.schema import Kind

    known = {
        "texts": Kind.TEXTS, "macro": Kind.MACRO, "minutes": Kind.MINUTE_BARS,
        "fundamentals": Kind.FUNDAMENTALS,
    }  # fmt: skip
    words = [word.strip() for word in text.split(",") if word.strip()]
    for word in words:
        if word not in known and word != _RATIOS:
            raise ConfigError(f"--with {word}: no such table; known: {_RATIOS}, {', '.join(known)}")
    return [known[word] for word in words if word != _RATIOS], _RATIOS in words


def _first_day(place: MarketStore) -> date:
    """The first day of the store's bars; of a new store, the first one of the year five years ago."""
    from engine.market.store.schema import Kind

    days = [s.first for s in place.reader().manifest.of(Kind.BARS)] if place.exists else []
    return date.fromisoformat(min(days)) if days else date(shanghai_now().year - _YEARS, 1, 1)


def _has_figures(place: MarketStore) -> bool:
    """Whether it holds reports already, so that those of the last two years will do."""
    from engine.market.store.schema import Kind

    return place.exists and bool(place.reader().manifest.of(Kind.FUNDAMENTALS))


@contextmanager
def _asked(
    names: list[str], pace: float, ratios: bool, since: date | None
) -> Iterator[tuple[Sequence[Source], Sequence[Source]]]:
    """The sources to ask, and those for a second opinion."""
    from alphaloom.asking import host_limits, worker
    from engine.market.sources.akshare.eastmoney import EastmoneyDaily
    from engine.market.sources.akshare.sina import SinaDaily
    from engine.market.sources.vendors import chosen, vendors

    with closing(host_limits(pace)) as limits, worker(limits) as call:
        every = vendors(call, since=since)
        first = chosen(names, call, since=since) if names else ()
        taken = frozenset[Any]().union(*(source.offers for source in first))
        asked = [*first, *(source for source in every if not source.offers & taken)]
        if ratios:
            asked = [EastmoneyDaily(call, ratios=True) if s.name == EastmoneyDaily.name else s for s in asked]
            if not first:  # who cannot tell them comes last
                asked.sort(key=lambda source: source.name in _WITHOUT_RATIOS)
        # factors are to be compared too, for which one more question is needed
        yield asked, [SinaDaily(call, factors=True), *every]


@contextmanager
def _bar(quiet: bool) -> Iterator[tuple[Any, Any]]:
    """What is told of progress, on a terminal, and of vendors that fail, anywhere."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    console = Console(stderr=True, highlight=False)

    def tell(words: str) -> None:
        console.print(words, soft_wrap=True, markup=False)

    if quiet or not console.is_terminal:
        yield None, tell
        return
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True) as progress:
        task = progress.add_task("beginning", total=None)

        def told(what: str, done: int, total: int) -> None:
            progress.update(task, description=what, completed=done, total=total)

        yield told, tell
