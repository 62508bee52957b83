"""The signal: alphas times weights, strand by strand."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from alpha_sources.evaluation.regimes import RegimeRules
from alpha_sources.formula import Formula, parse
from alpha_sources.market_state import market_features
from alpha_sources.weights import Fitted
from alpha_sources.woven.alphas import PRICES, Loom, WovenAlpha
from alpha_sources.woven.fabric import Fabric, Strand
from alpha_sources.woven.settings import WovenSettings
from engine.market.view import MarketView

Array = NDArray[np.float64]


def index_of(view: MarketView, settings: WovenSettings) -> str | None:
    """The index that the market's state is read from."""
    if settings.index_symbol is not None:
        return settings.index_symbol
    known = view.index_symbols
    return next((s for s in ("000300.SH", "000016.SH", "000001.SH") if s in known), None)


def state_rows(view: MarketView, settings: WovenSettings, count: int) -> Array:
    """The market's state on the last `count` sessions, (count, M), from no more rows than that takes."""
    window = view.window(count + RegimeRules().history_sessions + 1)
    return market_features(window, index_of(view, settings))[-count:]


class Signal:
    """Scores of one fabric.

    Parameters
    ----------
    fabric : Fabric
    settings : WovenSettings
    """

    def __init__(self, fabric: Fabric, settings: WovenSettings) -> None:
        self.fabric = fabric
        self.settings = settings
        self._columns: dict[str, int] = {}
        formulas: list[Formula] = []
        wanted = [alpha.parsed for strand in fabric.strands for alpha in strand.alphas]
        if any(strand.fitted.price_names for strand in fabric.strands):
            wanted += [parse(text) for _, text in PRICES]
        for formula in wanted:
            if formula.key not in self._columns:
                self._columns[formula.key] = len(formulas)
                formulas.append(formula)
        self._loom = Loom(settings.treatment, formulas)
        self._unbounded = any(formula.unbounded for formula in formulas)
        # one more: returns that the market does not store are made of two closes
        self._reach = max(formula.lookback for formula in formulas) + 1

    def last(self, view: MarketView) -> Array:
        """Scores of the view's session, (N,), from the sessions that they look back on alone."""
        count = min(self.settings.decay_sessions, len(view))
        made = self._loom.rows(view, count)
        row: Array = self._decayed(view, made, self._states(view, count), count)[-1]
        return row

    def panel(self, view: MarketView, start: int) -> Array:
        """Scores of the rows `start` .. t, (t + 1 - start, N): each what `last` gives there."""
        first = max(0, start + 1 - self.settings.decay_sessions)
        count = len(view) - first
        # a recursion is started anew for every session, as in last()
        made = self._loom.rows(view, count) if self._unbounded else self._loom.panel(view, first)
        return self._decayed(view, made, self._states(view, count), len(view) - start)

    def parts(self, view: MarketView, rows: NDArray[np.int64]) -> tuple[Array, Array]:
        """Alphas and weights of the newest strand on some ascending rows of a view.

        Returns
        -------
        alphas : (R, N, A) float array
            As the model sees them, those that are inverted with their sign turned; unknown ones 0.
        weights : (R, A) float array
        """
        strand = self.fabric.strands[0]
        until, first = view.view(int(rows[-1])), int(rows[0])
        count = len(until) - first
        window = until.window(count + self._reach)
        made = self._loom.panel(window, len(window) - count)[rows - first]
        state = self._state_of(strand, until, count)[rows - first]
        return np.nan_to_num(self._alphas(strand, made)), strand.fitted.weights(state)

    def _states(self, view: MarketView, count: int) -> Array | None:
        needed = any(strand.fitted.sees_state for strand in self.fabric.strands)
        return state_rows(view, self.settings, count) if needed else None

    def _state_of(self, strand: Strand, view: MarketView, count: int) -> Array:
        if strand.fitted.sees_state:
            return state_rows(view, self.settings, count)
        return np.zeros((count, len(strand.fitted.state_names)))

    def _alphas(self, strand: Strand, made: Array) -> Array:
        picked = made[:, :, [self._columns[alpha.parsed.key] for alpha in strand.alphas]]
        return picked * signs(strand.alphas)

    def _decayed(self, view: MarketView, made: Array, states: Array | None, count: int) -> Array:
        """Mean of the strands, then of the sessions: linear, the newest counting most."""
        rows = len(made)
        scores = [self._of_strand(strand, made, states) for strand in self.fabric.strands]
        universe = view.universe[len(view) - rows :]
        woven = scores[0] if len(scores) == 1 else _mean([_standard(s, universe) for s in scores])
        reach = self.settings.decay_sessions
        if reach == 1:
            return woven[rows - count :]
        woven = _standard(woven, universe)
        total, weight = np.zeros((count, woven.shape[1])), np.zeros((count, woven.shape[1]))
        for lag in range(reach):
            for i in range(count):
                row = rows - count + i - lag
                if row >= 0:
                    known = np.isfinite(woven[row])
                    total[i] += (reach - lag) * np.where(known, woven[row], 0.0)
                    weight[i] += (reach - lag) * known
        with np.errstate(invalid="ignore"):
            smooth = total / weight
        smooth[np.isnan(woven[rows - count :])] = np.nan
        return smooth

    def _of_strand(self, strand: Strand, made: Array, states: Array | None) -> Array:
        fitted: Fitted = strand.fitted
        prices = None
        if fitted.price_names:
            prices = made[:, :, [self._columns[parse(text).key] for _, text in PRICES]]
        if states is None or not fitted.sees_state:
            states = np.zeros((len(made), len(fitted.state_names)))
        return fitted.scores(self._alphas(strand, made), states, prices)


def signs(alphas: tuple[WovenAlpha, ...]) -> Array:
    """-1 for alphas whose low values are good, else 1; (A,)."""
    return np.array([-1.0 if alpha.inverted else 1.0 for alpha in alphas])


def _standard(scores: Array, universe: NDArray[np.bool_]) -> Array:
    """Deviations from the mean of the session's members, so that strands of other scales can be added."""
    seen = np.where(universe, scores, np.nan)
    known = np.isfinite(seen)
    count = np.maximum(known.sum(axis=1, keepdims=True), 1)
    centred = seen - np.where(known, seen, 0.0).sum(axis=1, keepdims=True) / count
    spread = np.sqrt(np.where(known, centred**2, 0.0).sum(axis=1, keepdims=True) / count)
    with np.errstate(invalid="ignore", divide="ignore"):
        standard: Array = np.where(spread > 0, centred / spread, centred)
    return standard


def _mean(several: list[Array]) -> Array:
    """Mean of those that have an opinion."""
    stack = np.stack(several)
    known = np.isfinite(stack)
    with np.errstate(invalid="ignore"):
        mean: Array = np.where(known, stack, 0.0).sum(axis=0) / known.sum(axis=0)
    return mean
