"""Turn what a configuration says of a strategy into a class and its parameters."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import backtrader as bt

from engine.errors import ConfigError, StrategyError
from engine.plugins import PluginKind, load_object, nearest
from strategies.base import PanelStrategy, check_settings

STRATEGIES = PluginKind("strategy", "alphaloom.strategies", bt.Strategy, StrategyError)


def load_strategy(
    name: str, params: dict[str, Any], signal: Any, base: Path | None = None, seed: int = 0
) -> tuple[type[bt.Strategy], dict[str, Any]]:
    """Return the strategy class and its checked parameters, with signal and seed if it takes them.

    Raises
    ------
    StrategyError
        If there is no such strategy.
    ConfigError
        If a parameter is unknown or out of range.
    """
    cls: Any = load_object(name, STRATEGIES, base)
    accepted = [key for key in cls.params._getkeys() if key != "signal"]
    for key in params:
        if key not in accepted:
            raise ConfigError(
                f"strategy.params.{key}: {name} has no such parameter{nearest(key, accepted)}; "
                f"it accepts {', '.join(accepted) or 'none'}"
            )
    if issubclass(cls, PanelStrategy):
        check_settings(cls.settings, params)
    if "seed" in accepted:
        params = {"seed": seed, **params}
    takes_signal = "signal" in cls.params._getkeys()
    return cls, {**params, **({"signal": signal} if takes_signal else {})}


def uses_signal(name: str, base: Path | None = None) -> bool:
    """Whether a strategy reads scores at all."""
    cls: Any = load_object(name, STRATEGIES, base)
    return "signal" in cls.params._getkeys()
