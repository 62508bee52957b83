"""Options that several commands of ``alphaloom seed`` share."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from rich.console import Console

    from alpha_sources.seed.documents import Limits
    from alpha_sources.seed.settings import FactorySettings
    from alphaloom.config import RunConfig

Config = Annotated[
    str | None,
    typer.Option("--config", metavar="FILE|NAME", help="A run configuration: its data, spans and llm count."),
]
Sets = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="KEY=VALUE", help="A key of the configuration; as often as needed."),
]
FactoryOptions = Annotated[
    list[str] | None,
    typer.Option("--factory", metavar="KEY=VALUE", help="A setting of the factory, such as most=10."),
]
LimitOptions = Annotated[
    list[str] | None,
    typer.Option(
        "--limit",
        metavar="KEY=VALUE",
        help="What one document may cost, such as pages=2000 or file_bytes=100000000.",
    ),
]
Force = Annotated[bool, typer.Option("--force", help="Replace the file that is there.")]


def settings_of(config: str | None, sets: Sequence[str]) -> RunConfig:
    """The configuration in force: the sample's data where none is named."""
    import os

    from alphaloom.config import load_config

    source: Any = {"name": "seeds", "data": {"source": "sample"}} if config is None else config
    return load_config(source, sets=list(sets), environ=os.environ)


def factory_of(options: Sequence[str] | None) -> FactorySettings:
    """Settings of the factory from ``KEY=VALUE`` texts; values are YAML."""
    from alpha_sources.seed.settings import factory_settings

    return factory_settings(**_pairs(options, "--factory", "most=10"))


def limits_of(options: Sequence[str] | None) -> Limits:
    """Limits of a document from ``KEY=VALUE`` texts."""
    from alpha_sources.seed.documents import Limits

    return Limits.read(_pairs(options, "--limit", "pages=2000"))


def _pairs(options: Sequence[str] | None, option: str, example: str) -> dict[str, Any]:
    import yaml

    from alpha_sources.seed.errors import SeedError

    values: dict[str, Any] = {}
    for item in options or []:
        key, equals, text = item.partition("=")
        try:
            values[key.strip()] = yaml.safe_load(text)
        except yaml.YAMLError:
            equals = ""
        if not equals or not key.strip():
            raise SeedError(f"{option} {item!r}: write it as key=value, like {example}")
    return values


def console(stderr: bool = False) -> Console:
    """A console that colours nothing by itself."""
    from rich.console import Console

    return Console(highlight=False, stderr=stderr)
