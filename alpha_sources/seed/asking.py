"""Questions of the factory through the door: several at once, answers in order, and what an error means."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any

from pydantic import BaseModel
from sqlalchemy import select

from alpha_sources.llm import Attachment, Consultation, Door, LlmError, Mode, Rendered, Transcript
from alpha_sources.llm.cassette.schema import SCHEMA, replies
from alpha_sources.llm.config import Profile
from alpha_sources.llm.errors import (
    AnswerError,
    AttachmentError,
    NoServiceError,
    RefusalError,
    RefusedRequestError,
    ServerError,
    TruncatedError,
)
from alpha_sources.seed.documents.dating import SHANGHAI
from engine.sqlite import SqliteFile

#: Errors that cost one question; all others end the mining: the next question would meet them too.
_OF_ONE = (AnswerError, AttachmentError, RefusalError, RefusedRequestError, ServerError, TruncatedError)
#: So many questions in a row without a reply are the server's state, not the questions'.
_IN_A_ROW = 3


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked, and what may come back."""

    prompt: Rendered
    answer: type[BaseModel]
    attachments: tuple[Attachment, ...] = ()
    sample: int = 0


class Asker:
    """Asks through a door, and knows on which day each reply was given.

    Parameters
    ----------
    door : Door
        Not offline.
    today : date
        In Shanghai: the day of replies that are not recorded.
    """

    def __init__(self, door: Door, today: date) -> None:
        self._door, self._today = door, today
        #: settings of the model that is asked
        self.profile: Profile = door.profile()[1]
        path = door.config.cassette
        kept = door.config.mode in (Mode.RECORD, Mode.REPLAY) and path is not None
        self._recorded = recorded_days(path) if kept and path is not None else None
        self._failed = 0
        #: questions to which the server gave no reply, or that it refused with an error that is not kept:
        #: a replay would not find them, and they can be asked again
        self.unanswered = 0
        #: hash by name, of every prompt that was asked
        self.prompts: dict[str, str] = {}
        self.models: set[str] = set()

    def all(self, questions: Sequence[Question]) -> Iterator[Consultation[Any] | LlmError]:
        """Ask questions at the same time and yield what came of each, in their order.

        Yields
        ------
        Consultation or LlmError
            The latter where this question alone has no answer.

        Raises
        ------
        LlmError
            Where no further question will have one: no key, no credit, no such model, no budget, nothing on
            the cassette, a server that failed three questions in a row.
        """
        if not questions:
            return
        workers = min(len(questions), self.profile.concurrency)
        # leaving waits for what is under way: it is paid for, and is to be recorded
        with ThreadPoolExecutor(workers) as pool:
            futures = [pool.submit(self._ask, question) for question in questions]
            try:
                for question, future in zip(questions, futures, strict=True):
                    self.prompts[question.prompt.name] = question.prompt.hash
                    yield self._settled(future.result)
            finally:
                for future in futures:
                    future.cancel()

    def transcribe(self, sounds: Sequence[tuple[bytes, float]]) -> Iterator[Transcript | LlmError]:
        """Turn recordings, each a WAV file with its length in seconds, into text, in their order."""
        for data, seconds in sounds:
            sound = Attachment("audio/wav", data)
            yield self._settled(lambda s=sound, t=seconds: self._door.transcribe(s, seconds=t))  # type: ignore[misc]

    def day(self, key: str, sample: int = 0) -> date:
        """Return the day in Shanghai on which a reply was given: where it is recorded, also years later."""
        found = self._recorded(key, sample) if self._recorded else None
        return found or self._today

    def _ask(self, question: Question) -> Consultation[Any]:
        return self._door.consult(
            question.prompt,
            question.answer,
            attachments=question.attachments,
            sample=question.sample,
            partly=True,
        )

    def _settled(self, result: Callable[[], Any]) -> Any:
        try:
            came = result()
        except NoServiceError:
            raise
        except _OF_ONE as error:
            self._failed = self._failed + 1 if isinstance(error, ServerError) else 0
            if self._failed >= _IN_A_ROW:
                raise
            self.unanswered += isinstance(error, ServerError | RefusedRequestError)
            return error
        self._failed = 0
        self.models.add(came.model)
        return came


def recorded_days(path: Path) -> Callable[[str, int], date | None]:
    """Return a function of key and sample that finds the day in Shanghai of a reply on a cassette."""
    file = SqliteFile(Path(path).expanduser(), SCHEMA, create=False, timeout_s=30.0)

    def day(key: str, sample: int) -> date | None:
        query = select(replies.c.recorded_at).where(replies.c.key == key, replies.c.sample == sample)
        with file.reading() as connection:
            said = connection.execute(query).scalar()
        return None if said is None else datetime.fromisoformat(said).astimezone(SHANGHAI).date()

    return day
