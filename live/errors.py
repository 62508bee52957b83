"""Errors of paper trading."""

from __future__ import annotations

from engine.errors import AlphaloomError


class LedgerError(AlphaloomError):
    """The ledger cannot be opened, read or written, or was handed something that it must not store."""


class LedgerLocked(LedgerError):  # noqa: N818 - says what it is
    """Another process writes to the same account, or holds the database for too long."""


class LedgerConflict(LedgerError):  # noqa: N818 - says what it is
    """What is to be recorded contradicts what is recorded already under the same key."""


class SessionError(AlphaloomError):
    """A task of a session failed; what it failed at is kept in the ledger, the account stands as before."""
