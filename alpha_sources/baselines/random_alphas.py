"""`RandomAlphas`: formulas nobody chose. What many of them earn is what chance earns, in this very market."""

from __future__ import annotations

from datetime import date
from enum import StrEnum
from typing import Annotated

import numpy as np
from pydantic import Field

from alpha_sources.baselines.candidates import Candidate, Proving
from alpha_sources.baselines.features import BEFORE
from alpha_sources.baselines.formula_baseline import FormulaBaseline
from alpha_sources.baselines.grammar import MOST_LOOKBACK, Grammar
from alpha_sources.baselines.settings import LearningSettings
from alpha_sources.snapshot import Snapshot
from engine.errors import ProviderError
from engine.market.view import MarketView

#: drawn at first for each formula that scores: some of them say nothing
_SPARE = 2
#: times as many are drawn again before a market is given up
_ROUNDS = 5


class Sign(StrEnum):
    """Which way a formula is used."""

    IC = "ic"  # as it would have paid on the sessions learned from
    RANDOM = "random"  # a coin is tossed


class RandomSettings(LearningSettings):
    """The parameters of `RandomAlphas`, where each is explained."""

    count: Annotated[int, Field(ge=1, le=1000)] = 10
    depth: Annotated[int, Field(ge=1, le=8)] = 3
    sign: Sign = Sign.IC


class RandomAlphas(FormulaBaseline):
    """Formulas drawn at random from those that the language allows, with equal weights.

    The null: portfolios of many seeds show what a signal without any idea earns under the same rules and
    costs. At most a formula's sign is learned. A formula without values for most of the names is drawn anew.

    Parameters
    ----------
    horizon_sessions, start, window_sessions, min_sessions, shuffle_labels
        What signs are learned from; see `LearningSettings`.
    count : int
        Formulas that score.
    depth : int
        Operators above one another at most.
    sign : {"ic", "random"}
        By the mean rank IC on the sessions learned from, or by chance.
    seed : int
        Of everything that is drawn; the run's by default. The same seed draws the same formulas at every
        refresh, as long as they have values.

    Raises
    ------
    ConfigError
        If a parameter is not one of those allowed; the key is named.
    """

    _NAME = "random_alphas"

    def __init__(
        self,
        horizon_sessions: int = 1,
        start: date | None = None,
        window_sessions: int | None = None,
        min_sessions: int = 250,
        count: int = 10,
        depth: int = 3,
        sign: str = Sign.IC,
        shuffle_labels: int | None = None,
        seed: int = 0,
    ) -> None:
        self.settings = RandomSettings.read(locals())
        self.history = MOST_LOOKBACK + BEFORE

    def refresh(self, view: MarketView, previous: Snapshot | None) -> Snapshot:
        """Draw formulas.

        Raises
        ------
        ProviderError
            If there is too little to learn from, or too few formulas have values.
        """
        settings = self.settings
        proving = Proving(view, settings)
        random = np.random.default_rng(settings.seed)
        kept = self._drawn(Grammar.of(view), proving, random)
        heads = random.random(len(kept)) < 0.5
        downs = [
            (one.ic < 0 if settings.sign is Sign.IC else head) for one, head in zip(kept, heads, strict=True)
        ]
        return self._snapshot(view, proving, kept, [-1 if down else 1 for down in downs], previous)

    def _drawn(self, grammar: Grammar, proving: Proving, random: np.random.Generator) -> list[Candidate]:
        """Draw until enough of them have values."""
        count = self.settings.count
        kept: dict[str, Candidate] = {}
        for _ in range(_ROUNDS):
            drawn = grammar.formulas(random, _SPARE * count, self.settings.depth)
            fresh = (formula for formula in drawn if formula.canonical not in kept)
            for candidate in proving.tried_on(fresh):
                if not np.isnan(candidate.ic):
                    kept.setdefault(candidate.formula.canonical, candidate)
                if len(kept) == count:
                    return list(kept.values())
        raise ProviderError(
            f"only {len(kept)} of {proving.tried} random formulas have values for most of the names, and "
            f"{self._NAME} wants {count}; load more history or more fields"
        )
