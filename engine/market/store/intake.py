"""Taking deliveries into a store: judged, tied to what is there, added where they say something new."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from engine.errors import DataError
from engine.market.codes import CodeChanges
from engine.market.grid import Floats
from engine.market.sources.delivery import DailyBars
from engine.market.store.arrival import Verdict, judge
from engine.market.store.dated import days_column, judge_figures
from engine.market.store.factors import Bases, steps
from engine.market.store.folder import StoreReader, StoreWriter
from engine.market.store.reasons import ArrivalRules, Reason
from engine.market.store.rows import (
    bars_of,
    bars_table,
    codes_of,
    day_numbers,
    days,
    numbers,
    records,
    table_of,
    with_newest_codes,
    words,
)
from engine.market.store.schema import BAR_VALUES, SCHEMAS, TERMS, Kind, Spell

#: calendar days before the first arriving session from which stored rows are looked at: longer than the
#: longest holiday, and than the rows of a name that come before limits are tested
_CONTEXT = timedelta(days=120)
#: from how many bars on a delivery that is mostly wrong in one way is refused whole
_ENOUGH = 10
#: such ways, what the bars do, and the remedy
_MOSTLY_WRONG = {
    Reason.LOTS_FOR_SHARES: (
        "have a volume that counts lots of 100 shares",
        "say so with --set units=lots (of a Qlib folder: --units lots)",
    ),
    Reason.VWAP_OUTSIDE: (
        "have an amount ÷ volume outside low..high: one of the two is in another unit",
        "convert them to shares and CNY (of a Qlib folder: --units, --amounts)",
    ),
    Reason.STALE_COPY: ("are those of the session before, served again", "repeat the command later"),
}


@dataclass
class Taken:
    """What became of deliveries.

    Parameters
    ----------
    added : Counter
        Rows added, by table.
    known : int
        Bars that the store had already.
    repeated : Counter
        Rows of texts, figures, minutes and sessions that the store had already, by table.
    quarantined : Counter
        Bars set aside now, by reason.
    examples : dict
        A few words about the first bar set aside for each reason.
    notes : list of str
        Rows of other tables that were not taken, and why.
    """

    added: Counter[str] = field(default_factory=Counter)
    known: int = 0
    repeated: Counter[str] = field(default_factory=Counter)
    quarantined: Counter[str] = field(default_factory=Counter)
    examples: dict[str, str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    def __iadd__(self, other: Taken) -> Taken:
        self.added += other.added
        self.known += other.known
        self.repeated += other.repeated
        self.quarantined += other.quarantined
        self.examples = {**other.examples, **self.examples}
        self.notes += other.notes
        return self


class UselessDelivery(DataError):  # noqa: N818 - says what it is
    """Nearly all bars of a delivery are wrong in the same way; nothing of it was taken.

    Parameters
    ----------
    source, what, remedy : str
        Who delivered it, what is wrong with it, and what to do where it comes from a file.
    """

    def __init__(self, source: str, what: str, remedy: str) -> None:
        super().__init__(f"{source}: {what}; {remedy}")
        self.what = what


def take_bars(
    writer: StoreWriter, bars: DailyBars, *, source: str, rules: ArrivalRules, changes: CodeChanges
) -> Taken:
    """Judge bars and stage what is new of them; the caller commits.

    Raises
    ------
    UselessDelivery
        If most of the delivery is in other units, which is a wrong option rather than wrong bars, or repeats
        the session before.
    """
    bars = with_newest_codes(bars, changes)
    if not len(bars):
        return Taken()
    earliest = bars.session.min().astype(object) - _CONTEXT
    stored = stored_bars(writer, bars.symbols, earliest)
    bases = Bases(source, _factor_sources(writer, bars.symbols))
    verdict = judge(
        bars, stored, rules, terms=_terms(writer, bars), bases=bases, special=special_sessions(writer)
    )
    counts = verdict.counts()
    for reason, (what, remedy) in _MOSTLY_WRONG.items():
        if (wrong := counts.get(reason, 0)) > max(len(bars) // 2, _ENOUGH):
            first = bars.label(int(np.argmax(verdict.reason >= 0)))
            found = f"{wrong:,} of {len(bars):,} bars {what} (first {first})"
            raise UselessDelivery(source, found, f"{remedy}; nothing of this delivery was stored")
    taken = Taken(known=int(verdict.known.sum()))
    fresh = bars.take(verdict.new)
    if len(fresh):
        writer.add(Kind.BARS, bars_table(fresh))
        taken.added[Kind.BARS] += len(fresh)
    factors = _factor_steps(bars, stored, verdict, source)
    writer.add(Kind.FACTORS, factors)
    if len(factors):
        taken.added[Kind.FACTORS] += len(factors)
    _set_aside(writer, bars, verdict, source, taken)
    return taken


def stored_bars(reader: StoreReader, symbols: Any, first: date | None = None) -> DailyBars:
    """Bars of some symbols with the factor in force, as ``adj_factor``; NaN where none is stored."""
    names = symbols.tolist()
    bars = bars_of(
        reader.rows(Kind.BARS, symbols=names, first=first, columns=("symbol", "session", *BAR_VALUES)),
        symbols,
    )
    factors = reader.rows(Kind.FACTORS, symbols=names)
    values = {**bars.values, "adj_factor": factor_in_force(bars, factors)}
    return DailyBars(bars.symbols, bars.column, bars.session, values)


def factor_in_force(bars: DailyBars, factors: Any) -> Floats:
    """(R,) factor of each bar from the steps of a factor table, NaN before a name's first."""
    column, session = codes_of(factors["symbol"], bars.symbols), day_numbers(factors["session"])
    keys = (column << 32) + session
    order = np.argsort(keys, kind="stable")
    keys, values = keys[order], numbers(factors["adj_factor"])[order]
    wanted = (bars.column << 32) + bars.session.astype(np.int64)
    place = np.searchsorted(keys, wanted, side="right") - 1
    if not len(keys):
        return np.full(len(bars), np.nan)
    same = (place >= 0) & (keys[place] >> 32 == bars.column)
    return np.where(same, values[place], np.nan)


