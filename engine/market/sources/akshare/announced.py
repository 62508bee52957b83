"""Corporate actions found cheaply, then completed where they are: pay dates and rights."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import date, timedelta
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa

from engine.market.sources.akshare.actions import CninfoActions, EastmoneyActions, periods_asked
from engine.market.sources.answers import Answer, plain_days
from engine.market.sources.remote.caller import Caller
from engine.market.sources.remote.failure import VendorError
from engine.market.sources.source import KnownActions
from engine.market.sources.vendor import VendorSource
from engine.market.store.rows import records
from engine.market.store.schema import Kind

RIGHTS_ISSUES = (
    "股票代码", "股票简称", "配售代码", "配股数量", "配股比例", "配股价", "最新价", "配股前总股本",
    "配股后总股本", "股权登记日", "缴款起始日期", "缴款截止日期", "上市日",
)  # fmt: skip
_CENTRE = "datacenter-web.eastmoney.com"
#: requests that one period costs, on average, and one name
_A_PERIOD, _A_NAME = 5, 2
#: names that are asked for one by one where Eastmoney does not tell what has changed
_FEW_ENOUGH = 500
#: names that cninfo fails for, after which it is left alone
_ENOUGH = 3
#: days from the record day of rights to their ex-date, at most
_SUBSCRIBING = timedelta(days=40)


#: days after an ex-date on which a pay date may still become known; CNY or shares per share
_PAID_WITHIN, _SAME_TERMS = timedelta(days=10), 1e-4


class _Found(NamedTuple):
    """What Eastmoney tells of a stock, and whether it may have rights, whose ex-dates are not told."""

    dividends: Any
    rights: bool = False


_NOTHING = _Found(None)


def record_days(answer: Answer) -> dict[str, list[date]]:
    """Read ``stock_pg_em``: the record days of rights issues, by stock."""
    answer.has_exactly(RIGHTS_ISSUES)
    symbols, kept = answer.stocks("股票代码")
    out: dict[str, list[date]] = {}
    days = plain_days(answer.days("股权登记日", blank=True))
    for symbol, day, keep in zip(symbols, days, kept, strict=True):
        if keep and day is not None:
            out.setdefault(symbol, []).append(day)
    return out


class AnnouncedActions(VendorSource):
    """Dividends, bonus shares and rights, with pay dates, by the fewest requests.

    Of many names, Eastmoney's tables tell by period who went ex, and its list of rights issues who may have;
    only these are asked for at cninfo, name by name. Few names are asked for there at once, and many where
    Eastmoney fails. Where cninfo fails, Eastmoney's terms stand, without pay dates; where there may be rights
    besides, that is an error in the end.

    Parameters
    ----------
    call : Caller
    today : callable
        Today's day in Shanghai.
    """

    name = "akshare/actions"
    hosts = EastmoneyActions.hosts | CninfoActions.hosts
    offers = frozenset({Kind.ACTIONS})
    deadline_s = 180.0

    def __init__(self, call: Caller, *, today: Callable[[], date]) -> None:
        super().__init__(call)
        self._today = today
        self._by_period, self._by_name = EastmoneyActions(call, today=today), CninfoActions(call)

    def actions(
        self, symbols: Sequence[str], first: date | None = None, last: date | None = None
    ) -> Iterator[Any]:
        """Actions of the named stocks (of all, if none is named), one table a name."""
        return self.new_actions(symbols, first, last, {})

    def new_actions(
        self, symbols: Sequence[str], first: date | None, last: date | None, known: KnownActions
    ) -> Iterator[Any]:
        """The same; of many names, those whose terms are known as Eastmoney tells them are left out.

        A pay date that is not known is asked for until some days after the ex-date.
        """
        names, told = list(symbols), dict[str, _Found]()
        periods = periods_asked(first, last, self._today())
        if not symbols or len(symbols) * _A_NAME > len(periods) * _A_PERIOD:
            try:
                told = self._told(symbols, first, last)
                names = sorted(name for name, found in told.items() if self._is_news(found, known))
            except VendorError:
                # a daily step asks for what has changed, and is no reason to ask thousands of times
                if not symbols or (known and len(symbols) > _FEW_ENOUGH):
                    raise
        failed: list[str] = []
        problem: VendorError | None = None
        for symbol in names:
            try:
                if len(failed) < _ENOUGH:
                    yield from self._by_name.actions([symbol], first, last)
                    continue
            except VendorError as found:
                problem = found
            failed.append(symbol)
        if problem is not None:
            yield from self._instead(failed, told, first, last, problem)

    def _is_news(self, found: _Found, known: KnownActions) -> bool:
        if found.rights or found.dividends is None:
            return True
        for row in records(found.dividends):
            have = known.get((row["symbol"], row["ex_date"]))
            if have is None:
                return True
            apart = (
                abs(have.cash_per_share - row["cash_per_share"]),
                abs(have.bonus_ratio - row["bonus_ratio"]),
            )
            awaited = have.pay_date is None and row["ex_date"] > self._today() - _PAID_WITHIN
            if awaited or max(apart) > _SAME_TERMS:
                return True
        return False

    def _instead(
        self,
        failed: Sequence[str],
        told: dict[str, _Found],
        first: date | None,
        last: date | None,
        problem: VendorError,
    ) -> Iterator[Any]:
        """Eastmoney's terms of names that cninfo did not tell of."""
        if not told:
            try:
                told = self._told(failed, first, last)
            except VendorError:
                raise problem from None
        yield from (table for symbol in failed if (table := told.get(symbol, _NOTHING).dividends) is not None)
        if any(told.get(symbol, _NOTHING).rights for symbol in failed):
            # whose rights nobody else tells, and without which a price would seem to fall
            raise problem

    def _told(self, symbols: Sequence[str], first: date | None, last: date | None) -> dict[str, _Found]:
        """What Eastmoney tells of stocks that have, or may have, actions."""
        wanted, out = set(symbols), dict[str, _Found]()
        for table in self._by_period.actions(symbols, first, last):
            names = np.array([row["symbol"] for row in records(table)])
            for symbol in np.unique(names).tolist():
                before = out.get(symbol, _NOTHING).dividends
                rows = table.take(np.flatnonzero(names == symbol))
                out[symbol] = _Found(rows if before is None else pa.concat_tables([before, rows]))
        issues = self.ask("eastmoney_rights", _CENTRE, "rights issues", may_be_empty=True)
        if len(issues):
            begin = None if first is None else first - _SUBSCRIBING
            for symbol, days in record_days(issues).items():
                near = any((begin is None or d >= begin) and (last is None or d <= last) for d in days)
                if near and (not wanted or symbol in wanted):
                    out[symbol] = _Found(out.get(symbol, _NOTHING).dividends, rights=True)
        return out
