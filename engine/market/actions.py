"""Reading the table of corporate actions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from engine.errors import DataError
from engine.market.calendar import Dates, iso
from engine.market.codes import NO_ALIASES, refuse_both_codes
from engine.market.corporate import CorporateAction, CorporateActions
from engine.market.fundamentals import symbol_columns
from engine.market.quotes import house_symbols
from engine.market.validate import EXAMPLES, Findings, counted

if TYPE_CHECKING:
    from engine.market.table import Table

_TERMS = ("cash_per_share", "bonus_ratio", "rights_ratio", "rights_price")


def read_actions(
    table: Table,
    dates: Dates,
    symbols: NDArray[np.str_],
    findings: Findings,
    aliases: Mapping[str, str] = NO_ALIASES,
) -> CorporateActions:
    """Read ``symbol, ex_date, cash_per_share, bonus_ratio, rights_ratio, rights_price, pay_date``.

    Symbols the panel lacks and days outside it are ignored, two rows of one symbol and ex-date are added, an
    ex-date that is no session moves to the next one with a warning.
    """
    table.require(("symbol", "ex_date"))
    if not any(name in table for name in _TERMS[:3]):
        table.require(_TERMS[:1])
    column, ex_date = symbol_columns(table, symbols, aliases), table.dates("ex_date")
    if aliases:
        codes, spellings = table.distinct("symbol")
        houses, _ = house_symbols(spellings, strict=False)
        refuse_both_codes(table, np.array(houses)[codes], column, ex_date, "corporate action")
    terms = [np.nan_to_num(table.numbers(n)) if n in table else np.zeros(len(table)) for n in _TERMS]
    negative = np.flatnonzero(np.logical_or.reduce([values < 0.0 for values in terms]))
    if len(negative):
        raise DataError(f"{table.where(int(negative[0]))}: terms of a corporate action are not negative")
    pay_date = table.dates("pay_date", blank=True) if "pay_date" in table else np.full(len(table), _NEVER)
    early = np.flatnonzero(pay_date < ex_date)
    if len(early):
        where, paid, ex = table.where(int(early[0])), pay_date[early[0]], ex_date[early[0]]
        raise DataError(f"{where}: pay_date {iso(paid)} lies before the ex-date {iso(ex)}")

    row = np.searchsorted(dates, ex_date)
    kept = np.flatnonzero((column >= 0) & (ex_date >= dates[0]) & (row < len(dates)))
    off = kept[dates[row[kept]] != ex_date[kept]]
    moved = [f"{symbols[column[i]]} {iso(ex_date[i])} to {iso(dates[row[i]])}" for i in off]
    paid, unpaid = pay_date[kept].astype(np.int64).tolist(), np.isnat(pay_date[kept]).tolist()
    by_row: dict[int, dict[int, CorporateAction]] = {}
    # plain numbers: a whole market has tens of thousands of rows
    given = zip(*(values[kept].tolist() for values in terms), strict=True)
    for t, place, pay, never, (cash, bonus, rights, rights_price) in zip(
        row[kept].tolist(), column[kept].tolist(), paid, unpaid, given, strict=True
    ):
        action = CorporateAction(cash, bonus, rights, rights_price, None if never else pay)
        day = by_row.setdefault(t, {})
        day[place] = _sum(day[place], action) if place in day else action
    if moved:
        message = f"{counted(len(moved), 'ex-date')} on no session, moved to the next"
        findings.warn("ex_date_moved", message, len(moved), moved[:EXAMPLES])
    return CorporateActions.of({dates[t]: day for t, day in by_row.items()})


def _sum(one: CorporateAction, other: CorporateAction) -> CorporateAction:
    rights = one.rights + other.rights
    paid = one.rights * one.rights_price + other.rights * other.rights_price
    return CorporateAction(
        cash=one.cash + other.cash,
        bonus=one.bonus + other.bonus,
        rights=rights,
        rights_price=paid / rights if rights else 0.0,
        # one payment: of two days the later one
        pay_day=max((day for day in (one.pay_day, other.pay_day) if day is not None), default=None),
    )


_NEVER = np.datetime64("NaT", "D")
