"""A market with an index, industries, accounts and texts; a local server, and doors that lead to it."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest

# the server of the door's own tests
sys.path.append(str(Path(__file__).parents[2] / "llm"))

from llm_server import KEY, LlmServer
from llm_waits import Waits

from alpha_sources.llm import Door, LlmConfig
from engine.market.instruments import Instruments
from engine.market.panel import MarketPanel
from engine.market.text import Text

INDEX = "000016.SH"
SESSIONS = 330
INDUSTRIES = ("银行", "银行", "银行", "电子", "电子", "电子", "食品饮料", "食品饮料", "煤炭", "")


@pytest.fixture(scope="session")
def world(make_panel: Callable[..., MarketPanel]) -> MarketPanel:
    """Ten names from 2021-11-01 on; one leaves a sector, one joins one; figures change every 60 sessions."""
    symbols = tuple(f"6000{i:02d}.SH" for i in range(10))
    panel = make_panel(sessions=SESSIONS, start="2021-11-01", symbols=symbols, seed=5)
    random = np.random.default_rng(6)
    shape = panel.shape
    close = panel.field("close")
    opened = close * np.exp(random.normal(0, 0.005, shape))
    universe = np.ones(shape, dtype=bool)
    universe[:280, 1] = universe[300:, 4] = False
    quarter = np.arange(SESSIONS) // 60
    eps = 0.5 + 0.1 * quarter[:, None] + 0.01 * np.arange(10)
    level = 3000.0 * np.exp(np.cumsum(random.normal(0, 0.01, SESSIONS)))
    texts = [
        Text(datetime(2023, 1, 10, 9), "Banks rally", "Profit growth beat expectations.", "wire", None),
        Text(
            datetime(2023, 2, 20, 15, 1), "After the close", "Default.", "wire", "600003.SH", "announcement"
        ),
    ]
    return replace(
        panel,
        fields={
            **panel.fields,
            "open": opened,
            "high": np.maximum(opened, close) * 1.01,
            "low": np.minimum(opened, close) * 0.99,
            "amount": random.lognormal(18, 0.4, shape),
            "eps_ttm": eps,
            "pe_ttm": close / eps,
        },
        universe=universe,
        indices={
            INDEX: {
                "open": level * 0.999,
                "high": level * 1.01,
                "low": level * 0.99,
                "close": level,
                "volume": random.lognormal(21, 0.3, SESSIONS),
            }
        },
        instruments=Instruments(
            names=np.array([f"name {i}" for i in range(10)]),
            industries=np.array(INDUSTRIES),
            boards=panel.instruments.boards,
        ),
        texts=tuple(texts),
    )


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)


@pytest.fixture
def server() -> Iterator[LlmServer]:
    running = LlmServer()
    yield running
    running.close()


@pytest.fixture
def open_door(server: LlmServer, tmp_path: Path) -> Iterator[Callable[..., Door]]:
    with ExitStack() as stack:

        def opened(mode: str = "live", **section: Any) -> Door:
            profile = {
                "base_url": server.url,
                "model": "thinker-1",
                "key_variable": "TEST_LLM_KEY",
                "timeout_s": 5,
                "transcription_model": "hearer-1",
                "vision": True,
                "tokens_per_image": 1000,
                "knowledge_cutoff": "2023-06-30",
            }
            config = LlmConfig(
                mode=mode, profiles={"local": profile}, cassette=tmp_path / "cassettes" / "run.db", **section
            )
            return stack.enter_context(
                Door.open(config, environ={"TEST_LLM_KEY": KEY}, clock=Waits().clock())
            )

        yield opened
