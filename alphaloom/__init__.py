"""Alphaloom: back-testing and paper trading for A-shares with LLM-written alphas.

>>> from alphaloom import backtest, load_panel
>>> result = backtest("quickstart")
>>> print(result)
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"
__all__ = [
    "AlphaProvider",
    "AlphaloomError",
    "Result",
    "RunConfig",
    "Snapshot",
    "backtest",
    "judge",
    "load_panel",
]

if TYPE_CHECKING:
    from alpha_sources.evaluation import judge
    from alpha_sources.provider import AlphaProvider
    from alpha_sources.snapshot import Snapshot
    from alphaloom.api import backtest, load_panel
    from alphaloom.config import RunConfig
    from engine.errors import AlphaloomError
    from engine.result import Result

_HOMES = {
    "AlphaProvider": "alpha_sources.provider",
    "AlphaloomError": "engine.errors",
    "Result": "engine.result",
    "RunConfig": "alphaloom.config",
    "Snapshot": "alpha_sources.snapshot",
    "backtest": "alphaloom.api",
    "judge": "alpha_sources.evaluation",
    "load_panel": "alphaloom.api",
}


def __getattr__(name: str) -> Any:
    # the public names load what they need when first used, so that `alphaloom --help` stays quick
    if name in _HOMES:
        import importlib

        return getattr(importlib.import_module(_HOMES[name]), name)
    raise AttributeError(f"module 'alphaloom' has no attribute {name!r}")
