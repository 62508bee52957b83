"""Paper trading: ledger, session machine, live quotes, protections, messages, and the daemon."""
