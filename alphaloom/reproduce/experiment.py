"""`Experiment`: what is run, and its parts as jobs that know their place in the work folder."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from alphaloom.config import RunConfig
from alphaloom.reproduce.claims import CASES
from alphaloom.reproduce.methods import METHODS, NULL, Group, Method, chosen, settings_of, spans_of
from engine.broker.config import BrokerConfig, PlainFeesConfig
from engine.errors import ConfigError
from strategies.loading import uses_signal

SEEDS = 3
FULL_SEEDS = 10
SHUFFLES = 5
NULL_SIZE = 200
_FULL_RHYTHM = "month_end"
#: portfolios of the null that a worker takes at once
_CHUNK = 10


class Half(StrEnum):
    """The two spans of an experiment."""

    TRAIN = "train"
    TEST = "test"


@dataclass(frozen=True, slots=True)
class Variant:
    """Whether costs are charged, and whether the rules of trading hold.

    Costs are fees, slippage and the tax on dividends. Rules are whole lots and daily price limits. A
    suspension is neither: without a trade there is no price to fill at. T+1 never binds where decisions
    fall at closes and fills in the next session.
    """

    costs: bool
    rules: bool

    @property
    def key(self) -> str:
        """Such as ``costs-on_rules-off``."""
        return f"costs-{'on' if self.costs else 'off'}_rules-{'on' if self.rules else 'off'}"

    def broker(self, broker: BrokerConfig) -> BrokerConfig:
        """Return the terms of a broker under this variant; limits are the market's, see `unlimited`."""
        update: dict[str, object] = {}
        if not self.costs:
            free = PlainFeesConfig(buy=0.0, sell=0.0, minimum=0.0)
            update |= {"fees": free, "slippage_bps": 0.0, "dividend_tax": False}
        if not self.rules:
            update["lot"] = 1
        return broker.model_copy(update=update)


#: the one that counts comes first
VARIANTS: tuple[Variant, ...] = tuple(Variant(c, r) for c in (True, False) for r in (True, False))


@dataclass(frozen=True, slots=True)
class RowJob:
    """One method under one seed: its scores, and a portfolio for each variant.

    On shuffled labels `seed` is the number of the deal, from 0 on, and there is one portfolio, with costs
    and rules. Portfolios of the null are traded by the rules, with costs and without, which is what others
    are placed among.
    """

    method: Method
    seed: int
    shuffled: bool = False

    @property
    def variants(self) -> tuple[Variant, ...]:
        """Under which it is traded."""
        if self.shuffled:
            return VARIANTS[:1]
        if self.method.group is Group.NULL:
            return tuple(variant for variant in VARIANTS if variant.rules)
        return VARIANTS

    @property
    def part(self) -> str:
        """Which part of its line it is."""
        return f"shuffled labels {self.seed + 1}" if self.shuffled else f"seed {self.seed}"

    @property
    def line(self) -> str:
        """What it counts for in the progress."""
        return self.method.title

    @property
    def place(self) -> str:
        """Where its results are."""
        return f"rows/{self.method.key}/{'shuffled' if self.shuffled else 'seed'}-{self.seed}"

    def settings(self, base: RunConfig) -> RunConfig:
        """Return the configuration of the row, costs and rules on."""
        return settings_of(self.method, base, self.seed, shuffled=self.shuffled)


@dataclass(frozen=True, slots=True)
class NullJob:
    """Random portfolios `first` .. `last`, both inclusive."""

    first: int
    last: int

    @property
    def line(self) -> str:
        """What it counts for in the progress."""
        return "Random portfolios"

    @property
    def part(self) -> str:
        """Which part of its line it is."""
        return f"{self.first} to {self.last}"

    def rows(self) -> tuple[RowJob, ...]:
        """Return its portfolios as rows."""
        return tuple(RowJob(NULL, seed) for seed in range(self.first, self.last + 1))


@dataclass(frozen=True, slots=True)
class SittingJob:
    """One sitting of the committee, inside the training span.

    Parameters
    ----------
    day : str
        ISO date: it sits at the close of the last session up to then.
    since : str
        ISO date of the first session of its evidence.
    window : str
        Title of the paper's case that its evidence is limited to; empty for all evidence so far.
    """

    day: str
    since: str
    window: str = ""

    @property
    def line(self) -> str:
        """What it counts for in the progress."""
        return "Selections by regime"

    @property
    def part(self) -> str:
        """Which part of its line it is."""
        return self.window or self.day

    @property
    def place(self) -> str:
        """Where its record is."""
        return f"sittings/{self.window.replace(' ', '-') or 'every'}-{self.day}"


