"""`Allowance`: how many replies some questions may take, all together."""

from __future__ import annotations

import threading


class Allowance:
    """Replies that may still be asked for; safe to use from several threads.

    It is counted in replies of models, not in requests over the network: a reply that is found on the
    cassette counts like one that is paid for, so that a replay and a resumed run go the same way, and a
    request that failed before there was a reply (429, 5xx, a lost connection, a format that the server does
    not know) counts once, however often it was sent. Those have bounds of their own: ``llm.retries`` and
    ``llm.budget.calls``.

    Parameters
    ----------
    replies : int
        At most.

    Raises
    ------
    ValueError
        If it is negative.
    """

    def __init__(self, replies: int) -> None:
        if replies < 0:
            raise ValueError(f"an allowance is at least 0 replies, not {replies}")
        self.replies, self._used = replies, 0
        self._lock = threading.Lock()

    def take(self) -> bool:
        """Take one; False if none is left."""
        with self._lock:
            if self._used >= self.replies:
                return False
            self._used += 1
            return True

    @property
    def used(self) -> int:
        """Replies asked for so far."""
        with self._lock:
            return self._used
