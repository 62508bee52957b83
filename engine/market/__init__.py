"""Market data: panels, views, the calendar, instruments, membership, and how they are read."""
