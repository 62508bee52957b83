"""Paper trading: sessions, ledger, quotes and the daemon. The floor is laid; the rooms follow."""
