"""The session to come: a panel that ends at the last stored session, with one row more and no prices in it.

What is decided at the last close must be what a back-test on later data decides there. Two things stand
between the two, and are seen to here: a stock that did not trade in the last sessions has no rows yet, where
later data show it as suspended; and the ex-dates of the coming session are announced before it begins.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.market.actions import read_actions
from engine.market.calendar import Dates, iso
from engine.market.corporate import CorporateAction, CorporateActions
from engine.market.grid import to_tick
from engine.market.panel import MarketPanel
from engine.market.store import Kind, MarketStore, StoreReader
from engine.market.store.rows import readable
from engine.market.validate import Findings

Floats = NDArray[np.float64]

#: fields of a suspended session that stand at the last close
_FLAT = ("open", "high", "low", "preclose", "vwap")
_IDLE = ("volume", "amount", "turnover", "trading")


@dataclass(frozen=True, eq=False)
class ComingMarket:
    """A market as it stands before a session.

    Parameters
    ----------
    panel : MarketPanel
        Its last row is the coming session: no prices, the reference that limits are counted from where terms
        are announced, special treatment as it was, the members of the last session.
    silent : tuple of str
        Members and holdings without a row in the last session: taken for suspended.
    """

    panel: MarketPanel
    silent: tuple[str, ...]

    @property
    def session(self) -> date:
        """The coming session."""
        day: date = self.panel.dates[-1].astype(object)
        return day


def coming_market(store: MarketStore, panel: MarketPanel, held: Collection[str] = ()) -> ComingMarket:
    """Extend a store's panel by the session after its last one.

    Parameters
    ----------
    store : MarketStore
        Asked for the actions announced for the coming session, and for delistings.
    panel : MarketPanel
        As the store gives it.
    held : collection of str
        Names that are carried on whatever the universe says.

    Raises
    ------
    CalendarError
        If the calendar ends with the panel.
    """
    coming = panel.calendar.after(panel.dates[-1])
    dates = np.append(panel.dates, coming)

    def question(reader: StoreReader) -> tuple[CorporateActions, frozenset[str]]:
        return _actions(reader, dates, panel), _delisted(reader, panel.dates[-1].astype(object))

    actions, delisted = store.read(question)
    carried, silent = _carried_over(panel, actions, held, delisted)
    return ComingMarket(with_coming_row(carried, coming, actions), silent)


def with_coming_row(panel: MarketPanel, coming: np.datetime64, actions: CorporateActions) -> MarketPanel:
    """Add one row without prices.

    Parameters
    ----------
    panel : MarketPanel
    coming : datetime64[D]
        The session after its last one.
    actions : CorporateActions
        Of all its sessions and of the coming one.
    """
    N = len(panel.symbols)
    last = panel.field("close")[-1]
    announced = actions.on(coming)
    rows: dict[str, Floats] = {name: np.full(N, np.nan) for name in panel.fields}
    rows["is_st"] = panel.field("is_st")[-1].copy()
    rows["preclose"] = last.copy()
    for column, action in announced.items():
        if last[column] == last[column]:
            rows["preclose"][column] = _reference(action, float(last[column]), panel.tick)
    dates = np.append(panel.dates, coming)
    rows["share_factor"] = actions.share_factor(dates, N)[-1]
    nan = np.array([np.nan])
    return replace(
        panel,
        dates=dates,
        fields={name: np.vstack([values, rows[name]]) for name, values in panel.fields.items()},
        universe=np.vstack([panel.universe, panel.universe[-1:]]),
        universe_known=np.append(panel.universe_known, panel.universe_known[-1]),
        indices={
            symbol: {name: np.append(values, nan) for name, values in bars.items()}
            for symbol, bars in panel.indices.items()
        },
        actions=actions,
    )


def carried_over(panel: MarketPanel, names: Collection[str]) -> tuple[MarketPanel, tuple[str, ...]]:
    """Carry names whose rows end before the panel does to its end, as if suspended; which these were.

    The rows are those that later data give, once the stock trades again: flat at the last close, on an
    ex-date at the ex-right reference, with nothing traded.
    """
    close = panel.field("close")
    columns = [panel.column(name) for name in names if name in panel.symbols]
    silent = [
        n for n in sorted(columns) if close[-1, n] != close[-1, n] and (close[:, n] == close[:, n]).any()
    ]
    if not silent:
        return panel, ()
    fields: dict[str, Any] = {name: values.copy() for name, values in panel.fields.items()}
    universe = panel.universe.copy()
    for n in silent:
        last = int(np.flatnonzero(close[:, n] == close[:, n])[-1])
        _carry(fields, panel, n, last)
        if panel.universe[last, n]:  # with members from elsewhere the rows say what they say
            universe[last + 1 :, n] |= _follows_rows(panel)
    return replace(panel, fields=fields, universe=universe), tuple(str(panel.symbols[n]) for n in silent)


# -- inside


def _carried_over(
    panel: MarketPanel, actions: CorporateActions, held: Collection[str], delisted: frozenset[str]
) -> tuple[MarketPanel, tuple[str, ...]]:
    members = panel.symbols[panel.universe[-1]].tolist()
    if _follows_rows(panel):
        members = panel.symbols.tolist()
    names = ({*members} - delisted) | set(held)
    return carried_over(replace(panel, actions=actions.until(panel.dates[-1])), sorted(names))


def _follows_rows(panel: MarketPanel) -> bool:
    """Whether the universe is whatever has a row."""
    return bool(np.array_equal(panel.universe, ~np.isnan(panel.field("close"))))


def _carry(fields: Mapping[str, Floats], panel: MarketPanel, n: int, last: int) -> None:
    """Fill the rows after `last` of a column in place."""
    close, factor = fields["close"], fields["adj_factor"]
    shares = _float_shares(panel, n, last)
    for t in range(last + 1, len(panel.dates)):
        before = float(close[t - 1, n])
        action = panel.actions.on(panel.dates[t]).get(n)
        close[t, n] = before if action is None else _reference(action, before, panel.tick)
        factor[t, n] = factor[t - 1, n] * (before / close[t, n])
        for name in _FLAT:
            fields[name][t, n] = close[t, n]
        for name in _IDLE:
            if name in fields:
                fields[name][t, n] = 0.0
        fields["is_st"][t, n] = fields["is_st"][last, n]
        fields["returns"][t, n] = close[t, n] * factor[t, n] / (before * factor[t - 1, n]) - 1.0
        if "market_cap" in fields:
            fields["market_cap"][t, n] = close[t, n] * shares[t]


def _float_shares(panel: MarketPanel, n: int, last: int) -> Floats:
    """Float shares by row: those of the last trade, grown by bonus and rights."""
    factor, trading = panel.field("share_factor")[:, n], panel.field("trading")[: last + 1, n]
    traded = np.flatnonzero(trading > 0)
    out = np.full(len(panel.dates), np.nan)
    if "turnover" not in panel.fields or not len(traded):
        return out
    at = int(traded[-1])
    turnover = panel.field("turnover")[at, n]
    if turnover > 0:
        out = panel.field("volume")[at, n] / turnover * (factor / factor[at])
    return out


def _reference(action: CorporateAction, close: float, tick: float | None) -> float:
    exact = np.array([action.reference(close)])
    return float(to_tick(exact, tick)[0])


def _actions(reader: StoreReader, dates: Dates, panel: MarketPanel) -> CorporateActions:
    rows = reader.rows(Kind.ACTIONS)
    if not len(rows):
        return CorporateActions.empty()
    table = readable(rows, f"{reader.folder} ({Kind.ACTIONS})")
    return read_actions(table, dates, panel.symbols, Findings(), panel.aliases)


def _delisted(reader: StoreReader, day: date) -> frozenset[str]:
    rows = reader.rows(Kind.INSTRUMENTS, columns=["symbol", "delist_date"])
    return frozenset(
        str(row["symbol"])
        for row in rows.to_pylist()
        if row["delist_date"] is not None and row["delist_date"] <= day
    )


def described(market: ComingMarket) -> str:
    """Say which session comes, and who is taken for suspended."""
    text = f"the session of {iso(market.panel.dates[-1])} comes"
    if not market.silent:
        return text
    more = f" and {len(market.silent) - 3} more" if len(market.silent) > 3 else ""
    return f"{text}; without a row, taken for suspended: {', '.join(market.silent[:3])}{more}"
