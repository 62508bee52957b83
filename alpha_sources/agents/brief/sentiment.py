"""What texts say for share prices: a score in [−1, 1] each, from a model or from a stated rule."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Annotated, Any, Protocol

from pydantic import BaseModel, ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

from alpha_sources.agents.brief.config import SentimentBy
from alpha_sources.agents.brief.dated import DatedDocument
from alpha_sources.agents.brief.lexicon import Lexicon
from alpha_sources.llm.answer_types import SignedUnit, bounded
from alpha_sources.llm.errors import AnswerError, RefusalError, TruncatedError
from alpha_sources.llm.fencing import fence
from alpha_sources.llm.prompt import Prompt

if TYPE_CHECKING:
    from alpha_sources.llm.door import Door

_PROMPT, _VERSION = "sentiment", 1
_TEXTS = "alpha_sources.agents.brief.texts"
#: With fewer texts one score for all of them may well be meant.
_FEW = 4


class TextMask(Protocol):
    """What hides names, codes and days from a model that remembers them."""

    def apply(self, text: str, dated: date | None = None) -> str:
        """Return the text, written on a day, with aliases in their place."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A question that a model answered, or failed to.

    Parameters
    ----------
    prompt, prompt_hash : str
        Name with version, and hash; empty of a recording that was transcribed.
    model, key : str
        The key finds the reply on the cassette; empty where no reply could be used.
    knowledge_cutoff : date or None
        Of the model, where its profile states it.
    """

    prompt: str
    prompt_hash: str
    model: str
    key: str
    knowledge_cutoff: date | None = None

    def to_payload(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        cutoff = self.knowledge_cutoff.isoformat() if self.knowledge_cutoff else None
        return {
            "prompt": self.prompt,
            "prompt_hash": self.prompt_hash,
            "model": self.model,
            "key": self.key,
            "knowledge_cutoff": cutoff,
        }

    @classmethod
    def from_payload(cls, payload: dict[str, Any]) -> Asked:
        """Return what `to_payload` wrote down."""
        cutoff = payload["knowledge_cutoff"]
        return cls(**{**payload, "knowledge_cutoff": date.fromisoformat(cutoff) if cutoff else None})


@dataclass(frozen=True, slots=True)
class Sentiment:
    """Scores of texts, and who gave them.

    Parameters
    ----------
    scores : tuple of float or None
        One for each text, in [−1, 1]; None where nobody scored.
    by : str
        ``sentiment.v1``, asked of a model, or ``lexicon.v1``, the rule; empty where nobody scored.
    asked : Asked or None
    notes : tuple of str
        Why it was the rule after all, and what looks wrong with the scores.
    """

    scores: tuple[float | None, ...]
    by: str
    asked: Asked | None = None
    notes: tuple[str, ...] = ()


def score_texts(
    documents: Sequence[DatedDocument],
    *,
    by: SentimentBy,
    door: Door | None,
    profile: str | None = None,
    mask: TextMask | None = None,
    characters: int = 600,
) -> Sentiment:
    """Score all texts, with a model in one question.

    A model that gives no usable answer after the door's repairs is replaced by the lexicon, for all texts,
    and a note says so. No text can do more than move scores within [−1, 1]: the answer holds nothing else.

    Parameters
    ----------
    documents : sequence of DatedDocument
    by : SentimentBy
    door : Door or None
        Asked unless it is offline or `by` names the rule.
    profile : str or None
    mask : TextMask or None
        Applied to what the model is shown.
    characters : int
        Of each text.

    Raises
    ------
    LlmError
        If the server, the budget or the cassette gives no reply at all.
    """
    if by is SentimentBy.NONE or not documents:
        return Sentiment((None,) * len(documents), "")
    if by is SentimentBy.LEXICON or door is None or door.offline:
        return _by_rule(documents, characters)
    prompt = Prompt.load(_TEXTS, _PROMPT, _VERSION)

    def shown(text: str, dated: date) -> str:
        return mask.apply(text, dated) if mask else text

    envelopes = [
        fence(
            shown(f"{one.title}\n{one.text[:characters]}", one.day),
            source=f"{number}: {shown(one.source, one.day)}",
            kind=one.kind.fenced_as,
        )
        for number, one in enumerate(documents, 1)
    ]
    rendered = prompt.render(count=len(documents), texts=envelopes)
    try:
        consultation = door.consult(rendered, _answer_of(len(documents)), profile=profile)
    except (AnswerError, RefusalError, TruncatedError) as error:
        rule = _by_rule(documents, characters)
        model = door.profile(profile)[1].model
        asked = Asked(rendered.name, rendered.hash, model, "")
        return Sentiment(rule.scores, rule.by, asked, (f"scored by {rule.by}, since {error}",))
    answer: Any = consultation.answer
    scores = [0.0] * len(documents)
    for each in answer.scores:
        scores[each.item - 1] = float(each.score)
    notes: tuple[str, ...] = ()
    if len(scores) >= _FEW and len(set(scores)) == 1:
        notes = (f"{consultation.model} gave all {len(scores)} texts the same score, {scores[0]:g}",)
    asked = Asked(
        consultation.prompt,
        consultation.prompt_hash,
        consultation.model,
        consultation.key,
        consultation.knowledge_cutoff,
    )
    return Sentiment(tuple(scores), consultation.prompt, asked, notes)


def _by_rule(documents: Sequence[DatedDocument], characters: int) -> Sentiment:
    lexicon = Lexicon.load()
    scores = tuple(lexicon.score(f"{one.title}\n{one.text[:characters]}") for one in documents)
    return Sentiment(scores, lexicon.name)


def _answer_of(count: int) -> type[BaseModel]:
    """Return the answer to a question about so many texts: each exactly once."""

    class Score(BaseModel):
        model_config = ConfigDict(extra="forbid")
        item: Annotated[int, bounded(1, count)]
        score: SignedUnit

    class Scores(BaseModel):
        model_config = ConfigDict(extra="forbid")
        scores: Annotated[list[Score], Field(min_length=count, max_length=count)]

        @model_validator(mode="after")
        def _each_once(self) -> Scores:
            given = {each.item for each in self.scores}
            missing = [number for number in range(1, count + 1) if number not in given]
            if missing:
                raise PydanticCustomError(
                    "each_once",
                    "every number has one score; there is none for {missing}",
                    {"missing": missing},
                )
            return self

    return Scores
