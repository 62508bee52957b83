"""The flagship provider: seeds, judged by a committee, woven into a signal by weights that follow the market.

The parts: settings, alphas (formulas made comparable), fabric (what a snapshot holds), rhythm (when alphas
are chosen anew), learning (one refresh), scoring (the signal), study and pages (the report).
"""

from __future__ import annotations

from alpha_sources.woven.provider import WovenProvider

__all__ = ["WovenProvider"]
