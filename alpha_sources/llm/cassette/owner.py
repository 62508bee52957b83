"""`Owner`: which process asks, and whether it still runs."""

from __future__ import annotations

import os
import socket
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Owner:
    """Who asks: a process of a machine.

    Parameters
    ----------
    host : str
    process : int
    started : str
        When the process began, in the words of the system; empty where it does not say. Numbers of
        processes are used again: the first process of a container has the same one each time.
    """

    host: str
    process: int
    started: str = ""

    @classmethod
    def this_process(cls) -> Owner:
        """Return the process that runs this."""
        return cls(socket.gethostname(), os.getpid(), _started(os.getpid()))

    def is_gone(self, asked_by: Owner) -> bool:
        """Whether it surely runs no more; on doubt it does, and what it claimed runs out instead."""
        if self.host != asked_by.host or os.name != "posix":
            # on other systems the question below would end the process
            return False
        try:
            os.kill(self.process, 0)
        except ProcessLookupError:
            return True
        except OSError:
            return False
        return bool(self.started) and _started(self.process) != self.started


def _started(process: int) -> str:
    try:
        text = Path(f"/proc/{process}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
    # the name of the program, in brackets, may hold anything; the 22nd field is the start since boot
    fields = text.rpartition(")")[2].split()
    return fields[19] if len(fields) > 19 else ""
