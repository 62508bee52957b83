"""Checks of how far a score reaches: back no further than `history`, and by symbol, never by place."""

from __future__ import annotations

import numpy as np

from alpha_sources.conformance.findings import CheckFailedError, Fault, Finding, noted, passed
from alpha_sources.conformance.rows import Array, alike, equal, first_difference, same_order
from alpha_sources.conformance.subject import Subject
from alpha_sources.conformance.worlds import between, exchanged, masked_before, with_newcomer
from engine.market.view import MarketView

#: relative difference that a recursion with a declared burn-in may leave
_FADED = 1e-3


def check_history(subject: Subject) -> Finding:
    """Scores from the `history` sessions before the one scored equal those from all of them."""
    faded = 0.0
    for row in subject.rows:
        known, near = subject.honest(row), _from_the_last(subject, row, subject.history)
        if near is not None and alike(known, near):
            continue
        if near is not None and alike(known, near, _FADED):
            faded = max(faded, float(np.nanmax(np.abs(known - near)) / np.nanmax(np.abs(known))))
            continue
        raise _too_short(subject, row, known, near)
    if faded:
        return noted(
            "history",
            f"scores from {subject.history} sessions differ by up to {faded:.1g} of the largest score "
            "from those on all data, as recursions do; a longer burn-in in `history` makes it less",
        )
    return passed("history", f"{subject.history} sessions before the one scored are enough")


def check_symbols(subject: Subject) -> Finding:
    """A symbol that is never a member and has no data changes nothing for the others."""
    panel, place = with_newcomer(subject.panel)
    symbol = str(panel.symbols[place])
    moved = None
    for row in subject.rows:
        view, snapshot = panel.view(row), None
        for learning in (learning for learning in subject.learning_rows if learning <= row):
            snapshot = subject.refresh(subject.fresh(), panel.view(learning), snapshot)
        wide = np.delete(subject.scores(subject.fresh(), view, snapshot), place)
        known = subject.honest(row)
        if not alike(known, wide) and not same_order(known, wide):
            if _by_the_view(subject, row):
                raise _moved_by(symbol, subject, row, wide)
            moved = f"scores at {subject.session(row)} go by the places of symbols, though by nothing else"
        moved = moved or _under_an_older_snapshot(subject, row, view, place, known)
    if moved:
        return noted("symbols", moved)
    return passed("symbols", f"a symbol without data ({symbol}) changes nothing for the others")


def _by_the_view(subject: Subject, row: int) -> bool:
    """Whether scores depend on numbers in the view; those drawn at random for each place do not."""
    other = exchanged(subject.panel).view(row)
    scores = subject.scores(subject.fresh(), other, subject.snapshot(row))
    return not equal(scores, subject.honest(row))


def _moved_by(symbol: str, subject: Subject, row: int, wide: Array) -> CheckFailedError:
    session, known = subject.session(row), subject.honest(row)
    name, values = first_difference(known, wide, subject.panel.symbols)
    return CheckFailedError(
        Fault.COLUMN_PLACES,
        f"at {session} {name} has {values} (without, with {symbol}, a symbol without data that is never a "
        "member), and the order of the members changes: something is taken by its place in the panel, or a "
        "missing number spoils a mean; go by view.symbols and use nan-functions",
        session,
        name,
    )


def _from_the_last(subject: Subject, row: int, history: int) -> Array | None:
    first = max(0, row - history)
    view = between(subject.panel, first, row).view(row - first)
    try:
        return subject.scores(subject.fresh(), view, subject.snapshot(row))
    except CheckFailedError:
        return None


def _too_short(subject: Subject, row: int, known: Array, near: Array | None) -> CheckFailedError:
    session, history = subject.session(row), subject.history
    if near is None:
        symbol, what = None, "there are none: it raises"
    else:
        symbol, values = first_difference(known, near, subject.panel.symbols)
        what = f"{symbol} has {values} (all data, these sessions)"
    row = subject.rows[-1]  # where there is most to look back on
    known = subject.honest(row)
    if _goes_by_row_numbers(subject, row, known):
        remedy = (
            "it is not the numbers of earlier sessions that it needs but their count: count sessions from "
            "the end of the view"
        )
    else:
        enough = _enough(subject, row, known)
        remedy = (
            f"{enough} sessions are enough here: set self.history = {enough}"
            if enough is not None
            else "no look-back short of all data is enough: bound it, or carry it on in a Snapshot"
        )
    return CheckFailedError(
        Fault.SHORT_HISTORY,
        f"history is {history}, but of scores at {session} from the {history} sessions before it {what}; "
        f"{remedy}",
        session,
        symbol,
    )


def _goes_by_row_numbers(subject: Subject, row: int, known: Array) -> bool:
    """Whether earlier sessions may be empty as long as they are there."""
    masked = masked_before(subject.panel, max(0, row - subject.history)).view(row)
    try:
        return alike(known, subject.scores(subject.fresh(), masked, subject.snapshot(row)))
    except CheckFailedError:
        return False


def _enough(subject: Subject, row: int, known: Array) -> int | None:
    def holds(history: int) -> bool:
        near = _from_the_last(subject, row, history)
        return near is not None and alike(known, near)

    low, high = subject.history, max(1, 2 * subject.history)
    while high < row and not holds(high):
        low, high = high, 2 * high
    if high >= row:
        return None
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if holds(middle) else (middle, high)
    return high


def _under_an_older_snapshot(
    subject: Subject, row: int, view: MarketView, place: int, known: Array
) -> str | None:
    """Say whether a snapshot learned before a symbol came still serves after it."""
    if not subject.learns:
        return None
    try:
        wide = np.delete(subject.scores(subject.fresh(), view, subject.snapshot(row)), place)
    except CheckFailedError as problem:
        what = problem.message
    else:
        if alike(known, wide) or same_order(known, wide):
            return None
        what = f"scores at {subject.session(row)} change"
    return (
        f"under a snapshot learned before a symbol is added to the panel, {what}: keep the symbols in the "
        "snapshot beside arrays that have one number for each"
    )