def _factor_sources(reader: StoreReader, symbols: Any) -> dict[str, str]:
    table = reader.rows(Kind.FACTORS, symbols=symbols.tolist(), columns=("symbol", "source"))
    return dict(zip(table["symbol"].to_pylist(), table["source"].to_pylist(), strict=True))


def _terms(reader: StoreReader, bars: DailyBars) -> dict[tuple[str, int], tuple[float, float, float, float]]:
    table = reader.rows(Kind.ACTIONS, symbols=bars.symbols.tolist())
    keys = zip(table["symbol"].to_pylist(), day_numbers(table["ex_date"]).tolist(), strict=True)
    terms = zip(*(numbers(table[name]).tolist() for name in TERMS), strict=True)
    return dict(zip(keys, terms, strict=True))


def special_sessions(reader: StoreReader) -> set[tuple[str, int]]:
    """(symbol, day since 1970-01-01) of sessions without a limit that prices do not tell of."""
    spells = reader.rows(Kind.SPELLS)
    kinds, starts = spells["kind"].to_pylist(), day_numbers(spells["start"]).tolist()
    unlimited = (Spell.DELISTING_PERIOD, Spell.RELISTING)
    return {
        (symbol, start)
        for symbol, kind, start in zip(spells["symbol"].to_pylist(), kinds, starts, strict=True)
        if kind in unlimited
    }


def _factor_steps(bars: DailyBars, stored: DailyBars, verdict: Verdict, source: str) -> Any:
    """Rows of the factor table that the delivery adds: where a factor differs from the row before."""
    fresh, told = np.flatnonzero(verdict.new), np.flatnonzero(verdict.known)
    held, filled = stored.number("adj_factor").copy(), np.zeros(len(stored), dtype=bool)
    if len(told) and len(stored):
        # bars that were stored without a factor, and have one now
        keys = (stored.column << 32) + stored.session.astype(np.int64)
        mine = (bars.column[told] << 32) + bars.session[told].astype(np.int64)
        place = np.minimum(np.searchsorted(keys, mine), len(keys) - 1)
        fills = (keys[place] == mine) & np.isnan(held[place]) & ~np.isnan(verdict.factor[told])
        held[place[fills]] = verdict.factor[told][fills]
        filled[place[fills]] = True
    column = np.concatenate([stored.column, bars.column[fresh]])
    session = np.concatenate([stored.session, bars.session[fresh]])
    factor = np.concatenate([held, verdict.factor[fresh]])
    # a stored row is a step of its own only where the row before it, or its own factor, is news
    news = np.concatenate([filled, np.ones(len(fresh), dtype=bool)])
    order = np.argsort((column << 32) + session.astype(np.int64), kind="stable")
    column, session, factor, news = column[order], session[order], factor[order], news[order]
    near = news.copy()
    near[1:] |= news[:-1] & (column[1:] == column[:-1])
    chosen = np.flatnonzero(steps(column, session, factor) & near)
    return pa.table(
        {
            "symbol": words(bars.symbols, column[chosen]),
            "session": days(session[chosen]),
            "adj_factor": pa.array(factor[chosen]),
            "source": pa.array([source] * len(chosen), pa.string()),
        }
    )


