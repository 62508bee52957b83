"""What ``alphaloom data sync`` says in the end."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console

    from engine.market.sources.remote.fall_back import Tally
    from engine.market.store.sync import SyncReport

_SHOWN = 5
#: symbols that are repeated in the report
_NAMED = 3


def print_report(console: Console, universe: str, report: SyncReport, *, ratios: bool) -> None:
    """Print what came, from whom, and what did not.

    Parameters
    ----------
    console : Console
    universe : str
        As it was asked for.
    report : SyncReport
    ratios : bool
        Whether valuation ratios were wanted.
    """
    from alphaloom.cli.output import print_labelled
    from engine.market.store import Kind, Reason

    taken = report.taken
    added = {kind: n for kind, n in taken.added.items() if kind != Kind.QUARANTINE}
    words = ", ".join(f"{n:,} {kind.replace('_', ' ')}" for kind, n in added.items()) or "nothing new"
    symbols = universe.split(",")
    if len(symbols) > _NAMED:
        universe = f"{symbols[0]} and {len(symbols) - 1:,} more"
    head = f"{universe} to {report.due}, {report.names:,} names, {report.asked:,} of them asked for: {words}"
    console.print(head, soft_wrap=True, markup=False)
    for name, tally in report.vendors.items():
        console.print(f"  {name}: {_tally(tally)}", soft_wrap=True, markup=False)
    for reason, count in taken.quarantined.items():
        text = f"{count:,} × {reason}: {Reason(reason).words}; e.g. {taken.examples[reason]}"
        print_labelled(console, "quarantined", text)
    for label, lines in (
        ("note", taken.notes),
        ("differs", [str(difference) for difference in report.differences]),
        ("gap", list(report.gaps.values())),
        ("missing", list(report.failed.values())),
    ):
        for line in lines[:_SHOWN]:
            print_labelled(console, label, line, width=11)
        if len(lines) > _SHOWN:
            print_labelled(console, label, f"and {len(lines) - _SHOWN:,} more", width=11)
    for label, text in _shortcomings(report, ratios):
        print_labelled(console, label, text, width=11)
    if report.checked:
        console.print(f"{report.checked:,} bars were compared with a second vendor's", soft_wrap=True)
    if not report.complete:
        open_ones = [*report.gaps, *report.failed]
        text = f"{len(open_ones):,} questions were not answered ({_few(open_ones)}); repeat the command later"
        print_labelled(console, "incomplete", text, width=11)


def _shortcomings(report: SyncReport, ratios: bool) -> Iterator[tuple[str, str]]:
    """What vendors did not tell, though they answered."""
    if ratios and report.plain:
        yield (
            "no ratios",
            f"new bars of {len(report.plain):,} names came without pe_ttm and pb_mrq, from a vendor that "
            f"tells none: {_few(report.plain)}",
        )
    if report.strangers:
        yield (
            "unknown",
            f"no vendor has any bar of {_few(report.strangers)}: check the symbols; they are asked for "
            "ever more rarely",
        )
    late = [name for name in report.late if name not in report.strangers]
    if report.vendors_are_late:
        yield (
            "late",
            f"vendors are late: {len(late):,} of the {report.awaited:,} names that were asked for have no "
            f"bar of {report.due} yet: {_few(late)}; repeat the command later",
        )
    elif late:
        words = f"{len(late):,} names have no bar of {report.due} (suspended, or a late vendor)"
        yield "late", f"{words}: {_few(late)}"


def _few(names: Sequence[str]) -> str:
    return ", ".join(names[:_SHOWN]) + (", …" if len(names) > _SHOWN else "")


def _tally(tally: Tally) -> str:
    out = f"{tally.asked:,} asked, {tally.came:,} came"
    if tally.failed:
        out += "; failed: " + ", ".join(f"{n:,} × {trouble}" for trouble, n in tally.failed.items())
    for other, count in tally.stood_in.items():
        out += f"; {count:,} in place of {other}"
    return out
