"""What a formula is about."""

from __future__ import annotations

from enum import StrEnum


class Category(StrEnum):
    """The nine of Kou et al. (arXiv 2409.06289), and what price-volume libraries need besides."""

    MOMENTUM = "momentum"
    MEAN_REVERSION = "mean_reversion"
    VOLATILITY = "volatility"
    FUNDAMENTAL = "fundamental"
    LIQUIDITY = "liquidity"
    QUALITY = "quality"
    GROWTH = "growth"
    TECHNICAL = "technical"
    MACRO = "macro"
    #: price and volume moving together or apart
    PRICE_VOLUME = "price_volume"
    #: the bar of a session: body, shadows, gap, place of the close
    BAR = "bar"
    #: of no category that anyone named
    OTHER = "other"


#: The paper's own, in its order, with the number of seed alphas it reports for each.
PAPER_COUNTS: tuple[tuple[Category, int], ...] = (
    (Category.MOMENTUM, 11),
    (Category.MEAN_REVERSION, 10),
    (Category.VOLATILITY, 10),
    (Category.FUNDAMENTAL, 6),
    (Category.LIQUIDITY, 18),
    (Category.QUALITY, 8),
    (Category.GROWTH, 10),
    (Category.TECHNICAL, 9),
    (Category.MACRO, 10),
)
