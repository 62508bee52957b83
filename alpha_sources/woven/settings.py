"""What a configuration says of a woven provider."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, get_args

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from alpha_sources.agents.brief.config import BriefConfig
from alpha_sources.agents.config import CommitteeConfig
from alpha_sources.llm.config import LlmConfig
from alpha_sources.refresh import RefreshRule
from alpha_sources.treatment import Clip, Neutralize, Normalise, Treatment
from alpha_sources.weights.config import WeightsConfig
from engine.errors import ConfigError
from engine.field_errors import what_is_wrong
from engine.plugins import nearest


class OnFailure(StrEnum):
    """What becomes of a run when a refresh fails."""

    #: the previous snapshot stays in force, and the result says so
    KEEP = "keep"
    STOP = "stop"


class WovenSettings(BaseModel):
    """The parameters of `WovenProvider`, where each is explained."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    seeds: str = "paper_seeds"
    seeds_path: Path | None = None
    agents: CommitteeConfig = CommitteeConfig()
    weights: WeightsConfig = WeightsConfig()
    alphas_refresh: str = "quarter_end"
    horizon_sessions: Annotated[int, Field(ge=1, le=60)] = 1
    start: date | None = None
    window_sessions: Annotated[int, Field(ge=20, le=100_000)] | None = None
    min_sessions: Annotated[int, Field(ge=2, le=100_000)] = 250
    normalise: Normalise = Normalise.RANK
    winsorize: Any = None
    neutralize: Neutralize = Neutralize.NONE
    index_symbol: str | None = None
    smooth_refreshes: Annotated[int, Field(ge=1, le=24)] = 1
    decay_sessions: Annotated[int, Field(ge=1, le=60)] = 1
    news_path: Path | None = None
    brief: BriefConfig = BriefConfig()
    charts: bool = False
    mask: bool = False
    mask_names: Path | None = None
    on_failure: OnFailure = OnFailure.KEEP
    seed: Annotated[int, Field(ge=0, le=2**31 - 1)] = 0
    llm: LlmConfig | None = None

    @model_validator(mode="after")
    def _fit_together(self) -> WovenSettings:
        if self.window_sessions is not None and self.window_sessions < self.min_sessions:
            raise ValueError(
                f"window_sessions: {self.window_sessions} sessions are fewer than min_sessions "
                f"{self.min_sessions}"
            )
        if self.mask_names is not None and not self.mask:
            raise ValueError("mask_names: it is of no use without mask; set mask: true, or leave it out")
        return self

    @classmethod
    def read(cls, options: dict[str, Any]) -> WovenSettings:
        """Build settings of keyword arguments.

        Raises
        ------
        ConfigError
            In one line that names ``alpha.params.<key>``.
        """
        try:
            settings = cls(**options)
        except ValidationError as problem:
            raise ConfigError(_in_one_line(problem)) from None
        # both complain in their own words
        RefreshRule.parse(settings.alphas_refresh, "alpha.params.alphas_refresh")
        Clip.read(settings.winsorize)
        return settings

    @property
    def committee(self) -> CommitteeConfig:
        """The section ``agents``, where it is silent with the provider's own first session and index."""
        own = {"least_sessions": self.min_sessions, "index_symbol": self.index_symbol}
        said = self.agents.model_fields_set
        return self.agents.model_copy(update={key: v for key, v in own.items() if key not in said})

    @property
    def rule(self) -> RefreshRule:
        """When alphas are chosen anew."""
        return RefreshRule.parse(self.alphas_refresh, "alpha.params.alphas_refresh")

    @property
    def treatment(self) -> Treatment:
        """What is done to every alpha on every session."""
        return Treatment(self.normalise, Clip.read(self.winsorize), self.neutralize)


def _in_one_line(problem: ValidationError) -> str:
    error = problem.errors()[0]
    where = [str(part) for part in error["loc"]]
    key = ".".join(("alpha.params", *where))
    if error["type"] == "extra_forbidden":
        known = _keys_at(where[:-1])
        hint = nearest(where[-1], known) or f"; known: {', '.join(known)}"
        return f"{key}: unknown key{hint}"
    what = what_is_wrong(error)
    if not where:  # what parts say of one another names its key itself
        return f"{key}.{what}"
    return f"{key} {what}" if what.startswith(("must ", "is ")) else f"{key}: {what}"


def _keys_at(path: Sequence[str]) -> list[str]:
    model: Any = WovenSettings
    for part in path:
        field = getattr(model, "model_fields", {}).get(part)
        if field is not None:
            model = field.annotation
        else:  # a name of one's own in a mapping: what is known is known of its values
            model = next((arg for arg in get_args(model) if hasattr(arg, "model_fields")), None)
    return list(getattr(model, "model_fields", ()))
