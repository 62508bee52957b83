"""The sample and its seeds, decisions made once, a local server of models, and doors that lead to it."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

# the server of the door's own tests
sys.path.append(str(Path(__file__).parents[1] / "llm"))

from llm_server import KEY, LlmServer
from llm_waits import Waits

from alpha_sources.agents import CommitteeConfig, Decision, decide
from alpha_sources.libraries import LibraryEntry, load_library
from alpha_sources.libraries.categories import Category
from alpha_sources.llm import Door, LlmConfig
from alphaloom import load_panel
from engine.market.instruments import Instruments
from engine.market.panel import MarketPanel

DAY = "2022-03-31"
INDEX = "000016.SH"


@pytest.fixture(scope="session")
def sample() -> MarketPanel:
    """SSE 50 up to the middle of 2022."""
    panel = load_panel("sse50")
    return panel.truncate(int(np.searchsorted(panel.dates, np.datetime64("2022-06-30"))))


@pytest.fixture(scope="session")
def train() -> MarketPanel:
    """SSE 50 up to the end of 2022: the train span."""
    panel = load_panel("sse50")
    return panel.truncate(int(np.searchsorted(panel.dates, np.datetime64("2022-12-30"))))


@pytest.fixture(scope="session")
def seeds() -> tuple[LibraryEntry, ...]:
    return load_library("paper_seeds").entries


@pytest.fixture(scope="session")
def decision(sample: MarketPanel, seeds: tuple[LibraryEntry, ...]) -> Decision:
    return decide(sample.view(DAY), seeds, CommitteeConfig())


def seed(name: str, formula: str, category: Category = Category.MOMENTUM) -> LibraryEntry:
    return LibraryEntry(name, formula, category=category)


@pytest.fixture(scope="session", name="seed")
def _seed() -> Callable[..., LibraryEntry]:
    return seed


@pytest.fixture(scope="session")
def small(make_panel: Callable[..., MarketPanel]) -> MarketPanel:
    """Twelve names, 160 sessions, an index, amounts; moves go on two sessions later: something foresees."""
    symbols = tuple(f"6000{i:02d}.SH" for i in range(12))
    shape = (160, len(symbols))
    random = np.random.default_rng(3)
    moves = random.normal(0, 0.02, shape)
    for t in range(2, shape[0]):
        moves[t] += 0.25 * moves[t - 2]
    close = 10.0 * np.exp(np.cumsum(moves, axis=0))
    panel = make_panel(sessions=shape[0], start="2022-01-04", symbols=symbols, close=close)
    level = 3000.0 * np.exp(np.cumsum(moves.mean(axis=1)))
    return replace(
        panel,
        fields={
            **panel.fields,
            "adj_factor": np.ones(shape),
            "open": np.vstack([close[:1], close[:-1]]) * np.exp(random.normal(0, 0.001, shape)),
            "amount": random.lognormal(18, 0.4, shape),
        },
        instruments=Instruments.from_symbols(np.array(symbols)),
        indices={INDEX: {"close": level}},
    )


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)


@pytest.fixture
def model() -> Iterator[LlmServer]:
    running = LlmServer()
    yield running
    running.close()


@pytest.fixture
def open_door(model: LlmServer, tmp_path: Path) -> Iterator[Callable[..., Door]]:
    """Open a door by mode, with changes of the section and of its profile."""
    with ExitStack() as stack:

        def opened(mode: str = "live", *, profile: dict[str, Any] | None = None, **section: Any) -> Door:
            values = {
                "base_url": model.url,
                "model": "judge-1",
                "key_variable": "TEST_LLM_KEY",
                "timeout_s": 5,
            }
            config = LlmConfig(
                mode=mode,
                profiles={"local": {**values, **(profile or {})}},
                cassette=tmp_path / "cassettes" / "run.db",
                **section,
            )
            return stack.enter_context(
                Door.open(config, environ={"TEST_LLM_KEY": KEY}, clock=Waits().clock())
            )

        yield opened
