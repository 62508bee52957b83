"""What runs in the worker process: unpickle a provider, score one session."""

from __future__ import annotations

import importlib
import importlib.util
import pickle
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from alpha_sources.snapshot import Snapshot
from engine.market.view import MarketView
from engine.plugins import describe


@dataclass(frozen=True, slots=True)
class Module:
    """Where a provider's class is defined: a module's name and, as plug-ins in files need it, its file."""

    name: str
    file: str | None


@dataclass(frozen=True, slots=True)
class Job:
    """A pickled provider and the question for it."""

    provider: bytes
    module: Module
    view: MarketView
    snapshot: Snapshot | None


def module_of(kind: type) -> Module:
    """Return the module of a class."""
    file = getattr(sys.modules.get(kind.__module__), "__file__", None)
    return Module(kind.__module__, file)


def score(job: Job) -> Any:
    """Return the scores as an array, or in words what is in the way."""
    try:
        _import(job.module)
        provider = pickle.loads(job.provider)
    except BaseException as exc:
        return f"it cannot be unpickled: {describe(exc)}"
    try:
        return np.asarray(provider.scores(job.view, job.snapshot))
    except BaseException as exc:
        return f"scores raises {describe(exc)}"


def _import(module: Module) -> None:
    try:
        importlib.import_module(module.name)
    except ModuleNotFoundError:
        if module.file is None:
            raise
        spec = importlib.util.spec_from_file_location(module.name, Path(module.file))
        assert spec is not None
        assert spec.loader is not None
        made = importlib.util.module_from_spec(spec)
        sys.modules[module.name] = made
        spec.loader.exec_module(made)
