"""From the store to a checked `MarketPanel`: a few names at once as a file, a whole market in parts."""

from engine.market.store.panel.assembly import store_panel

__all__ = ["store_panel"]
