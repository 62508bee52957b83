"""From the store to a checked `MarketPanel`: block by block of names, so that memory is that of the panel."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import date
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from engine.errors import DataError
from engine.market.actions import read_actions
from engine.market.bars import Bars, build_bars
from engine.market.board import parse_symbol
from engine.market.calendar import Calendar, Dates, to_session
from engine.market.checks import check_quotes
from engine.market.checks_adjustment import check_jumps
from engine.market.checks_panel import check_bars, check_boards, check_members, warn_half_known
from engine.market.codes import shipped_code_changes
from engine.market.corporate import CorporateActions
from engine.market.fundamentals import FigureRows
from engine.market.grid import Floats, to_tick
from engine.market.indices import read_indices
from engine.market.instruments import Instruments
from engine.market.listing import read_instruments
from engine.market.macro import MacroFigure, macro_fields, read_macro_figures
from engine.market.panel import MarketPanel
from engine.market.quotes import Quotes
from engine.market.sources.delivery import DailyBars
from engine.market.special import SpecialSession, read_special_sessions, special_cells
from engine.market.store.arrival import traded
from engine.market.store.factors import derived
from engine.market.store.files import StoreError
from engine.market.store.folder import MarketStore, StoreReader
from engine.market.store.intake import factor_in_force
from engine.market.store.members import MemberSpell, member_spells, universes
from engine.market.store.rows import bars_of, codes_of, day_numbers, numbers, readable, records, renamed
from engine.market.store.schema import Kind, Spell
from engine.market.store.sessions import store_calendar
from engine.market.table import Table
from engine.market.text import Text
from engine.market.texts import texts_within
from engine.market.universe import INDEX_SIZE, Membership, read_membership
from engine.market.validate import Finding, Findings, counted

if TYPE_CHECKING:
    from engine.market.load import LoadedMarket

#: names that are read together, and those that are built together, whose arrays fit a processor's cache
_READ, _BUILT = 256, 64
#: up to so many names are read and looked at as a file would be, all at once
_WHOLE = 512
_TICK = 0.01
#: indices change in June and December; members that nobody has looked at for longer may be others by now
_MEMBERS_HOLD_DAYS = 200
#: how much later than the bars members may begin before it is said: a year of bars before them is for windows
_MEMBERS_LATE_DAYS = 400
_HISTORY = "import their history with alphaloom data import-csv FILE --as membership, or name symbols"


def store_panel(
    store: MarketStore,
    universe: str | list[str] | None = None,
    start: date | str | None = None,
    end: date | str | None = None,
    *,
    calendar: Calendar | None = None,
) -> LoadedMarket:
    """Read a panel.

    Parameters
    ----------
    store : MarketStore
    universe : str or list of str or None
        An index whose members the store knows (its panel has every name that was a member within the span), a
        list of symbols, or ``all``. None: the only index the store knows, ``all`` where it knows none.
    start, end : date or text, optional
        Calendar days, inclusive; by default from the first stored session to the last.
    calendar : Calendar, optional
        What is known of the exchange's sessions without the store; by default `xshg`. Those that the store
        has been told of follow.

    Returns
    -------
    LoadedMarket
        What a file with the same rows loads to, and what was found on the way.

    Raises
    ------
    DataError
        If nothing is stored of what was asked for.
    StoreError
        If the store is missing or damaged.
    """
    days = [None if day is None else to_session(day).astype(object) for day in (start, end)]
    return store.read(lambda reader: _Assembly(reader, universe, *days, calendar=calendar).load())


class _Assembly:
    """One panel on its way."""

    def __init__(
        self,
        reader: StoreReader,
        universe: str | list[str] | None,
        start: date | None,
        end: date | None,
        *,
        calendar: Calendar | None,
    ) -> None:
        self.reader, self.findings = reader, Findings()
        self.calendar = store_calendar(reader, calendar)
        self.universe = _resolved(reader, universe)
        self.spells: list[MemberSpell] = []
        if isinstance(self.universe, str) and self.universe != "all":
            self.spells = member_spells(reader, self.universe)
            self._demand_members(end)
        self.changes = shipped_code_changes()
        wanted = self._wanted(start, end)
        codes = None if wanted is None else self._every_code(wanted)
        found = reader.coverage(codes, start, end)
        if found.first is None or found.last is None:
            raise DataError(
                f"{reader.folder} holds no bars of {_described(universe)} from {start or 'its begin'} to "
                f"{end or 'its end'}; alphaloom data status says what it holds"
            )
        self.first, self.last = np.datetime64(found.first, "D"), np.datetime64(found.last, "D")
        #: stored code to the code under which the panel has the stock
        self.names = {code: self.changes.code_on(code, self.last) for code in found.symbols}
        self.symbols = np.unique(np.array(list(self.names.values()), dtype=np.str_))
        self.dates = self.calendar.between(self.first, self.last).copy()
        self.aliases = self.changes.aliases(self.symbols.tolist())
        if isinstance(self.universe, list):
            self._refuse_absent(self.universe)

    def load(self) -> LoadedMarket:
        """Build the panel."""
        from engine.market.load import LoadedMarket

        dates, symbols, findings = self.dates, self.symbols, self.findings
        membership = self._membership()
        actions = self._actions(symbols, findings)
        instruments, stated = self._instruments()
        dense = _Dense(dates, symbols)
        whole = len(symbols) <= _WHOLE
        steps = range(0, len(symbols), len(symbols) if whole else _READ)
        groups = [symbols[at : at + steps.step] for at in steps]
        for at, (names, bars) in zip(steps, self._ahead(groups), strict=True):
            for lo in range(0, len(names), len(names) if whole else _BUILT):
                hi = min(lo + (len(names) if whole else _BUILT), len(names))
                self._block(dense, slice(at + lo, at + hi), _part(bars, lo, hi), actions, stated)
        findings.warnings = _merged(findings.warnings)
        if not whole and not dense.seen.all():
            days = [str(day) for day in dates[~dense.seen]]
            message = f"{counted(len(days), 'session')} without a row of any name; all are read as suspended"
            findings.warn("empty_session", message, len(days), days)
        fields = dense.fields()
        if membership is None:
            universe, known = dense.inside, np.ones(len(dates), dtype=bool)
        else:
            universe, known = membership.aligned(symbols), membership.known
            check_members(membership, fields["close"], dates, symbols, findings)
        check_boards(instruments, symbols, findings)
        self._add_fundamentals(fields)
        macro = self._macro()
        fields |= macro_fields(macro, dates, (len(dates), len(symbols)), fields)
        warn_half_known(self.calendar, dates, findings)
        index = self._table(Kind.INDEX_BARS, {"session": "date"})
        panel = MarketPanel(
            dates=dates,
            symbols=symbols,
            fields=fields,
            universe=universe,
            universe_known=known,
            instruments=instruments,
            # a listing after the last row is not yet known
            listed=np.where(dense.listed <= dates[-1], dense.listed, _NAT),
            calendar=self.calendar,
            tick=_TICK,
            indices={} if index is None else read_indices(index, dates, findings),
            actions=actions,
            texts=self._texts(),
            macro=macro,
            special_sessions=tuple(sorted(dense.special)),
            aliases=self.aliases,
        )
        return LoadedMarket(panel, findings.report())

    def _wanted(self, start: date | None, end: date | None) -> list[str] | None:
        """Symbols that the universe asks for; None: all."""
        if self.universe == "all":
            return None
        if isinstance(self.universe, list):
            return self.universe
        held = [s for s in self.spells if not end or s.joined <= end]
        return sorted({s.symbol for s in held if not start or s.left is None or s.left > start})

    def _every_code(self, symbols: Sequence[str]) -> list[str]:
        chains = (self.changes.chain(symbol) for symbol in symbols)
        return sorted({*symbols, *(code for chain in chains for c in chain for code in (c.old, c.new))})

    def _refuse_absent(self, wanted: Sequence[str]) -> None:
        there = {*self.symbols.tolist(), *self.aliases}
        absent = [symbol for symbol in wanted if symbol not in there]
        if absent:
            raise DataError(
                f"data.universe names {', '.join(absent[:3])}, of which {self.reader.folder} holds no bars "
                "in the span; import or sync them, or leave them out"
            )

    def _block(
        self, dense: _Dense, place: slice, bars: DailyBars, actions: CorporateActions, stated: Dates
    ) -> None:
        symbols, dates, findings = dense.symbols[place], dense.dates, self.findings
        own = _of_columns(actions, place)
        quotes = self._quotes(bars, own)
        whole = len(symbols) == len(dense.symbols)
        if whole:
            # judged on arrival: only the warnings of a file are looked for, and not in a whole market
            check_quotes(quotes, calendar=self.calendar, tick=_TICK, units="shares", findings=findings)
        built = build_bars(quotes, dates, own, _TICK)
        if int(built.has_row.sum()) != len(bars):
            raise StoreError(
                f"{self.reader.folder} holds a bar twice; run alphaloom data verify, which says which one"
            )
        dense.seen |= built.has_row.any(axis=1)
        # of a part of the names some may be listed late: a session without any of them is no empty one
        check_bars(built, dates, symbols, _TICK, findings if whole else (mine := Findings()))
        if not whole:
            findings.warnings += [f for f in mine.warnings if f.kind != "empty_session"]
        first = built.first_rows()
        seen = np.where(first > 0, dates[first], _NAT)
        listed = np.where(np.isnat(stated[place]), seen, stated[place])
        special = self._special(symbols, built.fields["trading"])
        cells = special_cells(special, dates, len(symbols))
        check_jumps(built, dates, symbols, listed, _TICK, cells, findings)
        dense.put(place, built, listed, special)

    def _ahead(self, groups: Sequence[NDArray[np.str_]]) -> Iterator[tuple[NDArray[np.str_], DailyBars]]:
        """Bars of groups of names; while one is worked on the next is read."""
        with ThreadPoolExecutor(1) as reading:
            coming = reading.submit(self._bars, groups[0])
            for n, names in enumerate(groups):
                bars = coming.result()
                if n + 1 < len(groups):
                    coming = reading.submit(self._bars, groups[n + 1])
                yield names, bars

    def _bars(self, symbols: NDArray[np.str_]) -> DailyBars:
        here = set(symbols.tolist())
        codes = np.array(sorted(code for code, name in self.names.items() if name in here), dtype=np.str_)
        first, last = self.first.astype(object), self.last.astype(object)
        rows = self.reader.rows(Kind.BARS, symbols=codes.tolist(), first=first, last=last, exactly=False)
        bars = bars_of(rows, codes)
        factors = factor_in_force(bars, self.reader.rows(Kind.FACTORS, symbols=codes.tolist()))
        bars = DailyBars(codes, bars.column, bars.session, {**bars.values, "adj_factor": factors})
        return renamed(bars, self.names)

    def _quotes(self, bars: DailyBars, actions: CorporateActions) -> Quotes:
        values = dict(bars.values)
        values["is_st"] = self._special_treatment(bars)
        values["adj_factor"] = _completed(bars, actions)
        priced = values["close"] > 0.0
        source = Table(pd.DataFrame(index=range(0)), str(self.reader.folder))
        return Quotes(source, bars.symbols, bars.session, bars.column, values, priced, traded(bars))

    @cached_property
    def _spells(self) -> list[dict[str, Any]]:
        """Stored spells of any name."""
        return records(self.reader.rows(Kind.SPELLS))

    def _special_treatment(self, bars: DailyBars) -> Floats:
        """The bars' own word, and where they have none the spells'."""
        out = bars.number("is_st")
        place = {str(s): i for i, s in enumerate(bars.symbols)}
        here = {code for code, name in self.names.items() if name in place}
        spells = [row for row in self._spells if row["kind"] == Spell.ST and row["symbol"] in here]
        if not spells:
            return out
        out = out.copy()
        for row in spells:
            column = place.get(self.names.get(row["symbol"], row["symbol"]), -1)
            during = (bars.column == column) & (bars.session >= np.datetime64(row["start"], "D"))
            if row["end"] is not None:
                during &= bars.session < np.datetime64(row["end"], "D")
            out[during & np.isnan(out)] = 1.0
        return out

    def _special(self, symbols: NDArray[np.str_], trading: Floats) -> tuple[SpecialSession, ...]:
        kept = [r for r in self._spells if r["kind"] in (Spell.DELISTING_PERIOD, Spell.RELISTING)]
        if not kept:
            return ()
        frame = pd.DataFrame(
            {"symbol": [r["symbol"] for r in kept], "session": [str(r["start"]) for r in kept],
             "kind": [r["kind"] for r in kept]}
        )  # fmt: skip
        table = Table.of_frame(frame, f"{self.reader.folder} (spells)")
        return read_special_sessions(table, self.dates, symbols, trading, self.findings, self.aliases)

    def _membership(self) -> Membership | None:
        if not isinstance(self.universe, str) or self.universe == "all":
            return None
        self._demand_members(self.dates[-1].astype(object))
        self._warn_of_late_members()
        frame = pd.DataFrame(
            [(s.symbol, str(s.joined), "" if s.left is None else str(s.left)) for s in self.spells],
            columns=["symbol", "in_date", "out_date"],
        )
        found = read_membership(
            Table.of_frame(frame, f"{self.reader.folder} (members of {self.universe})"),
            self.dates,
            self.universe if self.universe in INDEX_SIZE else None,
            strict_symbols=True,
            findings=self.findings,
            aliases=self.aliases,
        )
        self.findings.report().raise_if_errors(str(self.reader.folder))
        self._warn_of_old_members()
        return found

    def _demand_members(self, last: date | None) -> None:
        """Refuse a panel that ends before anybody looked."""
        known = min((s.joined for s in self.spells), default=None)
        if known is not None and last is not None and known > last:
            raise DataError(
                f"{self.reader.folder}: the members of {self.universe} are known from {known} on, and the "
                f"panel ends {last}; {_HISTORY}"
            )

    def _warn_of_late_members(self) -> None:
        """Say so where members are known from long after the first session on."""
        known, first = min(s.joined for s in self.spells), self.dates[0].astype(object)
        if (known - first).days > _MEMBERS_LATE_DAYS:
            message = (
                f"the members of {self.universe} are known from {known} on, and the data begin {first}: "
                f"until then it has none; {_HISTORY}"
            )
            self.findings.warn("late_members", message, 1)

    def _warn_of_old_members(self) -> None:
        """Say so where members are taken to be the same long after somebody last looked."""
        seen = [
            row["session"]
            for row in records(self.reader.rows(Kind.SNAPSHOTS))
            if row["universe"] == self.universe
        ]
        told = [day for s in self.spells for day in (s.joined, s.left) if day is not None]
        known_to, last = max([*seen, *told]), self.dates[-1].astype(object)
        if (last - known_to).days > _MEMBERS_HOLD_DAYS:
            message = (
                f"the members of {self.universe} are those of {known_to}, and the data end {last}: indices "
                "change twice a year; import a newer list or sync"
            )
            self.findings.warn("old_members", message, 1)

    def _actions(self, symbols: NDArray[np.str_], findings: Findings) -> CorporateActions:
        table = self._table(Kind.ACTIONS, {})
        if table is None:
            return CorporateActions.empty()
        return read_actions(table, self.dates, symbols, findings, self.aliases)

    def _instruments(self) -> tuple[Instruments, Dates]:
        table = self._table(Kind.INSTRUMENTS, {})
        if table is None:
            return Instruments.from_symbols(self.symbols), np.full(len(self.symbols), _NAT)
        return read_instruments(table, self.symbols, self.aliases)

    def _add_fundamentals(self, fields: dict[str, Floats]) -> None:
        codes = self._every_code(self.symbols.tolist())
        rows = self.reader.rows(Kind.FUNDAMENTALS, symbols=codes)
        if not len(rows):
            return
        place = {s: i for i, s in enumerate(self.symbols.tolist())}
        place |= {code: place[symbol] for code, symbol in self.aliases.items()}
        ordered = np.array(sorted(place), dtype=np.str_)
        # the last entry is that of symbols which the panel lacks
        columns = np.array([*(place[code] for code in ordered.tolist()), -1], dtype=np.intp)
        figures = np.array(sorted(pc.unique(rows["figure"]).to_pylist()), dtype=np.str_)
        which = codes_of(rows["figure"], figures)
        for n, figure in enumerate(figures.tolist()):
            mine = rows.filter(pa.array(which == n))
            period = pc.coalesce(mine["period_end"], mine["visible_date"])
            where = FigureRows.of(
                self.dates,
                columns[codes_of(mine["symbol"], ordered)],
                day_numbers(mine["visible_date"]).astype("datetime64[D]"),
                day_numbers(period).astype("datetime64[D]"),
                len(self.symbols),
            )
            dense, own = where.dense(numbers(mine["value"])), fields.get(figure)
            # the bars' own word stands, such as a valuation ratio that came with them
            fields[figure] = dense if own is None else np.where(np.isnan(own), dense, own)

    def _macro(self) -> tuple[MacroFigure, ...]:
        table = self._table(Kind.MACRO, {})
        last = self.dates[-1].astype(object)
        return () if table is None else tuple(f for f in read_macro_figures(table) if f.visible <= last)

    def _texts(self) -> tuple[Text, ...]:
        first, last = self.dates[0].astype(object), self.dates[-1].astype(object)
        rows = records(self.reader.rows(Kind.TEXTS, first=first, last=last))
        found = []
        for row in sorted(rows, key=lambda row: (row["published_at"], row["id"])):
            words = {name: row[name] or "" for name in ("title", "body", "source", "kind")}
            about = self.aliases.get(row["symbol"], row["symbol"])
            found.append(Text(row["published_at"], symbol=about, **words))
        return texts_within(found, self.dates, self.symbols)

    def _table(self, kind: Kind, renames: Mapping[str, str]) -> Table | None:
        rows = self.reader.rows(kind)
        if not len(rows):
            return None
        rows = rows.rename_columns([renames.get(name, name) for name in rows.column_names])
        return readable(rows, f"{self.reader.folder} ({kind})")


class _Dense:
    """The fields of the panel, filled from the left."""

    def __init__(self, dates: Dates, symbols: NDArray[np.str_]) -> None:
        self.dates, self.symbols = dates, symbols
        self.listed = np.full(len(symbols), _NAT)
        self.seen = np.zeros(len(dates), dtype=bool)
        self.inside = np.zeros((len(dates), len(symbols)), dtype=bool)
        self.special: list[SpecialSession] = []
        self._fields: dict[str, Floats] = {}
        self._known: set[str] = set()

    def put(self, place: slice, built: Bars, listed: Dates, special: Sequence[SpecialSession]) -> None:
        """Take the names of a block over."""
        self.inside[:, place], self.listed[place] = built.inside, listed
        self.special += [s._replace(column=s.column + place.start) for s in special]
        for name in self._fields.keys() - built.fields.keys():
            self._fields[name][:, place] = np.nan
        for name in list(built.fields):
            values = built.fields.pop(name)
            if name not in self._fields:
                self._fields[name] = np.empty(self.inside.shape)
                self._fields[name][:, : place.start] = np.nan
            self._fields[name][:, place] = values
            # a suspended session has a turnover of zero, whether or not anybody delivers it
            told = values > 0.0 if name == "turnover" else ~np.isnan(values)
            if name not in self._known and bool(told.any()):
                self._known.add(name)

    def fields(self) -> dict[str, Floats]:
        """Fields; those that only some sources deliver are left out where nobody did."""
        unknown = set(self._fields) - self._known - _ALWAYS
        if "turnover" in unknown:
            unknown.add("market_cap")
        return {name: values for name, values in self._fields.items() if name not in unknown}


def _completed(bars: DailyBars, actions: CorporateActions) -> Floats:
    """The factor of each row: the stored one; where none is stored, that of precloses and announced terms."""
    factor = bars.number("adj_factor")
    if not np.isnan(factor).any():
        return factor
    close, preclose = bars.values["close"], bars.number("preclose").copy()
    days = bars.session.astype(np.int64)
    for session, column, action in actions.rows():
        day = int(session.astype(np.int64))
        row = int(np.searchsorted((bars.column << 32) + days, (column << 32) + day))
        there = (
            0 < row < len(days) and days[row] == day and bars.column[row] == bars.column[row - 1] == column
        )
        if there and not preclose[row] > 0.0:
            preclose[row] = to_tick(action.reference(close[row - 1]), _TICK)
    own = derived(bars.column, close, preclose, _TICK)
    out = factor.copy()
    starts = np.flatnonzero(np.diff(bars.column, prepend=-1))
    for start, stop in zip(starts, np.append(starts[1:], len(out)), strict=False):
        mine = slice(start, stop)
        unknown = np.isnan(out[mine])
        if unknown.any():
            # rows before the first stored factor lie on its base
            known = np.flatnonzero(~unknown)
            scale = factor[start + known[0]] / own[start + known[0]] if len(known) else 1.0
            out[mine] = np.where(unknown, own[mine] * scale, out[mine])
    return out


def _part(bars: DailyBars, lo: int, hi: int) -> DailyBars:
    """Rows of some of the names, which are in order of their names."""
    start, stop = np.searchsorted(bars.column, [lo, hi])
    values = {name: cells[start:stop] for name, cells in bars.values.items()}
    return DailyBars(bars.symbols[lo:hi], bars.column[start:stop] - lo, bars.session[start:stop], values)


def _merged(findings: Sequence[Finding]) -> list[Finding]:
    """One finding of each kind, where parts of the market were looked at one by one."""
    first: dict[str, Finding] = {}
    for finding in findings:
        old = first.get(finding.kind)
        first[finding.kind] = finding if old is None else replace(old, count=old.count + finding.count)
    originals = {f.kind: f.count for f in reversed(findings)}
    return [
        f
        if f.count == originals[f.kind]
        else replace(f, message=f"{f.message} (and {f.count - originals[f.kind]:,} more in other names)")
        for f in first.values()
    ]


def _of_columns(actions: CorporateActions, place: slice) -> CorporateActions:
    by_session = {
        session: {n - place.start: a for n, a in day.items() if place.start <= n < place.stop}
        for session, day in actions.by_session.items()
    }
    return CorporateActions.of({session: day for session, day in by_session.items() if day})


def _resolved(reader: StoreReader, universe: str | list[str] | None) -> str | list[str]:
    known = universes(reader)
    if universe is None:
        if len(known) > 1:
            raise DataError(
                f"{reader.folder} knows the members of {', '.join(known)}: set data.universe to one of them, "
                "to all, or to a list of symbols"
            )
        return known[0] if known else "all"
    if isinstance(universe, list):
        if not universe:
            raise DataError("data.universe names no symbol; give at least one, or all")
        return [parse_symbol(symbol) for symbol in universe]
    if universe != "all" and universe not in known:
        raise DataError(
            f"{reader.folder} does not know the members of {universe}: import them with alphaloom data "
            f"import-csv FILE --universe {universe} (a file of symbol, in_date, out_date)"
        )
    return universe


def _described(universe: str | list[str] | None) -> str:
    return ", ".join(universe[:3]) if isinstance(universe, list) else universe or "any name"


_NAT = np.datetime64("NaT", "D")
#: fields that a file's panel has even where nothing is known of them
_ALWAYS = frozenset(
    {
        "open", "high", "low", "close", "preclose", "volume", "amount", "vwap", "trading", "is_st",
        "adj_factor", "share_factor", "returns",
    }
)  # fmt: skip
