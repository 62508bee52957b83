"""The risk agents: what an alpha's own portfolio is worth to an investor of each kind."""

from __future__ import annotations

import math

from alpha_sources.agents.book import Book
from alpha_sources.agents.config import RiskProfile


def shortfall(book: Book, capital_cny: float) -> float:
    """Return the share of the capital that the portfolio could not take in; 0 where that is unknown."""
    if not math.isfinite(book.capacity_cny):
        return 0.0
    return max(0.0, 1.0 - book.capacity_cny / capital_cny)


def utility(book: Book, profile: RiskProfile, capital_cny: float) -> float:
    """Return what a portfolio is worth to a profile, a year, beyond holding the whole universe.

    Parameters
    ----------
    book : Book
    profile : RiskProfile
    capital_cny : float
        The money it would hold.

    Returns
    -------
    float
        0 for a portfolio that is as good as the universe's without costs; NaN without a book.

    Notes
    -----
    With own values after fees, less those of the universe on the same sessions: gain x return - volatility x
    volatility - drawdown x depth - tail x expected shortfall, then - cost x costs a year - capacity x share
    of the capital that finds no room. A linear form: marginal rates that anybody can read and change.
    Differences from the universe take the market itself out: in a falling market not every alpha is bad.
    """
    own, universe = book.own, book.universe
    return (
        profile.gain * (own.gain - universe.gain)
        - profile.volatility * (own.volatility - universe.volatility)
        - profile.drawdown * (own.drawdown - universe.drawdown)
        - profile.tail * (own.tail - universe.tail)
        - profile.cost * book.cost
        - profile.capacity * shortfall(book, capital_cny)
    )


def rho(value: float, scale: float) -> float:
    """Return a utility as a number in [0, 1]: the logistic function of utility over scale.

    0.5 is as good as holding the universe, whatever other alphas are judged beside it. Without a utility it
    is 0.
    """
    if not math.isfinite(value):
        return 0.0
    bounded = max(-700.0, min(700.0, value / scale))
    return 1.0 / (1.0 + math.exp(-bounded))
