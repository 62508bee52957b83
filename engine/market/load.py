"""Reading a market: from files or frames to a checked `MarketPanel`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray

from engine.errors import ConfigError, DataError
from engine.market.actions import read_actions
from engine.market.bars import Bars, build_bars
from engine.market.calendar import Calendar, Dates, data_calendar, extended, read_sessions, xshg
from engine.market.checks import check_quotes
from engine.market.checks_adjustment import check_jumps, warn_without_factor
from engine.market.checks_panel import check_bars, check_boards, check_members, warn_half_known
from engine.market.codes import CodeChanges, read_code_changes, shipped_code_changes
from engine.market.config import DataConfig, data_config
from engine.market.corporate import CorporateActions
from engine.market.fundamentals import read_fundamentals
from engine.market.grid import Bools, Floats
from engine.market.indices import read_indices
from engine.market.instruments import Instruments
from engine.market.listing import read_instruments
from engine.market.macro import macro_fields, read_macro_figures
from engine.market.panel import MarketPanel
from engine.market.quotes import Quotes, Units, read_quotes
from engine.market.special import read_special_sessions, special_cells
from engine.market.table import Table
from engine.market.text import Text
from engine.market.texts import read_texts, texts_within
from engine.market.universe import (
    Membership,
    listed_universe,
    read_membership,
)
from engine.market.validate import Findings, InvalidDataError, ValidationReport

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, eq=False)
class LoadedMarket:
    """A panel and what was found while reading it."""

    panel: MarketPanel
    report: ValidationReport


def load_market(config: DataConfig) -> LoadedMarket:
    """Read the files, or the market store, that a configuration names.

    Raises
    ------
    InvalidDataError
        If the data break a rule that a back-test relies on; its `report` holds every finding.
    DataError
        If a file is missing, empty, lacks columns, or has a cell that does not parse.
    """
    index = config.named_index
    members = index is not None and config.membership is None
    if config.path is None:
        raise DataError(
            f"data.source is {config.source!r} without a path: set data.path to a file of quotes"
            + (f" and data.membership to one of the {index}'s members" if members else "")
            + (" (the bundled sample is found by the alphaloom package)" if config.source == "sample" else "")
        )
    if config.source == "store":
        from engine.market.store import MarketStore

        idle = sorted(config.model_fields_set - {"source", "path", "universe", "calendar_extra"})
        if idle:
            raise ConfigError(f"data.{idle[0]} says how files are read; with data.source: store leave it out")
        return MarketStore(config.path).panel(config.universe, calendar=exchange_calendar(config))
    if members:
        raise _members_missing(index)
    return _assemble(
        _Sources(
            quotes=Table.read(config.path),
            membership=Table.read(config.membership) if config.membership else None,
            instruments=Table.read(config.instruments) if config.instruments else None,
            actions=Table.read(config.actions) if config.actions else None,
            fundamentals=tuple(map(Table.read, config.fundamentals_files)),
            index=Table.read(config.index) if config.index else None,
            special_sessions=Table.read(config.special_sessions) if config.special_sessions else None,
            code_changes=Table.read(config.code_changes) if config.code_changes else None,
            macro=Table.read(config.macro) if config.macro else None,
            texts=Table.read(config.texts) if config.texts else (),
        ),
        config,
    )


def exchange_calendar(config: DataConfig) -> Calendar:
    """Return the exchange's calendar with the sessions that a configuration adds.

    Raises
    ------
    CalendarError
        If these contradict what is known, or do not follow on it.
    DataError
        If their file cannot be read.
    """
    if config.calendar_extra is None:
        return xshg()
    if config.calendar != "xshg":
        raise ConfigError(
            "data.calendar_extra adds sessions of the exchange; with data.calendar: data leave it out"
        )
    table = Table.read(config.calendar_extra)
    return extended(xshg(), read_sessions(table), table.source)


def panel_from_frames(
    quotes: pd.DataFrame,
    *,
    membership: pd.DataFrame | None = None,
    instruments: pd.DataFrame | None = None,
    actions: pd.DataFrame | None = None,
    fundamentals: pd.DataFrame | Sequence[pd.DataFrame] | None = None,
    index: pd.DataFrame | None = None,
    special_sessions: pd.DataFrame | None = None,
    code_changes: pd.DataFrame | None = None,
    macro: pd.DataFrame | None = None,
    texts: Iterable[Text] = (),
    universe: str | list[str] | None = None,
    columns: Mapping[str, str] | None = None,
    units: Units = "shares",
    calendar: Literal["xshg", "data"] = "xshg",
    tick: float | Literal["none"] | None = 0.01,
) -> LoadedMarket:
    """Build a panel from pandas frames, in the very way files are read.

    Parameters
    ----------
    quotes : DataFrame
        One row per date and symbol with date, symbol, open, high, low, close, volume; or indexed by (date,
        symbol). Optional: preclose, amount, vwap, turnover_pct or turnover, trading, is_st, adj_factor; any
        other numeric column becomes a field of its own name.
    membership, instruments, actions, fundamentals, index : DataFrame, optional
    special_sessions, code_changes, macro : DataFrame, optional
        The further tables, with the columns of the corresponding files.
    texts : iterable of Text
        Dated documents.
    universe, columns, units, calendar, tick
        As in :class:`DataConfig`.

    Raises
    ------
    InvalidDataError
        If the data break a rule that a back-test relies on; its `report` holds every finding.
    DataError
        If columns are missing or a cell does not parse.
    ConfigError
        If an option is none of those allowed.
    """
    config = data_config(
        source="file",
        universe=universe,
        columns=dict(columns or {}),
        units=units,
        calendar=calendar,
        tick=tick,
    )

    def table(frame: pd.DataFrame | None, name: str) -> Table | None:
        return None if frame is None else Table.of_frame(frame, f"the {name} frame")

    return _assemble(
        _Sources(
            quotes=Table.of_frame(quotes, "the quotes frame"),
            membership=table(membership, "membership"),
            instruments=table(instruments, "instruments"),
            actions=table(actions, "actions"),
            fundamentals=_fundamentals_tables(fundamentals),
            index=table(index, "index"),
            special_sessions=table(special_sessions, "special_sessions"),
            code_changes=table(code_changes, "code_changes"),
            macro=table(macro, "macro"),
            texts=tuple(texts),
        ),
        config,
    )


def _fundamentals_tables(frames: pd.DataFrame | Sequence[pd.DataFrame] | None) -> tuple[Table, ...]:
    import pandas as pd

    several = [frames] if isinstance(frames, pd.DataFrame) else frames or ()
    return tuple(Table.of_frame(frame, f"fundamentals frame {i}") for i, frame in enumerate(several))


def check_file(config: DataConfig) -> ValidationReport:
    """Return what `load_market` finds, errors included, instead of raising for them.

    Raises
    ------
    DataError
        If a file cannot be read at all: missing, empty, lacking columns, or with a cell that does not parse.
    """
    try:
        return load_market(config).report
    except InvalidDataError as error:
        return error.report


@dataclass(frozen=True, eq=False)
class _Sources:
    quotes: Table
    membership: Table | None
    instruments: Table | None
    actions: Table | None
    fundamentals: tuple[Table, ...]
    index: Table | None
    special_sessions: Table | None
    code_changes: Table | None
    macro: Table | None = None
    texts: Table | tuple[Text, ...] = ()


def _assemble(sources: _Sources, config: DataConfig) -> LoadedMarket:
    findings, strict, tick = Findings(), config.calendar == "xshg", config.tick_size
    table = sources.quotes.renamed(config.columns)
    changes = _code_changes(sources, config)
    quotes = read_quotes(table, units=config.units, strict_symbols=strict, findings=findings, changes=changes)
    aliases = changes.aliases(quotes.symbols.tolist())
    exchange = config.calendar == "xshg" or config.calendar_extra is not None
    calendar = exchange_calendar(config) if exchange else data_calendar(quotes.session)
    check_quotes(quotes, calendar=calendar, tick=tick, units=config.units, findings=findings)
    dates = _sessions(quotes, calendar)
    membership = _membership(sources, config, dates, findings, aliases)
    findings.report().raise_if_errors(table.source)

    symbols = quotes.symbols
    actions = CorporateActions.empty()
    if sources.actions is not None:
        actions = read_actions(sources.actions, dates, symbols, findings, aliases)
    bars = build_bars(quotes, dates, actions, tick)
    check_bars(bars, dates, symbols, tick, findings)
    universe, known = _universe(config, membership, bars, symbols, aliases)
    if membership is not None:
        check_members(membership, bars.fields["close"], dates, symbols, findings)
    instruments, listed = _instruments(sources, symbols, dates, bars, aliases)
    check_boards(instruments, symbols, findings)
    special = (
        ()
        if sources.special_sessions is None
        else read_special_sessions(
            sources.special_sessions, dates, symbols, bars.fields["trading"], findings, aliases
        )
    )
    if not config.synthetic:
        if "adj_factor" not in quotes.values and sources.actions is None:
            warn_without_factor(int(quotes.traded.sum()), findings)
        check_jumps(bars, dates, symbols, listed, tick, special_cells(special, dates, len(symbols)), findings)
    fields = _with_fundamentals(bars.fields, sources.fundamentals, dates, symbols, aliases)
    figures = () if sources.macro is None else read_macro_figures(sources.macro)
    fields |= macro_fields(figures, dates, (len(dates), len(symbols)), fields)
    figures = tuple(f for f in figures if f.visible <= dates[-1].astype(object))
    texts = sources.texts
    if isinstance(texts, Table):
        texts = texts_within(read_texts(texts, aliases), dates, symbols)
    warn_half_known(calendar, dates, findings)
    panel = MarketPanel(
        dates=dates,
        symbols=symbols,
        fields=fields,
        universe=universe,
        universe_known=known,
        instruments=instruments,
        listed=listed,
        calendar=calendar,
        tick=tick,
        indices=read_indices(sources.index, dates, findings) if sources.index is not None else {},
        actions=actions,
        texts=tuple(sorted(texts, key=lambda text: text.published_at)),
        macro=figures,
        special_sessions=special,
        aliases=aliases,
    )
    return LoadedMarket(panel, findings.report())


def _code_changes(sources: _Sources, config: DataConfig) -> CodeChanges:
    if config.calendar != "xshg":
        return CodeChanges.none()
    known = shipped_code_changes()
    return known if sources.code_changes is None else read_code_changes(sources.code_changes, known)


def _sessions(quotes: Quotes, calendar: Calendar) -> Dates:
    """Every session from the file's first to its last."""
    days = np.unique(quotes.session)
    inside = (calendar.sessions >= days[0]) & (calendar.sessions <= days[-1])
    # days off the calendar are an error by now, but the remaining checks still want an axis
    return np.union1d(calendar.sessions[inside], days)


