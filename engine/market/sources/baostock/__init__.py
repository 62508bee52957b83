"""The vendor baostock: one connection, raw bars with precloses and special treatment, factors, members."""

from engine.market.sources.baostock.source import Baostock

__all__ = ["Baostock"]
