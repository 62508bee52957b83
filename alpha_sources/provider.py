"""`AlphaProvider`: the one contract between whatever has an opinion on stocks and the engine."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from engine.market.view import MarketView

if TYPE_CHECKING:
    from alpha_sources.history import SignalHistory
    from alpha_sources.honesty import Provenance
    from alpha_sources.llm.costs import Costs
    from alpha_sources.snapshot import Snapshot
    from engine.report.section import Section


class AlphaProvider(ABC):
    """Scores every stock at the close of a session.

    Only `scores` must be written::

        class LowTurnover(AlphaProvider):
            def __init__(self, sessions: int = 20) -> None:
                self.sessions = self.history = sessions

            def scores(self, view, snapshot):
                return -view.field("turnover")[-self.sessions :].mean(axis=0)

    and named in a configuration as ``alpha: {provider: my_alpha.py:LowTurnover, params: {sessions: 10}}``.

    Notes
    -----
    The instance holds parameters (the keyword arguments of its constructor; one annotated ``Path`` is taken
    relative to the configuration file) and caches of things outside the market at most. Whatever it learns
    from the market goes into the `Snapshot` that `refresh` returns: from the snapshot and a view alone,
    `scores` must give the same numbers in another process, a month later. It must therefore not remember
    anything between two calls.
    """

    #: look-back: how many sessions before the one being scored `scores` needs
    history: int = 0

    def refresh(self, view: MarketView, previous: Snapshot | None) -> Snapshot | None:
        """Learn, slowly, from everything known at the view's session.

        Called at the sessions that ``alpha.refresh`` names, before `scores` of the same session.

        Parameters
        ----------
        view : MarketView
            The market up to and including the session; nothing later can be reached from it.
        previous : Snapshot or None
            What the last refresh gave; None at the first.

        Returns
        -------
        Snapshot or None
            ``Snapshot(payload={...}, arrays={...})``; who made it, when, and from which parent is filled in
            by the caller. None keeps `previous`, which is all that a provider with nothing to learn does.
        """
        return None

    @abstractmethod
    def scores(self, view: MarketView, snapshot: Snapshot | None) -> NDArray[Any]:
        """Score every symbol at the close of the view's session.

        Parameters
        ----------
        view : MarketView
            The market up to and including the session.
        snapshot : Snapshot or None
            What the last refresh gave, read-only.

        Returns
        -------
        (N,) float array
            In the order of ``view.symbols``. Higher is better; only the order counts. NaN is no opinion;
            ±inf is refused. Scores outside the universe are ignored.
        """

    def scores_panel(self, view: MarketView, snapshot: Snapshot | None, start: int) -> NDArray[np.float64]:
        """Scores of the rows `start` .. ``view.t`` under one snapshot; override it to do many at once.

        Row i must equal ``scores(view.view(start + i), snapshot)``, and so know nothing of later rows.

        Returns
        -------
        (view.t + 1 - start, N) float array
        """
        rows = range(start, view.t + 1)
        out = np.full((len(rows), len(view.symbols)), np.nan)
        for i, row in enumerate(rows):
            out[i] = self.scores(view.view(row), snapshot)
        return out

    def fingerprint(self) -> str | None:
        """What `refresh` depends on besides the view, the previous snapshot and the parameters.

        Returns
        -------
        str or None
            Such as a version and the hash of every file that is read; its change makes what was learned
            before worthless. With None, the default, nothing learned is kept from one run to the next.
        """
        return None

    def notes(self, snapshot: Snapshot) -> list[str]:
        """What a reader must know of one refresh, a sentence each: that it failed, and what was kept.

        A refresh that leaves a note is not kept from one run to the next: the next one tries again.
        """
        return []

    def provenance(self) -> Provenance | None:
        """What is known besides the market: seeds, language models, and whether these saw masked text.

        From it follow the labels ``contaminated``, ``masked`` and ``clean`` of a run. None, the default, is
        that nothing is said, and a run then bears none of them.
        """
        return None

    def costs(self) -> Costs | None:
        """What language models have cost since the instance was made; None where none is ever asked.

        ``Door.costs()`` gives it. It goes to ``run.json``, the report and the terminal, never into a result.
        """
        return None

    def close(self) -> None:
        """Let go of what was opened, such as a `Door`; called once, when a run that made it ends."""
        return

    def sections(self, snapshots: Sequence[Snapshot]) -> list[Section]:
        """Pages of the report on what was learned, from the snapshots of the run in order."""
        return []

    def study(self, history: SignalHistory) -> list[Section]:
        """Pages of the report that need the market of the run and what came of the scores."""
        return []
