"""Paper trading: the ledger; sessions, quotes and the daemon follow."""
