"""Options that several commands of ``alphaloom seed`` share."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from rich.console import Console

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
Force = Annotated[bool, typer.Option("--force", help="Replace the file that is there.")]


def settings_of(config: str | None, sets: Sequence[str]) -> RunConfig:
    """The configuration in force: the sample's data where none is named."""
    import os

    from alphaloom.config import load_config

    source: Any = {"name": "seeds", "data": {"source": "sample"}} if config is None else config
    return load_config(source, sets=list(sets), environ=os.environ)


def factory_of(options: Sequence[str] | None) -> FactorySettings:
    """Settings of the factory from ``KEY=VALUE`` texts; values are YAML."""
    import yaml

    from alpha_sources.seed.errors import SeedError
    from alpha_sources.seed.settings import factory_settings

    values: dict[str, Any] = {}
    for item in options or []:
        key, equals, text = item.partition("=")
        try:
            values[key.strip()] = yaml.safe_load(text)
        except yaml.YAMLError:
            equals = ""
        if not equals or not key.strip():
            raise SeedError(f"--factory {item!r}: write it as key=value, like most=10")
    return factory_settings(**values)


def names_of(path: Path | None) -> dict[str, list[str]]:
    """Names by symbol of a YAML file; none without one."""
    import yaml

    from alpha_sources.seed.errors import SeedError

    if path is None:
        return {}
    try:
        said = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise SeedError(f"{path} cannot be read: {str(error).splitlines()[0]}") from None
    for symbol, names in said.items() if isinstance(said, dict) else [(None, None)]:
        plain = isinstance(names, list) and all(isinstance(name, str) and name.strip() for name in names)
        if not isinstance(symbol, str) or not plain:
            where = f"{path}, {symbol}" if symbol else str(path)
            raise SeedError(f"{where}: write a list of names by symbol, as in 600519.SH: [Kweichow Moutai]")
    return dict(said)


def console(stderr: bool = False) -> Console:
    """A console that colours nothing by itself."""
    from rich.console import Console

    return Console(highlight=False, stderr=stderr)
