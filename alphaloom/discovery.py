"""What is installed: the plug-ins that distributions offer under short names, and what ails them."""

from __future__ import annotations

import inspect
from collections import Counter
from dataclasses import dataclass
from importlib.metadata import EntryPoint, entry_points
from typing import Any

from engine.errors import AlphaloomError
from engine.plugins import PluginKind, describe, load_object


@dataclass(frozen=True, slots=True)
class Plugin:
    """One short name, and where it comes from.

    Parameters
    ----------
    name : str
        The short name.
    target : str
        ``package.module:Class``, as the distribution declares it.
    distribution, version : str
        Who offers it.
    summary : str
        First line of the class's docstring; empty where it has none, or does not load.
    parameters : tuple of str
        ``lookback=20``; without a default, ``path``.
    problem : str or None
        Why it cannot be used.
    """

    name: str
    target: str
    distribution: str
    version: str
    summary: str = ""
    parameters: tuple[str, ...] = ()
    problem: str | None = None


def discover(kind: PluginKind) -> list[Plugin]:
    """Find the installed plug-ins of a kind, by name. One that does not load keeps none of the others out.

    Returns
    -------
    list of Plugin
        A name that several distributions offer for different things is there as often, each time with that
        problem.
    """
    points = {(point.name, point.value): point for point in reversed(tuple(entry_points(group=kind.group)))}
    offers = Counter(name for name, _ in points)
    return [_plugin(points[key], kind, offers[key[0]]) for key in sorted(points)]


def _plugin(point: EntryPoint, kind: PluginKind, offers: int) -> Plugin:
    owner = point.dist
    named = (owner.name, owner.version) if owner is not None else ("?", "?")
    try:
        target = point.value.split("[")[0].strip()
        if ":" not in target:
            raise kind.error(f"the entry point {point.value!r} names no class; write package.module:Class")
        # by its short name, as a run does: a dotted one would be looked for in the working folder too
        cls = load_object(point.name, kind) if offers == 1 else point.load()
        if inspect.isabstract(cls):
            missing = ", ".join(sorted(getattr(cls, "__abstractmethods__", ())))
            raise kind.error(f"{cls.__name__} does not implement {missing}")
        summary, parameters = _summary(cls), _parameters(cls)
    except AlphaloomError as failed:
        problem = str(failed).removeprefix(f"{kind.noun}: ")
        return Plugin(point.name, point.value, *named, problem=problem)
    except BaseException as failed:
        # whatever somebody else's module raises while it is imported or looked at
        if isinstance(failed, KeyboardInterrupt):
            raise
        return Plugin(point.name, point.value, *named, problem=describe(failed))
    twice = f"{offers} packages offer this name; write {point.value}" if offers > 1 else None
    return Plugin(point.name, point.value, *named, summary, parameters, twice)


def _summary(cls: type) -> str:
    """First line of what the class says of itself; what its parents say is not about it."""
    text = inspect.cleandoc(cls.__doc__ or "")
    return text.partition("\n")[0].strip()


def _parameters(cls: Any) -> tuple[str, ...]:
    if hasattr(cls, "params") and hasattr(cls.params, "_getitems"):  # backtrader's own way
        return tuple(f"{key}={value!r}" for key, value in cls.params._getitems() if key != "signal")
    empty = inspect.Parameter.empty
    return tuple(
        f"{'**' if p.kind is p.VAR_KEYWORD else ''}{p.name}"
        + ("" if p.default is empty else f"={p.default!r}")
        for p in inspect.signature(cls).parameters.values()
        if p.kind is not p.VAR_POSITIONAL
    )
