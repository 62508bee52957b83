"""The ledger of paper trading: append-only events, chained by hashes, and tables that follow from them."""

from live.ledger.entries import (
    Entry,
    ExDated,
    HeldMark,
    Note,
    Planned,
    QuotesUsed,
    QuoteUsed,
    Refreshed,
    SessionMark,
    Task,
    TaskState,
)
from live.ledger.ledger import Ledger, check_account_name
from live.ledger.records import Epoch, TaskRecord
from live.ledger.verify import Finding, Verification
from live.ledger.writer import AccountWriter

__all__ = [
    "AccountWriter",
    "Entry",
    "Epoch",
    "ExDated",
    "Finding",
    "HeldMark",
    "Ledger",
    "Note",
    "Planned",
    "QuoteUsed",
    "QuotesUsed",
    "Refreshed",
    "SessionMark",
    "Task",
    "TaskRecord",
    "TaskState",
    "Verification",
    "check_account_name",
]
