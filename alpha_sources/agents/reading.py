"""Reading back what committees decided, from the snapshots that a run left."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from datetime import date
from pathlib import Path

from alpha_sources.agents.decision import Decision
from alpha_sources.llm.characters import one_line
from alpha_sources.snapshot import Snapshot
from engine.errors import ProviderError

#: where a provider keeps its decision in the payload of a snapshot
PLACE = "decision"


def decisions_in(snapshots: Iterable[Snapshot]) -> list[Decision]:
    """Return the decisions that snapshots hold, each once, in order of their day.

    Snapshots without one are passed over. A provider that refreshes its weights between two choices keeps a
    decision again in each of them, in short: it is returned whole where any of the snapshots has it whole.
    """
    found: dict[tuple[str, tuple[str, ...]], Decision] = {}
    for snapshot in snapshots:
        record = snapshot.payload.get(PLACE)
        if isinstance(record, Mapping):
            one = Decision.from_payload(record)
            known = found.get((one.as_of, one.kept))
            if known is None or known.in_short:
                found[one.as_of, one.kept] = one
    return sorted(found.values(), key=lambda one: one.as_of)


def decisions_of(run: Path) -> list[Decision]:
    """Return the decisions of a run, in order of their day.

    Parameters
    ----------
    run : Path
        A run folder, or any folder that holds snapshots, at whatever depth; or the file of one decision, as
        ``agents decide --out`` wrote it.

    Raises
    ------
    ProviderError
        If there is no such folder or file, no snapshot of a committee in it, or one of them was changed.
    """
    if run.is_file():
        return [_record(run)]
    if not run.is_dir():
        raise ProviderError(
            f"{run} is no folder: name that of a run, as --out named it, or the file of a decision"
        )
    folders = sorted(path.parent for path in run.rglob("snapshot.json"))
    found = decisions_in(Snapshot.load(folder) for folder in folders)
    if not found:
        held = f"none of the {len(folders)} snapshots" if folders else "no snapshot"
        raise ProviderError(f"{run} holds {held} of a committee; its provider must be one with agents")
    return found


def _record(path: Path) -> Decision:
    try:
        payload = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as problem:
        raise ProviderError(f"{path} is no record of a decision: {one_line(str(problem), 120)}") from None
    if not isinstance(payload, dict):
        raise ProviderError(f"{path} is no record of a decision: it holds no JSON object")
    try:
        return Decision.from_payload(payload)
    except ProviderError as problem:
        raise ProviderError(f"{path}: {problem}") from None


def decision_at(decisions: list[Decision], day: date | None) -> Decision:
    """Return the decision in force at the close of a day; the last one without a day.

    Raises
    ------
    ProviderError
        If the first decision is later.
    """
    if day is None:
        return decisions[-1]
    past = [one for one in decisions if one.as_of <= day.isoformat()]
    if not past:
        raise ProviderError(
            f"nothing had been decided by {day}: the first decision is of {decisions[0].as_of}"
        )
    return past[-1]
