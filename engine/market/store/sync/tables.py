"""The tables beside the bars: what planning stands on, corporate actions, indices, and the optional ones."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from datetime import date, datetime, time, timedelta
from functools import partial
from typing import Any

from engine.errors import DataError
from engine.market.board import parse_symbol
from engine.market.sources.remote.fall_back import FallBack
from engine.market.sources.source import KnownAction, KnownActions
from engine.market.store.fill import take_members
from engine.market.store.intake import (
    take_actions,
    take_fundamentals,
    take_index_bars,
    take_instruments,
)
from engine.market.store.macro import take_macro
from engine.market.store.members import member_spells
from engine.market.store.minutes import take_minutes
from engine.market.store.rows import newest_code, records
from engine.market.store.schema import Kind
from engine.market.store.sessions import take_sessions
from engine.market.store.spells import take_stock_spells
from engine.market.store.sync.context import Context, sessions_by_name
from engine.market.store.sync.history import PastMembership
from engine.market.store.sync.journal import Asked
from engine.market.store.texts import take_texts

#: Tables that are asked for only when wanted: they cost many requests.
OPTIONAL = frozenset({Kind.TEXTS, Kind.MACRO, Kind.MINUTE_BARS, Kind.FUNDAMENTALS})
#: indices kept beside the stocks: Shanghai Composite, SSE 50, CSI 300, CSI 1000, CSI 500
INDICES = ("000001.SH", "000016.SH", "000300.SH", "000852.SH", "000905.SH")
#: actions that are published late, and those of days that lie ahead
_ACTIONS_BACK, _ACTIONS_AHEAD = timedelta(days=60), timedelta(days=90)
_FEW, _MANY = 50, 400
#: some sites list a text days after its date
_TEXTS_BACK = timedelta(days=7)


def ground(ctx: Context, universe: str | Sequence[str]) -> None:
    """Sessions, members, instruments, suspensions: what planning stands on."""
    writer = ctx.writer
    if ctx.wanted(Kind.SESSIONS):
        ctx.whole(
            Kind.SESSIONS, "sessions", lambda v: [v.calendar()],
            lambda table, source: take_sessions(writer, table, source=source),
        )  # fmt: skip
    if isinstance(universe, str) and universe != "all":
        _members(ctx, universe)
    if ctx.wanted(Kind.INSTRUMENTS):
        ctx.whole(
            Kind.INSTRUMENTS, "instruments", lambda v: [v.instruments()],
            lambda table, source: take_instruments(writer, table),
        )  # fmt: skip
    if ctx.wanted(Kind.SPELLS):
        ctx.whole(
            Kind.SPELLS, "suspensions and ST", lambda v: [v.spells()],
            lambda table, source: take_stock_spells(writer, table, ctx.rules.calendar, whole=True),
        )  # fmt: skip


def names_of(ctx: Context, universe: str | Sequence[str]) -> list[str]:
    """Return the stored symbols of the stocks that are meant.

    Raises
    ------
    DataError
        If that is not known.
    """
    if not isinstance(universe, str):
        return sorted({newest_code(parse_symbol(symbol), ctx.changes) for symbol in universe})
    if universe == "all":
        stocks = records(ctx.writer.rows(Kind.INSTRUMENTS))
        known = {row["symbol"] for row in stocks if (row["delist_date"] or date.max) > ctx.since}
        known = known or set(ctx.vendors.symbols())
    else:
        spells = member_spells(ctx.writer, universe)
        known = {s.symbol for s in spells if s.left is None or s.left > ctx.since}
    if not known:
        what = "stocks" if universe == "all" else f"members of {universe}"
        why = ctx.report.failed.get(f"members of {universe}", f"no vendor lists the {what}")
        raise DataError(
            f"{why}; or name symbols, or import a list: alphaloom data import-csv FILE --as membership"
        )
    return sorted({newest_code(symbol, ctx.changes) for symbol in known})


def corporate(ctx: Context, names: Sequence[str]) -> None:
    """Corporate actions, before the bars that are judged by them."""
    if Kind.ACTIONS not in ctx.vendors.offers:
        return
    groups: dict[date, list[str]] = {}
    for name in names:
        asked = ctx.journal.of(Kind.ACTIONS, name)
        last = max((q.due for q in asked if q.first <= ctx.since), default=None)
        if last is None or last < ctx.due:
            groups.setdefault(ctx.since if last is None else last - _ACTIONS_BACK, []).append(name)
    known = _known_actions(ctx)
    for first, group in _parts(groups, ctx.since):
        ctx.progress("corporate actions", 0, len(group))
        some = group[0] if len(group) == 1 else f"{group[0]} and {len(group) - 1} more"
        codes = [ctx.code(name) for name in group]
        came = ctx.intake.tables(
            Kind.ACTIONS,
            f"corporate actions of {some}",
            ctx.vendors,
            partial(_actions, codes, first, ctx.due + _ACTIONS_AHEAD, known),
            lambda table, source: take_actions(ctx.writer, table, source=source),
        )
        if came:
            for name in group:
                ctx.intake.note(Asked(Kind.ACTIONS, name, ctx.since, ctx.due, ctx.due))
            ctx.intake.store()


def _parts(groups: Mapping[date, list[str]], since: date) -> Iterator[tuple[date, list[str]]]:
    """Names asked for together: of a long history few at a time, so that a kill loses little of it.

    Of a whole market, or of a few days, vendors tell all names at once for less.
    """
    for first, group in sorted(groups.items()):
        size = _FEW if first == since and len(group) <= _MANY else len(group)
        for start in range(0, len(group), size):
            yield first, group[start : start + size]


def indices(ctx: Context) -> None:
    """Bars of the usual indices."""
    if Kind.INDEX_BARS not in ctx.vendors.offers:
        return
    have = sessions_by_name(ctx.writer.rows(Kind.INDEX_BARS, columns=("symbol", "session")), INDICES)
    for done, index in enumerate(INDICES):
        ctx.progress("indices", done, len(INDICES))
        for span in ctx.plan(Kind.INDEX_BARS, index, have[index], ctx.since, ctx.due):
            came = ctx.intake.tables(
                Kind.INDEX_BARS,
                index,
                ctx.vendors,
                partial(_index_bars, index, span.first, span.last),
                lambda table, source: take_index_bars(ctx.writer, table, source=source, rules=ctx.rules),
            )
            if came:
                ctx.intake.note(Asked(Kind.INDEX_BARS, index, span.first, span.last, ctx.due))
    ctx.intake.store()


def optional(ctx: Context, names: Sequence[str], extras: Collection[Kind]) -> None:
    """Figures of companies, the economy, texts and minute bars, as far as they are wanted."""
    writer = ctx.writer
    for kind in sorted(OPTIONAL & set(extras) - ctx.vendors.offers):
        ctx.report.failed[kind.value] = f"no vendor has {kind.value.replace('_', ' ')}"
    if Kind.FUNDAMENTALS in extras:
        new = [name for name in names if ctx.wanted(Kind.FUNDAMENTALS, name, ctx.since)]
        codes = [ctx.code(name) for name in new]
        if new:
            ctx.whole(
                Kind.FUNDAMENTALS, "figures of companies", lambda v: v.fundamentals(codes),
                lambda table, source: take_fundamentals(writer, table, source=source),
                since=ctx.since, names=new,
            )  # fmt: skip
    if Kind.MACRO in extras and ctx.wanted(Kind.MACRO, since=ctx.since):
        ctx.whole(
            Kind.MACRO, "macro series", lambda v: v.macro(ctx.since),
            lambda table, source: take_macro(writer, table, source=source), since=ctx.since,
        )  # fmt: skip
    by_name: tuple[tuple[Kind, str, Callable[[Context, str], None]], ...] = (
        (Kind.TEXTS, "texts", _texts), (Kind.MINUTE_BARS, "minute bars", _minutes),
    )  # fmt: skip
    for kind, what, ask in by_name:
        if kind in extras and kind in ctx.vendors.offers:
            for done, name in enumerate(names):
                ctx.progress(what, done, len(names))
                ask(ctx, name)
    ctx.intake.store()


def _members(ctx: Context, universe: str) -> None:
    seen = {(r["universe"], r["session"]) for r in records(ctx.writer.rows(Kind.SNAPSHOTS))}
    came = False
    if Kind.MEMBERSHIP in ctx.vendors.offers and (universe, ctx.due) not in seen:
        ctx.progress(f"members of {universe}", 0, 1)
        came = ctx.intake.tables(
            Kind.MEMBERSHIP,
            f"members of {universe}",
            ctx.vendors,
            lambda v: [v.membership(universe)],
            lambda table, source: take_members(ctx.writer, ctx.rules, universe, table, source=source),
        )
    past = PastMembership(ctx, universe)
    told = ctx.vendors.knows_past_members(universe)
    if told:
        past.run()
    if came and past.missing and universe not in {name for name, _ in seen}:
        ctx.report.taken.notes.append(
            f"members of {universe} are known from {past.known} on only: for a back-test of the years "
            "before, import their history with alphaloom data import-csv FILE --as membership, or name "
            "symbols" + ("" if told else "; baostock lists them (pip install 'alphaloom[baostock]')")
        )


def _texts(ctx: Context, name: str) -> None:
    last = max((question.due for question in ctx.journal.of(Kind.TEXTS, name)), default=None)
    since = None if last is None else datetime.combine(last - _TEXTS_BACK, time())
    came = ctx.intake.tables(
        Kind.TEXTS,
        f"texts about {name}",
        ctx.vendors,
        lambda v: v.texts([ctx.code(name)], since),
        lambda table, source: take_texts(ctx.writer, table, source=source),
    )
    if came:
        ctx.intake.note(Asked(Kind.TEXTS, name, ctx.due, ctx.due, ctx.due))


def _minutes(ctx: Context, name: str) -> None:
    last = max((question.due for question in ctx.journal.of(Kind.MINUTE_BARS, name)), default=None)
    if last == ctx.due:
        return
    came = ctx.intake.tables(
        Kind.MINUTE_BARS,
        f"minute bars of {name}",
        ctx.vendors,
        lambda v: v.minute_bars([ctx.code(name)], last, ctx.due),
        lambda table, source: take_minutes(
            ctx.writer, table, source=source, rules=ctx.rules, changes=ctx.changes
        ),
    )
    if came:
        ctx.intake.note(Asked(Kind.MINUTE_BARS, name, ctx.due, ctx.due, ctx.due))


def _known_actions(ctx: Context) -> KnownActions:
    """The stored terms, under the codes that vendors know today."""
    return {
        (ctx.code(row["symbol"]), row["ex_date"]): KnownAction(
            row["cash_per_share"] or 0.0, row["bonus_ratio"] or 0.0, row["pay_date"]
        )
        for row in records(ctx.writer.rows(Kind.ACTIONS))
    }


def _actions(
    codes: Sequence[str], first: date, last: date, known: KnownActions, vendors: FallBack
) -> Iterator[Any]:
    return vendors.actions(codes, first, last, known)


def _index_bars(index: str, first: date, last: date, vendors: FallBack) -> Iterator[Any]:
    return vendors.index_bars([index], first, last)
