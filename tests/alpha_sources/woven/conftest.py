"""The bundled sample, a few seeds, and a woven provider that learns quickly."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from alpha_sources.refresh import RefreshRule
from alpha_sources.refresh_store import RefreshStore
from alpha_sources.signal import ProviderSignal
from alpha_sources.woven import WovenProvider
from alphaloom import load_panel
from engine.market.panel import MarketPanel

SEEDS = """\
title: a few
entries:
- {name: reversal, category: mean_reversion, formula: '-pct_change(close, 20)', knows_until: '2020-06-30'}
- {name: gap, category: mean_reversion, formula: '-(open / delay(close, 1) - 1)', knows_until: '2020-06-30'}
- {name: calm, category: volatility, formula: '-ts_std(returns, 60)', knows_until: '2020-06-30'}
- {name: neglected, category: liquidity, formula: '-ts_mean(turnover, 20)', knows_until: '2020-06-30'}
- {name: cheap, category: fundamental, formula: '1 / pe_ttm', knows_until: '2020-06-30'}
- {name: smooth, category: technical, formula: 'ema(close, 10) / close', knows_until: '2020-06-30'}
"""

QUICK = {"model": "gated", "epochs": 5, "ensemble": 2}


@pytest.fixture(scope="session")
def sample() -> MarketPanel:
    return load_panel("sse50").truncate("2022-03-31")


@pytest.fixture(scope="session")
def seeds(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("seeds") / "seeds.yaml"
    path.write_text(SEEDS, encoding="utf-8")
    return path


@pytest.fixture
def make(seeds: Path) -> Callable[..., WovenProvider]:
    def made(**params: Any) -> WovenProvider:
        agents = {"threshold": 0.3} | params.pop("agents", {})
        weights = QUICK | params.pop("weights", {})
        chosen = {"seeds_path": seeds, "min_sessions": 100, "alphas_refresh": "quarter_end"} | params
        return WovenProvider(agents=agents, weights=weights, **chosen)

    return made


@pytest.fixture
def walk(sample: MarketPanel) -> Callable[..., ProviderSignal]:
    """Score the sessions between two days, refreshing by a rule."""

    def walked(
        provider: WovenProvider,
        first: str = "2021-08-30",
        last: str = "2021-11-05",
        rule: str = "month_end",
        panel: MarketPanel = sample,
        store: RefreshStore | None = None,
    ) -> ProviderSignal:
        signal = ProviderSignal(provider, panel, RefreshRule.parse(rule), "woven", "ab" * 32, store=store)
        for row in range(panel.row(first), panel.row(last) + 1):
            signal.scores_at(row)
        return signal

    return walked
