"""The ``agents`` settings: who judges, how much each counts, and what it takes to be kept."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Annotated, Any, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from engine.errors import ConfigError
from engine.field_errors import what_is_wrong
from engine.plugins import nearest

Share = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]
Coefficient = Annotated[float, Field(ge=-20, le=20, allow_inf_nan=False)]
Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,39}$")]


class Pick(StrEnum):
    """How many alphas of a category are kept."""

    BEST = "best"
    SEVERAL = "several"
    ALL_ABOVE = "all_above"


class Experts(StrEnum):
    """Where the weights of the agents come from."""

    #: from the settings
    FIXED = "fixed"
    #: from how well their past scores predicted what followed
    LEARNED = "learned"


class ModelFailure(StrEnum):
    """What to do when a language model cannot be asked at all: no network, no budget, not recorded."""

    STOP = "stop"
    RULES = "rules"


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class RiskProfile(_Part):
    """What one risk agent values: coefficients of its utility, see `risk.utility`.

    Parameters
    ----------
    gain : float
        Of the annual return after fees, beyond that of the whole universe.
    volatility : float
        Against annual volatility beyond the universe's.
    drawdown : float
        Against the deepest drawdown beyond the universe's.
    tail : float
        Against the annualised expected shortfall of the worst sessions beyond the universe's.
    cost : float
        Against what is paid in fees and slippage a year, which the return has already lost once.
    capacity : float
        Against the share of the capital that the names it holds could not take in.
    weight : float
        Of this agent among the risk agents; 0 leaves it out.
    """

    gain: Coefficient = 1.0
    volatility: Coefficient = 0.0
    drawdown: Coefficient = 0.0
    tail: Coefficient = 0.0
    cost: Coefficient = 0.0
    capacity: Coefficient = 1.0
    weight: Annotated[float, Field(ge=0, le=100, allow_inf_nan=False)] = 1.0


#: The three of the paper, which does not print their formula. Set so that each uses its whole range: a book
#: of a few names is some 4 points more volatile than its universe. No result of a choice was looked at.
PROFILES: dict[str, RiskProfile] = {
    "conservative": RiskProfile(gain=0.5, volatility=1.0, drawdown=0.4, tail=0.25, cost=0.25, capacity=2.0),
    "neutral": RiskProfile(gain=1.0, volatility=0.5, drawdown=0.2, tail=0.1, cost=0.25, capacity=1.0),
    "aggressive": RiskProfile(gain=1.5, capacity=0.5),
}


class CommitteeConfig(_Part):
    """How seeds are judged and chosen at a refresh.

    Parameters
    ----------
    least_sessions : int
        Sessions with a known universe that a refresh needs at least.
    least_alpha_sessions : int
        Sessions with a rank IC that an alpha needs to be judged.
    regime_conditional : bool
        Whether foresight is taken from sessions like today's, or from all.
    regime_sessions : int
        Realised sessions that a regime needs; with fewer its trend is taken, then the whole span.
    index_symbol : str or None
        The index that regimes are read from; by default the first that the market carries of 000300.SH,
        000016.SH and 000001.SH.
    quantiles, min_names : int
        Of the judge: an alpha's own portfolio holds the highest of so many buckets.
    commission, slippage_bps : float
        Of that portfolio, a side.
    confidence_weight : float
        Of theta in the score; rho has the rest.
    profiles : mapping of name to RiskProfile
        Risk agents besides the conservative, neutral and aggressive one; the same name replaces it.
    profile : str or None
        Take rho from this risk agent alone.
    utility_scale : float
        Utility, a year, that moves rho from 0.5 to 0.73.
    capital_cny, participation : float
        The money that an alpha's portfolio would hold, and the share of a name's daily amount it may trade.
    experts : {"fixed", "learned"}
        Whether agents are weighted by how well their past scores predicted.
    learning_rate : float
        Of those weights.
    threshold : float
        The score that an alpha must reach.
    threshold_quantile : float or None
        Take as threshold this quantile of the scores instead.
    pick : {"best", "several", "all_above"}
        Per category.
    per_category : int
        How many are several.
    most : int or None
        Alphas kept at most.
    least_categories : int
        Categories that are filled up, with their best alpha, where fewer have one above the threshold.
    fallback_count : int
        Alphas kept by their ICIR where none reaches the threshold.
    allow_inverted : bool
        Whether an alpha that foresees the opposite may be used with the other sign.
    duplicate_correlation, duplicate_ic_correlation : float
        Mean rank correlation of values, and correlation of daily ICs, from which an alpha repeats another.
    bound : float
        How far a language model may move a score.
    debate : bool
        Whether agents hear each other and speak again.
    most_calls : int
        Replies of language models that a refresh may take in all: one to score the brief's texts, one to
        each question of the agents, in both rounds of a debate, and with what is left answers are sent back
        to be repaired. At least 2, with a debate 3. Requests that fail before there is a reply, and
        recordings that are transcribed, are not counted: ``llm.retries`` and ``llm.budget`` bound them.
    on_model_failure : {"stop", "rules"}
        What to do when a model cannot be asked. A model that is asked and gives no usable answer never stops
        a refresh: the rules decide.
    llm_profile : str or None
        Which model is asked.
    show_charts : bool
        Whether a model with vision sees the charts of the brief.
    """

    least_sessions: Annotated[int, Field(ge=2, le=10_000)] = 250
    least_alpha_sessions: Annotated[int, Field(ge=2, le=10_000)] = 60
    regime_conditional: bool = True
    regime_sessions: Annotated[int, Field(ge=2, le=10_000)] = 60
    index_symbol: str | None = None
    quantiles: Annotated[int, Field(ge=2, le=100)] = 5
    min_names: Annotated[int, Field(ge=2, le=10_000)] = 10
    commission: Annotated[float, Field(ge=0, le=0.1, allow_inf_nan=False)] = 0.00025
    slippage_bps: Annotated[float, Field(ge=0, le=1000, allow_inf_nan=False)] = 5.0
    confidence_weight: Share = 0.6
    profiles: dict[Name, RiskProfile] = Field(default_factory=dict, max_length=12)
    profile: Name | None = None
    utility_scale: Annotated[float, Field(gt=0, le=100, allow_inf_nan=False)] = 0.1
    capital_cny: Annotated[float, Field(gt=0, le=1e15, allow_inf_nan=False)] = 10_000_000.0
    participation: Annotated[float, Field(gt=0, le=1, allow_inf_nan=False)] = 0.05
    experts: Experts = Experts.FIXED
    learning_rate: Annotated[float, Field(ge=0, le=10, allow_inf_nan=False)] = 0.5
    threshold: Share = 0.5
    threshold_quantile: Share | None = None
    pick: Pick = Pick.SEVERAL
    per_category: Annotated[int, Field(ge=1, le=1000)] = 2
    most: Annotated[int, Field(ge=1, le=10_000)] | None = None
    least_categories: Annotated[int, Field(ge=0, le=100)] = 3
    fallback_count: Annotated[int, Field(ge=1, le=1000)] = 5
    allow_inverted: bool = False
    duplicate_correlation: Annotated[float, Field(gt=0, le=1, allow_inf_nan=False)] = 0.9
    duplicate_ic_correlation: Annotated[float, Field(gt=0, le=1, allow_inf_nan=False)] = 0.95
    bound: Annotated[float, Field(ge=0, le=0.5, allow_inf_nan=False)] = 0.15
    debate: bool = False
    most_calls: Annotated[int, Field(ge=2, le=100)] = 6
    on_model_failure: ModelFailure = ModelFailure.STOP
    llm_profile: str | None = None
    show_charts: bool = True

    @model_validator(mode="after")
    def _makes_sense(self) -> Self:
        if "confidence" in self.profiles:
            raise ValueError("profiles: 'confidence' is the name of another agent")
        if self.profile is not None and self.profile not in self.risk_agents(chosen=False):
            known = ", ".join(self.risk_agents(chosen=False))
            raise ValueError(f"profile: there is no risk agent {self.profile!r} ({known})")
        if not self.risk_agents():
            raise ValueError("profiles: every risk agent has weight 0")
        if self.debate and self.most_calls < 3:
            raise ValueError("debate: two rounds, and the texts of the brief, need most_calls of at least 3")
        if self.most is not None and self.most < self.least_categories:
            raise ValueError(f"most: {self.most} alphas cannot be of {self.least_categories} categories")
        return self

    @classmethod
    def read(cls, settings: Mapping[str, Any]) -> CommitteeConfig:
        """Build it of what a file or a caller says.

        Raises
        ------
        ConfigError
            In one line that names ``agents.<key>``.
        """
        try:
            return cls.model_validate(dict(settings))
        except ValidationError as problem:
            error = problem.errors()[0]
            key = ".".join(("agents", *(str(part) for part in error["loc"])))
            if error["type"] == "extra_forbidden":
                owner = RiskProfile if len(error["loc"]) > 1 else cls
                hint = nearest(str(error["loc"][-1]), owner.model_fields)
                raise ConfigError(f"{key}: unknown key{hint}") from None
            what = what_is_wrong(error)
            if not error["loc"]:
                raise ConfigError(f"{key}.{what}") from None
            raise ConfigError(
                f"{key} {what}" if what.startswith(("must ", "is ")) else f"{key}: {what}"
            ) from None

    def risk_agents(self, *, chosen: bool = True) -> dict[str, RiskProfile]:
        """Return the risk agents at work by name: those with a weight, or the one that is chosen."""
        known = {**PROFILES, **self.profiles}
        if chosen and self.profile is not None:
            return {self.profile: known[self.profile]}
        return {name: profile for name, profile in known.items() if profile.weight > 0}
