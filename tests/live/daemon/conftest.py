"""The market that the daemon's tests share, and a home of their own for what is learned."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path[:0] = [str(Path(__file__).parents[1]), str(Path(__file__).parent)]

import fortnight  # noqa: E402
from simulation import World  # noqa: E402

from engine.market.store import MarketStore  # noqa: E402


@pytest.fixture(autouse=True)
def _nothing_learned_before(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALPHALOOM_HOME", str(tmp_path / "home"))


@pytest.fixture(scope="session")
def eventful(tmp_path_factory: pytest.TempPathFactory) -> MarketStore:
    """The sample with a limit-up open and a suspension in it."""
    return fortnight.market(tmp_path_factory.mktemp("eventful"))


@pytest.fixture(scope="session")
def quiet(eventful: MarketStore) -> MarketStore:
    """The sample as it is."""
    return MarketStore(eventful.folder.parent / "sample")


@pytest.fixture
def world(quiet: MarketStore, tmp_path: Path) -> Iterator[World]:
    """The evening before 2023-06-12, with nothing special to come."""
    made = fortnight.world(quiet, tmp_path)
    made.no_data = {}
    for feed in made.feeds:
        feed.bend = lambda quote: quote
    yield made
    assert not made.defects, made.defects
