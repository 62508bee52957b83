"""`Caller`: gets one reply out of a server that may be slow, busy or broken, and counts every attempt."""

from __future__ import annotations

import threading
from collections.abc import Callable

from alpha_sources.llm.backoff import wait_s
from alpha_sources.llm.budget import Budget
from alpha_sources.llm.charge import Charge, actual, most
from alpha_sources.llm.clock import Clock
from alpha_sources.llm.config import Profile, ReplyFormat, Retries
from alpha_sources.llm.costs import Event, Tally
from alpha_sources.llm.errors import RefusedRequestError, ServerError
from alpha_sources.llm.outcome import Again, GiveUp, Good, OtherFormat, Outcome, outcome
from alpha_sources.llm.reply import Received
from alpha_sources.llm.request import Request, Task
from alpha_sources.llm.transport import Lost, Response, Transport
from alpha_sources.llm.wire import NEXT_FORMAT, chat_arguments, schema_in_words, transcription_arguments
from engine.hashing import canonical_json

Busy = Callable[[float], None]
"""Told before each call and each wait how many seconds it may take at most."""


class Caller:
    """Calls the server of one profile; safe to use from several threads.

    Parameters
    ----------
    profile : Profile
    transport : Transport
    budget : Budget
        Asked before every attempt.
    tally : Tally
    clock : Clock
    retries : Retries
    seed : int
        Of the waits between attempts.
    """

    def __init__(
        self,
        profile: Profile,
        transport: Transport,
        *,
        budget: Budget,
        tally: Tally,
        clock: Clock,
        retries: Retries,
        seed: int,
    ) -> None:
        self._profile, self._transport, self._budget, self._tally = profile, transport, budget, tally
        self._clock, self._retries, self._seed = clock, retries, seed
        self._places = threading.BoundedSemaphore(profile.concurrency)
        self._format = profile.format

    def close(self) -> None:
        """Close all connections."""
        self._transport.close()

    def call(self, request: Request, sample: int, *, name: str | None, busy: Busy) -> Received:
        """Ask until there is a reply.

        Parameters
        ----------
        request : Request
        sample : int
        name : str or None
            What an idempotency key is made of; None sends none.
        busy : callable
            Told how long the next step may take.

        Raises
        ------
        BudgetError
            Before the attempt that could exceed the budget.
        RefusedKeyError, RefusedRequestError
            If asking again is of no use.
        ServerError
            If all attempts failed, or the server asks for a longer wait than allowed.
        """
        if self._transport.holds_key(canonical_json(request.plain())):
            raise RefusedRequestError(
                f"{request.label}: the request holds the value of the environment variable "
                f"{self._profile.key_variable}; take it out"
            )
        began, attempt, generation = self._clock.monotonic(), 1, 0
        form = self._format if request.schema is not None else ReplyFormat.TEXT
        while True:
            id_ = f"{name}-{form}-{generation}" if name else None
            step = self._attempt(request, sample, form, id_, busy)
            if isinstance(step, Good):
                if request.schema is not None:
                    # what this server understood is where the next call begins
                    self._format = form
                seconds = self._clock.monotonic() - began
                return Received(step.body, form.value, round(seconds, 3), attempt)
            if isinstance(step, GiveUp):
                raise step.error
            if isinstance(step, OtherFormat):
                form = NEXT_FORMAT[form]
                continue
            generation += step.answered
            self._wait(request, attempt, step, busy)
            self._tally.count(Event.RETRIED)
            attempt += 1

    def _attempt(
        self, request: Request, sample: int, form: ReplyFormat, id_: str | None, busy: Busy
    ) -> Outcome:
        # the place first: what waits for one holds nothing back from the others
        with self._places:
            limit = most(request, self._profile, schema_in_words(request, form))
            with self._budget.reserve(limit, request.label) as reservation:
                busy(self._profile.timeout_s + self._profile.connect_timeout_s)
                response = self._send(request, sample, form, id_)
                held_to = form if request.schema is not None else None
                step = outcome(request.task, response, self._profile, held_to, self._clock.now())
                reservation.settle(self._spent(request, step, limit))
        return step

    def _send(self, request: Request, sample: int, form: ReplyFormat, id_: str | None) -> Response | Lost:
        if request.task is Task.TRANSCRIPTION:
            arguments = transcription_arguments(request)
        else:
            arguments = chat_arguments(request, self._profile, form, sample)
        return self._transport.send(request.task, arguments, id_)

    def _spent(self, request: Request, step: Outcome, limit: Charge) -> Charge:
        if isinstance(step, Good) and step.reply.usage is not None:
            return actual(request, step.reply.usage, self._profile)
        if isinstance(step, Good) and not step.paid:
            return Charge(calls=1)
        sound = request.task is Task.TRANSCRIPTION and isinstance(step, Good)
        if sound or not (isinstance(step, Good) or (isinstance(step, Again) and step.paid)):
            # sound is priced by its length; what the server refused costs nothing
            return limit if sound else Charge(calls=1)
        self._tally.count(Event.ESTIMATED)
        return limit

    def _wait(self, request: Request, attempt: int, step: Again, busy: Busy) -> None:
        where = f"{request.label}: {self._profile.host}"
        if attempt >= self._retries.attempts:
            times = "once" if attempt == 1 else f"{attempt} times"
            raise ServerError(
                f"{where} was asked {times} and gave no reply that can be used (last: {step.words}); try "
                "again later, or raise llm.retries.attempts"
            )
        if step.asked_s is not None and step.asked_s > self._retries.max_wait_s:
            raise ServerError(
                f"{where} asks to wait {step.asked_s:.0f} s ({step.words}), more than llm.retries.max_wait_s "
                f"({self._retries.max_wait_s:g}); try again then"
            )
        pause = wait_s(attempt, self._retries, seed=self._seed, key=request.key, asked_s=step.asked_s)
        busy(pause)
        self._clock.sleep(pause)
