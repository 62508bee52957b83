"""What the tests ask."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

from pydantic import BaseModel, Field

from alpha_sources.llm import FormulaText, Line, Prompt, Rendered, UnitInterval, bounded


class Category(StrEnum):
    MOMENTUM = "momentum"
    VALUE = "value"


class Seed(BaseModel):
    """One proposed alpha."""

    formula: FormulaText
    category: Category
    confidence: UnitInterval
    horizon_sessions: Annotated[int, bounded(1, 60)]
    rationale: Line


class Seeds(BaseModel):
    seeds: Annotated[list[Seed], Field(min_length=1, max_length=5)]


class Mood(BaseModel):
    score: Annotated[float, bounded(-1, 1)]


MOOD = '{"score": 0.5}'


def question(words: str = "How is the market?") -> Rendered:
    text = "[system]\nYou judge markets.\n[user]\n{{words}}\n"
    return Prompt.of("mood.v1", text).render(words=words)