def _members_missing(index: str | None) -> DataError:
    return DataError(
        f"data.universe {index} needs its members: set data.membership to a file of symbol, in_date, out_date"
    )


def _membership(
    sources: _Sources, config: DataConfig, dates: Dates, findings: Findings, aliases: Mapping[str, str]
) -> Membership | None:
    index = config.named_index
    if sources.membership is None:
        if index is not None:
            raise _members_missing(index)
        return None
    if index is None and config.universe is not None:
        return None
    return read_membership(
        sources.membership,
        dates,
        index,
        strict_symbols=config.calendar == "xshg",
        findings=findings,
        aliases=aliases,
    )


def _universe(
    config: DataConfig,
    membership: Membership | None,
    bars: Bars,
    symbols: NDArray[np.str_],
    aliases: Mapping[str, str],
) -> tuple[Bools, Bools]:
    """(T, N) members and (T,) sessions on which they are known."""
    if membership is not None:
        return membership.aligned(symbols), membership.known
    members = bars.inside.copy()
    if isinstance(config.universe, list):
        strict = config.calendar == "xshg"
        members &= listed_universe(config.universe, symbols, strict_symbols=strict, aliases=aliases)
    return members, np.ones(len(members), dtype=bool)


def _instruments(
    sources: _Sources, symbols: NDArray[np.str_], dates: Dates, bars: Bars, aliases: Mapping[str, str]
) -> tuple[Instruments, Dates]:
    """Instruments and the (N,) first session of each, NaT where the data do not show it."""
    first = bars.first_rows()
    listed = np.where(first > 0, dates[first], np.datetime64("NaT", "D"))
    if sources.instruments is None:
        return Instruments.from_symbols(symbols), listed
    instruments, stated = read_instruments(sources.instruments, symbols, aliases)
    listed = np.where(np.isnat(stated), listed, stated)
    # a listing after the last row is not yet known
    seen: Dates = np.where(listed <= dates[-1], listed, np.datetime64("NaT", "D"))
    return instruments, seen


def _with_fundamentals(
    fields: dict[str, Floats],
    tables: tuple[Table, ...],
    dates: Dates,
    symbols: NDArray[np.str_],
    aliases: Mapping[str, str],
) -> dict[str, Floats]:
    out = dict(fields)
    for table in tables:
        for name, values in read_fundamentals(table, dates, symbols, aliases).items():
            if name in out:
                raise DataError(
                    f"{table.source}: the panel already has a field {name}; rename or drop the column"
                )
            out[name] = values
    return out