def _set_aside(writer: StoreWriter, bars: DailyBars, verdict: Verdict, source: str, taken: Taken) -> None:
    rows = np.flatnonzero(verdict.reason >= 0)
    if not len(rows):
        return
    there = writer.rows(Kind.QUARANTINE, symbols=bars.symbols.tolist())
    columns = (there[name].to_pylist() for name in ("symbol", "session", "reason", "source"))
    seen = set(zip(*columns, strict=True))
    new = []
    for row in rows.tolist():
        reason = verdict.reason_of(row)
        taken.quarantined[reason] += 1
        key = (str(bars.symbols[bars.column[row]]), bars.session[row].astype(object), reason.value, source)
        taken.examples.setdefault(reason, f"{bars.label(row)}: {_detail(bars, row)}")
        if key in seen:
            continue
        seen.add(key)
        values = {n: float(c[row]) for n, c in bars.values.items() if n in (*BAR_VALUES, "adj_factor")}
        new.append(
            {
                **dict(zip(("symbol", "session", "reason", "source"), key, strict=True)),
                **values,
                "detail": _detail(bars, row),
                "fetched_at": writer.now,
            }
        )
    writer.add(Kind.QUARANTINE, table_of(Kind.QUARANTINE, new))
    taken.added[Kind.QUARANTINE] += len(new)


def _detail(bars: DailyBars, row: int) -> str:
    names = ("open", "high", "low", "close", "preclose", "volume", "amount")
    return ", ".join(f"{name} {bars.values[name][row]:g}" for name in names if name in bars.values)


def take_actions(writer: StoreWriter, table: Any, *, source: str) -> Taken:
    """Add corporate actions: the rows of one ex-date are summed, stored terms stand."""
    taken, stored = Taken(), {(r["symbol"], r["ex_date"]): r for r in records(writer.rows(Kind.ACTIONS))}
    changed = False
    for key, row in _summed(records(table)).items():
        old = stored.get(key)
        if old is None:
            stored[key] = {**row, "source": source}
            taken.added[Kind.ACTIONS] += 1
            changed = True
            continue
        if any(abs(old[name] - row[name]) > 1e-6 for name in TERMS):
            taken.notes.append(
                f"corporate action {key[0]} {key[1]}: {source} has other terms than the store; kept those of "
                f"{old['source']}"
            )
        elif old["pay_date"] is None and row.get("pay_date") is not None:
            stored[key] = {**old, "pay_date": row["pay_date"]}
            taken.added[Kind.ACTIONS] += 1
            changed = True
    if changed:
        writer.replace(Kind.ACTIONS, table_of(Kind.ACTIONS, stored.values()))
    return taken


def _summed(rows: list[dict[str, Any]]) -> dict[tuple[str, date], dict[str, Any]]:
    out: dict[tuple[str, date], dict[str, Any]] = {}
    for row in rows:
        row = {**row, **{name: row.get(name) or 0.0 for name in TERMS}}
        key = (row["symbol"], row["ex_date"])
        old = out.get(key)
        if old is not None:
            cash, bonus, rights = (old[name] + row[name] for name in TERMS[:3])
            paid = old["rights_ratio"] * old["rights_price"] + row["rights_ratio"] * row["rights_price"]
            terms = (cash, bonus, rights, paid / rights if rights else 0.0)
            row = {**old, **dict(zip(TERMS, terms, strict=True))}
        out[key] = row
    return out


