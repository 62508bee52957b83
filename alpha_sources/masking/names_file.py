"""A file of further names that a mask hides: English ones, full ones, nicknames."""

from __future__ import annotations

from pathlib import Path

import yaml

from engine.errors import ConfigError

_FORM = "write a list of names by symbol, as in 600519.SH: [Kweichow Moutai]"


def read_names(path: Path) -> dict[str, tuple[str, ...]]:
    """Read names by symbol from a YAML file.

    Parameters
    ----------
    path : Path
        With a list of names under each symbol.

    Returns
    -------
    dict of str to tuple of str

    Raises
    ------
    ConfigError
        If the file cannot be read, or something in it is no list of names; the symbol is named.
    """
    try:
        said = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise ConfigError(f"{path} cannot be read: {str(error).splitlines()[0]}") from None
    if not isinstance(said, dict):
        raise ConfigError(f"{path}: {_FORM}")
    for symbol, names in said.items():
        plain = isinstance(names, list) and all(isinstance(name, str) and name.strip() for name in names)
        if not isinstance(symbol, str) or not plain:
            raise ConfigError(f"{path}, {symbol}: {_FORM}")
    return {symbol: tuple(names) for symbol, names in said.items()}
