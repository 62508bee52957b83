"""Grids: which values of which keys, and their product."""

from __future__ import annotations

import itertools
import json
import math
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from alphaloom.yaml_reader import YamlError, read_document
from engine.errors import ConfigError

Grid = dict[str, list[Any]]


def parse_grid(items: Sequence[str]) -> Grid:
    """Read ``key.path=value,value,...``; values are YAML, a list or mapping in brackets is one value.

    Raises
    ------
    ConfigError
        If an item is written otherwise, is no YAML, has no value, or a key stands twice.
    """
    grid: Grid = {}
    for item in items:
        key, equals, text = item.partition("=")
        key = key.strip()
        if not equals or not all(key.split(".")):
            raise ConfigError(f"--grid {item!r}: write it as key=value,value, like broker.slippage_bps=0,5")
        try:
            values = read_document(f"[{text}]").value
        except YamlError as problem:
            raise ConfigError(f"--grid {key}: {text!r} are no YAML values ({problem})") from None
        if key in grid:
            raise ConfigError(f"--grid {key} stands twice; write all its values in one")
        if not isinstance(values, list):
            raise ConfigError(f"--grid {key}: {text!r} are no values; separate them by commas")
        grid[key] = values
    return grid


def check_grid(grid: Mapping[str, Sequence[Any]], sets: Sequence[str] = ()) -> Grid:
    """Return the grid as lists, or say what makes it none.

    Raises
    ------
    ConfigError
        If there is no key or a key has no values, a value stands twice, or a key overlaps another or one
        that is set.
    """
    if not grid:
        raise ConfigError("the grid is empty; name a key with values, like --grid strategy.params.topk=10,20")
    out: Grid = {}
    for key, values in grid.items():
        listed = [values] if isinstance(values, str | bytes) else list(values)
        if not listed:
            raise ConfigError(f"--grid {key} has no values")
        texts = [flow(value) for value in listed]
        for position, text in enumerate(texts):
            if text in texts[:position]:
                raise ConfigError(f"--grid {key}: the value {text} stands twice")
        out[key] = listed
    set_keys = [item.partition("=")[0].strip() for item in sets]
    for key in out:
        for other in (*out, *set_keys):
            # a grid may turn one key of a section that is set, but not replace a section that is
            if key is not other and f"{other}.".startswith(f"{key}."):
                raise ConfigError(_overlap(key, other, other in set_keys))
    return out


def product(grid: Grid) -> list[dict[str, Any]]:
    """Every combination, in the order of the keys and values as written; the last key turns fastest."""
    return [dict(zip(grid, values, strict=True)) for values in itertools.product(*grid.values())]


def as_sets(values: Mapping[str, Any]) -> list[str]:
    """The values of a point in the form that ``--set`` takes."""
    return [f"{key}={flow(value)}" for key, value in values.items()]


def flow(value: Any) -> str:
    """Return a value as YAML on one line, such that it reads back as itself.

    Raises
    ------
    ConfigError
        If it is no plain value.
    """
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{flow(str(k))}: {flow(v)}" for k, v in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(flow, value)) + "]"
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, float) and not math.isfinite(value):
        raise ConfigError(f"a grid value must be a finite number, not {value}")
    if hasattr(value, "item"):  # a number of numpy's
        return flow(value.item())
    if value is None or isinstance(value, str | bool | int | float):
        return json.dumps(value, ensure_ascii=False)
    return flow(str(value))


def shown(value: Any) -> str:
    """Return a value as a reader writes it: text without quotes."""
    return value if isinstance(value, str) else flow(value)


def short_names(keys: Sequence[str]) -> dict[str, str]:
    """The last parts of keys, as many as tell them apart."""
    out = {}
    for key in keys:
        parts = key.split(".")
        for length in range(1, len(parts) + 1):
            name = ".".join(parts[-length:])
            if not any(f".{other}".endswith(f".{name}") for other in keys if other != key):
                break
        out[key] = name
    return out


def _overlap(key: str, other: str, is_set: bool) -> str:
    if is_set:
        return f"--grid {key} and --set {other} say the same; leave one out"
    return f"--grid {key} and --grid {other} overlap; leave one out"
