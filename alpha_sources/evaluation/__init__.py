"""Is it an alpha? Measures, regimes, significance, duplicates and the ledger of trials.

``judge`` measures formulas on a market view; ``classify`` tells the market's regimes. The parts: labels and
tradability (what a decision would have earned), ground (what all alphas share), measures (one alpha, one
sort), groups and regimes (stability), batch and store (thousands, resumable), evaluation (frames).
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from alpha_sources.evaluation.evaluation import AlphaDetail, Evaluation
    from alpha_sources.evaluation.groups import GroupKind
    from alpha_sources.evaluation.judging import judge
    from alpha_sources.evaluation.labels import forward_returns
    from alpha_sources.evaluation.regimes import Regime, RegimeRules, Stress, Trend, classify
    from alpha_sources.evaluation.settings import DateRange, Lags, Settings
    from alpha_sources.evaluation.status import Status
    from alpha_sources.evaluation.store import ResultStore

__all__ = [
    "AlphaDetail",
    "DateRange",
    "Evaluation",
    "GroupKind",
    "Lags",
    "Regime",
    "RegimeRules",
    "ResultStore",
    "Settings",
    "Status",
    "Stress",
    "Trend",
    "classify",
    "forward_returns",
    "judge",
]

#: Imported when first asked for: whoever wants the regimes alone needs neither scipy nor a database. No
#: module bears the name of what it offers, since importing it would put the module in its place.
_LATER = {
    "AlphaDetail": "evaluation",
    "DateRange": "settings",
    "Evaluation": "evaluation",
    "GroupKind": "groups",
    "Lags": "settings",
    "Regime": "regimes",
    "RegimeRules": "regimes",
    "ResultStore": "store",
    "Settings": "settings",
    "Status": "status",
    "Stress": "regimes",
    "Trend": "regimes",
    "classify": "regimes",
    "forward_returns": "labels",
    "judge": "judging",
}


def __getattr__(name: str) -> Any:
    if name not in _LATER:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_LATER[name]}"), name)
