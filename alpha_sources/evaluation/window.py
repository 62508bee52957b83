"""The market of a view as a panel of its own, and the hash that says which market it was."""

from __future__ import annotations

from engine.market.panel import MarketPanel
from engine.market.view import MarketView


def market_of(view: MarketView) -> MarketPanel:
    """Return the panel that ends where a view does: nothing later can be read from it.

    A view shows no listing days and no sessions with rules of their own, which decide what can be bought.

    Returns
    -------
    MarketPanel
        The view's own panel where it ends there, else a copy.
    """
    panel = view._panel
    return panel if view.t == len(panel.dates) - 1 else panel.truncate(view.t)
