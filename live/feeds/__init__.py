"""Live quotes: who is asked, what is believed, and the prices that a broker makes of it."""

from live.feeds.asking import ask
from live.feeds.config import QuotesConfig, quote_feeds
from live.feeds.eastmoney import EastmoneyFeed, parse_eastmoney
from live.feeds.feed import FeedAnswer, QuoteFeed, Quotes
from live.feeds.judge import judge
from live.feeds.prices import LivePrices, NameRules, rules_of
from live.feeds.quote import LiveQuote, NotAQuote, Unreadable
from live.feeds.report import Doubt, QuotesReport, Refused, SourceReport, Verdict
from live.feeds.sina import SinaFeed, parse_sina
from live.feeds.stages import Stage, stage_of
from live.feeds.tencent import TencentFeed, parse_tencent
from live.feeds.verdict import too_few
from live.feeds.web import Page, Web

__all__ = [
    "Doubt",
    "EastmoneyFeed",
    "FeedAnswer",
    "LivePrices",
    "LiveQuote",
    "NameRules",
    "NotAQuote",
    "Page",
    "QuoteFeed",
    "Quotes",
    "QuotesConfig",
    "QuotesReport",
    "Refused",
    "SinaFeed",
    "SourceReport",
    "Stage",
    "TencentFeed",
    "Unreadable",
    "Verdict",
    "Web",
    "ask",
    "judge",
    "parse_eastmoney",
    "parse_sina",
    "parse_tencent",
    "quote_feeds",
    "rules_of",
    "stage_of",
    "too_few",
]
