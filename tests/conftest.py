"""What all tests share."""

from __future__ import annotations

import gc
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, settings

# a busy machine is no failure: no deadlines, and the same examples on every run
settings.register_profile(
    "alphaloom", deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("alphaloom")


def pytest_collection_finish() -> None:
    """Thousands of tests stay: the collector need not walk through them again and again."""
    gc.collect()
    gc.freeze()


@pytest.fixture(autouse=True, scope="session")
def _no_ones_home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """What runs keep goes to a folder of the tests, not to that of whoever runs them."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ALPHALOOM_HOME", str(tmp_path_factory.mktemp("alphaloom_home")))
        yield
