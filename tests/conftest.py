"""What all tests share."""

from __future__ import annotations

from hypothesis import HealthCheck, settings

# a busy machine is no failure: no deadlines, and the same examples on every run
settings.register_profile(
    "alphaloom", deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("alphaloom")
