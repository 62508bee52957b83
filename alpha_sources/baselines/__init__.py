"""Baselines: what a signal must beat before it is worth its trouble, each a provider of its own.

What learns, learns as the flagship does: from returns that were realised by the session, with the same purge
and window. The parts: settings and extras (what a user says, and what must be installed), lessons (which
sessions teach what), features (Alpha158), learned (what all share); boosting (trees); networks, training and
neural (what mlp and lstm share); grammar (random formulas that make sense), candidates (what formulas were
worth), search (genetic programming), blend (scores of formulas); genetic and random_alphas; momentum; pages
(the report).
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from alpha_sources.baselines.boosting import GradientBoosting
    from alpha_sources.baselines.extras import MissingExtraError
    from alpha_sources.baselines.genetic import Genetic
    from alpha_sources.baselines.lstm import LstmSequences
    from alpha_sources.baselines.mlp import MlpFeatures
    from alpha_sources.baselines.momentum import Momentum
    from alpha_sources.baselines.random_alphas import RandomAlphas

__all__ = [
    "Genetic",
    "GradientBoosting",
    "LstmSequences",
    "MissingExtraError",
    "MlpFeatures",
    "Momentum",
    "RandomAlphas",
]

#: Imported when first asked for: an extra that is missing takes no other baseline with it.
_LATER = {
    "Genetic": "genetic",
    "GradientBoosting": "boosting",
    "LstmSequences": "lstm",
    "MissingExtraError": "extras",
    "MlpFeatures": "mlp",
    "Momentum": "momentum",
    "RandomAlphas": "random_alphas",
}


def __getattr__(name: str) -> Any:
    if name not in _LATER:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_LATER[name]}"), name)
