"""The market brief: what was known of a market at the close of one session, item by item.

`make_brief` makes it, `MarketBrief` holds it. `market_items` and `fundamentals` tell what the numbers say,
`archive`, `macro` and `dated` what others published and when, `sentiment` scores texts, `charting` draws.
"""

from __future__ import annotations

from alpha_sources.agents.brief.archive import Archive, read_archive
from alpha_sources.agents.brief.config import BriefConfig, SentimentBy
from alpha_sources.agents.brief.dated import DatedDocument
from alpha_sources.agents.brief.errors import BriefError, FutureItemError
from alpha_sources.agents.brief.item import BriefItem, ItemKind
from alpha_sources.agents.brief.lexicon import Lexicon
from alpha_sources.agents.brief.macro import MacroFigure, read_macro
from alpha_sources.agents.brief.making import make_brief
from alpha_sources.agents.brief.market_brief import MarketBrief, Picture
from alpha_sources.agents.brief.sentiment import Asked, TextMask

__all__ = [
    "Archive",
    "Asked",
    "BriefConfig",
    "BriefError",
    "BriefItem",
    "DatedDocument",
    "FutureItemError",
    "ItemKind",
    "Lexicon",
    "MacroFigure",
    "MarketBrief",
    "Picture",
    "SentimentBy",
    "TextMask",
    "make_brief",
    "read_archive",
    "read_macro",
]
