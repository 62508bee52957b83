"""Bars of one minute on arrival: judged, mended by a stated rule, compared with the day's bar."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from engine.market.codes import CodeChanges
from engine.market.grid import Bools, Floats, Ints
from engine.market.phases import minute_ends
from engine.market.store.folder import StoreReader, StoreWriter
from engine.market.store.intake import Taken, UselessDelivery
from engine.market.store.reasons import ArrivalRules, Reason
from engine.market.store.rows import codes_of, day_numbers, days, newest_code, numbers, table_of, words
from engine.market.store.schema import MINUTE_VALUES, Kind

Numbers = NDArray[np.int64]

_OHLC = MINUTE_VALUES[:4]
_MINUTE_MS, _DAY_MINUTES = 60_000, 1440
#: bars of a session: 240 minutes, and one for the opening auction, which some vendors add to the first
SESSION_BARS = (240, 241)
#: how far amount ÷ volume may lie outside low..high: amounts are rounded, and volumes to whole lots
_VWAP_SLACK, _HALF_A_LOT = 0.01, 50.0
#: of two vendors' bars of one minute: shares (one rounds to lots), CNY (one rounds to 10,000), relative
_SAME_VOLUME, _SAME_AMOUNT, _SAME_RELATIVE = 100.0, 10_000.0, 1e-3
#: of a session's sums and the day's bar, relative; half a lot for each minute comes on top
_SUMS_AGREE = 2e-3
#: from how many bars on a delivery that is mostly in lots is refused whole
_ENOUGH = 10
#: reasons that nobody can overrule: such a bar is none
_NEVER = frozenset(
    {Reason.OFF_CALENDAR, Reason.OFF_GRID, Reason.DUPLICATE, Reason.BAD_PRICE, Reason.BAD_VOLUME}
)
_NONE = -1
_ORDER = tuple(Reason)


@dataclass(frozen=True, eq=False)
class MinuteBars:
    """Bars of one minute, ascending by symbol and time.

    Parameters
    ----------
    symbols : (N,) str array
        House spelling, ascending.
    column : (R,) int array
        Index into `symbols`.
    ended_at : (R,) int array
        Minutes since 1970-01-01 00:00 in Shanghai at which each bar was over.
    values : dict of str to (R,) float array
        open, high, low, close: raw CNY; volume: shares; amount: CNY, NaN where unknown.
    """

    symbols: NDArray[np.str_]
    column: Ints
    ended_at: Numbers
    values: dict[str, Floats]

    def __len__(self) -> int:
        return len(self.column)

    @property
    def day(self) -> Numbers:
        """(R,) days since 1970-01-01."""
        return self.ended_at // _DAY_MINUTES

    @property
    def key(self) -> Numbers:
        """(R,) one number for symbol and time."""
        return np.asarray((self.column.astype(np.int64) << 32) + self.ended_at)

    @property
    def session_key(self) -> Numbers:
        """(R,) one number for symbol and day."""
        return np.asarray((self.column.astype(np.int64) << 32) + self.day)

    def take(self, rows: Bools | Ints) -> MinuteBars:
        """Keep some rows."""
        values = {name: cells[rows] for name, cells in self.values.items()}
        return MinuteBars(self.symbols, self.column[rows], self.ended_at[rows], values)

    def label(self, row: int) -> str:
        """``600519.SH 2023-03-01 09:31``."""
        return f"{self.symbols[self.column[row]]} {np.datetime64(int(self.ended_at[row]), 'm')}".replace(
            "T", " "
        )


def minute_bars_of(table: Any, symbols: NDArray[np.str_]) -> MinuteBars:
    """Rows of ``Kind.MINUTE_BARS`` of given symbols (ascending), sorted; seconds are cut off."""
    column = codes_of(table["symbol"], symbols)
    moments = table["ended_at"].cast(pa.timestamp("ms")).cast(pa.int64())
    ended_at = np.asarray(moments.to_numpy(), dtype=np.int64) // _MINUTE_MS
    order = np.lexsort((ended_at, column))
    order = order[np.searchsorted(column[order], 0) :]
    values = {name: numbers(table[name])[order] for name in MINUTE_VALUES}
    return MinuteBars(symbols, column[order], ended_at[order], values)


def take_minutes(
    writer: StoreWriter, table: Any, *, source: str, rules: ArrivalRules, changes: CodeChanges
) -> Taken:
    """Judge minute bars and stage what is new of them; the caller commits.

    Parameters
    ----------
    writer : StoreWriter
    table : pyarrow.Table
        ``symbol``, ``ended_at`` and the columns of a bar; volume in shares. Whole sessions.
    source : str
    rules : ArrivalRules
    changes : CodeChanges

    Raises
    ------
    UselessDelivery
        If most of the delivery counts lots, which is a wrong option rather than wrong bars.

    Notes
    -----
    One vendor writes an open of 0 into most of its minutes. Where the rest of such a bar is sound, its open
    becomes the close of the minute before in the same session, brought into its own range; of a session's
    first bar, which is the opening auction, its low. A session of which a bar is wrong is set aside whole:
    sums over a part of it would be wrong. Sums that are not those of the day's bar are noted, and a session
    with fewer than 240 bars is.
    """
    if not len(table):
        return Taken()
    bars = _under_newest_codes(table, changes)
    bars, mended = _mended(bars)
    stored = _stored(writer, bars)
    book = _Book(bars, rules)
    book.by_themselves()
    book.against_stored(stored, mended)
    daily = _Daily.of(writer, bars)
    book.in_lots(daily)
    _refuse_lots(book, source)
    book.whole_sessions()
    taken = Taken()
    fresh = bars.take(book.new)
    if len(fresh):
        writer.add(Kind.MINUTE_BARS, _rows(fresh))
        taken.added[Kind.MINUTE_BARS] += len(fresh)
    if book.known.any():
        taken.repeated[Kind.MINUTE_BARS] += int(book.known.sum())
    _set_aside(writer, book, source, taken)
    taken.notes += _notes(bars, book.new, mended & book.new, daily, source)
    return taken


def _under_newest_codes(table: Any, changes: CodeChanges) -> MinuteBars:
    given = sorted(pc.unique(table["symbol"].cast(pa.string())).to_pylist())
    bars = minute_bars_of(table, np.array(given, dtype=np.str_))
    names = np.array([newest_code(symbol, changes) for symbol in given], dtype=np.str_)
    symbols, place = np.unique(names, return_inverse=True)
    column = place.astype(np.intp)[bars.column]
    order = np.lexsort((bars.ended_at, column))
    return MinuteBars(symbols, column, bars.ended_at, bars.values).take(order)


def _mended(bars: MinuteBars) -> tuple[MinuteBars, Bools]:
    """Bars with an open in place of 0, and which these are."""
    v = bars.values
    with np.errstate(invalid="ignore"):
        sound = (
            (v["low"] > 0.0) & (v["high"] >= v["low"]) & (v["close"] >= v["low"]) & (v["close"] <= v["high"])
        )
        missing = sound & ((v["open"] == 0.0) | np.isnan(v["open"]))
    if not missing.any():
        return bars, missing
    before = np.concatenate([[np.nan], v["close"][:-1]])
    session = bars.session_key
    before[np.concatenate([[True], session[1:] != session[:-1]])] = np.nan
    inside = np.where(before > 0.0, np.clip(before, v["low"], v["high"]), v["low"])
    values = {**v, "open": np.where(missing, inside, v["open"])}
    return MinuteBars(bars.symbols, bars.column, bars.ended_at, values), missing


def _stored(reader: StoreReader, bars: MinuteBars) -> MinuteBars:
    first, last = (np.datetime64(int(day), "D").astype(object) for day in (bars.day.min(), bars.day.max()))
    rows = reader.rows(Kind.MINUTE_BARS, symbols=bars.symbols.tolist(), first=first, last=last)
    return minute_bars_of(rows, bars.symbols)


class _Book:
    """The bars of a delivery and what is noted against them."""

    def __init__(self, bars: MinuteBars, rules: ArrivalRules) -> None:
        self.bars, self.rules = bars, rules
        self.reason = np.full(len(bars), _NONE, dtype=np.int8)
        self.known = np.zeros(len(bars), dtype=bool)

    @property
    def new(self) -> Bools:
        return np.asarray((self.reason == _NONE) & ~self.known)

    def note(self, rows: Bools, reason: Reason) -> None:
        if reason not in self.rules.accepted or reason in _NEVER:
            self.reason[rows & (self.reason == _NONE)] = _ORDER.index(reason)

    def by_themselves(self) -> None:
        b, v, tick = self.bars, self.bars.values, self.rules.tick
        session = b.day.astype("datetime64[D]")
        self.note(~np.isin(session, self.rules.calendar.sessions), Reason.OFF_CALENDAR)
        self.note(session > self.rules.last_complete, Reason.UNFINISHED)
        self.note(~np.isin(b.ended_at % _DAY_MINUTES, minute_ends()), Reason.OFF_GRID)
        key = b.key
        same = np.concatenate([[False], key[1:] == key[:-1]])
        equal = same.copy()
        for cells in v.values():
            equal[1:] &= (cells[1:] == cells[:-1]) | (np.isnan(cells[1:]) & np.isnan(cells[:-1]))
        self.note(np.isin(key, key[same & ~equal]), Reason.DUPLICATE)
        self.known |= equal
        with np.errstate(invalid="ignore"):
            self.note(~np.logical_and.reduce([v[name] > 0.0 for name in _OHLC]), Reason.BAD_PRICE)
            top = np.fmin.reduce([v["high"] - v[name] for name in ("open", "low", "close")])
            bottom = np.fmin.reduce([v[name] - v["low"] for name in ("open", "close")])
            self.note(np.fmin(top, bottom) < -tick / 2, Reason.BAD_OHLC)
            self.note(~(v["volume"] >= 0.0) | (v["amount"] < 0.0), Reason.BAD_VOLUME)
            outside, lots = self._units()
        self.note(outside & lots, Reason.LOTS_FOR_SHARES)
        self.note(outside, Reason.VWAP_OUTSIDE)

    def _units(self) -> tuple[Bools, Bools]:
        v = self.bars.values
        volume, amount = v["volume"], v["amount"]
        priced = (volume > 0.0) & (amount > 0.0)
        vwap = np.divide(amount, volume, out=np.full(len(volume), np.nan), where=priced)
        slack = _VWAP_SLACK + np.where(volume % 100.0 == 0.0, _HALF_A_LOT / np.fmax(volume, 1.0), 0.0)
        # a minute's amount is rounded to whole CNY, and a few shares cost little
        slack += np.divide(1.0, amount, out=np.zeros(len(volume)), where=priced)
        outside = priced & ((vwap > v["high"] * (1.0 + slack)) | (vwap < v["low"] * (1.0 - slack)))
        scale = vwap / v["close"]
        return np.asarray(outside), np.asarray((scale > 30.0) & (scale < 300.0))

    def against_stored(self, stored: MinuteBars, mended: Bools) -> None:
        if not len(stored):
            return
        mine, theirs = self.bars.key, stored.key
        place = np.minimum(np.searchsorted(theirs, mine), len(theirs) - 1)
        there = theirs[place] == mine
        differs = np.zeros(len(mine), dtype=bool)
        for name in MINUTE_VALUES:
            one, other = self.bars.values[name], stored.values[name][place]
            slack: Floats | float = self.rules.tick / 2
            if name in ("volume", "amount"):
                least = _SAME_VOLUME if name == "volume" else _SAME_AMOUNT
                slack = np.fmax(least, _SAME_RELATIVE * np.abs(other))
            with np.errstate(invalid="ignore"):
                apart = np.abs(one - other) > slack + 1e-9
            # an open that was mended is nobody's word
            differs |= apart & ~mended if name == "open" else apart
        self.note(there & differs, Reason.DIFFERS)
        self.known |= there & ~differs

    def in_lots(self, daily: _Daily) -> None:
        """Find sessions without amounts whose volumes add up to a hundredth of the day's."""
        total = daily.sums["volume"] * 100.0
        with np.errstate(invalid="ignore"):
            near = np.abs(total - daily.bar["volume"]) <= 0.05 * daily.bar["volume"]
        self.note(
            np.isin(self.bars.session_key, daily.session[near & ~daily.has_amount]), Reason.LOTS_FOR_SHARES
        )

    def whole_sessions(self) -> None:
        """Set the rest of a session aside with its wrong bars, under the reason of the first of them."""
        wrong = np.flatnonzero(self.reason != _NONE)
        if not len(wrong):
            return
        session = self.bars.session_key
        sessions, first = np.unique(session[wrong], return_index=True)
        place = np.minimum(np.searchsorted(sessions, session), len(sessions) - 1)
        rest = (sessions[place] == session) & (self.reason == _NONE) & ~self.known
        self.reason[rest] = self.reason[wrong][first][place[rest]]


