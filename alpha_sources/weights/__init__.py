"""Weights that follow the market: what the kept alphas are worth, learned from the past.

``fit`` learns from a `TrainingSet` what a `WeightsConfig` says; the `Fitted` that comes out gives the weights
at a market state and scores sessions, and can be stored as JSON and arrays. The parts: training_set, config,
split and sample (what is learned from), cross_section and market (one scale), networks, losses and training
(torch), closed_form (ridge, IC), forms and fitted (scoring, without torch), warm_start, sizes.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from alpha_sources.weights.config import WeightsConfig, weights_config
    from alpha_sources.weights.errors import WeightsError
    from alpha_sources.weights.fitted import Fitted
    from alpha_sources.weights.fitting import fit
    from alpha_sources.weights.training_set import TrainingSet

__all__ = ["Fitted", "TrainingSet", "WeightsConfig", "WeightsError", "fit", "weights_config"]

#: Imported when first asked for, and torch only when something is fitted: who scores needs none. No module
#: bears the name of what it offers, since importing it would put the module in its place.
_LATER = {
    "Fitted": "fitted",
    "TrainingSet": "training_set",
    "WeightsConfig": "config",
    "WeightsError": "errors",
    "fit": "fitting",
    "weights_config": "config",
}


def __getattr__(name: str) -> Any:
    if name not in _LATER:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_LATER[name]}"), name)
