from __future__ import annotations

import pytest

from alphaloom import load_panel
from engine.market.panel import MarketPanel


@pytest.fixture(scope="session")
def sample() -> MarketPanel:
    return load_panel()
