"""What a model may say on the committee: scores between 0 and 1, marks of alphas and items, short reasons."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from alpha_sources.llm.answer_types import Label, Line, Paragraph, UnitInterval

#: alphas that one answer may move, over all agents it speaks for
MOST_MOVES = 240


class Proposal(BaseModel):
    """A score that an agent proposes for an alpha."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    agent: Label
    alpha: Label = Field(description="Its mark in the table of evidence, such as A7.")
    score: UnitInterval = Field(description="What the score should be.")
    cites: Annotated[list[Label], Field(max_length=5)] = Field(
        description="Ids of the items of the brief that speak for it, such as B2; at least one."
    )
    reason: Line


class Statement(BaseModel):
    """What an agent thinks of the market and of the alphas, in a few sentences."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    agent: Label
    text: Paragraph


class Views(BaseModel):
    """All that the agents of one question say."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    statements: Annotated[list[Statement], Field(max_length=16)]
    proposals: Annotated[list[Proposal], Field(max_length=MOST_MOVES)]