@dataclass(frozen=True, eq=False)
class _Daily:
    """Sums of each arriving session, and the day's bar beside them; NaN where the store has none."""

    session: Numbers
    count: Ints
    has_amount: Bools
    sums: dict[str, Floats]
    bar: dict[str, Floats]

    @classmethod
    def of(cls, reader: StoreReader, bars: MinuteBars) -> _Daily:
        session, starts, count = np.unique(bars.session_key, return_index=True, return_counts=True)
        v = bars.values
        sums = {
            "volume": np.add.reduceat(v["volume"], starts),
            "amount": np.add.reduceat(np.nan_to_num(v["amount"]), starts),
            "high": np.maximum.reduceat(v["high"], starts),
            "low": np.minimum.reduceat(v["low"], starts),
            "close": v["close"][starts + count - 1],
        }
        first, last = (
            np.datetime64(int(day), "D").astype(object) for day in (bars.day.min(), bars.day.max())
        )
        rows = reader.rows(
            Kind.BARS,
            symbols=bars.symbols.tolist(),
            first=first,
            last=last,
            columns=("symbol", "session", *sums),
        )
        keys = (codes_of(rows["symbol"], bars.symbols).astype(np.int64) << 32) + day_numbers(rows["session"])
        order = np.argsort(keys)
        place = np.minimum(np.searchsorted(keys[order], session), max(len(keys) - 1, 0))
        bar = {}
        for name in sums:
            cells = np.full(len(session), np.nan)
            if len(keys):
                there = keys[order][place] == session
                cells[there] = numbers(rows[name])[order][place[there]]
            bar[name] = cells
        return cls(session, count, np.asarray(sums["amount"] > 0.0), sums, bar)

    def disagreements(self) -> dict[str, Bools]:
        """By what is compared, the sessions on which the sums are not the day's."""
        with np.errstate(invalid="ignore"):
            apart = {name: np.abs(self.sums[name] - self.bar[name]) for name in self.sums}
            lots = _HALF_A_LOT * self.count
            price = self.bar["close"]
            out = {
                "volume": apart["volume"] > _SUMS_AGREE * self.bar["volume"] + lots,
                "amount": self.has_amount
                & (apart["amount"] > _SUMS_AGREE * self.bar["amount"] + lots * price),
            }
            for name in ("high", "low", "close"):
                out[name] = apart[name] > 0.005 + 1e-9
        return {name: np.asarray(rows) for name, rows in out.items()}