@dataclass(frozen=True, slots=True)
class ForesightJob:
    """Rank ICs of a library's formulas on a span."""

    library: str
    half: Half

    @property
    def line(self) -> str:
        """What it counts for in the progress."""
        return "Foresight of libraries"

    @property
    def part(self) -> str:
        """Which part of its line it is."""
        return f"{self.library} on {self.half}"

    @property
    def place(self) -> str:
        """Where its arrays are."""
        return f"foresight/{self.library}-{self.half}"


Job = RowJob | NullJob | SittingJob | ForesightJob

#: Judged for the second question; the last are drawn.
RANDOM_FORMULAS = "random_formulas"
LIBRARIES: tuple[str, ...] = (
    "paper_seeds",
    "paper_released",
    "alpha101",
    "gtja191",
    "alpha158",
    RANDOM_FORMULAS,
)


@dataclass(frozen=True)
class Experiment:
    """What is run.

    Parameters
    ----------
    base : RunConfig
        With spans; see `of`.
    methods : tuple of Method
    seeds : int
        Random seeds 0, 1, ... of every method that draws.
    null : int
        Random portfolios.
    shuffles : int
        Deals of shuffled labels for every method that learns.
    openings : int
        How often the configuration may open its test span; see `engine.spans.SpansConfig`.
    libraries : tuple of str
        Judged for the second question, out of `LIBRARIES`.
    """

    base: RunConfig
    methods: tuple[Method, ...]
    seeds: int
    null: int
    shuffles: int = SHUFFLES
    openings: int = 1
    libraries: tuple[str, ...] = LIBRARIES

    @classmethod
    def of(
        cls,
        base: RunConfig,
        *,
        methods: tuple[str, ...] | None = None,
        null: int = NULL_SIZE,
        full: bool = False,
        seeds: int | None = None,
        shuffles: int = SHUFFLES,
    ) -> Experiment:
        """Put an experiment together.

        Parameters
        ----------
        base : RunConfig
        methods : tuple of str or None
            All of them by default.
        null : int
            Random portfolios.
        full : bool
            Ten seeds and monthly learning instead of three and the configuration's rhythm.
        seeds : int or None
            Another number of seeds.
        shuffles : int
            Deals of shuffled labels.

        Raises
        ------
        ConfigError
            If the configuration names no spans, is none of the woven provider under a strategy that reads
            scores, or matches as Qlib does; if a method is unknown, or a number out of range.
        """
        spans = spans_of(base)
        if base.alpha.provider != METHODS[0].provider:
            raise ConfigError(
                f"alpha.provider is {base.alpha.provider}, and rows are made of the paper's method: leave it "
                f"at {METHODS[0].provider}; alphaloom backtest runs any other"
            )
        if not uses_signal(base.strategy.name, base.base):
            raise ConfigError(
                f"strategy.name: {base.strategy.name} reads no scores, so that all methods would be the same"
            )
        if base.broker.compat != "none":
            raise ConfigError("broker.compat: an experiment on house rules leaves it at none")
        if not 0 <= null <= 100_000:
            raise ConfigError(f"--null must be from 0 to 100000, not {null}")
        if full:
            base = base.model_copy(update={"alpha": base.alpha.model_copy(update={"refresh": _FULL_RHYTHM})})
        number = seeds if seeds is not None else FULL_SEEDS if full else SEEDS
        if not 1 <= number <= 1000:
            raise ConfigError(f"--seeds must be from 1 to 1000, not {number}")
        if not 0 <= shuffles <= 1000:
            raise ConfigError(f"--shuffles must be from 0 to 1000, not {shuffles}")
        # whoever allows one opening more has asked nothing else: the results are the same configuration's
        asked = base.model_copy(update={"spans": spans.model_copy(update={"openings": 1})})
        return cls(asked, chosen(methods), number, null, shuffles, spans.openings)

    def rows(self) -> Iterator[RowJob]:
        """Every method under every seed, then those that learn on every deal of shuffled labels."""
        for method in self.methods:
            for seed in range(self.seeds if method.draws else 1):
                yield RowJob(method, seed)
        for method in self.methods:
            if method.placebo is not None:
                for deal in range(self.shuffles):
                    yield RowJob(method, deal, shuffled=True)

    def nulls(self) -> Iterator[NullJob]:
        """The null in pieces."""
        for first in range(0, self.null, _CHUNK):
            yield NullJob(first, min(first + _CHUNK, self.null) - 1)

    def foresight(self, half: Half) -> Iterator[ForesightJob]:
        """Every library on one span."""
        for library in self.libraries:
            yield ForesightJob(library, half)

    def windows(self) -> Iterator[SittingJob]:
        """The paper's cases, as far as they lie inside the training span."""
        train = spans_of(self.base).train
        for case in CASES:
            if train.start <= case.start and case.end <= train.end:
                yield SittingJob(case.end.isoformat(), case.start.isoformat(), case.title)
