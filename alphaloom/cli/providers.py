"""``alphaloom providers`` and ``alphaloom strategies``: what is installed, from where, and what it takes."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from alphaloom.discovery import Plugin


def providers() -> None:
    """List the alpha providers that have a short name.

    They come with alphaloom or with installed packages that declare them as
    entry points of the group alphaloom.alpha_sources. Others are named in a
    configuration as package.module:Class or path/to/file.py:Class.
    """
    from alpha_sources.loading import ALPHA_SOURCES
    from alphaloom.discovery import discover

    _print(discover(ALPHA_SOURCES))


def strategies() -> None:
    """List the strategies that have a short name.

    They come with alphaloom or with installed packages that declare them as
    entry points of the group alphaloom.strategies. Any other backtrader
    strategy is named as package.module:Class or path/to/file.py:Class.
    """
    from alphaloom.discovery import discover
    from strategies.loading import STRATEGIES

    _print(discover(STRATEGIES))


def _print(found: list[Plugin]) -> None:
    from rich.console import Console
    from rich.markup import escape

    from alphaloom.cli.output import print_labelled

    console = Console(highlight=False)
    for plugin in found:
        where = escape(f"{plugin.distribution} {plugin.version}  {plugin.target}")
        console.print(f"[bold]{escape(plugin.name)}[/bold]  [dim]{where}[/dim]", soft_wrap=True)
        if plugin.summary:
            console.print(f"  {escape(plugin.summary)}", soft_wrap=True)
        if plugin.parameters:
            console.print(f"  [dim]params[/dim]  {escape(', '.join(plugin.parameters))}", soft_wrap=True)
        if plugin.problem:
            print_labelled(console, "  error", plugin.problem, style="red")
