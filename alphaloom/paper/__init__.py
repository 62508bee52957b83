"""Paper accounts: a configuration and a ledger, and what takes the one through the other."""

from alphaloom.paper.accounts import open_account, reset, step
from alphaloom.paper.parity import parity_of
from alphaloom.paper.recorded import replay
from alphaloom.paper.runs import live_run, paper_run

__all__ = ["live_run", "open_account", "paper_run", "parity_of", "replay", "reset", "step"]
