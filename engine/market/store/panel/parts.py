"""A whole market, built some names at a time straight into the panel, by two threads.

Rows are read for a group of names, put on a grid of their own, and worked out into the columns of the panel
that are theirs. Beside the panel there is no more in memory than a group for each thread.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from queue import SimpleQueue

import numpy as np

from engine.market.bars import Bars
from engine.market.calendar import Dates, iso
from engine.market.cells import Bounds, Fields, Place, Raw, States, fill_fields, settle_closes
from engine.market.checks import FACTOR_STEP
from engine.market.checks_adjustment import WIDEST, check_jumps
from engine.market.checks_panel import FACTOR_AGREES, check_factor, check_rows
from engine.market.corporate import CorporateActions
from engine.market.exdates import SuspendedExDates
from engine.market.grid import Bools
from engine.market.special import SpecialSession, special_cells
from engine.market.store.folder import StoreReader
from engine.market.store.panel.actions import ColumnActions
from engine.market.store.panel.built import TICK, Built, delivered
from engine.market.store.panel.frame import Frame
from engine.market.store.panel.grids import Grid, StoredRows
from engine.market.store.panel.spells import StockSpells
from engine.market.store.schema import BAR_VALUES
from engine.market.validate import Finding, Findings, counted

#: names that are read together, and those of them that are looked at together
_READ, _BUILT = 128, 64
#: one waits for the disk, or for what is done in Python, while the other works
_THREADS = 2
_BOUNDS = Bounds(TICK, float(round(1.0 / TICK)), FACTOR_STEP, FACTOR_AGREES, WIDEST)


def build_parts(
    reader: StoreReader, frame: Frame, actions: CorporateActions, stated: Dates, findings: Findings
) -> Built:
    """Build the bars of a whole market; see :func:`engine.market.store.panel.whole.build_whole`.

    Of the warnings of a file those are looked for that a delivery is not judged by when it arrives.
    """
    market = _Market(reader, frame, actions, stated)
    starts = range(0, len(frame.symbols), _READ)
    with ThreadPoolExecutor(_THREADS) as threads:
        groups = list(threads.map(market.build, starts))
    findings.warnings += _merged(found for group in groups for found in group.warnings)
    seen = np.logical_or.reduce([group.seen for group in groups])
    if not seen.all():
        days = [iso(day) for day in frame.dates[~seen]]
        message = f"{counted(len(days), 'session')} without a row of any name; all are read as suspended"
        findings.warn("empty_session", message, len(days), days)
    told = set[str]().union(*(group.told for group in groups))
    special = sorted(session for group in groups for session in group.special)
    fields = {**market.extras, **market.fields._asdict()}
    return Built(delivered(fields, told), market.inside, market.listed, tuple(special))


@dataclass(frozen=True, eq=False, slots=True)
class _Group:
    """What is to be said of some names.

    Parameters
    ----------
    seen : (T,) bool array
        Sessions on which one of them has a row.
    told : set of str
        Fields of which they have a value.
    warnings : list of Finding
    special : list of SpecialSession
        By the columns of the panel.
    """

    seen: Bools
    told: set[str] = field(default_factory=set)
    warnings: list[Finding] = field(default_factory=list)
    special: list[SpecialSession] = field(default_factory=list)


class _Market:
    """The panel's arrays, and all that is needed to fill some columns of them."""

    def __init__(self, reader: StoreReader, frame: Frame, actions: CorporateActions, stated: Dates) -> None:
        self.frame, self.stated = frame, stated
        shape = len(frame.dates), len(frame.symbols)
        self.actions = ColumnActions.of(actions, frame.dates, len(frame.symbols))
        self.spells = StockSpells.of(reader, frame)
        self.rows = StoredRows(reader, frame, self.actions, self.spells)
        # pages that nothing is written to take no memory, and few names were under a special treatment
        arrays = (np.zeros(shape) if name == "is_st" else np.empty(shape) for name in Fields._fields)
        self.fields = Fields(*arrays)
        more = self.rows.columns() - {*BAR_VALUES, *Fields._fields, "symbol", "session"}
        self.extras = {name: np.empty(shape) for name in sorted(more)}
        self.inside = np.empty(shape, dtype=bool)
        self.listed = stated.copy()
        self.grids: SimpleQueue[Grid] = SimpleQueue()
        for _ in range(_THREADS):
            self.grids.put(self._new_grid(min(_READ, shape[1])))

    def build(self, lo: int) -> _Group:
        """Fill the columns of a group that begins with `lo`."""
        hi = min(lo + _READ, len(self.frame.symbols))
        with self._grid(hi - lo) as grid:
            self.rows.read(grid, lo)
            group = _Group(np.asarray(grid.has_row.any(axis=1)))
            for name, dense in self.extras.items():
                dense[:, lo:hi] = grid.values[name]
                if not np.isnan(grid.values[name]).all():
                    group.told.add(name)
            for at in range(lo, hi, _BUILT):
                self._block(group, grid, Place(at, at - lo, min(_BUILT, hi - at)))
            return group

    def _new_grid(self, width: int) -> Grid:
        return Grid(len(self.frame.dates), width, [*Raw._fields, *self.extras])

    @contextmanager
    def _grid(self, width: int) -> Iterator[Grid]:
        """Yield a grid that no other thread uses; the last group may want a narrower one."""
        grid = self.grids.get()
        try:
            yield grid if grid.width == width else self._new_grid(width)
        finally:
            self.grids.put(grid)

    def _block(self, group: _Group, grid: Grid, place: Place) -> None:
        """Fill some columns, and look at them."""
        columns, part = place.in_panel(), place.on_grid()
        dates, symbols, out, findings = self.frame.dates, self.frame.symbols[columns], self.fields, Findings()
        raw, states = grid.raw(), States(grid.has_row, grid.traded, self.inside)
        halted = settle_closes(raw, states, out, place, _BOUNDS)
        traded, inside = grid.traded[:, part], self.inside[:, columns]
        actions = self.actions.suspended(place.panel, traded, inside)
        if halted or actions:
            close, factor = out.close[:, columns], out.adj_factor[:, columns]
            SuspendedExDates(close, factor, traded, inside, TICK).settle(
                actions, derive_factor=False, label=lambda t, n: f"{symbols[n]} {iso(dates[t])}"
            )
        told = fill_fields(raw, states, self.actions.growth, out, place, _BOUNDS)
        group.told.update(name for name in ("turnover", "market_cap") if getattr(told, name))

        fields = {name: values[:, columns] for name, values in out._asdict().items()}
        bars = Bars(fields, inside, grid.has_row[:, part])
        check_rows(bars, dates, symbols, findings)
        if told.factor_off:
            check_factor(bars, dates, symbols, TICK, findings)
        first = bars.first_rows()
        seen = np.where(first > 0, dates[first], np.datetime64("NaT", "D"))
        stated = self.stated[columns]
        self.listed[columns] = np.where(np.isnat(stated), seen, stated)
        special = self.spells.special_sessions(
            dates, symbols, place.panel, fields["trading"], self.frame.aliases, findings
        )
        if told.moved:
            cells = special_cells(special, dates, len(symbols))
            check_jumps(bars, dates, symbols, self.listed[columns], TICK, cells, findings)
        # of a part of the names some may be listed late: a session without any of them is no empty one
        group.warnings.extend(f for f in findings.warnings if f.kind != "empty_session")
        group.special.extend(s._replace(column=s.column + place.panel) for s in special)


def _merged(findings: Iterable[Finding]) -> list[Finding]:
    """One finding of each kind, where parts of the market were looked at one by one."""
    first: dict[str, Finding] = {}
    total: dict[str, int] = {}
    for finding in findings:
        first.setdefault(finding.kind, finding)
        total[finding.kind] = total.get(finding.kind, 0) + finding.count
    merged = []
    for finding in first.values():
        more = total[finding.kind] - finding.count
        message = f"{finding.message} (and {more:,} more in other names)" if more else finding.message
        merged.append(replace(finding, message=message, count=total[finding.kind]))
    return merged
