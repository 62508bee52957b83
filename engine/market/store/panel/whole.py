"""A few names at once, read and looked at as a file with the same rows would be."""

from __future__ import annotations

from typing import cast

import numpy as np
import pandas as pd

from engine.market.bars import build_bars
from engine.market.calendar import Dates
from engine.market.checks import check_quotes
from engine.market.checks_adjustment import check_jumps
from engine.market.checks_panel import check_bars
from engine.market.corporate import CorporateActions
from engine.market.quotes import Quotes
from engine.market.sources.delivery import DailyBars
from engine.market.special import special_cells
from engine.market.store.arrival import traded
from engine.market.store.folder import StoreReader
from engine.market.store.intake import factor_in_force
from engine.market.store.panel.built import TICK, Built, delivered, stored_twice
from engine.market.store.panel.completion import completed
from engine.market.store.panel.frame import Frame
from engine.market.store.panel.spells import StockSpells
from engine.market.store.rows import bars_of, renamed
from engine.market.store.schema import Kind
from engine.market.table import Table
from engine.market.validate import Findings


def build_whole(
    reader: StoreReader, frame: Frame, actions: CorporateActions, stated: Dates, findings: Findings
) -> Built:
    """Build the bars of all names of a panel at once.

    Parameters
    ----------
    reader : StoreReader
    frame : Frame
    actions : CorporateActions
    stated : (N,) datetime64[D] array
        First sessions that are stated, NaT where none is.
    findings : Findings
        Is added to: the warnings that a file would give.

    Raises
    ------
    StoreError
        If two rows fall on one cell.
    DataError
        If a corporate action leaves no price above zero.
    """
    dates, symbols = frame.dates, frame.symbols
    spells = StockSpells.of(reader, frame)
    bars = _bars(reader, frame)
    values = dict(bars.values)
    values["is_st"] = spells.mark_rows(bars)
    values["adj_factor"] = completed(bars, actions, TICK)
    source = Table(pd.DataFrame(index=range(0)), str(reader.folder))
    priced = values["close"] > 0.0
    quotes = Quotes(source, symbols, bars.session, bars.column, values, priced, traded(bars))
    # judged on arrival: only the warnings of a file are looked for
    check_quotes(quotes, calendar=frame.calendar, tick=TICK, units="shares", findings=findings)
    built = build_bars(quotes, dates, actions, TICK)
    if int(built.has_row.sum()) != len(bars):
        raise stored_twice(reader)
    check_bars(built, dates, symbols, TICK, findings)
    first = built.first_rows()
    seen = np.where(first > 0, dates[first], np.datetime64("NaT", "D"))
    listed = cast("Dates", np.where(np.isnat(stated), seen, stated))
    special = spells.special_sessions(dates, symbols, 0, built.fields["trading"], frame.aliases, findings)
    check_jumps(built, dates, symbols, listed, TICK, special_cells(special, dates, len(symbols)), findings)
    told = {
        name
        for name, cells in built.fields.items()
        if bool((cells > 0.0).any() if name == "turnover" else not np.isnan(cells).all())
    }
    return Built(delivered(built.fields, told), built.inside, listed, special)


def _bars(reader: StoreReader, frame: Frame) -> DailyBars:
    codes = np.array(sorted(frame.names), dtype=np.str_)
    rows = reader.rows(Kind.BARS, symbols=codes.tolist(), first=frame.first, last=frame.last, exactly=False)
    bars = bars_of(rows, codes)
    factors = factor_in_force(bars, reader.rows(Kind.FACTORS, symbols=codes.tolist()))
    bars = DailyBars(codes, bars.column, bars.session, {**bars.values, "adj_factor": factors})
    return renamed(bars, frame.names)
