"""How much is asked of a document, and what a proposal must be to become a seed."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from alpha_sources.libraries import library_names
from alpha_sources.seed.errors import SeedError
from engine.field_errors import what_is_wrong

Share = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]
Correlation = Annotated[float, Field(gt=0, le=1, allow_inf_nan=False)]


class FactorySettings(BaseModel):
    """Settings of the seed factory; all of them are written to the seed file.

    Parameters
    ----------
    chunk_characters, chunk_overlap : int
        Of the pieces a document is read in.
    part_characters : int
        The most text that one question shows.
    ideas : int
        Formulas asked for in one question: a document, a category, a part of the text.
    mends : int
        How often a proposal is sent back with what is wrong with it.
    images : int
        Pictures that go with one question, for a profile with vision.
    most, least : int
        Seeds of a category: no more are kept; below the least a category is asked for a second time where a
        document speaks of it.
    lookback : int
        Sessions that the windows of a formula may look back; the burn-in of recursive operators comes on top.
    strict : bool
        Whether mixed units and scales of a model's proposal are faults; else they are warnings.
    coverage : float
        Part of the members' cells that must have a value.
    varies : float
        Part of the sessions on which values must differ between stocks.
    level : float
        Mean size of the rank correlation with price or size from which on a formula is nothing else.
    inside, across : float
        The same between two seeds from which on they are one: of the same category, and of different ones.
    against : tuple of str
        Libraries whose formulas are known already.
    sessions : int
        Sessions, chosen at random, on which seeds are compared.
    seed : int
        Of that choice.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    chunk_characters: Annotated[int, Field(ge=200, le=60_000)] = 8_000
    chunk_overlap: Annotated[int, Field(ge=0, le=2_000)] = 400
    part_characters: Annotated[int, Field(ge=200, le=200_000)] = 24_000
    ideas: Annotated[int, Field(ge=1, le=20)] = 4
    mends: Annotated[int, Field(ge=0, le=5)] = 2
    images: Annotated[int, Field(ge=0, le=16)] = 4
    most: Annotated[int, Field(ge=1, le=1_000)] = 20
    least: Annotated[int, Field(ge=0, le=1_000)] = 1
    lookback: Annotated[int, Field(ge=1, le=5_000)] = 300
    strict: bool = True
    coverage: Share = 0.1
    varies: Share = 0.5
    level: Correlation = 0.7
    inside: Correlation = 0.8
    across: Correlation = 0.9
    against: tuple[str, ...] = Field(default_factory=library_names)
    sessions: Annotated[int, Field(ge=1)] = 250
    seed: Annotated[int, Field(ge=0)] = 0

    @model_validator(mode="after")
    def _fits_together(self) -> FactorySettings:
        if self.chunk_overlap > self.chunk_characters // 2:
            raise ValueError("chunk_overlap must be at most half of chunk_characters")
        if self.part_characters < self.chunk_characters:
            raise ValueError("part_characters must be at least chunk_characters")
        return self

    def plain(self) -> dict[str, Any]:
        """Return them as plain values."""
        return self.model_dump(mode="json")


def factory_settings(**options: Any) -> FactorySettings:
    """Build `FactorySettings` of what a caller wrote.

    Raises
    ------
    SeedError
        If an option is unknown or out of range; in one line.
    """
    try:
        return FactorySettings(**options)
    except ValidationError as problem:
        first = problem.errors()[0]
        key = ".".join(str(part) for part in first["loc"])
        if first["type"] == "extra_forbidden":
            known = ", ".join(FactorySettings.model_fields)
            raise SeedError(f"the seed factory has no setting {key!r}; there are {known}") from None
        place = f"setting {key} of the seed factory" if key else "settings of the seed factory:"
        raise SeedError(f"{place} {what_is_wrong(first)}") from None
