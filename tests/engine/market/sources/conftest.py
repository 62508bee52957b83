"""Vendors' hosts on this machine, and callers that reach them."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest
from vendors.market import Market
from vendors.server import VendorServer

from engine.market.sources.remote.caller import DirectCaller

#: with dividends, bonus shares, a long suspension, a new listing
NAMES = (
    "600009.SH", "600028.SH", "600030.SH", "600036.SH", "600519.SH", "600887.SH", "601012.SH", "601318.SH",
    "601857.SH", "603288.SH", "603986.SH", "688981.SH",
)  # fmt: skip


@pytest.fixture(scope="module")
def market() -> Market:
    """Some names of the bundled sample as they stood after the close of its last session."""
    return Market.sample(NAMES)


@pytest.fixture(scope="module")
def running(market: Market) -> Iterator[VendorServer]:
    with pytest.MonkeyPatch.context() as patch, VendorServer(market.routes) as server:
        for name, value in server.environment().items():
            patch.setenv(name, value)
        patch.setenv("TQDM_DISABLE", "1")
        assert os.environ["HTTPS_PROXY"] == server.url
        yield server


@pytest.fixture
def server(running: VendorServer, market: Market) -> VendorServer:
    """The vendors' hosts, telling of the market again after a test has bent them."""
    running.routes = market.routes
    running.log.clear()
    running.unknown.clear()
    return running


@pytest.fixture
def call(server: VendorServer) -> DirectCaller:
    """Runs the unmodified akshare in this process, through the proxy."""
    return DirectCaller()
