"""The committee: which seeds are credible in the market as it stands.

`decide` judges seeds at a refresh and says which go on, by rules alone or with language models that may move
scores within a bound. The parts: evidence (what each alpha did so far), confidence (theta), risk (rho),
questions and moves (what models are asked, and what of it counts), experts (how much each agent counts),
selection (who is kept), decision (the record), explanation and section (why, in words and pictures).
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from alpha_sources.agents.committee import decide
    from alpha_sources.agents.config import CommitteeConfig, RiskProfile
    from alpha_sources.agents.decision import Decision, Opinion
    from alpha_sources.agents.reading import decisions_of
    from alpha_sources.agents.section import agents_section

__all__ = [
    "CommitteeConfig",
    "Decision",
    "Opinion",
    "RiskProfile",
    "agents_section",
    "decide",
    "decisions_of",
]

#: Imported when first asked for: a configuration needs neither scipy nor pandas.
_LATER = {
    "CommitteeConfig": "config",
    "Decision": "decision",
    "Opinion": "decision",
    "RiskProfile": "config",
    "agents_section": "section",
    "decide": "committee",
    "decisions_of": "reading",
}


def __getattr__(name: str) -> Any:
    if name not in _LATER:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_LATER[name]}"), name)
