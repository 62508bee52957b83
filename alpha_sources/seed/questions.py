"""What a model is asked, and what it may answer: everything bounded, no text becomes more than text."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field
from pydantic_core import PydanticCustomError

from alpha_sources.llm import Label, Line, Paragraph, Prompt, bounded
from alpha_sources.seed.proposal import Sign
from alpha_sources.seed.themes import Theme

_TEXTS = "alpha_sources.seed.texts"
#: Proposals read of one reply, however many were asked for.
MOST_IDEAS = 60


def _one_line(text: str) -> str:
    if "\n" in text or "\t" in text:
        raise PydanticCustomError("one_line", "Text should be on one line")
    return text.strip()


#: A formula as a model writes it: read by the parser afterwards, whose message goes back to the model.
Written = Annotated[
    str,
    Field(min_length=1, max_length=600, description="A formula of the operators and fields above."),
    AfterValidator(_one_line),
]
Passage = Annotated[
    str,
    Field(
        min_length=1, max_length=600, description="Copied word for word from the data, in its own language."
    ),
]


class _Answer(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Sifted(_Answer):
    """What a piece of a document is good for."""

    summary: Paragraph = Field(description="What it says, in one to three sentences, in English.")
    tradable: bool = Field(description="Whether an alpha can be made of it from the fields above.")
    categories: list[Theme] = Field(max_length=9, description="What such alphas would be; empty if none.")


class Summary(_Answer):
    """A document in short."""

    summary: Paragraph = Field(description="What the document says, in two to five sentences, in English.")


class Idea(_Answer):
    """A formula with what it follows from."""

    name: Label = Field(description="Two to five words.")
    formula: Written
    category: Theme
    rationale: Line = Field(description="Why it should work.")
    passage: Passage
    sign: Sign = Field(description="Whether high or low values are expected to earn more.")
    horizon_sessions: Annotated[int, bounded(1, 250)] = Field(
        description="Trading days over which it should work."
    )


class Ideas(_Answer):
    """What was proposed; nothing is an answer too."""

    ideas: list[Idea] = Field(max_length=MOST_IDEAS)


class Mend(_Answer):
    """A formula in the place of one that did not pass."""

    number: Annotated[int, bounded(1, MOST_IDEAS)] = Field(description="Of the formula that it replaces.")
    formula: Written


class Mends(_Answer):
    """What is corrected; what cannot be is left out."""

    mends: list[Mend] = Field(max_length=MOST_IDEAS)


def prompt(name: str) -> Prompt:
    """Return one of the factory's prompts: sift, summarise, propose, mend."""
    return Prompt.load(_TEXTS, name, 1)
