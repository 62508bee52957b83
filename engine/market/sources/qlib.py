"""A Qlib data folder as a source: calendars/, instruments/, features/<code>/<field>.day.bin.

A feature file is little-endian float32: the place of its first session in the calendar, then one value for
each session from there on. Prices are adjusted (raw × factor) and volumes divided by the factor, as Qlib's
collectors write them; both are turned back. Source of the format: Qlib's file storage (qlib/data/storage).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from engine.errors import CalendarError, DataError
from engine.market.board import Board, board_of, parse_symbol
from engine.market.calendar import Dates, iso, to_session
from engine.market.grid import Floats, to_tick
from engine.market.sources.delivery import DailyBars
from engine.market.store.rows import table_of
from engine.market.store.schema import INDEX_VALUES, Kind
from engine.market.universe import INDEX_SIZE

#: names in one delivery
_BLOCK = 100
_PRICES = ("open", "high", "low", "close")
#: how far a raw price regained from two float32 may lie from the tick, relative to the price
_FLOAT32 = 4e-7
_SHARES = {"shares": 1.0, "lots": 100.0}
_CNY = {"cny": 1.0, "thousand": 1000.0}


@dataclass(frozen=True, eq=False)
class QlibFolder:
    """A folder in Qlib's format of daily data.

    Parameters
    ----------
    folder : Path
    units : {"shares", "lots"}
        What the volumes count.
    amounts : {"cny", "thousand"}
        What the field ``amount`` (or ``money``) counts: CNY, or thousands of CNY.

    Raises
    ------
    DataError
        By any call, if a part of the folder is missing or damaged; the file is named.
    """

    folder: Path
    units: Literal["shares", "lots"] = "shares"
    amounts: Literal["cny", "thousand"] = "cny"
    hosts: frozenset[str] = frozenset()

    @property
    def name(self) -> str:
        """``qlib:FOLDER``."""
        return f"qlib:{self.folder}"

    @property
    def offers(self) -> frozenset[Kind]:
        """Bars; index bars and membership where the folder has some."""
        more = {Kind.INDEX_BARS: self._codes_of_indices, Kind.MEMBERSHIP: self.universes}
        return frozenset({Kind.BARS, *(kind for kind, there in more.items() if there)})

    @property
    def universes(self) -> tuple[str, ...]:
        """Indices whose members ``instruments/`` lists."""
        return tuple(u for u in INDEX_SIZE if (self.folder / "instruments" / f"{u}.txt").is_file())

    @cached_property
    def _sessions(self) -> Dates:
        path = self.folder / "calendars" / "day.txt"
        lines = _lines(path)
        if not lines:
            raise DataError(f"{path} is empty; is the folder whole?")
        days = np.array([_day(path, number, text) for number, text in lines], dtype="datetime64[D]")
        if (days[1:] <= days[:-1]).any():
            row = int(np.flatnonzero(days[1:] <= days[:-1])[0]) + 1
            raise DataError(
                f"{path}, line {lines[row][0]}: {iso(days[row])} does not come after the day before"
            )
        return days

    @cached_property
    def _folders(self) -> dict[str, Path]:
        """House symbol to the folder of its features, stocks and indices."""
        features = self.folder / "features"
        if not features.is_dir():
            raise DataError(
                f"{self.folder} has no folder features/; name the folder that holds calendars/, instruments/ "
                "and features/"
            )
        out: dict[str, Path] = {}
        for path in sorted(features.iterdir()):
            try:
                symbol = parse_symbol(path.name)
            except DataError:
                continue  # of another market
            if path.is_dir():
                if symbol in out:
                    raise DataError(
                        f"{path} and {out[symbol].name} beside it are both {symbol}; remove one of them"
                    )
                out[symbol] = path
        if not out:
            raise DataError(
                f"{features} has no folder of an A-share, such as sh600519; is it of another market?"
            )
        return out

    @property
    def _codes_of_indices(self) -> tuple[str, ...]:
        return tuple(
            s for s in self._folders if (s.startswith("000") and s.endswith(".SH")) or s.startswith("399")
        )

    def symbols(self) -> tuple[str, ...]:
        """Every stock that has a folder of features; what is no stock (indices, funds) is left out."""
        return tuple(sorted(s for s in self._folders if board_of(s) is not Board.UNKNOWN))

    def daily_bars(
        self, symbols: Sequence[str], first: date | None = None, last: date | None = None
    ) -> Iterator[DailyBars]:
        """Raw bars in deliveries of 100 names; sessions without close and volume are left out: suspended.

        Where only one of the two is missing, or the factor is none, the row comes for the store to judge.
        """
        known = sorted(set(symbols) & self._folders.keys())
        for at in range(0, len(known), _BLOCK):
            yield self._delivery(known[at : at + _BLOCK], first, last)

    def _delivery(self, symbols: list[str], first: date | None, last: date | None) -> DailyBars:
        parts = [self._raw(symbol) for symbol in symbols]
        rows = []
        for session, values in parts:
            kept = ~np.isnan(values["close"]) & (values["close"] != 0.0) | (values["volume"] > 0.0)
            if first is not None:
                kept &= session >= np.datetime64(first, "D")
            if last is not None:
                kept &= session <= np.datetime64(last, "D")
            rows.append(kept)
        column = np.repeat(np.arange(len(symbols)), [int(kept.sum()) for kept in rows])
        names = sorted({name for _, values in parts for name in values})
        columns = {
            name: np.concatenate(
                [v.get(name, np.full(len(d), np.nan))[kept] for (d, v), kept in zip(parts, rows, strict=True)]
            )
            for name in names
        }
        session = np.concatenate([d[kept] for (d, _), kept in zip(parts, rows, strict=True)])
        return DailyBars(np.array(symbols, dtype=np.str_), column, session, columns)

    def _raw(self, symbol: str) -> tuple[Dates, dict[str, Floats]]:
        """Sessions and raw values of one name."""
        folder, fields = self._folders[symbol], {}
        for name in (*_PRICES, "volume", "factor", "amount", "money"):
            path = folder / f"{name}.day.bin"
            if path.is_file():
                fields[name] = self._feature(path)
        absent = [name for name in (*_PRICES, "volume") if name not in fields]
        if absent:
            raise DataError(f"{folder} has no {absent[0]}.day.bin; complete the folder, or remove it")
        begin = min(start for start, _ in fields.values())
        end = max(start + len(values) for start, values in fields.values())
        out = {}
        for name, (start, values) in fields.items():
            out[name] = np.full(end - begin, np.nan)
            out[name][start - begin : start - begin + len(values)] = values
        return self._sessions[begin:end], self._unadjusted(out)

    def _unadjusted(self, values: dict[str, Floats]) -> dict[str, Floats]:
        factor = values.pop("factor", None)
        usable = np.ones(len(values["close"]), dtype=bool)
        if factor is not None:
            usable = (factor > 0.0) & np.isfinite(factor)
        scale = np.ones(len(usable)) if factor is None else np.where(usable, factor, np.nan)
        out = {name: _near_tick(values[name] / scale) for name in _PRICES}
        # a float32 has 24 bits: shares come back whole as long as they were; without a factor there are no
        # prices, and a volume beside them, in whatever unit, keeps the row from being a suspension
        out["volume"] = np.round(values["volume"] * np.where(usable, scale, 1.0) * _SHARES[self.units])
        amount = values.get("amount", values.get("money"))
        if amount is not None:
            out["amount"] = amount * _CNY[self.amounts]
        if factor is not None:
            out["adj_factor"] = scale
        return out

    def _feature(self, path: Path) -> tuple[int, Floats]:
        cells = np.fromfile(path, dtype="<f4") if path.stat().st_size % 4 == 0 else np.empty(0)
        start = float(cells[0]) if len(cells) else np.nan
        if not start >= 0.0 or start % 1 or start + len(cells) - 1 > len(self._sessions):
            raise DataError(
                f"{path} is damaged: {path.stat().st_size:,} bytes from session {start:g} do not fit the "
                f"calendar of {len(self._sessions):,}; copy it again"
            )
        return int(start), cells[1:].astype(np.float64)

    def index_bars(
        self, symbols: Sequence[str], first: date | None = None, last: date | None = None
    ) -> Iterator[Any]:
        """Bars of the indices among the features, one table each."""
        for symbol in self._codes_of_indices:
            session, values = self._raw(symbol)
            rows = [
                {"symbol": symbol, "session": session[i].astype(object)}
                | {name: float(values[name][i]) for name in INDEX_VALUES}
                for i in np.flatnonzero(values["close"] > 0.0).tolist()
            ]
            yield table_of(Kind.INDEX_BARS, rows)

    def membership(self, universe: str) -> Any:
        """Spells of ``instruments/<universe>.txt``; one that ends with the calendar is still open."""
        path = self.folder / "instruments" / f"{universe}.txt"
        rows = []
        for number, text in _lines(path):
            cells = text.split("\t")
            if len(cells) != 3:
                raise DataError(
                    f"{path}, line {number}: {len(cells)} cells; there should be code, start, end"
                )
            start, end = (_day(path, number, cell) for cell in cells[1:])
            if end < start:
                raise DataError(f"{path}, line {number}: it ends on {iso(end)}, before {iso(start)}")
            place = int(np.searchsorted(self._sessions, end, side="right"))
            left = None if place >= len(self._sessions) else self._sessions[place].astype(object)
            try:
                symbol = parse_symbol(cells[0])
            except DataError as problem:
                raise DataError(f"{path}, line {number}: {problem}") from None
            rows.append(
                {"universe": universe, "symbol": symbol, "in_date": start.astype(object), "out_date": left}
            )
        return table_of(Kind.MEMBERSHIP, rows)

    def actions(
        self, symbols: Sequence[str], first: date | None = None, last: date | None = None
    ) -> Iterator[Any]:
        """Nothing: the format has no terms, only factors."""
        yield from ()

    def instruments(self) -> Any:
        """Nothing: the format has neither names nor list dates."""
        return table_of(Kind.INSTRUMENTS, ())

    def spells(self) -> Any:
        """Nothing."""
        return table_of(Kind.SPELLS, ())

    def fundamentals(self, symbols: Sequence[str]) -> Iterator[Any]:
        """Nothing."""
        yield from ()


def _near_tick(prices: NDArray[np.float64]) -> Floats:
    """Prices on the tick, where they lie on it but for the error of two float32."""
    rounded = to_tick(prices, 0.01)
    with np.errstate(invalid="ignore"):  # what is infinite is left to the store's checks
        return np.where(np.abs(prices - rounded) <= 1e-4 + _FLOAT32 * 1e2 * prices, rounded, prices)


def _lines(path: Path) -> list[tuple[int, str]]:
    """Lines with their numbers; blank ones are left out."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as problem:
        raise DataError(
            f"{path} cannot be read ({problem}); is {path.parent.parent} a Qlib folder?"
        ) from None
    return [(i, line.strip()) for i, line in enumerate(text.splitlines(), 1) if line.strip()]


def _day(path: Path, number: int, text: str) -> np.datetime64:
    try:
        return to_session(text)
    except CalendarError as problem:
        raise DataError(f"{path}, line {number}: {problem}") from None
