"""What a configuration says of a baseline that learns."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Annotated, Any, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from alpha_sources.treatment import Clip, Normalise, Treatment
from alpha_sources.weights.config import Labels
from engine.errors import ConfigError
from engine.field_errors import what_is_wrong

Seed = Annotated[int, Field(ge=0, le=2**31 - 1)]
Share = Annotated[float, Field(gt=0, le=0.5, allow_inf_nan=False)]
Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
Penalty = Annotated[float, Field(ge=0, allow_inf_nan=False)]

#: standard deviations from the mean of the session beyond which features that are not ranked are clipped
_CLIP = 3.0


class LearningSettings(BaseModel):
    """What every baseline that learns is told.

    Parameters
    ----------
    horizon_sessions : int
        h: labels run from the fill at t+1 to the fill at t+1+h.
    start : date, optional
        Nothing before this day is learned from.
    window_sessions : int, optional
        Rolling window of the last so many realised sessions; by default everything so far.
    min_sessions : int
        Realised sessions with members that a refresh needs at least.
    shuffle_labels : int, optional
        A seed: the labels of each session are dealt out anew among its names before anything is learned. What
        then still looks like an edge is none.
    seed : int
        Of everything else that is drawn.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    horizon_sessions: Annotated[int, Field(ge=1, le=60)] = 1
    start: date | None = None
    window_sessions: Annotated[int, Field(ge=20, le=100_000)] | None = None
    min_sessions: Annotated[int, Field(ge=2, le=100_000)] = 250
    shuffle_labels: Seed | None = None
    seed: Seed = 0

    @model_validator(mode="after")
    def _window_is_long_enough(self) -> Self:
        if self.window_sessions is not None and self.window_sessions < self.min_sessions:
            raise ValueError(
                f"window_sessions: {self.window_sessions} sessions are fewer than min_sessions "
                f"{self.min_sessions}"
            )
        return self

    @classmethod
    def read(cls, given: Mapping[str, Any]) -> Self:
        """Build settings of the arguments of a constructor, ``locals()``; None is what was left out.

        Raises
        ------
        ConfigError
            In one line that names ``alpha.params.<key>``.
        """
        options = {key: given[key] for key in cls.model_fields if given.get(key) is not None}
        try:
            return cls(**options)
        except ValidationError as problem:
            error = problem.errors()[0]
        what = what_is_wrong(error)
        if not error["loc"]:  # what parts say of one another names its key itself
            raise ConfigError(f"alpha.params.{what}")
        key = ".".join(("alpha.params", *map(str, error["loc"][:1])))
        raise ConfigError(f"{key} {what}" if what.startswith(("must ", "is ")) else f"{key}: {what}")

    @property
    def purge(self) -> int:
        """Sessions between the last that trains and the first that validates: h + 1."""
        return self.horizon_sessions + 1


class FittedSettings(LearningSettings):
    """What a model is told that is fitted until it no longer gets better on the last sessions.

    Parameters
    ----------
    labels : {"demeaned", "zscore", "rank"}
        What becomes of the returns of a session before they are learned.
    validation : float
        Share of the sessions, the latest, on which it is decided when to stop.
    """

    labels: Labels = Labels.ZSCORE
    validation: Share = 0.2


class FeatureSettings(FittedSettings):
    """What a model on Alpha158 is told.

    Parameters
    ----------
    normalise : {"rank", "zscore"}
        How features are made comparable across the members of a session.
    """

    normalise: Normalise = Normalise.RANK

    @property
    def treatment(self) -> Treatment:
        """What is done to every feature on every session."""
        return Treatment(self.normalise, Clip(std=_CLIP))
