"""`Genetic`: formulas found by genetic programming, as the literature's symbolic baselines are."""

from __future__ import annotations

from datetime import date
from typing import Annotated, ClassVar, Self

from pydantic import Field, model_validator

from alpha_sources.baselines.candidates import Proving
from alpha_sources.baselines.extras import require
from alpha_sources.baselines.features import BEFORE
from alpha_sources.baselines.formula_baseline import FormulaBaseline
from alpha_sources.baselines.grammar import MOST_LOOKBACK, Grammar
from alpha_sources.baselines.settings import LearningSettings, Penalty
from alpha_sources.snapshot import Snapshot
from engine.errors import ProviderError
from engine.market.calendar import iso
from engine.market.view import MarketView

#: candidates looked at for each formula that is kept
_LOOKED_AT = 20

Chance = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]


class GeneticSettings(LearningSettings):
    """The parameters of `Genetic`, where each is explained."""

    keep: Annotated[int, Field(ge=1, le=1000)] = 10
    population: Annotated[int, Field(ge=4, le=100_000)] = 120
    generations: Annotated[int, Field(ge=0, le=10_000)] = 8
    depth: Annotated[int, Field(ge=1, le=8)] = 4
    tournament: Annotated[int, Field(ge=1, le=1000)] = 5
    crossover: Chance = 0.6
    mutation: Chance = 0.4
    parsimony: Penalty = 2e-4
    elite: Annotated[int, Field(ge=0, le=1000)] = 5
    most_alike: Annotated[float, Field(gt=0, le=1, allow_inf_nan=False)] = 0.7

    @model_validator(mode="after")
    def _elite_is_a_part(self) -> Self:
        if self.elite >= self.population:
            raise ValueError(f"elite: {self.elite} trees of a population of {self.population} leave no other")
        return self


class Genetic(FormulaBaseline):
    """The best formulas that genetic programming finds, with equal weights.

    Each refresh evolves formulas of this language's operators, typed by what they are measured in. What
    counts is the size of the mean rank IC on the sessions learned from, less a price for every node. The best
    that are not much like one another score together, each with the sign of its IC. Needs
    ``pip install 'alphaloom[baselines]'``.

    Parameters
    ----------
    horizon_sessions, start, window_sessions, min_sessions, shuffle_labels
        What is learned from; see `LearningSettings`.
    keep : int
        Formulas that score.
    population, generations : int
        Trees at a time, and how often they are replaced after the first.
    depth : int
        Operators above one another at most.
    tournament : int
        Trees of which the best is a parent.
    crossover, mutation : float
        Chances that a pair exchanges parts, and that a tree is changed.
    parsimony : float
        What every node of a tree costs, in IC.
    elite : int
        Best trees that live on as they are.
    most_alike : float
        Size of the correlation of ranks above which only the better of two formulas is kept.
    seed : int
        Of everything that is drawn; the run's by default.

    Raises
    ------
    MissingExtraError
        If DEAP is not installed.
    ConfigError
        If a parameter is not one of those allowed; the key is named.
    """

    _NAME = "genetic"
    _LIBRARIES: ClassVar[tuple[str, ...]] = ("deap",)

    def __init__(
        self,
        horizon_sessions: int = 1,
        start: date | None = None,
        window_sessions: int | None = None,
        min_sessions: int = 250,
        keep: int = 10,
        population: int = 120,
        generations: int = 8,
        depth: int = 4,
        tournament: int = 5,
        crossover: float = 0.6,
        mutation: float = 0.4,
        parsimony: float = 2e-4,
        elite: int = 5,
        most_alike: float = 0.7,
        shuffle_labels: int | None = None,
        seed: int = 0,
    ) -> None:
        self.settings = GeneticSettings.read(locals())
        self.history = MOST_LOOKBACK + BEFORE
        require(self._NAME, "deap", "baselines")

    def refresh(self, view: MarketView, previous: Snapshot | None) -> Snapshot:
        """Evolve formulas.

        Raises
        ------
        ProviderError
            If there is too little to learn from, or no formula that says anything.
        """
        from alpha_sources.baselines.search import Budget, searched

        settings = self.settings
        proving = Proving(view, settings)
        budget = Budget(
            settings.population,
            settings.generations,
            settings.depth,
            settings.tournament,
            settings.crossover,
            settings.mutation,
            settings.parsimony,
            settings.elite,
        )
        found = searched(Grammar.of(view), proving, budget, settings.seed)
        kept = proving.distinct(found[: _LOOKED_AT * settings.keep], settings.keep, settings.most_alike)
        if not kept:
            raise ProviderError(
                f"none of {proving.tried} formulas has values for most of the names at {iso(view.session)}; "
                "load more history or more fields"
            )
        return self._snapshot(view, proving, kept, [-1 if one.ic < 0 else 1 for one in kept], previous)
