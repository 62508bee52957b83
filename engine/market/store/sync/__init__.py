"""Bringing a store up to date from vendors: what is missing is asked for, and only that."""

from engine.market.store.sync.report import SyncReport
from engine.market.store.sync.run import sync

__all__ = ["SyncReport", "sync"]
