"""`Inquiry`: one question to a model, reply by reply, until there is an answer."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from typing import Generic, TypeVar

from pydantic import BaseModel

from alpha_sources.llm.answer_reading import Faults, read_answer
from alpha_sources.llm.answer_schema import answer_schema
from alpha_sources.llm.attachment import Attachment
from alpha_sources.llm.config import Profile
from alpha_sources.llm.conversation import parameters_of, repaired
from alpha_sources.llm.costs import Event, Tally
from alpha_sources.llm.errors import AnswerError, LlmError, RefusalError, TruncatedError
from alpha_sources.llm.prompt import Rendered
from alpha_sources.llm.reply import Finish, Reply
from alpha_sources.llm.request import Request, Task
from alpha_sources.llm.salvage import Spoilt, salvaged

T = TypeVar("T", bound=BaseModel)


@dataclass(frozen=True, slots=True)
class Consultation(Generic[T]):
    """An answer, and what is needed to say where it came from.

    Parameters
    ----------
    answer : T
    model : str
    prompt, prompt_hash : str
        Name with version, and hash, of the prompt.
    key : str
        Of the request that was answered: finds the reply on the cassette.
    sample : int
    knowledge_cutoff : date or None
        Of the model, where the profile states it: what is tested before that day is contaminated.
    spoilt : tuple of Spoilt
        Entries that were taken out of the answer since they could not be used; empty of a whole answer.
    """

    answer: T
    model: str
    prompt: str
    prompt_hash: str
    key: str
    sample: int
    knowledge_cutoff: date | None
    spoilt: tuple[Spoilt, ...] = ()


class Inquiry(Generic[T]):
    """A question that is asked reply by reply; made by `Door.inquire`.

    Each `step` asks for one reply. One that is no answer is sent back, in the next step, with what is wrong
    with it, at most `repairs` times; one that did not fit is asked for again with twice the room. Whoever
    holds the question may leave it at any step.

    Parameters
    ----------
    prompt : Rendered
    answer : type
        A pydantic model in which everything is bounded.
    settings : Profile
    images : tuple of Attachment
    room : int
        Tokens of the first reply.
    repairs : int
    sample : int
    ask : callable
        Gets the reply to a request.
    tally : Tally

    Attributes
    ----------
    replies : int
        Read so far.

    Raises
    ------
    AnswerModelError
        If the model of the answer has no bounds.
    """

    def __init__(
        self,
        prompt: Rendered,
        answer: type[T],
        settings: Profile,
        *,
        images: tuple[Attachment, ...],
        room: int,
        repairs: int,
        sample: int,
        ask: Callable[[Request], Reply],
        tally: Tally,
    ) -> None:
        self._prompt, self._answer, self._settings = prompt, answer, settings
        self._images, self._room, self._most_repairs, self._sample = images, room, repairs, sample
        self._ask, self._tally = ask, tally
        self._schema = answer_schema(answer)
        self._messages = prompt.messages
        self._repairs, self._unusable, self.replies = 0, 0, 0
        #: what the next step is for: None at first and after the end
        self._next: Event | None = None
        self._ended = False
        self._faults: Faults | None = None
        self._salvaged: Consultation[T] | None = None

    @property
    def may_go_on(self) -> bool:
        """Whether another step may bring an answer."""
        return not self._ended

    @property
    def salvaged(self) -> Consultation[T] | None:
        """What can be used of the last reply of which anything can be; None where there is none.

        See `salvage.salvaged`: for who does without an answer to the whole question.
        """
        return self._salvaged

    def step(self) -> Consultation[T] | None:
        """Ask for one reply.

        Returns
        -------
        Consultation or None
            The answer; None where another step may bring it.

        Raises
        ------
        RefusalError
            If the model declined.
        TruncatedError
            If the reply does not fit into the largest room.
        AnswerError
            If the last repair was no answer either.
        LlmError
            If no reply was got: offline, missing on the cassette, beyond the budget, refused by the server.
        """
        if self._ended:
            raise ValueError(f"{self._prompt.name}: the question is settled; it cannot be asked again")
        if self._next is not None:
            self._tally.count(self._next)
        request = Request(
            Task.CHAT,
            self._settings.model,
            parameters_of(self._settings, self._room),
            self._messages,
            self._schema,
            self._images,
            label=self._prompt.name,
        )
        # an error of the server, the budget or the cassette ends the question too
        self._ended = True
        reply = self._ask(request)
        self.replies += 1
        found = self._read(reply, request)
        self._ended = found is not None
        return found

    def given_up(self, because: str) -> LlmError:
        """Return the error of a question that is left before its end.

        Parameters
        ----------
        because : str
            Why no further reply is asked for.
        """
        name, model = self._prompt.name, self._settings.model
        if self._next is Event.ENLARGED:
            return TruncatedError(f"{name}: the reply of {model} did not fit into its room; {because}")
        if self._faults is None:
            return AnswerError(f"{name}: {model} was not asked; {because}")
        return AnswerError(f"{self._no_answer()}; {because}")

    def _read(self, reply: Reply, request: Request) -> Consultation[T] | None:
        name, model = self._prompt.name, self._settings.model
        if reply.finish is Finish.TRUNCATED:
            most = self._settings.max_tokens_limit
            if self._room >= most:
                raise TruncatedError(
                    f"{name}: the reply of {model} does not fit into {self._room} tokens; raise "
                    "max_tokens_limit of the profile, or ask for less"
                )
            self._room, self._next = min(2 * self._room, most), Event.ENLARGED
            return None
        if reply.finish is Finish.REFUSED:
            self._tally.count(Event.REFUSED)
            words = f": {reply.refusal!r}" if reply.refusal else " without a word"
            raise RefusalError(f"{name}: {model} declined to answer{words}")
        read = read_answer(reply.content, self._answer)
        if not isinstance(read, Faults):
            return self._consultation(read, request)
        self._faults, self._unusable = read, self._unusable + 1
        if (part := salvaged(reply.content, self._answer)) is not None:
            self._salvaged = self._consultation(part.answer, request, part.spoilt)
        if self._repairs >= self._most_repairs:
            raise AnswerError(
                f"{self._no_answer()}; raise llm.repairs, or use a model with a stricter format"
            )
        self._repairs, self._next = self._repairs + 1, Event.REPAIRED
        self._messages = repaired(
            self._prompt.messages,
            reply.content,
            read,
            model=model,
            number=self._repairs,
            most=self._most_repairs + 1,
        )
        return None

    def _no_answer(self) -> str:
        replies = "1 reply" if self._unusable == 1 else f"{self._unusable} replies"
        return (
            f"{self._prompt.name}: {self._settings.model} gave no {self._answer.__name__} in {replies} "
            f"(last: {self._faults})"
        )

    def _consultation(self, answer: T, request: Request, spoilt: tuple[Spoilt, ...] = ()) -> Consultation[T]:
        return Consultation(
            answer=answer,
            model=self._settings.model,
            prompt=self._prompt.name,
            prompt_hash=self._prompt.hash,
            key=request.key,
            sample=self._sample,
            knowledge_cutoff=self._settings.knowledge_cutoff,
            spoilt=spoilt,
        )
