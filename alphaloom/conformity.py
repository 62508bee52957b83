"""Conformance checks with the provider, the data and the span of a configuration."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from alpha_sources.conformance import Conformance, Finding, Named, Options, check_apart
from alphaloom.config import load_config
from engine.market import MarketPanel, load_market
from engine.span import resolve_span


@dataclass(frozen=True, slots=True)
class Setting:
    """What a configuration says of a check.

    Parameters
    ----------
    provider : Named
        The provider, not yet made.
    panel : MarketPanel
        The market.
    options : Options
        Sessions are drawn from the decisions of the configuration's span.
    """

    provider: Named
    panel: MarketPanel
    options: Options


def read_setting(
    name: str | None,
    config: str | Path | Mapping[str, Any] | None = None,
    sets: Sequence[str] = (),
    *,
    panel: MarketPanel | None = None,
    sessions: int = 8,
    seed: int = 0,
    time_limit: float = 60.0,
) -> Setting:
    """Read what to check, on what.

    Parameters
    ----------
    name : str or None
        The provider; None is the configuration's own. Parameters that the configuration has for another
        provider are left out.
    config, sets
        See `alphaloom.backtest`.
    panel : MarketPanel, optional
        Instead of the configuration's data; its span is then all of them.
    sessions, seed, time_limit
        See `alpha_sources.conformance.Options`.
    """
    chosen = [] if name is None else [f"alpha.provider={json.dumps(name, ensure_ascii=False)}"]
    settings = load_config(config, sets=[*chosen, *sets], environ=os.environ)
    alpha, options = settings.alpha, Options(sessions, seed, time_limit)
    provider = Named(alpha.provider, dict(alpha.params), settings.base, settings.seed, name or "")
    if panel is None:
        panel = load_market(settings.resolved_data()).panel
        span = resolve_span(panel, settings.span)
        options = replace(options, first=span.clock_start, last=span.stop)
    return Setting(provider, panel, options)


def check_named(
    name: str | None,
    config: str | Path | Mapping[str, Any] | None = None,
    sets: Sequence[str] = (),
    *,
    sessions: int = 8,
    seed: int = 0,
    time_limit: float = 60.0,
    on_finding: Callable[[Finding], None] | None = None,
    on_check: Callable[[str], None] | None = None,
) -> Conformance:
    """Check a provider in a process of its own; the parameters are those of `read_setting` and `check_apart`.

    Raises
    ------
    AlphaloomError
        If the configuration, its data or the provider cannot be loaded.
    """
    setting = read_setting(name, config, sets, sessions=sessions, seed=seed, time_limit=time_limit)
    return check_apart(setting.provider, setting.panel, setting.options, on_finding, on_check)
