"""A local server, and doors that lead to it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from llm_server import KEY, LlmServer
from llm_waits import Waits

from alpha_sources.llm import Door, LlmConfig


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
def waits() -> Waits:
    return Waits()


@pytest.fixture
def cassette(tmp_path: Path) -> Path:
    return tmp_path / "cassettes" / "run.db"


@pytest.fixture
def open_door(server: LlmServer, cassette: Path, waits: Waits) -> Iterator[Callable[..., Door]]:
    """Open a door by mode, with changes of the section and of its profile."""
    with ExitStack() as stack:

        def opened(
            mode: str = "live",
            *,
            profile: dict[str, Any] | None = None,
            environ: dict[str, str] | None = None,
            **section: Any,
        ) -> Door:
            values = {
                "base_url": server.url,
                "model": "thinker-1",
                "key_variable": "TEST_LLM_KEY",
                "timeout_s": 5,
            }
            config = LlmConfig(
                mode=mode, profiles={"local": {**values, **(profile or {})}}, cassette=cassette, **section
            )
            keys = {"TEST_LLM_KEY": KEY} if environ is None else environ
            return stack.enter_context(Door.open(config, environ=keys, clock=waits.clock()))

        yield opened
