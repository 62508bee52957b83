"""`MarketPanel`: everything known of a market, sessions by symbols, immutable."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields
from datetime import datetime
from functools import cached_property
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from engine.errors import CalendarError, DataError, ShapeError
from engine.hashing import hash_arrays
from engine.market.calendar import Calendar, Dates, Session, iso, to_session
from engine.market.corporate import CorporateActions
from engine.market.instruments import Instruments
from engine.market.macro import MacroFigure
from engine.market.seal import sealed, sealed_span
from engine.market.special import SpecialSession
from engine.market.text import CLOSE, Text

if TYPE_CHECKING:
    from engine.market.view import MarketView

Array = NDArray[np.float64]

#: Fields that ``adjusted()`` may multiply by the adjustment factor.
PRICE_FIELDS = frozenset({"open", "high", "low", "close", "preclose", "vwap"})
#: fields that vendors tell only when asked for them
_RATIOS = frozenset({"pe_ttm", "pb_mrq"})


def remedy_for(name: str) -> str:
    """What brings a field that a market lacks, to end a message with; empty where nothing is known to."""
    return "; alphaloom data sync --with ratios brings it to a store" if name in _RATIOS else ""


@dataclass(frozen=True, eq=False)
class MarketPanel:
    """An immutable market: ``fields[name][t, n]`` is the value for session t and symbol n.

    Anything that makes a signal is given a :class:`~engine.market.view.MarketView` instead, which ends at
    the decision.

    Parameters
    ----------
    dates : (T,) datetime64[D] array
        Sessions, ascending, without gaps against the calendar.
    symbols : (N,) str array
        House spelling (``600519.SH``), ascending.
    fields : mapping of str to (T, N) float64 array
        Raw prices in CNY, volume in shares, amount in CNY; NaN before a name's first row and after its last.
    universe : (T, N) bool array
        Point-in-time membership.
    universe_known : (T,) bool array
        Sessions on which the membership is known at all.
    listed : (N,) datetime64[D] array
        First session of trading; NaT where it lies before the data begin, or is not yet known.
    calendar : Calendar
        Where the sessions come from.
    tick : float or None
        Price tick in CNY; None for prices off any grid.
    indices : mapping of str to mapping of str to (T,) float64 array
        Index bars by index symbol and field.
    texts : tuple of Text
        Documents in order of publication.
    macro : tuple of MacroFigure
        Figures of the economy in order of the day from which each was known; their series are fields too.
    special_sessions : tuple of SpecialSession
        Sessions of single stocks with rules of their own, ascending.
    aliases : mapping of str to str
        Other codes that a stock of the panel has had or will have, to its symbol here.
    sealed_from : datetime64[D] or None
        First day of a sealed span: the panel holds nothing from there on, and says so when asked.
    """

    dates: Dates
    symbols: NDArray[np.str_]
    fields: Mapping[str, Array]
    universe: NDArray[np.bool_]
    universe_known: NDArray[np.bool_]
    instruments: Instruments
    listed: Dates
    calendar: Calendar
    tick: float | None = 0.01
    indices: Mapping[str, Mapping[str, Array]] = field(default_factory=dict)
    actions: CorporateActions = field(default_factory=CorporateActions.empty)
    texts: tuple[Text, ...] = ()
    macro: tuple[MacroFigure, ...] = ()
    special_sessions: tuple[SpecialSession, ...] = ()
    aliases: Mapping[str, str] = field(default_factory=dict)
    sealed_from: Session | None = None
    _adjusted: dict[str, Array] = field(default_factory=dict, init=False, repr=False)

    def __post_init__(self) -> None:
        shape = (len(self.dates), len(self.symbols))
        for name, values in {**self.fields, "universe": self.universe}.items():
            if values.shape != shape:
                raise ShapeError(f"field {name!r} has shape {values.shape}, the panel is {shape}")
        frozen = {name: _freeze(values) for name, values in self.fields.items()}
        object.__setattr__(self, "fields", MappingProxyType(frozen))
        indices = {
            symbol: MappingProxyType({name: _freeze(row) for name, row in bars.items()})
            for symbol, bars in self.indices.items()
        }
        object.__setattr__(self, "indices", MappingProxyType(indices))
        object.__setattr__(self, "aliases", MappingProxyType(dict(self.aliases)))
        for array in (self.dates, self.symbols, self.universe, self.universe_known, self.listed):
            _freeze(array)

    @property
    def shape(self) -> tuple[int, int]:
        """(sessions, symbols)."""
        return len(self.dates), len(self.symbols)

    def __reduce__(self) -> tuple[Any, ...]:
        # read-only mappings do not pickle: they travel as dicts and are frozen again on arrival
        parts = {part.name: getattr(self, part.name) for part in fields(self) if part.init}
        parts["fields"] = dict(self.fields)
        parts["indices"] = {symbol: dict(bars) for symbol, bars in self.indices.items()}
        parts["aliases"] = dict(self.aliases)
        return _rebuild, (parts,)

    def __repr__(self) -> str:
        T, N = self.shape
        span = f"{iso(self.dates[0])}..{iso(self.dates[-1])}" if T else "empty"
        return f"MarketPanel({T} sessions × {N} symbols, {span}, {len(self.fields)} fields)"

    def field(self, name: str) -> Array:
        """The (T, N) array of a field; an unknown name is a `DataError` that lists the known ones."""
        try:
            return self.fields[name]
        except KeyError:
            raise DataError(
                f"the panel has no field {name!r}; it has {', '.join(sorted(self.fields))}{remedy_for(name)}"
            ) from None

    def adjusted(self, name: str) -> Array:
        """A price field times the backward adjustment factor, (T, N)."""
        if name not in PRICE_FIELDS:
            raise DataError(f"{name!r} is no price: only {', '.join(sorted(PRICE_FIELDS))} can be adjusted")
        if name not in self._adjusted:
            self._adjusted[name] = _freeze(self.field(name) * self.field("adj_factor"))
        return self._adjusted[name]

    def column(self, symbol: str) -> int:
        """Column of a symbol in the house spelling; of a stock whose code changed, any of its codes."""
        symbol = self.aliases.get(symbol, symbol)
        i = int(np.searchsorted(self.symbols, symbol))
        if i == len(self.symbols) or self.symbols[i] != symbol:
            raise DataError(f"{symbol} is not in the panel of {len(self.symbols)} symbols")
        return i

    def row(self, x: Any) -> int:
        """Row of a session (text, date, datetime64) or of an int ≥ 0, checked."""
        if isinstance(x, int | np.integer) and not isinstance(x, bool):
            if not 0 <= x < len(self.dates):
                if x >= 0 and self.sealed_from is not None:
                    raise sealed_span(self, f"row {x}")
                raise CalendarError(f"row {x} is outside the panel's rows 0..{len(self.dates) - 1}")
            return int(x)
        session = to_session(x)
        i = int(np.searchsorted(self.dates, session))
        if i == len(self.dates) or self.dates[i] != session:
            if self.sealed_from is not None and session >= self.sealed_from:
                raise sealed_span(self, iso(session))
            raise CalendarError(
                f"{iso(session)} is no session of the panel ({iso(self.dates[0])}..{iso(self.dates[-1])})"
            )
        return i

    def view(self, x: Any) -> MarketView:
        """Read-only, zero-copy window that ends at session `x` (a date-like value, or a row ≥ 0)."""
        from engine.market.view import MarketView

        return MarketView(self, self.row(x))

    def seal(self, day: Any) -> MarketPanel:
        """Return a real copy that ends before `day` and raises `SealedSpan` when asked for it or later days.

        What is chosen once per run (thresholds, seeds, prompts) is given this panel: there is nothing in it
        to look ahead at. See :func:`engine.market.seal.sealed`.
        """
        return sealed(self, day)

    def truncate(self, x: Any) -> MarketPanel:
        """Return a real copy that ends at session `x`, as if nothing after it had ever been seen."""
        end = self.row(x) + 1
        last = self.dates[end - 1]
        closing = datetime.combine(last.astype(object), CLOSE)
        return MarketPanel(
            dates=self.dates[:end].copy(),
            symbols=self.symbols.copy(),
            fields={name: values[:end].copy() for name, values in self.fields.items()},
            universe=self.universe[:end].copy(),
            universe_known=self.universe_known[:end].copy(),
            instruments=self.instruments,
            listed=np.where(self.listed <= last, self.listed, np.datetime64("NaT", "D")),
            calendar=self.calendar,
            tick=self.tick,
            indices={s: {n: row[:end].copy() for n, row in bars.items()} for s, bars in self.indices.items()},
            actions=self.actions.until(last),
            texts=tuple(t for t in self.texts if t.published_at <= closing),
            macro=tuple(figure for figure in self.macro if figure.visible <= last.astype(object)),
            special_sessions=tuple(s for s in self.special_sessions if s.day <= int(last.astype(np.int64))),
            aliases=self.aliases,
            sealed_from=self.sealed_from,
        )

    @cached_property
    def data_hash(self) -> str:
        """Sha256 of every value in the panel."""
        return hash_arrays(self._hashed())

    def _hashed(self) -> Iterator[tuple[str, np.ndarray]]:
        yield "dates", self.dates.astype("datetime64[D]").astype(np.int64)
        yield "symbols", np.frombuffer("\n".join(map(str, self.symbols)).encode(), dtype=np.uint8)
        for name in sorted(self.fields):
            yield name, self.fields[name]
        yield "universe", self.universe
        yield "universe_known", self.universe_known
        yield "listed", self.listed.astype("datetime64[D]").astype(np.int64)
        yield "boards", np.frombuffer("\n".join(self.instruments.boards).encode(), dtype=np.uint8)
        for symbol in sorted(self.indices):
            for name in sorted(self.indices[symbol]):
                yield f"{symbol}.{name}", self.indices[symbol][name]
        actions = [(int(s.astype(np.int64)), c, *a) for s, c, a in self.actions.rows()]
        yield "actions", np.array([row[:6] for row in actions], dtype=np.float64)
        # what nobody knows changes no hash
        if any(row[6] is not None for row in actions):
            yield "pay_days", np.array([row[6] for row in actions], dtype=np.float64)
        if self.special_sessions:
            special = [f"{s.day},{s.column},{s.kind}" for s in self.special_sessions]
            yield "special_sessions", np.frombuffer("\n".join(special).encode(), dtype=np.uint8)
        # agents read these; where there are none the hash is that of the numbers. A source may be a path
        texts = [(t.published_at.isoformat(), t.title, t.body, t.symbol, t.kind) for t in self.texts]
        macro = [(str(f.visible), f.series, str(f.period), f.value) for f in self.macro]
        for name, rows in (("texts", texts), ("macro", macro)):
            if rows:
                yield name, np.frombuffer(repr(rows).encode("utf-8", "surrogatepass"), dtype=np.uint8)


def _rebuild(parts: dict[str, Any]) -> MarketPanel:
    return MarketPanel(**parts)


def _freeze(array: Any) -> Any:
    array.flags.writeable = False
    return array
