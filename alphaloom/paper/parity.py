"""Settled sessions beside their back-test."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date
from pathlib import Path
from types import MappingProxyType

from alpha_sources.snapshot import Snapshot
from alphaloom.paper.configured import stored_settings
from alphaloom.paper.ledgers import snapshots_of
from alphaloom.paper.runs import paper_run
from live.errors import LedgerError
from live.ledger import Ledger, QuotesUsed, Task
from live.parity import Difference, Parity
from live.past import PastSession, read_past
from live.run import PaperRun
from live.snapshots import recall

Differences = dict[date, list[Difference]]
#: Called with a settled session, and how it differs from its back-test if that is known by then.
AfterSession = Callable[[PastSession, list[Difference] | None], None]


def compare(
    run: PaperRun,
    sessions: list[PastSession],
    snapshots: Path,
    start: date | None = None,
    quoted: Mapping[date, QuotesUsed] = MappingProxyType({}),
) -> Differences:
    """Back-test settled sessions from `start` on, and say where each differs from what the ledger has.

    Parameters
    ----------
    sessions : list of PastSession
        All of the account's so far.
    snapshots : Path
        Where what providers learned is kept.
    quoted : mapping of date to QuotesUsed
        Live quotes of sessions, to be held against the settled prices.
    """
    in_force: dict[date, Snapshot | None] = {}
    snapshot: Snapshot | None = None
    for past in sessions:
        held = None if past.refreshed is None else past.refreshed.snapshot_hash
        if held is not None and (snapshot is None or held != snapshot.hash):
            snapshot = recall(snapshots, held)
        in_force[past.session] = snapshot
    wanted = [past for past in sessions if past.settled and (start is None or past.session >= start)]
    before = [past for past in sessions if wanted and past.session < wanted[0].session]
    return Parity(run).of(wanted, before[-1] if before else None, in_force, quoted)


def quotes_of(ledger: Ledger, account: str, session: date) -> dict[date, QuotesUsed]:
    """Return the live quotes that a session's orders met; nothing for one that was replayed."""
    found = ledger.entries(session, Task.EXECUTE, account, kinds=("quotes",))
    return {day: entry for day, entry in found if isinstance(entry, QuotesUsed) and entry.source != "replay"}


def parity_of(url: str, account: str | None, session: date) -> list[Difference]:
    """Back-test a settled session on the data as they are now, and compare.

    Raises
    ------
    LedgerError
        If the session is not settled.
    """
    with Ledger.open(url, read_only=True) as ledger:
        name, settings = stored_settings(ledger, account)
        past = read_past(ledger, name)
        if session not in past or not past[session].settled:
            raise LedgerError(f"{session} is not settled in account {name!r}; see alphaloom paper status")
        known = [each for day, each in past.items() if day <= session]
        quoted = quotes_of(ledger, name, session)
        return compare(paper_run(settings), known, snapshots_of(ledger), session, quoted)[session]
