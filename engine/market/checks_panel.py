"""What is worth a warning once rows stand on the grid of sessions and symbols."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from engine.market.bars import Bars
from engine.market.board import Board
from engine.market.calendar import Calendar, Dates, half_known, iso
from engine.market.grid import Bools, Floats
from engine.market.instruments import Instruments
from engine.market.universe import Membership
from engine.market.validate import EXAMPLES, Findings, counted

#: agreement of a factor step with close and preclose, relative to the price
FACTOR_AGREES = 2e-3


def warn_half_known(calendar: Calendar, dates: Dates, findings: Findings) -> None:
    """Warn where the data end in a December after which the calendar knows no session."""
    unknown = half_known(calendar, dates[-1].astype(object))
    if unknown:
        findings.warn("calendar_ends", unknown, 1)


def check_bars(
    bars: Bars, dates: Dates, symbols: NDArray[np.str_], tick: float | None, findings: Findings
) -> None:
    """Warn of gaps, of names without any price, and of factors that contradict the closes around them."""
    check_rows(bars, dates, symbols, findings)
    check_factor(bars, dates, symbols, tick, findings)


def check_rows(bars: Bars, dates: Dates, symbols: NDArray[np.str_], findings: Findings) -> None:
    """Warn of sessions without any row, of gaps, and of names without any price."""
    empty: Bools = ~np.asarray(bars.has_row.any(axis=1))
    if n := int(empty.sum()):
        message = f"{counted(n, 'session')} without a row of any name; all are read as suspended"
        findings.warn("empty_session", message, n, [iso(dates[t]) for t in np.flatnonzero(empty)[:EXAMPLES]])
    gaps = bars.inside & ~bars.has_row & ~empty[:, None]
    if n := int(gaps.sum()):
        names = counted(int(gaps.any(axis=0).sum()), "name")
        message = (
            f"{counted(n, 'session')} of {names} without a row between the name's first and last; "
            "read as suspended"
        )
        findings.warn("gap", message, n, longest_spans(gaps, dates, symbols))
    bare = np.flatnonzero(~bars.inside.any(axis=0))
    if len(bare):
        message = f"{counted(len(bare), 'name')} without a single price; never traded"
        findings.warn("no_price", message, len(bare), [str(symbols[i]) for i in bare[:EXAMPLES]])


def check_factor(
    bars: Bars, dates: Dates, symbols: NDArray[np.str_], tick: float | None, findings: Findings
) -> None:
    """Warn where the factor's step is not previous close over the ex-right reference: the preclose."""
    close, factor = bars.fields["close"], bars.fields["adj_factor"]
    step = factor[1:] / factor[:-1]
    slack = (tick or 0.0) / 2 * step + FACTOR_AGREES * close[:-1]
    with np.errstate(invalid="ignore"):
        differs = np.abs(close[:-1] - bars.fields["preclose"][1:] * step) > slack
    differs &= bars.fields["trading"][1:] > 0.0
    if n := int(differs.sum()):
        message = (
            f"{counted(n, 'row')} where the adjustment factor does not step by previous close ÷ preclose; "
            "adjusted prices jump there"
        )
        examples = [
            f"{symbols[i]} {iso(dates[t + 1])} (previous close {close[t, i]:g}, preclose "
            f"{bars.fields['preclose'][t + 1, i]:g}, step {step[t, i]:.6g})"
            for t, i in np.argwhere(differs)[:EXAMPLES]
        ]
        findings.warn("factor_disagrees", message, n, examples)


def check_members(
    membership: Membership, close: Floats, dates: Dates, symbols: NDArray[np.str_], findings: Findings
) -> None:
    """Warn of members without quotes at all, and of members without a price on some sessions."""
    days = (membership.member & membership.known[:, None]).sum(axis=0)
    absent = np.flatnonzero(~np.isin(membership.symbols, symbols) & (days > 0))
    if len(absent):
        message = f"{counted(len(absent), 'member')} without any quotes; counted as members, never traded"
        examples = [f"{membership.symbols[i]} ({counted(int(days[i]), 'session')})" for i in absent]
        findings.warn("member_not_quoted", message, len(absent), examples)
    bare = membership.aligned(symbols) & membership.known[:, None] & np.isnan(close)
    if n := int(bare.sum()):
        names = counted(int(bare.any(axis=0).sum()), "name")
        message = (
            f"{counted(n, 'session')} of {names} on which a member has no price (its rows start later or end "
            "earlier); it cannot be traded then"
        )
        findings.warn("member_without_price", message, n, longest_spans(bare, dates, symbols))


def check_boards(instruments: Instruments, symbols: NDArray[np.str_], findings: Findings) -> None:
    """Warn of names whose board, and so whose price limits and lots, cannot be told."""
    unknown = [str(s) for s, board in zip(symbols, instruments.boards, strict=True) if board is Board.UNKNOWN]
    if unknown:
        message = f"{counted(len(unknown), 'name')} of no known board; price limits are unknown there"
        findings.warn("unknown_board", message, len(unknown), unknown[:EXAMPLES])


def longest_spans(mask: Bools, dates: Dates, symbols: NDArray[np.str_]) -> list[str]:
    """Describe the names with the most sessions in a (T, N) mask, each with its first and last."""
    count = np.asarray(mask.sum(axis=0))
    worst = [int(i) for i in np.argsort(-count, kind="stable")[:EXAMPLES] if count[i]]
    spans = []
    for i in worst:
        rows = np.flatnonzero(mask[:, i])
        span = f"{iso(dates[rows[0]])}..{iso(dates[rows[-1]])}"
        spans.append(f"{symbols[i]} ({counted(len(rows), 'session')}, {span})")
    return spans
