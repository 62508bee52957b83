"""Snapshots of the woven provider in words, for the terminal."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from alpha_sources.snapshot import Snapshot
from alpha_sources.woven.fabric import Fabric, Strand


def is_woven(snapshot: Snapshot) -> bool:
    """Whether a snapshot is one of ours."""
    return "strands" in snapshot.payload and "alphas_as_of" in snapshot.payload


def failed(snapshot: Snapshot) -> bool:
    """Whether a snapshot is one of ours that a failed refresh left, with nothing new in force."""
    return is_woven(snapshot) and snapshot.payload["record"]["trouble"] is not None


def alphas_table(snapshot: Snapshot) -> list[list[str]]:
    """Alphas with their weights at the mean market of the training, heaviest first, under a heading."""
    strand = Fabric.of(snapshot).strands[0]
    weights = _weights(strand)
    rows = [["alpha", "category", "weight", "formula"]]
    for alpha in sorted(strand.alphas, key=lambda a: (-abs(weights[a.name]), a.name)):
        sign = "-1 * " if alpha.inverted else ""
        rows.append([alpha.name, alpha.category, f"{weights[alpha.name]:+.4f}", f"{sign}{alpha.formula}"])
    return rows


def about(snapshot: Snapshot) -> list[tuple[str, str]]:
    """Say when alphas were chosen and weights learned, and what went wrong; label and text."""
    fabric = Fabric.of(snapshot)
    strand, record = fabric.strands[0], fabric.record
    said = [
        ("hash", snapshot.hash),
        ("as of", snapshot.as_of),
        ("parent", snapshot.parent or "none"),
        ("alphas", f"{len(strand.alphas)}, chosen at {fabric.alphas_as_of}"),
        ("weights", f"{strand.fitted.model}, learned at {strand.as_of}"),
    ]
    if record["learned_from"] is not None:
        said.append(("learned from", f"{record['learned_from']} on"))
    if len(fabric.strands) > 1:
        said.append(("smoothed", f"mean of {len(fabric.strands)} refreshes"))
    if record["trouble"] is not None:
        said.append(("failed", record["trouble"]))
    return said


def changes(before: Snapshot, after: Snapshot) -> Iterator[str]:
    """Say which alphas came and went and how weights moved, the largest first."""
    first, second = Fabric.of(before).strands[0], Fabric.of(after).strands[0]
    was, now = _weights(first), _weights(second)
    for name in second.names:
        if name not in was:
            yield f"in   {name}  {now[name]:+.4f}"
    for name in first.names:
        if name not in now:
            yield f"out  {name}  {was[name]:+.4f}"
    both = [name for name in second.names if name in was and now[name] != was[name]]
    for name in sorted(both, key=lambda n: -abs(now[n] - was[n])):
        yield f"     {name}  {was[name]:+.4f} -> {now[name]:+.4f}"


def _weights(strand: Strand) -> dict[str, float]:
    state = np.full((1, len(strand.fitted.state_names)), np.nan)
    return dict(zip(strand.names, map(float, strand.fitted.weights(state)[0]), strict=True))
