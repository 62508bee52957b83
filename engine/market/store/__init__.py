"""The local market store: checked history in a folder of Parquet files, for many readers and one writer."""

from engine.market.store.files import StoreBusy, StoreError
from engine.market.store.folder import MarketStore, StoreReader, StoreWriter
from engine.market.store.reasons import ArrivalRules, Reason
from engine.market.store.schema import Kind, Spell

__all__ = [
    "ArrivalRules",
    "Kind",
    "MarketStore",
    "Reason",
    "Spell",
    "StoreBusy",
    "StoreError",
    "StoreReader",
    "StoreWriter",
]
