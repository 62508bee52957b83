"""Reading the table of instruments."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from engine.errors import DataError
from engine.market.board import Board, board_of
from engine.market.calendar import Dates
from engine.market.codes import NO_ALIASES
from engine.market.fundamentals import symbol_columns
from engine.market.instruments import Instruments

if TYPE_CHECKING:
    from engine.market.table import Table


def read_instruments(
    table: Table, symbols: NDArray[np.str_], aliases: Mapping[str, str] = NO_ALIASES
) -> tuple[Instruments, Dates]:
    """Read ``symbol`` and, where there, ``name, sw_industry, csrc_industry, board, list_date``.

    A row under another code of a stock (`aliases`) counts where there is none under the panel's own.

    Returns
    -------
    instruments : Instruments
        The industry is Shenwan's where given, else the CSRC's; the board the file's, else the code's.
    listed : (N,) datetime64[D] array
        The stated list dates, NaT where there is none.
    """
    table.require(("symbol",))
    column = symbol_columns(table, symbols)
    if aliases:
        other = symbol_columns(table, symbols, aliases)
        column = np.where(np.isin(other, column), column, other)
    mine = np.flatnonzero(column >= 0)
    _, first = np.unique(column[mine], return_index=True)
    if len(first) < len(mine):
        row = int(np.setdiff1d(mine, mine[first])[0])
        raise DataError(f"{table.where(row)}: the symbol {symbols[column[row]]} repeats; keep one row of it")

    def aligned(name: str) -> NDArray[np.str_]:
        cells = table.texts(name) if name in table else np.full(len(table), "", dtype=np.str_)
        out = np.full(len(symbols), "", dtype=cells.dtype)
        out[column[mine]] = cells[mine]
        return out

    shenwan, csrc = aligned("sw_industry"), aligned("csrc_industry")
    listed = np.full(len(symbols), np.datetime64("NaT", "D"), dtype="datetime64[D]")
    if "list_date" in table:
        listed[column[mine]] = table.dates("list_date", blank=True)[mine]
    boards = tuple(
        _board(str(text), str(symbol), table) for text, symbol in zip(aligned("board"), symbols, strict=True)
    )
    industries = np.where(shenwan != "", shenwan, csrc)
    return Instruments(names=aligned("name"), industries=industries, boards=boards), listed


def _board(text: str, symbol: str, table: Table) -> Board:
    if not text:
        return board_of(symbol)
    try:
        return Board(text.lower())
    except ValueError:
        raise DataError(
            f"{table.source}: {symbol} has the board {text!r}; write one of {', '.join(Board)}"
        ) from None
