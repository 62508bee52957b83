"""The provider under examination, and how it is asked: every answer is read with the same strictness."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from alpha_sources.conformance.findings import CheckFailedError, Fault
from alpha_sources.conformance.reading import WHOLE_MARKET, watching
from alpha_sources.conformance.renewal import renewed
from alpha_sources.conformance.rows import Array, read_row
from alpha_sources.provider import AlphaProvider
from alpha_sources.snapshot import Snapshot
from engine.errors import AlphaloomError, DataError
from engine.market.calendar import iso
from engine.market.panel import MarketPanel
from engine.market.view import MarketView
from engine.plugins import describe

#: told what is about to be asked of the provider, and the seconds it may take beyond the time limit
Watch = Callable[[str, float], None]

#: seconds for large libraries to be imported
_IMPORTING = 60.0
#: candidates looked at for sessions on which there are scores
_TRIES = 10


@dataclass(frozen=True, slots=True)
class Options:
    """How thoroughly to check.

    Parameters
    ----------
    sessions : int
        Sessions drawn at random, one from each of as many equal parts of the span.
    seed : int
        Of the draw, and of every noise.
    time_limit : float
        Seconds that any one call of the provider may take.
    first, last : int or None
        Rows between which sessions are drawn; those with members by default.
    """

    sessions: int = 8
    seed: int = 0
    time_limit: float = 60.0
    first: int | None = None
    last: int | None = None


def silent(what: str, allowance: float) -> None:
    """Watch nothing."""


@dataclass(eq=False)
class Subject:
    """A provider that can be made anew at will, the market it is asked about, and the sessions.

    Parameters
    ----------
    name : str
        What to call it; if empty, by its class.
    make : callable
        Makes a fresh instance.
    panel : MarketPanel
        The market.
    options : Options
        How thoroughly.
    watch : callable
        Told before every call of the provider.
    files : list of str
        What it read when its module was imported; see `reading`.
    lets_through : tuple of exception types
        What is not a provider's even where it is raised from one, such as Ctrl-C.

    Attributes
    ----------
    rows : tuple of int
        Rows of the panel that are scored, ascending.
    learns : bool
        Whether it overrides `refresh`.
    declared : object
        Its look-back as it says.
    history : int
        The same as a number of sessions.
    read : list of str
        `files`, and what it reads when something is asked of it for the first time.
    """

    name: str
    make: Callable[[], AlphaProvider]
    panel: MarketPanel
    options: Options = field(default_factory=Options)
    watch: Watch = silent
    files: Sequence[str] = ()
    lets_through: tuple[type[BaseException], ...] = (KeyboardInterrupt,)

    def __post_init__(self) -> None:
        self.read: list[str] = list(self.files)
        self._asked: set[str] = set()
        provider = self.fresh()
        self.name = self.name or type(provider).__name__
        self.learns = type(provider).refresh is not AlphaProvider.refresh
        self.vectorised = type(provider).scores_panel is not AlphaProvider.scores_panel
        self.declared = self._declared(provider)
        self.history = int(self.declared) if is_history(self.declared) else 0
        drawn, self._spare = self._draw()
        self.rows: tuple[int, ...] = tuple(drawn)
        self._snapshots: dict[int, Snapshot | None] = {}
        self._scores: dict[int, Array] = {}

    # -- asking

    def fresh(self) -> AlphaProvider:
        """Make an instance that has never been asked anything."""
        self.watch("making an instance", 0.0)
        try:
            with self._watched_once("make"):
                provider = self.make()
        except BaseException as exc:
            if isinstance(exc, (AlphaloomError, *self.lets_through)):
                raise  # it says itself what is wrong, or is not the provider's
            raise CheckFailedError(Fault.RAISES, f"it cannot be made: {describe(exc)}") from exc
        if not isinstance(provider, AlphaProvider):
            raise CheckFailedError(
                Fault.RAISES, f"a {type(provider).__name__} was made, which is no AlphaProvider"
            )
        return provider

    def renewed(self) -> AlphaProvider | None:
        """Make an instance whose module is run anew as well, or None if that cannot be had.

        Nothing that others keep there reaches it; see `renewal`. One that loads a market by itself is not
        worth it: that is found anyway.
        """
        if WHOLE_MARKET in self.read:
            return None
        provider = self.fresh()
        self.watch("importing it anew", _IMPORTING)
        with watching(self.read):
            return renewed(provider)

    def scores(self, provider: AlphaProvider, view: MarketView, snapshot: Snapshot | None) -> Array:
        """Ask for the scores of a session: (N,) floats, NaN for those who are no members."""
        row = read_row(self.raw(provider, view, snapshot), view)
        return np.where(view.universe[-1], row, np.nan)

    def raw(self, provider: AlphaProvider, view: MarketView, snapshot: Snapshot | None) -> Any:
        """Ask for the scores of a session: as they come."""
        return self._call("scores", view, lambda: provider.scores(view, snapshot))

    def scores_panel(
        self, provider: AlphaProvider, view: MarketView, snapshot: Snapshot | None, start: int
    ) -> Array:
        """Ask for the scores of the rows from `start` on, (rows, N); NaN for those who are no members."""
        raw = self._call("scores_panel", view, lambda: provider.scores_panel(view, snapshot, start))
        rows = np.asarray(raw)
        expected = (view.t + 1 - start, len(view.symbols))
        if rows.shape != expected or rows.dtype.kind not in "fiu":
            raise CheckFailedError(
                Fault.NOT_A_ROW,
                f"scores_panel from {iso(view.dates[start])} to {iso(view.session)} must give floats of "
                f"shape {expected}; it gives {rows.dtype} of shape {rows.shape}",
                iso(view.dates[start]),
            )
        known = np.where(view.universe[start:], rows.astype(np.float64), np.nan)
        if np.isinf(known).any():
            row, column = np.argwhere(np.isinf(known))[0]
            session, symbol = iso(view.dates[start + row]), str(view.symbols[column])
            raise CheckFailedError(
                Fault.INFINITE,
                f"scores_panel gives {symbol} {known[row, column]} at {session}; NaN is no opinion",
                session,
                symbol,
            )
        return known

    def refresh(
        self, provider: AlphaProvider, view: MarketView, previous: Snapshot | None
    ) -> Snapshot | None:
        """Let it learn; what is in force afterwards."""
        learned = self._call("refresh", view, lambda: provider.refresh(view, previous))
        if learned is None:
            return previous
        if not isinstance(learned, Snapshot):
            raise CheckFailedError(
                Fault.NOT_A_SNAPSHOT,
                f"refresh at {iso(view.session)} must give a Snapshot or None, not {type(learned).__name__}",
                iso(view.session),
            )
        return learned.stamped(
            provider=self.name,
            params_hash="",
            as_of=iso(view.session),
            parent=None if previous is None else previous.hash,
        )

    # -- what it says of the market as it is, on fresh instances

    @property
    def learning_rows(self) -> tuple[int, ...]:
        """Rows at which it is refreshed: the first, the middle and the last of those that are scored."""
        rows = self.rows
        return tuple(sorted({rows[0], rows[len(rows) // 2], rows[-1]})) if self.learns else ()

    def before(self, row: int) -> Snapshot | None:
        """Return the snapshot in force when the refresh at a learning row begins."""
        earlier = [learning for learning in self.learning_rows if learning < row]
        return self.snapshot(earlier[-1]) if earlier else None

    def snapshot(self, row: int) -> Snapshot | None:
        """Return the snapshot in force at a row: that of the last learning row up to it."""
        due = [learning for learning in self.learning_rows if learning <= row]
        if not due:
            return None
        if due[-1] not in self._snapshots:
            previous = self.before(due[-1])
            self._snapshots[due[-1]] = self.refresh(self.fresh(), self.panel.view(due[-1]), previous)
        return self._snapshots[due[-1]]

    def honest(self, row: int) -> Array:
        """Return the scores of a row by a fresh instance under the snapshot in force."""
        if row not in self._scores:
            self._scores[row] = self.scores(self.fresh(), self.panel.view(row), self.snapshot(row))
        return self._scores[row]

    def prefer_scored_rows(self) -> None:
        """Exchange sessions without any score for others, as far as they are found quickly."""
        if self.learns:
            return
        scored = [row for row in self.rows if np.isfinite(self.honest(row)).any()]
        wanted = len(self.rows)
        for row in self._spare[: _TRIES * wanted]:
            if len(scored) == wanted:
                break
            if np.isfinite(self.honest(row)).any():
                scored.append(row)
        if scored:
            self.rows = tuple(sorted(scored))

    def session(self, row: int) -> str:
        """Return the ISO date of a row."""
        return iso(self.panel.dates[row])

    def _declared(self, provider: AlphaProvider) -> Any:
        try:
            return provider.history
        except self.lets_through:
            raise
        except BaseException as exc:
            raise CheckFailedError(Fault.RAISES, f"history raises {describe(exc)}") from exc

    def _draw(self) -> tuple[list[int], list[int]]:
        """Draw one session from each of as many equal parts of the span; and the others, in any order."""
        rows, random = self._candidates(), np.random.default_rng(self.options.seed)
        parts = np.array_split(rows, min(self.options.sessions, len(rows)))
        drawn = [int(random.choice(part)) for part in parts]
        return drawn, [int(row) for row in random.permutation(rows) if row not in drawn]

    def _candidates(self) -> NDArray[np.int_]:
        members: NDArray[np.bool_] = np.asarray(self.panel.universe.any(axis=1))
        rows = np.flatnonzero(members)
        first, last = self.options.first, self.options.last
        rows = rows[(rows >= (first or 0)) & (rows <= (len(members) if last is None else last))]
        if not len(rows):
            raise DataError(
                "there is no session with members to check on; is data.universe or span what you mean?"
            )
        end = len(members) - 1
        # the look-back should be there, and a future to look into
        for lowest, highest in ((self.history, end), (0, end - 1)):
            kept = rows[(rows >= lowest) & (rows <= highest)]
            if len(kept) >= min(self.options.sessions, max(1, len(rows) // 2)):
                rows = kept
        return rows

    @contextmanager
    def _watched_once(self, step: str) -> Iterator[None]:
        """Look at what is read when something is asked for the first time: later it may be in a cache."""
        if step in self._asked:
            yield
            return
        self._asked.add(step)
        with watching(self.read):
            yield

    def _call(self, step: str, view: MarketView, call: Callable[[], Any]) -> Any:
        session = iso(view.session)
        self.watch(f"{step} at {session}", 0.0)
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # changed markets make numpy complain for nothing
                with self._watched_once(step):
                    return call()
        except BaseException as exc:
            if isinstance(exc, (CheckFailedError, *self.lets_through)):
                raise
            raise CheckFailedError(
                Fault.RAISES, f"{step} at {session} raises {describe(exc)}", session
            ) from exc


def is_history(declared: Any) -> bool:
    """Whether a look-back is a number of sessions."""
    return isinstance(declared, int | np.integer) and not isinstance(declared, bool) and bool(declared >= 0)
