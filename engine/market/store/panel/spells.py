"""Spells of stocks in a panel: special treatment where bars do not tell of it, and special sessions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from engine.market.calendar import Dates, Session
from engine.market.grid import Floats
from engine.market.sources.delivery import DailyBars
from engine.market.special import SpecialSession, read_special_sessions
from engine.market.store.folder import StoreReader
from engine.market.store.panel.frame import Frame
from engine.market.store.rows import records
from engine.market.store.schema import Kind, Spell
from engine.market.table import Table
from engine.market.validate import Findings


class Treatment(NamedTuple):
    """A spell of special treatment of a column of the panel; `end` is the first day no longer."""

    column: int
    start: Session
    end: Session | None


@dataclass(frozen=True, eq=False, slots=True)
class StockSpells:
    """What is stored of spells, by the panel's columns.

    Parameters
    ----------
    treatments : tuple of Treatment
    special : pandas.DataFrame
        symbol, session and kind of every special session, of whatever stock.
    column : (K,) int array
        The panel's column of each of these, -1 where it has none.
    source : str
        For messages.
    """

    treatments: tuple[Treatment, ...]
    special: pd.DataFrame
    column: NDArray[np.intp]
    source: str

    @classmethod
    def of(cls, reader: StoreReader, frame: Frame) -> StockSpells:
        """Read them."""
        rows, columns = records(reader.rows(Kind.SPELLS)), frame.columns()
        treatments = [
            Treatment(
                columns[row["symbol"]],
                np.datetime64(row["start"], "D"),
                None if row["end"] is None else np.datetime64(row["end"], "D"),
            )
            for row in rows
            if row["kind"] == Spell.ST and row["symbol"] in columns
        ]
        kept = [row for row in rows if row["kind"] in (Spell.DELISTING_PERIOD, Spell.RELISTING)]
        special = pd.DataFrame(
            {"symbol": [r["symbol"] for r in kept], "session": [str(r["start"]) for r in kept],
             "kind": [r["kind"] for r in kept]}
        )  # fmt: skip
        place = {symbol: n for n, symbol in enumerate(frame.symbols.tolist())}
        where = [place.get(frame.aliases.get(r["symbol"], r["symbol"]), -1) for r in kept]
        return cls(tuple(treatments), special, np.array(where, dtype=np.intp), f"{reader.folder} (spells)")

    def mark_rows(self, bars: DailyBars) -> Floats:
        """(R,) the bars' own word of a special treatment, and where they have none the spells'."""
        out = bars.number("is_st")
        if not self.treatments:
            return out
        out = out.copy()
        for column, start, end in self.treatments:
            during = (bars.column == column) & (bars.session >= start)
            if end is not None:
                during &= bars.session < end
            out[during & np.isnan(out)] = 1.0
        return out

    def mark_cells(self, is_st: Floats, dates: Dates, lo: int) -> None:
        """Do the same to the (T, W) cells of the columns from `lo` on."""
        for column, start, end in self.treatments:
            if lo <= column < lo + is_st.shape[1]:
                last = len(dates) if end is None else int(np.searchsorted(dates, end))
                cells = is_st[int(np.searchsorted(dates, start)) : last, column - lo]
                cells[np.isnan(cells)] = 1.0

    def special_sessions(
        self,
        dates: Dates,
        symbols: NDArray[np.str_],
        lo: int,
        trading: Floats,
        aliases: Mapping[str, str],
        findings: Findings,
    ) -> tuple[SpecialSession, ...]:
        """Special sessions of the panel's columns from `lo` on, which are counted from there.

        `symbols` and `trading`, (T, W), are theirs; see :func:`engine.market.special.read_special_sessions`.
        """
        mine = (self.column >= lo) & (self.column < lo + len(symbols))
        if not mine.any():
            return ()
        table = Table.of_frame(self.special[mine].reset_index(drop=True), self.source)
        here = set(symbols.tolist())
        own = {code: symbol for code, symbol in aliases.items() if symbol in here}
        return read_special_sessions(table, dates, symbols, trading, findings, own)
