"""Asking vendors over the network: deadlines, rate limits, and one kind of error for whatever goes wrong."""

from engine.market.sources.remote.failure import Trouble, VendorError
from engine.market.sources.remote.limits import DEFAULT_RATES, HostLimits, Rate

__all__ = ["DEFAULT_RATES", "HostLimits", "Rate", "Trouble", "VendorError"]
