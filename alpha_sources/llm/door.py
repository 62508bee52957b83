"""`Door`: the one way to a language model."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from copy import copy
from dataclasses import dataclass
from functools import partial
from types import TracebackType
from typing import TypeVar

from pydantic import BaseModel

from alpha_sources.llm.allowance import Allowance
from alpha_sources.llm.attachment import Attachment
from alpha_sources.llm.budget import Budget
from alpha_sources.llm.caller import Caller
from alpha_sources.llm.cassette import Cassette
from alpha_sources.llm.characters import visible
from alpha_sources.llm.clock import Clock
from alpha_sources.llm.config import LlmConfig, Mode, Profile
from alpha_sources.llm.conversation import transcription_request
from alpha_sources.llm.costs import Costs, Tally
from alpha_sources.llm.errors import AnswerError, AttachmentError, ServerError
from alpha_sources.llm.inquiry import Consultation, Inquiry
from alpha_sources.llm.key import Key
from alpha_sources.llm.prompt import Rendered
from alpha_sources.llm.reply import Fault, Reply, read_chat, read_transcript
from alpha_sources.llm.request import Request, Task
from alpha_sources.llm.source import Source
from alpha_sources.llm.transport import Transport
from engine.errors import ConfigError

T = TypeVar("T", bound=BaseModel)


@dataclass(frozen=True, slots=True)
class Transcript:
    """What was said in a sound: text of others, to be fenced like a document.

    Parameters
    ----------
    text : str
        Without characters that cannot be seen.
    model, key : str
    """

    text: str
    model: str
    key: str


class Door:
    """Asks language models, within a budget, and keeps what they say.

    Safe to use from several threads; each profile makes at most so many calls at once as it allows. Use
    :meth:`open`, as a context manager or with :meth:`close`.
    """

    def __init__(
        self,
        config: LlmConfig,
        *,
        cassette: Cassette | None,
        environ: Mapping[str, str],
        clock: Clock,
        seed: int,
        budget: Budget,
    ) -> None:
        self.config, self._cassette = config, cassette

        # no attribute holds the environment: whatever prints a door must not print keys
        def key_of(profile: Profile) -> Key:
            return Key.of(profile, environ)

        self._key_of = key_of
        self._clock, self._seed, self._budget, self._tally = clock, seed, budget, Tally()
        self._source = Source(config.mode, cassette, clock, self._tally)
        self._callers: dict[str, Caller] = {}
        self._making = threading.Lock()
        self._allowance: Allowance | None = None

    @classmethod
    def open(
        cls,
        config: LlmConfig,
        *,
        environ: Mapping[str, str],
        seed: int = 0,
        clock: Clock | None = None,
        budget: Budget | None = None,
    ) -> Door:
        """Open the door.

        Parameters
        ----------
        config : LlmConfig
        environ : mapping
            Where keys are read, at the first call that is not on the cassette: ``os.environ``.
        seed : int
            Of the waits between attempts.
        clock : Clock or None
            None is the machine's.
        budget : Budget or None
            Shared with other doors; None makes one of ``config.budget``.

        Raises
        ------
        ConfigError
            If it is to record or replay and ``llm.cassette`` names no file.
        DatabaseError
            If the cassette cannot be opened, or there is none to replay.
        """
        cassette = None
        if config.mode in (Mode.RECORD, Mode.REPLAY):
            if config.cassette is None:
                raise ConfigError(f"llm.mode {config.mode} needs a file: set llm.cassette")
            cassette = Cassette.open(config.cassette, create=config.mode is Mode.RECORD)
        spends = budget or Budget(config.budget, config.currency or "")
        return cls(
            config,
            cassette=cassette,
            environ=environ,
            clock=clock or Clock.system(),
            seed=seed,
            budget=spends,
        )

    def __enter__(self) -> Door:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close connections and the cassette."""
        with self._making:
            for caller in self._callers.values():
                caller.close()
            self._callers.clear()
        if self._cassette is not None:
            self._cassette.close()

    @property
    def offline(self) -> bool:
        """Whether no model may be asked: whoever asks goes by rules instead."""
        return self.config.mode is Mode.OFFLINE

    def profile(self, name: str | None = None) -> tuple[str, Profile]:
        """Return a profile and its name; without a name the one that is asked by default.

        Raises
        ------
        ConfigError
            If there is no such profile, or several and none is the default.
        """
        profiles = self.config.profiles
        wanted = name or self.config.profile or (next(iter(profiles)) if len(profiles) == 1 else None)
        if wanted is None:
            raise ConfigError(f"llm.profile must name one of {', '.join(sorted(profiles)) or 'llm.profiles'}")
        if wanted not in profiles:
            known = ", ".join(sorted(profiles)) or "none"
            raise ConfigError(f"there is no profile {wanted!r} under llm.profiles ({known})")
        return wanted, profiles[wanted]

    def costs(self) -> Costs:
        """Return what was spent and counted so far."""
        return Costs.of(self.config.mode.value, self._budget.spent, self.config.currency or "", self._tally)

    def ask(
        self,
        prompt: Rendered,
        answer: type[T],
        *,
        attachments: Sequence[Attachment] = (),
        profile: str | None = None,
        sample: int = 0,
        max_tokens: int | None = None,
    ) -> T:
        """Return the answer alone; see `consult`."""
        return self.consult(
            prompt, answer, attachments=attachments, profile=profile, sample=sample, max_tokens=max_tokens
        ).answer

    def consult(
        self,
        prompt: Rendered,
        answer: type[T],
        *,
        attachments: Sequence[Attachment] = (),
        profile: str | None = None,
        sample: int = 0,
        max_tokens: int | None = None,
        partly: bool = False,
    ) -> Consultation[T]:
        """Ask a question whose answer is a pydantic model.

        An answer that is none is sent back with what is wrong with it, at most ``llm.repairs`` times; a reply
        that did not fit is asked for again with twice the room, up to the profile's limit.

        Parameters
        ----------
        prompt : Rendered
        answer : type
            A pydantic model in which everything is bounded; see `answer_schema`.
        attachments : sequence of Attachment
            Images, for a profile with ``vision``.
        profile : str or None
        sample : int
            Tells apart repeated questions that are the same: each is asked, and kept, for itself.
        max_tokens : int or None
            Room for the reply; None is the profile's.
        partly : bool
            Where the last repair has faults too, take the entries of its lists that have none, if there are
            any: `Consultation.spoilt` has the others.

        Returns
        -------
        Consultation

        Raises
        ------
        AnswerModelError
            If the model of the answer has no bounds.
        RefusalError
            If the model declined.
        TruncatedError
            If the reply does not fit into the largest room.
        AnswerError
            If the last repair was no answer either, or no reply is left of an `Allowance`.
        LlmError
            If no reply was got: offline, missing on the cassette, beyond the budget, refused by the server.
        """
        inquiry = self.inquire(
            prompt, answer, attachments=attachments, profile=profile, sample=sample, max_tokens=max_tokens
        )
        try:
            while True:
                if self._allowance is not None and not self._allowance.take():
                    raise inquiry.given_up(f"no reply is left of the {self._allowance.replies} allowed")
                if (found := inquiry.step()) is not None:
                    return found
        except AnswerError:
            if partly and inquiry.salvaged is not None:
                return inquiry.salvaged
            raise

    def inquire(
        self,
        prompt: Rendered,
        answer: type[T],
        *,
        attachments: Sequence[Attachment] = (),
        profile: str | None = None,
        sample: int = 0,
        max_tokens: int | None = None,
    ) -> Inquiry[T]:
        """Return a question that is asked reply by reply, by who deals out replies among several questions.

        Nothing is asked yet. `consult` asks until there is an answer.

        Parameters
        ----------
        prompt, answer, attachments, profile, sample, max_tokens
            As in `consult`.

        Raises
        ------
        AnswerModelError
            If the model of the answer has no bounds.
        AttachmentError
            If the profile takes no images, or one of them is none.
        """
        name, settings = self.profile(profile)
        images = self._images(attachments, name, settings)
        room = min(max_tokens or settings.max_tokens, settings.max_tokens_limit)
        return Inquiry(
            prompt,
            answer,
            settings,
            images=images,
            room=room,
            repairs=self.config.repairs,
            sample=sample,
            ask=lambda request: self._reply(request, sample, name),
            tally=self._tally,
        )

    def within(self, allowance: Allowance) -> Door:
        """Return this door for questions that may take so many replies, all of them together.

        Budget, cassette, connections and what was counted are those of this door; closing it closes them.
        What speaks for a sound is not counted: a recording is heard, not asked. Which of several questions
        that are asked at the same time gets the last reply is chance: whoever asks so, deals them out with
        `inquire`.

        Parameters
        ----------
        allowance : Allowance
            Counts on: its `used` says how many were taken.
        """
        narrow = copy(self)
        narrow._allowance = allowance
        return narrow

    def transcribe(
        self,
        sound: Attachment,
        *,
        seconds: float,
        language: str | None = None,
        profile: str | None = None,
        sample: int = 0,
    ) -> Transcript:
        """Turn speech into text.

        Parameters
        ----------
        sound : Attachment
        seconds : float
            Its length, which the price is for.
        language : str or None
            Two letters, as in ISO 639-1; None lets the model find out.
        profile : str or None
            One with a ``transcription_model``.
        sample : int

        Returns
        -------
        Transcript

        Raises
        ------
        AttachmentError
            If it is no sound.
        ConfigError
            If the profile has no model for it.
        LlmError
            If no reply was got.
        """
        name, settings = self.profile(profile)
        request = transcription_request(sound, seconds, language, name, settings)
        reply = self._reply(request, sample, name)
        return Transcript(visible(reply.content), request.model, request.key)

    def _reply(self, request: Request, sample: int, name: str) -> Reply:
        if sample < 0:
            raise ValueError(f"sample must be at least 0, not {sample}")
        body = self._source.body(request, sample, partial(self._caller, name))
        self._tally.asked(request.model)
        reply = (read_chat if request.task is Task.CHAT else read_transcript)(body)
        if isinstance(reply, Fault):  # what was recorded by hand; the caller lets none through
            raise ServerError(f"{request.label}: the recorded reply cannot be read: {reply.words}")
        return reply

    def _caller(self, name: str) -> Caller:
        with self._making:
            if name not in self._callers:
                profile = self.config.profiles[name]
                transport = Transport(profile, self._key_of(profile), self._clock)
                self._callers[name] = Caller(
                    profile,
                    transport,
                    budget=self._budget,
                    tally=self._tally,
                    clock=self._clock,
                    retries=self.config.retries,
                    seed=self._seed,
                )
            return self._callers[name]

    def _images(
        self, attachments: Sequence[Attachment], name: str, settings: Profile
    ) -> tuple[Attachment, ...]:
        if attachments and not settings.vision:
            raise AttachmentError(
                f"profile {name!r} ({settings.model}) takes no images; set vision, or name another profile"
            )
        if not all(one.is_image for one in attachments):
            raise AttachmentError("only images go with a question; a sound is transcribed first")
        return tuple(attachments)
