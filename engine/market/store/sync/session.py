"""The last session of many names by one question, where nothing but it is missing of them."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from datetime import timedelta

import numpy as np

from engine.errors import DataError
from engine.market.sources.remote.failure import Trouble, VendorError
from engine.market.store.files import StoreError
from engine.market.store.intake import UselessDelivery, stored_bars, take_bars
from engine.market.store.rows import with_newest_codes
from engine.market.store.sync.context import Context
from engine.market.store.sync.plan import Span
from engine.market.store.sync.references import with_factors

#: below this, names cost little by themselves, and come from the first vendor
MANY = 100
#: longer than any holiday
_BEFORE = timedelta(days=60)

Plan = tuple[str, list[Span]]


class WholeSession:
    """Asks for the last complete session of all names at once, as long as that may be of use.

    Parameters
    ----------
    ctx : Context
    factor : callable
        Returns the stored factor of a name on the session that a question begins with, or None.

    Attributes
    ----------
    many : int
        So many names are worth a question for all of them, and another one after so many single questions.
    """

    def __init__(self, ctx: Context, factor: Callable[[str, Span], float | None]) -> None:
        self.ctx, self._factor, self.many = ctx, factor, MANY
        self._given_up = False

    def take(self, planned: Sequence[Plan]) -> tuple[Collection[str], str]:
        """Take the last session of those names of which nothing else is missing.

        Names that did not come, or whose bars were set aside, are to be asked for by themselves.

        Returns
        -------
        names : set of str
            Those whose bar is stored now.
        source : str
            Who told them.
        """
        ctx, due = self.ctx, np.datetime64(self.ctx.due, "D")
        only = {name: spans[0] for name, spans in planned if _is_only(spans, due)}
        if len(only) < self.many or self._given_up or not ctx.vendors.tells_whole_sessions():
            return set(), ""
        about = f"all bars of {ctx.due}"
        ctx.progress(about, 0, 1)
        try:
            bars = ctx.vendors.session_bars([ctx.code(name) for name in only], ctx.due)
        except VendorError as problem:
            self._given_up = problem.trouble is not Trouble.EMPTY
            if not self._given_up:
                ctx.vendors.tell_once(
                    f"no vendor has {about} in one answer yet: names are asked for one by one meanwhile"
                )
            return set(), ""
        source = ctx.vendors.answered
        told = (bars.number("preclose") > 0.0) & (bars.values["close"] > 0.0)
        bars = with_newest_codes(bars.take(told), ctx.changes)
        known = {
            name: factor for name, span in only.items() if (factor := self._factor(name, span)) is not None
        }
        if known:
            bars = with_factors(bars, stored_bars(ctx.writer, bars.symbols, ctx.due - _BEFORE), known)
        try:
            taken = take_bars(ctx.writer, bars, source=source, rules=ctx.rules, changes=ctx.changes)
        except StoreError:
            raise
        except DataError as problem:
            what = problem.what if isinstance(problem, UselessDelivery) else str(problem)
            self._given_up = True
            ctx.vendors.failed(source, about, f"{what}; nothing of it was stored")
            return set(), ""
        ctx.intake.keep(taken, source)
        ctx.intake.store()
        there = ctx.writer.coverage(list(only), ctx.due, ctx.due).symbols
        # who is left out now would be left out again
        self._given_up = True
        return set(there), source


def _is_only(spans: Sequence[Span], due: np.datetime64) -> bool:
    """Whether the last session is all that is missing, and the one before it is there to tie it to."""
    if len(spans) != 1 or len(spans[0].wanted) != 1:
        return False
    return bool(spans[0].wanted[0] == due and np.datetime64(spans[0].first, "D") < due)
