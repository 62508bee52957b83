"""Judging bars on arrival: by themselves, against the stored ones, and against the session before."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from engine.market.board import Board, board_of
from engine.market.calendar import Dates
from engine.market.checks import FACTOR_STEP
from engine.market.grid import Bools, Floats, Ints
from engine.market.sources.delivery import DailyBars
from engine.market.store.factors import Bases, tied
from engine.market.store.reasons import ArrivalRules, Reason

_OHLC = ("open", "high", "low", "close")
#: how far amount ÷ volume may lie outside low..high: amounts are rounded, and volumes to whole lots
_VWAP_SLACK, _HALF_A_LOT = 0.01, 50.0
#: of two vendors' bars of one session: shares (one rounds to lots), and CNY (one rounds to 10,000)
_SAME_VOLUME, _SAME_AMOUNT, _SAME_RELATIVE = 100.0, 10_000.0, 1e-3
#: agreement of a preclose with the ex-right reference beside half a tick, relative to the close before it
_REFERENCE_AGREES = 2e-3
#: rows of a name before limits are tested (a listing has none at first), and silence after which they are not
_FIRST_ROWS, _LONG_SILENCE = 5, 60
#: fewer shares than these can be traded at the same price for the same amount on two days
_FEW_SHARES = 1000.0
_ROUNDS = 50
_NONE = -1
_ORDER = tuple(Reason)

#: (symbol, day since 1970-01-01) to the terms' ex-right reference as (cash, bonus, rights, rights price)
Terms = Mapping[tuple[str, int], tuple[float, float, float, float]]


@dataclass(frozen=True, eq=False)
class Verdict:
    """What becomes of each row of a delivery.

    Parameters
    ----------
    reason : (R,) int array
        Position in `Reason` why a row is set aside; -1 where it is not.
    known : (R,) bool array
        Rows that the store has already.
    factor : (R,) float array
        The adjustment factor on the stored base, NaN where unknown.
    """

    reason: NDArray[np.int8]
    known: Bools
    factor: Floats

    @property
    def new(self) -> Bools:
        """(R,) rows to store."""
        return np.asarray((self.reason == _NONE) & ~self.known)

    def reason_of(self, row: int) -> Reason:
        """Why a row is set aside."""
        return _ORDER[int(self.reason[row])]

    def counts(self) -> dict[Reason, int]:
        """How many rows are set aside, by reason."""
        found, counts = np.unique(self.reason[self.reason != _NONE], return_counts=True)
        return {_ORDER[i]: int(n) for i, n in zip(found, counts, strict=True)}


def judge(
    bars: DailyBars,
    stored: DailyBars,
    rules: ArrivalRules,
    *,
    terms: Terms,
    bases: Bases,
    special: Collection[tuple[str, int]],
) -> Verdict:
    """Judge a delivery.

    Parameters
    ----------
    bars : DailyBars
        What has arrived.
    stored : DailyBars
        What the store holds of the same symbols, from well before the first arriving session on; `adj_factor`
        is the factor in force, NaN where none is stored. Its `symbols` are those of `bars`.
    rules : ArrivalRules
    terms : mapping
        Announced terms of corporate actions.
    bases : Bases
        Whether factors of a symbol are stored, and whose.
    special : set of (symbol, day)
        Sessions without a price limit.
    """
    book = _Book(bars, stored, rules)
    book.by_themselves()
    book.against_stored()
    book.factor, untied = tied(bars, stored, bases, rules.calendar)
    book.note(untied, Reason.FACTOR_BASE)
    book.against_previous(terms, special)
    return Verdict(book.reason, book.known, book.factor)


class _Book:
    """The rows of a delivery and what is noted against them."""

    def __init__(self, bars: DailyBars, stored: DailyBars, rules: ArrivalRules) -> None:
        self.bars, self.stored, self.rules = bars, stored, rules
        self.reason = np.full(len(bars), _NONE, dtype=np.int8)
        self.known = np.zeros(len(bars), dtype=bool)
        self.factor = bars.number("adj_factor")
        self.traded = traded(bars)

    def note(self, rows: Bools, reason: Reason) -> None:
        """Set rows aside, unless they are already or the reason is accepted."""
        if reason not in self.rules.accepted:
            self.reason[rows & (self.reason == _NONE)] = _ORDER.index(reason)

    def by_themselves(self) -> None:
        b, v, tick = self.bars, self.bars.values, self.rules.tick
        self.note(~np.isin(b.session, self.rules.calendar.sessions), Reason.OFF_CALENDAR)
        self.note(b.session > self.rules.last_complete, Reason.UNFINISHED)
        again, contradicts = _repeated(b)
        self.note(contradicts, Reason.DUPLICATE)
        self.known |= again
        with np.errstate(invalid="ignore"):
            bad = np.logical_or.reduce([(v[name] < 0.0) | np.isinf(v[name]) for name in _OHLC])
            # shares that were traded at no close are no suspension, which the right bar could never replace
            bad |= _busy(b) & ~np.logical_and.reduce([v[name] > 0.0 for name in _OHLC])
            bad |= (b.number("preclose") < 0.0) | np.isinf(b.number("preclose"))
            self.note(bad, Reason.BAD_PRICE)
            top = np.fmin.reduce([v["high"] - v[name] for name in ("open", "low", "close")])
            bottom = np.fmin.reduce([v[name] - v["low"] for name in ("open", "close")])
            self.note(self.traded & (np.fmin(top, bottom) < -tick / 2), Reason.BAD_OHLC)
            amount, volume = b.number("amount"), v["volume"]
            bad = (volume < 0.0) | (amount < 0.0) | np.isinf(volume) | np.isinf(amount)
            self.note(bad, Reason.BAD_VOLUME)
            self._units(amount, volume)

    def _units(self, amount: Floats, volume: Floats) -> None:
        v = self.bars.values
        priced = self.traded & (amount > 0.0)
        vwap = np.divide(amount, volume, out=np.full(len(volume), np.nan), where=priced)
        slack = _VWAP_SLACK + np.where(volume % 100.0 == 0.0, _HALF_A_LOT / np.fmax(volume, 1.0), 0.0)
        outside = priced & ((vwap > v["high"] * (1.0 + slack)) | (vwap < v["low"] * (1.0 - slack)))
        scale = vwap / v["close"]
        self.note(outside & (scale > 50.0) & (scale < 200.0), Reason.LOTS_FOR_SHARES)
        self.note(outside, Reason.VWAP_OUTSIDE)

    def against_stored(self) -> None:
        b, s = self.bars, self.stored
        place, there = _positions(_keys(b), _keys(s))
        differs = np.zeros(len(b), dtype=bool)
        ours, theirs = np.flatnonzero(there), place[there]
        with np.errstate(invalid="ignore"):
            idle = ~self.traded[ours] & ~traded(s)[theirs]
            for name in (*_OHLC, "volume", "amount"):
                one, other = b.number(name)[ours], s.number(name)[theirs]
                slack: Floats | float = {"volume": _SAME_VOLUME, "amount": _SAME_AMOUNT}.get(
                    name, self.rules.tick / 2
                )
                if name in ("volume", "amount"):
                    slack = np.fmax(slack, _SAME_RELATIVE * np.abs(other))
                # vendors write what they like into a session without trading
                differs[ours] |= (np.abs(one - other) > slack + 1e-9) & ~(idle & (name in _OHLC))
                if name in ("close", "volume"):  # what is missing compares with nothing
                    missing = np.isnan(one) | np.isnan(other)
                    differs[ours] |= missing & (self.traded[ours] != traded(s)[theirs])
        self.note(differs, Reason.DIFFERS)
        self.known |= there & ~differs

    def against_previous(self, terms: Terms, special: Collection[tuple[str, int]]) -> None:
        """Look at every new row beside the row before it; what is set aside is no row to look from."""
        for _ in range(_ROUNDS):
            line = _Line.of(self)
            if not line.flag(self, terms, special):
                return
        line = _Line.of(self)
        while line.flag(self, terms, special, every=True):
            line = _Line.of(self)


@dataclass(frozen=True, eq=False)
class _Line:
    """Stored rows and those new ones nothing is noted against, ascending by symbol and session."""

    origin: Ints  # row of the delivery, -1 for a stored one
    column: Ints
    session: Dates
    at: Ints  # number of the session in the calendar
    values: dict[str, Floats]
    traded: Bools

    @classmethod
    def of(cls, book: _Book) -> _Line:
        b, s = book.bars, book.stored
        rows = np.flatnonzero((book.reason == _NONE) & ~book.known)
        column = np.concatenate([s.column, b.column[rows]])
        session = np.concatenate([s.session, b.session[rows]])
        order = np.argsort((column << 32) + session.astype(np.int64), kind="stable")
        names = (*_OHLC, "preclose", "volume", "amount", "is_st")
        values = {name: np.concatenate([s.number(name), b.number(name)[rows]])[order] for name in names}
        values["factor"] = np.concatenate([s.number("adj_factor"), book.factor[rows]])[order]
        return cls(
            np.concatenate([np.full(len(s), -1), rows])[order],
            column[order],
            session[order],
            np.searchsorted(book.rules.calendar.sessions, session[order]),
            values,
            np.concatenate([traded(s), book.traded[rows]])[order],
        )

    def flag(
        self, book: _Book, terms: Terms, special: Collection[tuple[str, int]], every: bool = False
    ) -> bool:
        """Note what is wrong with rows; of several in a row the first, for the others may be right."""
        found: list[tuple[Bools, Reason]] = []
        with np.errstate(invalid="ignore", divide="ignore"):
            follows = np.zeros(len(self.at), dtype=bool)
            follows[1:] = self.column[1:] == self.column[:-1]
            adjacent = follows.copy()
            adjacent[1:] &= self.at[1:] == self.at[:-1] + 1
            found.append((self._stale(adjacent), Reason.STALE_COPY))
            factor, before = self.values["factor"], _shifted(self.values["factor"])
            falls = (factor <= 0.0) | (follows & (factor < before * (1.0 - 1e-4)))
            found.append((falls, Reason.BAD_FACTOR))
            reference, loose = self._reference(book, terms, adjacent)
            found.append((self._breaks(reference, loose, book.rules.tick), Reason.DISCONTINUITY))
            found.append((self._beyond(book, reference, follows, special), Reason.BEYOND_LIMIT))
        any_bad = np.zeros(len(self.at), dtype=bool)
        for rows, reason in found:
            if reason not in book.rules.accepted:
                any_bad |= rows & (self.origin >= 0)
        if not every:
            # the row after a bad one is looked at again without it
            first = any_bad.copy()
            first[1:] &= ~(any_bad[:-1] & follows[1:])
            any_bad = first
        for rows, reason in found:
            mask = np.zeros(len(book.bars), dtype=bool)
            mask[self.origin[rows & any_bad]] = True
            book.note(mask, reason)
        return bool(any_bad.any())

    def _stale(self, adjacent: Bools) -> Bools:
        same = adjacent & self.traded & (self.values["volume"] > _FEW_SHARES)
        for name in _OHLC:
            same &= self.values[name] == _shifted(self.values[name])
        # another vendor may have told the session before, in lots or in whole units of 10,000 CNY
        for name, rounding in (("volume", _SAME_VOLUME), ("amount", _SAME_AMOUNT)):
            column, before = self.values[name], _shifted(self.values[name])
            slack = np.fmin(rounding, _SAME_RELATIVE * np.abs(before))
            same &= (np.abs(column - before) <= slack) | (np.isnan(column) & (name == "amount"))
        return np.asarray(same)

    def _reference(self, book: _Book, terms: Terms, adjacent: Bools) -> tuple[Floats, Bools]:
        """The ex-right reference of each row from the row before, and where only its upper end is known."""
        close, factor = _shifted(self.values["close"]), self.values["factor"]
        step = factor / _shifted(factor)
        known = ~np.isnan(step)
        reference = np.where(known & (np.abs(step - 1.0) > FACTOR_STEP), close / step, close)
        loose = ~known
        if terms:
            days = self.session.astype(np.int64)
            acting = np.isin(days, [day for _, day in terms]) & ~known & adjacent
            for i in np.flatnonzero(acting):
                found = terms.get((str(book.bars.symbols[self.column[i]]), int(days[i])))
                if found is not None:
                    cash, bonus, rights, price = found
                    reference[i] = (close[i] - cash + rights * price) / (1.0 + bonus + rights)
                    loose[i] = False
        priced = adjacent & (close > 0.0) & (_shifted(self.traded.astype(np.float64)) == 1.0)
        return np.where(priced, reference, np.nan), loose

    def _breaks(self, reference: Floats, loose: Bools, tick: float) -> Bools:
        preclose = self.values["preclose"]
        slack = tick / 2 + _REFERENCE_AGREES * _shifted(self.values["close"])
        given = self.traded & (preclose > 0.0)
        apart = np.abs(preclose - reference) > slack
        # without a factor or terms a lower preclose is itself the word of an ex-date; a higher one is no word
        return np.asarray(given & np.where(loose, preclose > reference + tick / 2 + 1e-9, apart))

    def _beyond(
        self, book: _Book, reference: Floats, follows: Bools, special: Collection[tuple[str, int]]
    ) -> Bools:
        limit = book.rules.limit_percent
        if limit is None:
            return np.zeros(len(self.at), dtype=bool)
        starts = np.maximum.accumulate(np.where(~follows, np.arange(len(self.at)), 0))
        position = np.arange(len(self.at)) - starts
        spoken = np.maximum.accumulate(np.where(self.traded, np.arange(len(self.at)), 0))
        before = np.concatenate([[0], spoken[:-1]])[: len(spoken)]
        silent = self.at - self.at[before] > _LONG_SILENCE
        tested = self.traded & (position >= _FIRST_ROWS) & ~silent & (self.origin >= 0)
        preclose = self.values["preclose"]
        base = np.where(preclose > 0.0, preclose, reference)
        percent = np.full(len(self.at), np.nan)
        rows = np.flatnonzero(tested)
        boards = np.array([board_of(str(s)) for s in book.bars.symbols])
        for board in np.unique(boards):
            for st in (False, True):
                mine = rows[(boards[self.column[rows]] == board) & ((self.values["is_st"][rows] > 0.0) == st)]
                days, places = np.unique(self.session[mine].astype(np.int64), return_inverse=True)
                each = [limit(Board(str(board)), st, int(day)) for day in days]
                percent[mine] = np.array([np.nan if p is None else p for p in each], dtype=float)[places]
        tick = book.rules.tick
        up = np.floor(base * (100.0 + percent) + 0.5) / 100.0 + tick
        down = np.floor(base * (100.0 - percent) + 0.5) / 100.0 - tick
        beyond = tested & ((self.values["high"] > up + 1e-9) | (self.values["low"] < down - 1e-9))
        if special and beyond.any():
            days = self.session.astype(np.int64)
            for i in np.flatnonzero(beyond):
                beyond[i] = (str(book.bars.symbols[self.column[i]]), int(days[i])) not in special
        return np.asarray(beyond)


def traded(bars: DailyBars) -> Bools:
    """(R,) rows with a price, a volume and no word of a suspension, as in a file of quotes."""
    with np.errstate(invalid="ignore"):
        # a volume below zero is looked at as one, to be refused
        return np.asarray(_busy(bars) & (bars.values["close"] > 0.0))


def _busy(bars: DailyBars) -> Bools:
    """(R,) rows with a volume and no word of a suspension."""
    volume, trading = bars.values["volume"], bars.number("trading")
    return np.asarray((volume > 0.0) & (np.nan_to_num(trading, nan=1.0) != 0.0))


def _shifted(values: Floats) -> Floats:
    """Values of the row before; NaN in the first."""
    out = np.full(len(values), np.nan)
    out[1:] = values[:-1]
    return out


def _keys(bars: DailyBars) -> NDArray[np.int64]:
    return (bars.column.astype(np.int64) << 32) + bars.session.astype(np.int64)


def _positions(wanted: NDArray[np.int64], ordered: NDArray[np.int64]) -> tuple[Ints, Bools]:
    """Place of each key among ascending ones, and whether it is there."""
    if not len(ordered):
        return np.zeros(len(wanted), dtype=np.intp), np.zeros(len(wanted), dtype=bool)
    place = np.minimum(np.searchsorted(ordered, wanted), len(ordered) - 1)
    return place, ordered[place] == wanted


def _repeated(bars: DailyBars) -> tuple[Bools, Bools]:
    """Rows that say again what another row of the delivery said, and all rows of contradicting ones."""
    keys = _keys(bars)
    same = np.zeros(len(keys), dtype=bool)
    same[1:] = keys[1:] == keys[:-1]
    equal = same.copy()
    for values in bars.values.values():
        equal[1:] &= (values[1:] == values[:-1]) | (np.isnan(values[1:]) & np.isnan(values[:-1]))
    bad = same & ~equal
    return equal, np.isin(keys, keys[bad])