def _refuse_lots(book: _Book, source: str) -> None:
    lots = book.reason == _ORDER.index(Reason.LOTS_FOR_SHARES)
    count = int(lots.sum())
    if count > max(len(book.bars) // 2, _ENOUGH):
        first = book.bars.label(int(np.argmax(lots)))
        raise UselessDelivery(
            source,
            f"the volume of {count:,} of {len(book.bars):,} minute bars counts lots of 100 shares (first "
            f"{first})",
            "say so with --set units=lots; nothing of this delivery was stored",
        )


def _rows(bars: MinuteBars) -> Any:
    columns = {
        "symbol": words(bars.symbols, bars.column),
        "session": days(bars.day.astype("datetime64[D]")),
        "ended_at": pa.array(bars.ended_at * _MINUTE_MS, pa.int64()).cast(pa.timestamp("ms")),
    }
    return pa.table(
        {**columns, **{name: pa.array(bars.values[name], pa.float64()) for name in MINUTE_VALUES}}
    )


def _set_aside(writer: StoreWriter, book: _Book, source: str, taken: Taken) -> None:
    """Write a row of quarantine for each session that is set aside, which tells of its first wrong bar."""
    wrong = np.flatnonzero(book.reason != _NONE)
    if not len(wrong):
        return
    bars = book.bars
    there = writer.rows(Kind.QUARANTINE, symbols=bars.symbols.tolist())
    columns = (there[name].to_pylist() for name in ("symbol", "session", "reason", "source"))
    seen = set(zip(*columns, strict=True))
    pairs = np.stack([bars.session_key[wrong], book.reason[wrong].astype(np.int64)])
    _, first, counts = np.unique(pairs, axis=1, return_index=True, return_counts=True)
    new = []
    for at, count in zip(first.tolist(), counts.tolist(), strict=True):
        row = int(wrong[at])
        reason = _ORDER[int(book.reason[row])]
        cells = ", ".join(f"{name} {bars.values[name][row]:g}" for name in MINUTE_VALUES)
        detail = f"{count} minute bars, first {bars.label(row)[-5:]}: {cells}"
        taken.quarantined[reason] += count
        taken.examples.setdefault(reason, f"{bars.label(row)}: {cells}")
        day = np.datetime64(int(bars.day[row]), "D").astype(object)
        key = (str(bars.symbols[bars.column[row]]), day, reason.value, source)
        if key in seen:
            continue
        new.append(
            {
                **dict(zip(("symbol", "session", "reason", "source"), key, strict=True)),
                "detail": detail,
                "fetched_at": writer.now,
            }
        )
    if new:
        writer.add(Kind.QUARANTINE, table_of(Kind.QUARANTINE, new))
        taken.added[Kind.QUARANTINE] += len(new)


def _notes(bars: MinuteBars, new: Bools, mended: Bools, daily: _Daily, source: str) -> list[str]:
    if not new.any():
        return []
    mine = np.isin(daily.session, bars.session_key[new])
    out = []

    def told(rows: Bools, what: str) -> None:
        if rows.any():
            key = int(daily.session[int(np.argmax(rows))])
            example = f"{bars.symbols[key >> 32]} {np.datetime64(key & 0xFFFFFFFF, 'D')}"
            count = int(rows.sum())
            out.append(
                f"{source}: {count:,} {'session' if count == 1 else 'sessions'} {what}, first {example}"
            )

    if mended.any():
        out.append(
            f"{source}: {int(mended.sum()):,} minute bars had an open of 0, which is now the close of the "
            f"minute before, first {bars.label(int(np.argmax(mended)))}"
        )
    told(mine & (daily.count < SESSION_BARS[0]), f"with fewer than {SESSION_BARS[0]} minute bars")
    for name, rows in daily.disagreements().items():
        told(mine & rows, f"whose minutes' {name} is not that of the day's bar")
    return out