def take_index_bars(writer: StoreWriter, table: Any, *, source: str, rules: ArrivalRules) -> Taken:
    """Add index bars of complete sessions that are not stored yet."""
    taken = Taken()
    stored = {(r["symbol"], r["session"]): r["close"] for r in records(writer.rows(Kind.INDEX_BARS))}
    sessions = set(rules.calendar.sessions.astype(object).tolist())
    last, new = rules.last_complete.astype(object), []
    for row in records(table):
        key, close = (row["symbol"], row["session"]), row["close"]
        if key in stored:
            if not abs(stored[key] - close) <= 1e-3 * stored[key]:
                taken.notes.append(
                    f"index {key[0]} {key[1]}: {source} says {close:g}, stored is {stored[key]:g}"
                )
            continue
        if row["session"] not in sessions or row["session"] > last or not close > 0.0:
            taken.notes.append(f"index {key[0]} {key[1]}: no complete session, or no close; left out")
            continue
        stored[key] = close
        new.append(row)
    writer.add(Kind.INDEX_BARS, table_of(Kind.INDEX_BARS, new))
    if new:
        taken.added[Kind.INDEX_BARS] += len(new)
    return taken


def take_instruments(writer: StoreWriter, table: Any) -> Taken:
    """Add stocks; what is newly known of one replaces what was."""
    stored = records(writer.rows(Kind.INSTRUMENTS))
    rows, taken = updated(stored, records(table), ("symbol",)), Taken()
    old = {row["symbol"]: row for row in stored}
    news = sum(row != old.get(row["symbol"]) for row in rows)
    if news:
        writer.replace(Kind.INSTRUMENTS, table_of(Kind.INSTRUMENTS, rows))
        taken.added[Kind.INSTRUMENTS] += news
    return taken


def updated(
    stored: Sequence[Mapping[str, Any]], told: Sequence[Mapping[str, Any]], key: Sequence[str]
) -> list[dict[str, Any]]:
    """Return stored rows with what is told: a told cell replaces the stored one unless it is empty."""
    out: dict[tuple[Any, ...], dict[str, Any]] = {tuple(row[k] for k in key): {**row} for row in stored}
    for row in told:
        old = out.setdefault(tuple(row[k] for k in key), {})
        old |= {n: v for n, v in row.items() if v not in (None, "") or n not in old}
    return list(out.values())


def take_fundamentals(writer: StoreWriter, table: Any, *, source: str) -> Taken:
    """Add figures; what was seen first stands, a restatement holds from the day after it was seen.

    See :func:`engine.market.store.dated.judge_figures` for the rule.
    """
    symbols = sorted({*pc.unique(table["symbol"].cast(pa.string())).to_pylist()} - {None})
    stored = writer.rows(Kind.FUNDAMENTALS, symbols=symbols)
    return take_figures(writer, Kind.FUNDAMENTALS, table, stored, ("figure", "symbol"), source=source)


def take_figures(
    writer: StoreWriter,
    kind: Kind,
    table: Any,
    stored: Any,
    names: Sequence[str],
    *,
    source: str,
    ends_before: bool = False,
) -> Taken:
    """Stage the dated figures of a table that are news; see :func:`judge_figures` for the arguments."""
    judged = judge_figures(table, stored, names, seen=writer.now.date(), ends_before=ends_before)
    taken = Taken(repeated=Counter({kind: judged.known} if judged.known else {}))
    if len(judged.rows):
        fresh = table.take(pa.array(judged.rows))
        count, seen = len(judged.rows), writer.now
        # texts may come as words of a vocabulary or plain
        cells = {name: fresh[name].cast(pa.string()).dictionary_encode() for name in names}
        cells["value"] = fresh["value"].cast(pa.float64())
        cells |= {
            "visible_date": days_column(judged.visible),
            "period_end": days_column(judged.period),
            "first_seen": pa.array([seen] * count, pa.timestamp("ms")),
            "source": pa.array([source] * count, pa.string()),
        }
        writer.add(kind, pa.table({name: cells[name] for name in SCHEMAS[kind].columns.names}))
        taken.added[kind] += count
    for why, count in judged.refused.items():
        row = table.slice(judged.examples[why], 1).to_pylist()[0]
        label = " of ".join(str(row[name]) for name in names)
        label += f" for {row['period_end']}" if row["period_end"] else ""
        taken.notes.append(
            f"{source}: {count:,} figures were not taken: {why}; e.g. {label}, {row['value']:g} from "
            f"{row['visible_date'] or 'no day'}"
        )
    return taken
