"""The ledger of paper trading: append-only events, chained by hashes, and tables that follow from them."""

from live.ledger.entries import (
    Entry,
    ExDated,
    HeldMark,
    Learned,
    Note,
    Planned,
    QuotesUsed,
    QuoteUsed,
    Refreshed,
    Sent,
    SessionMark,
    Task,
    TaskState,
)
from live.ledger.ledger import Ledger, check_account_name
from live.ledger.records import Epoch, TaskRecord
from live.ledger.service import Action, Control, DaemonState, Heartbeat, Posted, Service, Told
from live.ledger.verify import Finding, Verification
from live.ledger.writer import AccountWriter

__all__ = [
    "AccountWriter",
    "Action",
    "Control",
    "DaemonState",
    "Entry",
    "Epoch",
    "ExDated",
    "Finding",
    "Heartbeat",
    "HeldMark",
    "Learned",
    "Ledger",
    "Note",
    "Planned",
    "Posted",
    "QuoteUsed",
    "QuotesUsed",
    "Refreshed",
    "Sent",
    "Service",
    "SessionMark",
    "Task",
    "TaskRecord",
    "TaskState",
    "Told",
    "Verification",
    "check_account_name",
]
