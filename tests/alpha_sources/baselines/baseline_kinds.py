"""Every baseline that learns, small enough for a test."""

from __future__ import annotations

from typing import Any

from alpha_sources.baselines import Genetic, GradientBoosting, LstmSequences, MlpFeatures, RandomAlphas
from alpha_sources.snapshot import Snapshot
from engine.market.calendar import iso
from engine.market.view import MarketView

SPAN = {"min_sessions": 40}
SMALL: dict[str, tuple[type, dict[str, Any]]] = {
    "gradient_boosting": (GradientBoosting, {"trees": 40, "patience": 10, "leaves": 7, "min_leaf": 20}),
    "mlp_features": (MlpFeatures, {"hidden": 16, "hidden_2": 8, "epochs": 12, "ensemble": 2, "batch": 512}),
    "lstm": (LstmSequences, {"sessions": 5, "hidden": 8, "epochs": 8, "batch": 256, "learning_rate": 0.01}),
    "genetic": (Genetic, {"population": 30, "generations": 2, "keep": 3, "depth": 2, "elite": 2}),
    "random_alphas": (RandomAlphas, {"count": 4, "depth": 2}),
}


def small(name: str, **options: Any) -> Any:
    """A baseline that learns in about a second."""
    cls, params = SMALL[name]
    return cls(**{**SPAN, **params, **options})


def learned(provider: Any, view: MarketView, previous: Snapshot | None = None) -> Snapshot:
    """What it learns, stamped as a run stamps it."""
    return provider.refresh(view, previous).stamped(
        provider=type(provider).__name__,
        params_hash="",
        as_of=iso(view.session),
        parent=None if previous is None else previous.hash,
    )
