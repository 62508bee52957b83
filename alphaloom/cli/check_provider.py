"""``alphaloom check-provider``: whether an alpha provider keeps its contract, and whether it looks ahead."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from alpha_sources.conformance import Finding

_STYLES = {"passed": "green", "failed": "bold red", "note": "yellow", "skipped": "dim"}


def check_provider(
    name: Annotated[
        str | None,
        typer.Argument(
            metavar="[NAME]",
            help="package.module:Class, path/to/file.py:Class or a short name. Default: the configuration's.",
        ),
    ] = None,
    config: Annotated[
        str, typer.Option("--config", "-c", help="Whose data, span and alpha.params to check it with.")
    ] = "quickstart",
    sets: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            metavar="KEY=VALUE",
            help="Override a key, like --set alpha.params.lookback=5; as often as needed.",
        ),
    ] = None,
    sessions: Annotated[int, typer.Option("--sessions", "-n", min=1, help="Sessions drawn at random.")] = 8,
    seed: Annotated[int, typer.Option("--seed", min=0, help="Of the draw and of every noise.")] = 0,
    time_limit: Annotated[
        float, typer.Option("--time-limit", min=0.1, help="Seconds that any one call may take.")
    ] = 60.0,
) -> None:
    """Check an alpha provider, on the bundled data unless told otherwise.

    Says in words what is wrong, at which session and symbol, and by which way
    a provider looks ahead. Exit code 0: it conforms, perhaps with notes; 1: it
    does not; 2: it cannot be loaded.
    """
    from rich.console import Console
    from rich.markup import escape

    from alpha_sources.conformance import CHECKS
    from alphaloom.cli.output import print_labelled
    from alphaloom.conformity import check_named

    console, width = Console(highlight=False), max(map(len, CHECKS))

    def show(finding: Finding) -> None:
        label, text = f"{finding.verdict:<7}  {finding.check}", finding.text
        print_labelled(console, label, text, _STYLES[finding.verdict], width=9 + width)

    with console.status("loading") as status:
        found = check_named(
            name,
            config,
            sets or [],
            sessions=sessions,
            seed=seed,
            time_limit=time_limit,
            on_finding=show,
            on_check=lambda check: status.update(check),
        )
    style = "green" if found.conforms else "bold red"
    console.print(f"[{style}]{escape(found.sentence())}[/{style}]", soft_wrap=True)
    console.print(
        f"[dim]{escape(found.market)}{', ' if found.market else ''}{found.seconds:.1f} s[/dim]",
        soft_wrap=True,
    )
    if not found.conforms:
        raise typer.Exit(1)
