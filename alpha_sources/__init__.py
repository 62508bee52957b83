"""Where scores come from: the provider contract, its snapshots, and one module per provider."""

from alpha_sources.provider import AlphaProvider
from alpha_sources.snapshot import Snapshot

__all__ = ["AlphaProvider", "Snapshot"]
