"""Bars, name by name: what is missing is asked for, judged, and where it is wrong asked for elsewhere."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from random import Random
from typing import Any, NamedTuple

import numpy as np

from engine.errors import DataError
from engine.market.calendar import Dates
from engine.market.corporate import CorporateAction
from engine.market.sources.delivery import DailyBars
from engine.market.sources.remote.crosscheck import differences
from engine.market.sources.remote.failure import Trouble, VendorError
from engine.market.sources.remote.fall_back import FallBack
from engine.market.store.files import StoreError
from engine.market.store.intake import UselessDelivery, stored_bars, take_bars
from engine.market.store.reasons import Reason
from engine.market.store.rows import newest_code, records
from engine.market.store.schema import TERMS, Kind, Spell
from engine.market.store.sync.context import Context, sessions_by_name
from engine.market.store.sync.journal import Asked
from engine.market.store.sync.plan import Halt, Span
from engine.market.store.sync.references import Actions, with_references
from engine.market.store.sync.session import WholeSession

#: stored sessions before the first wanted one that are looked at: longer than any holiday
_BEFORE = timedelta(days=60)
_CHECKED_SESSIONS = 20
#: a vendor that tells valuation ratios tells this one
_RATIO = "pe_ttm"
#: reasons for which another vendor's bar would be set aside just the same
_HOPELESS = frozenset({Reason.OFF_CALENDAR, Reason.UNFINISHED, Reason.DIFFERS})


class _Came(NamedTuple):
    """Who has delivered bars of a name last, and the days of the first and last of them."""

    source: str
    first: date
    last: date


class BarSync:
    """The bars of some names.

    Parameters
    ----------
    ctx : Context
    names : sequence of str
    """

    def __init__(self, ctx: Context, names: Sequence[str]) -> None:
        self.ctx, self.names = ctx, list(names)
        self._actions = _actions(ctx, self.names)
        self._factors = _factors(ctx, self.names)
        self._delivered: dict[str, _Came] = {}
        #: questions to which every vendor answered with nothing
        self._unknown: list[Asked] = []
        #: names whose bar of the last complete session was asked for
        self._awaited: list[str] = []

    def planned(self) -> Iterator[tuple[str, list[Span]]]:
        """Every name with what is to be asked about it."""
        ctx = self.ctx
        rows = ctx.writer.rows(
            Kind.BARS, symbols=self.names, first=ctx.since - _BEFORE, columns=("symbol", "session")
        )
        have, halts = sessions_by_name(rows, self.names), _halts(ctx)
        stocks = {row["symbol"]: row for row in records(ctx.writer.rows(Kind.INSTRUMENTS))}
        for name in self.names:
            stock = stocks.get(name, {})
            listed, gone = stock.get("list_date"), stock.get("delist_date")
            first = ctx.since if listed is None else max(ctx.since, listed)
            last = ctx.due if gone is None else min(ctx.due, gone - timedelta(days=1))
            yield name, ctx.plan(Kind.BARS, name, have[name], first, last, halts.get(name, ()))

    def run(self) -> None:
        """Ask for whatever is missing."""
        ctx = self.ctx
        ctx.report.names = len(self.names)
        planned = [(name, spans) for name, spans in self.planned() if spans]
        done = len(self.names) - len(planned)
        ctx.report.asked = len(planned)
        whole = WholeSession(ctx, self._factor)
        while planned:
            came, source = whole.take(planned)
            for name in came:
                self._delivered[name] = _Came(source, ctx.due, ctx.due)
            self._awaited += came
            part = [(name, spans) for name, spans in planned if name not in came]
            # what was not there yet may be there after some more names
            part, planned = part[: whole.many], part[whole.many :]
            done += len(came)
            for name, spans in part:
                ctx.progress("bars", done, len(self.names))
                for span in spans:
                    self._ask(name, span)
                if ctx.intake.full():
                    ctx.intake.store()
                done += 1
        for question in self._unknown:
            if self._delivered:
                ctx.intake.note(question)
                continue
            # vendors that have nothing of anybody tell nothing of the names: some hide a ban like this
            between = f"between {question.first} and {question.last}"
            ctx.report.gaps[question.about] = (
                f"{question.about}: no vendor has a bar {between}, nor of any other name; check the symbols, "
                "and repeat the command later"
            )
        ctx.intake.store()
        ctx.progress("bars", len(self.names), len(self.names))
        there = set(ctx.writer.coverage(self.names, ctx.due, ctx.due).symbols)
        ctx.report.awaited = len(self._awaited)
        late = [name for name in self._awaited if name not in there]
        ctx.report.late += late
        if late:
            seen = set(ctx.writer.coverage(late).symbols)
            ctx.report.strangers += [name for name in late if name not in seen]

    def check(self, checkers: FallBack, names: int, random: Random) -> None:
        """Ask a second vendor for some sessions of some of the names that have got bars."""
        ctx, able = self.ctx, sorted(self._delivered)
        for name in random.sample(able, min(names, len(able))):
            came = self._delivered[name]
            kept = stored_bars(ctx.writer, np.array([name], dtype=np.str_), came.first)
            kept = kept.take(kept.session <= np.datetime64(came.last, "D"))
            if not len(kept):
                continue
            kept = with_references(kept, self._actions.get(name, ()), known=1.0)
            start = random.randrange(max(1, len(kept) - _CHECKED_SESSIONS + 1))
            kept = kept.take(np.arange(start, min(start + _CHECKED_SESSIONS, len(kept))))
            days = kept.session[0].astype(object), kept.session[-1].astype(object)
            others = checkers.beside(came.source)
            try:
                for other in others.daily_bars([ctx.code(name)], *days):
                    count, found = differences(kept, other, kept_from=came.source, other_from=others.answered)
                    ctx.report.checked += count
                    ctx.report.differences += found
            except VendorError:
                continue  # told already; nothing hangs on it

    def _ask(self, name: str, span: Span) -> None:
        """Ask for a span; what the first vendor tells wrong, or lacks, the next one is asked for."""
        ctx, vendors, asked, again = self.ctx, self.ctx.vendors, span, False
        useless, came = "", False
        while Kind.BARS in vendors.offers:
            try:
                bars, source = self._deliver(vendors, name, asked)
            except VendorError as problem:
                if problem.trouble is not Trouble.EMPTY and not again:
                    ctx.report.gaps[name] = str(problem)
                    return
                break
            except _Useless as problem:
                useless = str(problem)
                vendors = vendors.beside(problem.source)
                continue
            useless, came = "", True
            wrong = self._wrong(name, source, asked, bars)
            if again or not len(wrong):
                break
            # what came may be asked for along, and must then be known
            ctx.intake.store()
            vendors = vendors.beside(source)
            before = ctx.rules.calendar.before(wrong[0])
            start = wrong[0] if before is None else before
            asked, again = Span(start.astype(object), wrong[-1].astype(object), wrong), True
        if useless:
            ctx.report.gaps[name] = useless
            return
        question = Asked(Kind.BARS, name, span.first, span.last, ctx.due)
        if came:
            ctx.intake.note(question)
        else:
            self._unknown.append(question)
        if span.wanted[-1] == np.datetime64(ctx.due, "D"):
            self._awaited.append(name)

    def _deliver(self, vendors: FallBack, name: str, span: Span) -> tuple[DailyBars, str]:
        """Take what the first vendor with an answer delivers."""
        ctx = self.ctx
        bars = next(vendors.daily_bars([ctx.code(name)], span.first, span.last))
        source = vendors.answered
        bars = with_references(bars, self._actions.get(name, ()), known=self._factor(name, span))
        try:
            taken = take_bars(ctx.writer, bars, source=source, rules=ctx.rules, changes=ctx.changes)
        except StoreError:
            raise
        except DataError as problem:
            what = problem.what if isinstance(problem, UselessDelivery) else str(problem)
            vendors.failed(source, name, f"{what}; nothing of it was stored")
            words = f"{source} [{name}]: {what}; nothing of it was stored: ask another vendor, or later"
            raise _Useless(source, words) from problem
        ctx.intake.keep(taken, source)
        if taken.added[Kind.BARS] and _RATIO not in bars.values and name not in ctx.report.plain:
            ctx.report.plain.append(name)
        if taken.quarantined:
            ctx.intake.store()  # so that it can be read which
        if len(bars):
            first, last = bars.session.min().astype(object), bars.session.max().astype(object)
            # of several vendors the first has told most
            self._delivered.setdefault(name, _Came(source, first, last))
        return bars, source

    def _wrong(self, name: str, source: str, span: Span, bars: DailyBars) -> Dates:
        """Wanted sessions that were set aside, and the newest one where it did not come."""
        newest = span.wanted[-1]
        if not len(bars):
            return np.array([newest])
        wrong = [
            row["session"]
            for row in records(self.ctx.writer.rows(Kind.QUARANTINE, symbols=[name]))
            if row["source"] == source and Reason(row["reason"]) not in _HOPELESS
        ]
        if newest == np.datetime64(self.ctx.due, "D") and bars.session.max() < newest:
            wrong.append(self.ctx.due)
        found = np.unique(np.array(wrong, dtype="datetime64[D]"))
        return found[np.isin(found, span.wanted)]

    def _factor(self, name: str, span: Span) -> float | None:
        """The stored factor on the session that a question begins with, if that one is stored."""
        known = [factor for day, factor in self._factors.get(name, ()) if day <= span.first]
        return known[-1] if known and span.wanted[0] > np.datetime64(span.first, "D") else None


class _Useless(DataError):  # noqa: N818 - says what it is
    """What a vendor has delivered cannot be taken."""

    def __init__(self, source: str, words: str) -> None:
        super().__init__(words)
        self.source = source


def _halts(ctx: Context) -> dict[str, list[Halt]]:
    out: dict[str, list[Halt]] = {}
    for row in records(ctx.writer.rows(Kind.SPELLS)):
        if row["kind"] == Spell.SUSPENSION:
            name = newest_code(row["symbol"], ctx.changes)
            out.setdefault(name, []).append((row["start"], row["end"]))
    return out


def _actions(ctx: Context, names: Sequence[str]) -> dict[str, Actions]:
    out: dict[str, list[tuple[date, CorporateAction]]] = {name: [] for name in names}
    for row in records(ctx.writer.rows(Kind.ACTIONS)):
        name = newest_code(row["symbol"], ctx.changes)
        if name in out:
            cash, bonus, rights, price = (float(row[term] or 0.0) for term in TERMS)
            out[name].append((row["ex_date"], CorporateAction(cash, bonus, rights, price)))
    return {name: sorted(found, key=lambda pair: pair[0]) for name, found in out.items()}


def _factors(ctx: Context, names: Sequence[str]) -> dict[str, list[tuple[date, float]]]:
    rows: list[dict[str, Any]] = records(ctx.writer.rows(Kind.FACTORS, symbols=names))
    out: dict[str, list[tuple[date, float]]] = {}
    for row in rows:
        out.setdefault(row["symbol"], []).append((row["session"], row["adj_factor"]))
    return {name: sorted(steps) for name, steps in out.items()}
