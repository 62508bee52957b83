"""The nine categories that seeds are mined for."""

from __future__ import annotations

from enum import StrEnum

from alpha_sources.libraries.categories import Category


class Theme(StrEnum):
    """The paper's nine categories, the only ones a model may answer with."""

    MOMENTUM = "momentum"
    MEAN_REVERSION = "mean_reversion"
    VOLATILITY = "volatility"
    FUNDAMENTAL = "fundamental"
    LIQUIDITY = "liquidity"
    QUALITY = "quality"
    GROWTH = "growth"
    TECHNICAL = "technical"
    MACRO = "macro"

    @property
    def category(self) -> Category:
        """The same as a category of a library."""
        return Category(self.value)


#: What each category holds, for the prompts.
MEANINGS: dict[Theme, str] = {
    Theme.MOMENTUM: "what has risen goes on rising: returns over weeks to a year, trends, strength",
    Theme.MEAN_REVERSION: "what has moved away comes back: short reversals, distance from a mean",
    Theme.VOLATILITY: "how much a price moves: deviations, ranges, asymmetry of returns",
    Theme.FUNDAMENTAL: "value: price against earnings, book value, cash flow",
    Theme.LIQUIDITY: "how easily it trades: turnover, value traded, price impact",
    Theme.QUALITY: "how good the business is: margins, return on equity, accruals",
    Theme.GROWTH: "how its figures grow: profit, revenue, margins over the year",
    Theme.TECHNICAL: "chart indicators: RSI, MACD, Bollinger bands, stochastics, patterns of the bar",
    Theme.MACRO: "exposure to the market or the economy: betas, correlations with an index",
}
