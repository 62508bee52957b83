"""`ProviderSignal`: what a strategy is handed; it refreshes, scores, checks and remembers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from alpha_sources.history import SignalHistory
from alpha_sources.provider import AlphaProvider
from alpha_sources.refresh import Recurrence, RefreshRule
from alpha_sources.refresh_store import RefreshStore
from alpha_sources.score_row import ScoreRowError, read_score_row
from alpha_sources.snapshot import Snapshot
from engine.errors import AlphaloomError, LookAheadError, ProviderError, StrategyError
from engine.market.calendar import iso
from engine.market.panel import MarketPanel
from engine.market.view import MarketView
from engine.plugins import describe

#: Largest copy of a panel that the audit makes.
_AUDIT_BYTES = 64 * 2**20


@dataclass(frozen=True, slots=True)
class Refresh:
    """That a refresh was due: at which session (ISO date), and the hash of the snapshot in force after it.

    `found` says that it was not learned in this run but in an earlier one.
    """

    session: str
    snapshot: str | None
    found: bool = False


class ProviderSignal:
    """The scores of one provider over one panel, session by session.

    Parameters
    ----------
    provider : AlphaProvider
        Where scores come from. Nothing it does to its arguments or keeps of its results reaches a caller.
    panel : MarketPanel
        The market; the provider is shown views only.
    rule : RefreshRule
        When to refresh. Counted from the first row asked for, and kept on the sessions between two rows
        asked for, so that what is learned does not depend on how often a strategy asks.
    name, params_hash : str
        What to call the provider in messages and snapshots, and the hash of its parameters.
    snapshot : Snapshot, optional
        Where to start from. With the rule ``never`` it stays in force, as in paper trading.
    store : RefreshStore, optional
        Where refreshes are looked up before they are made, and kept; only those of a provider with a
        fingerprint are.

    Attributes
    ----------
    snapshots : list of Snapshot
        Those that were in force, in order.
    refreshes : list of Refresh
        One record per session on which the rule was due.
    used : dict of int to (N,) float array
        Scores handed out, by row.
    notes : list of str
        What whoever reads the results must know.
    """

    def __init__(
        self,
        provider: AlphaProvider,
        panel: MarketPanel,
        rule: RefreshRule,
        name: str,
        params_hash: str,
        snapshot: Snapshot | None = None,
        store: RefreshStore | None = None,
    ) -> None:
        if snapshot is not None and snapshot.params_hash != params_hash:
            raise ProviderError(
                f"snapshot {snapshot.hash[:12]} was learned by {snapshot.provider or 'an unnamed provider'} "
                f"under other parameters than those of {name}; refresh anew or restore the parameters"
            )
        self.provider = provider
        self.rule = rule
        self.name = name
        self.params_hash = params_hash
        self.snapshots: list[Snapshot] = [] if snapshot is None else [snapshot]
        self.refreshes: list[Refresh] = []
        self.used: dict[int, NDArray[np.float64]] = {}
        self.notes: list[str] = []
        self._panel = panel
        self._store = store
        self._in_force: dict[int, Snapshot | None] = {}
        self._row: int | None = None
        self._last_due: int | None = None

    @property
    def snapshot(self) -> Snapshot | None:
        """The snapshot in force."""
        return self.snapshots[-1] if self.snapshots else None

    @property
    def begun(self) -> bool:
        """Whether scores have been asked for; schedules count from there."""
        return self._row is not None

    def scores_at(self, row: int) -> NDArray[np.float64]:
        """Scores at the close of a row of the panel; asked in ascending order of rows.

        Returns
        -------
        (N,) float array
            Read-only; NaN outside the universe of that session. Asking again gives the same array.

        Raises
        ------
        ProviderError
            If the provider raises, or returns anything but a row of finite or NaN numbers.
        StrategyError
            If an earlier row is asked for after a later one.
        """
        if row in self.used:
            return self.used[row]
        view = self._panel.view(row)
        if self._row is not None and row < self._row:
            later = iso(self._panel.view(self._row).session)
            raise StrategyError(f"scores of {iso(view.session)} were asked for after those of {later}")
        for passed in range(row if self._row is None else self._row + 1, row + 1):
            self._refresh_if_due(view if passed == row else self._panel.view(passed))
            self._row = passed
        snapshot = self.snapshot
        raw = self._call("scores", view, partial(self.provider.scores, view, snapshot))
        scores = np.where(self._panel.universe[row], self._checked(raw, view), np.nan)
        scores.flags.writeable = False
        self.used[row] = scores
        self._in_force[row] = snapshot
        return scores

    def advance(self, row: int) -> Refresh | None:
        """Refresh if that is due at a row, without scoring; what was due then, or None.

        Nothing is due before scores have been asked for once, since rules count from there.
        """
        if self._row is None or row <= self._row:
            return None
        before = len(self.refreshes)
        for passed in range(self._row + 1, row + 1):
            self._refresh_if_due(self._panel.view(passed))
            self._row = passed
        return self.refreshes[-1] if len(self.refreshes) > before else None

    def resume(self, row: int, last_due: int | None, snapshot: Snapshot | None) -> None:
        """Stand where another signal stood after a row: when it last refreshed, what was in force."""
        self._row, self._last_due = row, last_due
        self.snapshots = [] if snapshot is None else [snapshot]

    def hold(self, snapshot: Snapshot | None) -> None:
        """Put a snapshot in force; with a rule that never refreshes it stays."""
        self.snapshots = [] if snapshot is None else [snapshot]

    def frozen(self, snapshot: Snapshot | None) -> ProviderSignal:
        """Make a signal of the same provider that never refreshes, with `snapshot` in force."""
        never = RefreshRule(Recurrence.NEVER)
        return ProviderSignal(self.provider, self._panel, never, self.name, self.params_hash, snapshot)

    def history(self, last: int) -> SignalHistory:
        """What was scored so far, beside the market up to the row `last`."""
        rows = sorted(self.used)
        N = len(self._panel.symbols)
        return SignalHistory(
            view=self._panel.view(last),
            rows=np.array(rows, dtype=np.int64),
            scores=np.array([self.used[row] for row in rows]).reshape(len(rows), N),
            in_force=[self._in_force.get(row) for row in rows],
        )

    def audit(self) -> None:
        """Score a few sessions again on a real copy that ends there, and compare with what was used.

        Sessions are taken from the early part of the run, as far as copies of the panel stay small; who looks
        ahead does so on every session.

        Raises
        ------
        ProviderError
            If the scores differ: the provider reached past the view, or remembers between calls.
        """
        rows = sorted(self._in_force)
        a_row = sum(values[:1].nbytes for values in self._panel.fields.values())
        for row in sorted({rows[0], rows[len(rows) // 16], rows[len(rows) // 8]}) if rows else ():
            if row * a_row > _AUDIT_BYTES:
                continue
            view = self._panel.truncate(row).view(row)
            snapshot = self._in_force.get(row)
            raw = self._call("scores", view, partial(self.provider.scores, view, snapshot))
            again = np.where(view.universe[-1], self._checked(raw, view), np.nan)
            if not np.array_equal(again, self.used[row], equal_nan=True):
                raise self._error(
                    view,
                    "scores",
                    "they change when later sessions are deleted, or when they are asked for again: the "
                    "provider reaches past the view, remembers between calls, or draws without a seed",
                )

    def _refresh_if_due(self, view: MarketView) -> None:
        since = None if self._last_due is None else view.t - self._last_due
        if not self.rule.is_due(view.session, since, view.calendar):
            return
        previous = self.snapshot
        key = self._key(view, previous)
        found, new = (False, None) if key is None or self._store is None else self._store.find(key)
        if not found:
            new = self._learned(view, previous)
        notes = [] if new is None else self.provider.notes(new)
        if not found and not notes:
            self._keep(key, new)
        if new is not None:
            self.snapshots.append(new)
        self.notes.extend(notes)
        self._last_due = view.t
        in_force = None if self.snapshot is None else self.snapshot.hash
        self.refreshes.append(Refresh(iso(view.session), in_force, found))

    def _learned(self, view: MarketView, previous: Snapshot | None) -> Snapshot | None:
        """Let the provider learn; None where what was in force stays."""
        learned = self._call("refresh", view, lambda: self.provider.refresh(view, previous))
        if learned is not None and not isinstance(learned, Snapshot):
            raise self._error(view, "refresh", f"expected a Snapshot or None, got {type(learned).__name__}")
        if learned is None or learned == previous:
            return None
        return learned.stamped(
            provider=self.name,
            params_hash=self.params_hash,
            as_of=iso(view.session),
            parent=None if previous is None else previous.hash,
        )

    def _key(self, view: MarketView, previous: Snapshot | None) -> str | None:
        fingerprint = None if self._store is None else self.provider.fingerprint()
        if self._store is None or fingerprint is None:
            return None
        return self._store.key(self.name, self.params_hash, fingerprint, view, previous)

    def _keep(self, key: str | None, new: Snapshot | None) -> None:
        if key is None or self._store is None:
            return
        try:
            self._store.keep(key, new)
        except OSError as problem:
            self.notes.append(f"what was learned is not kept in {self._store.folder}: {problem.strerror}")
            self._store = None

    def _checked(self, raw: Any, view: MarketView) -> NDArray[np.float64]:
        try:
            return read_score_row(raw, view)
        except ScoreRowError as exc:
            raise self._error(view, "scores", str(exc)) from exc

    def _call(self, step: Literal["refresh", "scores"], view: MarketView, call: Callable[[], Any]) -> Any:
        try:
            return call()
        except LookAheadError as exc:
            raise ProviderError(f"provider {self.name} at {iso(view.session)} in {step}: {exc}") from exc
        except AlphaloomError as exc:
            exc.args = (f"provider {self.name} at {iso(view.session)} in {step}: {exc}",)
            raise
        except (Exception, SystemExit) as exc:
            raise ProviderError(
                f"provider {self.name} failed at {iso(view.session)} in {step}: {describe(exc)}{self._hint()}"
            ) from exc

    def _hint(self) -> str:
        learns = type(self.provider).refresh is not AlphaProvider.refresh
        if learns and self.snapshot is None and self.rule.recurrence is Recurrence.NEVER:
            return (
                "; it learns in refresh(), but alpha.refresh is never: set it to once, every N or month_end"
            )
        return ""

    def _error(self, view: MarketView, step: str, what: str) -> ProviderError:
        return ProviderError(f"provider {self.name} at {iso(view.session)} in {step}: {what}")
