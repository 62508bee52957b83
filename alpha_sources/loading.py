"""Turn what a configuration says of a provider into one."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from datetime import date
from math import isfinite
from pathlib import Path
from typing import Any

from alpha_sources.llm.config import LlmConfig
from alpha_sources.provider import AlphaProvider
from engine.errors import ProviderError
from engine.hashing import hash_json
from engine.plugins import PluginKind, construct, load_object, path_parameters

ALPHA_SOURCES = PluginKind("alpha provider", "alphaloom.alpha_sources", AlphaProvider, ProviderError)


def load_provider(name: str, params: Mapping[str, Any], base: Path | None = None) -> AlphaProvider:
    """Make the provider `name` with keyword arguments `params`.

    Parameters
    ----------
    name : str
        ``package.module:Class``, ``path/to/file.py:Class`` or a short name (``reversal``).
    params : mapping
        Keyword arguments of its constructor. Where the constructor annotates one as ``Path``, a relative
        path is taken from `base`.
    base : Path, optional
        Folder of the configuration; default the working folder.

    Raises
    ------
    ProviderError
        In one line: not found, fails to import, no such class, no provider, wrong or missing arguments.
    """
    cls = load_object(name, ALPHA_SOURCES, base)
    paths = path_parameters(cls)
    resolved = {
        key: (base or Path.cwd()) / Path(value).expanduser()
        if key in paths and isinstance(value, str | Path)
        else value
        for key, value in params.items()
    }
    provider: AlphaProvider = construct(cls, name, resolved, ALPHA_SOURCES)
    return provider


def handed(
    cls: type[AlphaProvider], params: Mapping[str, Any], *, seed: int, llm: LlmConfig
) -> dict[str, Any]:
    """Add to a provider's parameters what belongs to the run, where its constructor takes it.

    Parameters
    ----------
    cls : type
        The provider.
    params : mapping
        Those written for it, which come first.
    seed : int
    llm : LlmConfig

    Returns
    -------
    dict
    """
    taken = inspect.signature(cls).parameters
    of_the_run = {"seed": seed, "llm": llm}
    return {name: value for name, value in of_the_run.items() if name in taken} | dict(params)


def params_hash(name: str, params: Mapping[str, Any], cls: type[AlphaProvider] = AlphaProvider) -> str:
    """Hash of a provider's name and parameters, the same in any folder on any machine.

    Files count by their name: that of the provider itself, and arguments that are, or that `cls` annotates
    as, ``Path``. Of language models counts what determines their answers; offline ones do not count.
    """
    target, separator, attribute = name.rpartition(":")
    if target.endswith(".py"):
        name = f"{Path(target).name}{separator}{attribute}"
    paths = path_parameters(cls)
    offline = [key for key, value in params.items() if isinstance(value, LlmConfig) and not value.identity()]
    plain = {
        key: Path(value).name if key in paths and isinstance(value, str) else _plain(key, value)
        for key, value in params.items()
        if key not in offline
    }
    return hash_json({"provider": name, "params": plain})


def _plain(key: str, value: Any) -> Any:
    if isinstance(value, Path):
        return value.name
    if isinstance(value, LlmConfig):
        return value.identity()
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Mapping):
        return {str(name): _plain(key, item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(key, item) for item in value]
    if value is None or isinstance(value, str | int) or (isinstance(value, float) and isfinite(value)):
        return value
    raise ProviderError(
        f"alpha.params.{key}: {value!r} cannot be recorded; write finite numbers, text, dates, lists or "
        "mappings"
    )
