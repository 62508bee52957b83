"""A market without daily price limits: what rules off means for them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from engine.market import LoadedMarket
from engine.market.special import SpecialKind, SpecialSession
from engine.span import Span


def unlimited(market: LoadedMarket, span: Span) -> LoadedMarket:
    """Return the market with no limit on the price of any name in any session of a span.

    Every session is declared to be of the kind that the exchanges exempt, such as the first after relisting;
    prices, suspensions, actions and members stay what they are.

    Parameters
    ----------
    market : LoadedMarket
    span : Span
        Rows of the panel that are traded.
    """
    panel = market.panel
    days = panel.dates[span.start : span.stop + 1].astype("datetime64[D]").astype(np.int64).tolist()
    free = tuple(
        SpecialSession(day, column, SpecialKind.RELISTING)
        for day in days
        for column in range(len(panel.symbols))
    )
    return replace(market, panel=replace(panel, special_sessions=free))
