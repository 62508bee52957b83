"""Every baseline keeps the contract of a provider: nothing later is seen, nothing is remembered."""

from __future__ import annotations

from baseline_kinds import small
from baseline_markets import market

from alpha_sources.baselines import Momentum
from alphaloom.testing import provider_suite

MARKET = market(150, names=15, seed=3)
SPAN = {"window_sessions": 55, "min_sessions": 50}


def _suite(name: str, **options):
    return provider_suite(lambda: small(name, **{**SPAN, **options}), MARKET, sessions=2)


test_gradient_boosting = _suite("gradient_boosting", trees=8)
test_mlp_features = _suite("mlp_features", epochs=3, ensemble=1)
test_lstm = _suite("lstm", epochs=2)
test_genetic = _suite("genetic", population=10, generations=1)
test_random_alphas = _suite("random_alphas")
test_momentum = provider_suite(lambda: Momentum(30, 5), MARKET, sessions=2)
