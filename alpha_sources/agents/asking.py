"""Asking the models: all questions of a round at once, what is sent back, and a model that fails."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from alpha_sources.agents.answers import Views
from alpha_sources.agents.config import CommitteeConfig, ModelFailure
from alpha_sources.agents.decision import Answered, Mark, Question, Refused
from alpha_sources.agents.moves import Moved, moved
from alpha_sources.agents.questions import (
    Shown,
    Told,
    opinion_prompt,
    seatings,
    statement_envelopes,
)
from alpha_sources.llm.characters import one_line
from alpha_sources.llm.door import Door
from alpha_sources.llm.errors import AnswerError, LlmError, RefusalError, TruncatedError
from alpha_sources.llm.inquiry import Consultation, Inquiry
from alpha_sources.llm.prompt import Rendered
from engine.errors import ConfigError

if TYPE_CHECKING:
    from alpha_sources.agents.brief import MarketBrief

#: a model was asked and answered something that cannot be used: it would do so again
_UNUSABLE = (AnswerError, RefusalError, TruncatedError)
_LONGEST_REASON = 600
_SILENT = "no agent's model had said anything that could be answered: there was no second round"


@dataclass(frozen=True, slots=True)
class Heard:
    """What models said, over all rounds.

    Parameters
    ----------
    marks : mapping of agent to mapping of alpha to Mark
        Those that were moved.
    questions : tuple of Question
    refused : tuple of Refused
    notes : tuple of str
        For the record.
    troubles : tuple of str
        Why a model could not be asked: for people, not for the record, since a replay has other troubles.
    """

    marks: Mapping[str, Mapping[str, Mark]] = field(default_factory=dict)
    questions: tuple[Question, ...] = ()
    refused: tuple[Refused, ...] = ()
    notes: tuple[str, ...] = ()
    troubles: tuple[str, ...] = ()


class _Table:
    """The agents of one question, and what has come of it so far."""

    def __init__(
        self, seats: tuple[str, ...], number: int, prompt: Rendered, inquiry: Inquiry[Views]
    ) -> None:
        self.seats, self._number, self._prompt, self._inquiry = seats, number, prompt, inquiry
        self.trouble = ""
        self._answer: Consultation[Views] | None = None
        self._problem: LlmError | None = None

    @property
    def open(self) -> bool:
        """Whether another reply may bring an answer."""
        return self._inquiry.may_go_on

    @property
    def answered_in_part(self) -> bool:
        """Whether what came so far can be used in part."""
        return self._inquiry.salvaged is not None

    @property
    def states_something(self) -> bool:
        """Whether an agent has said something to the others."""
        found = self._answer or self._inquiry.salvaged
        return found is not None and any(one.agent in self.seats for one in found.answer.statements)

    def ask(self, *, stop: bool) -> None:
        """Ask for one reply; with `stop`, a model that cannot be asked is an error."""
        try:
            self._answer = self._inquiry.step()
        except _UNUSABLE as problem:
            self._problem = problem
        except LlmError as problem:
            if stop:
                raise
            self.trouble = str(problem)

    def heard(self, most_calls: int) -> tuple[Question, Consultation[Views] | None]:
        """Return the record of the question, and what can be used of its answer."""
        found, reason = self._answer, ""
        if self.trouble:
            answered = Answered.NO
        elif found is not None:
            answered = Answered.YES
        else:
            left = f"none of the {most_calls} replies of agents.most_calls was left to send it back"
            reason = one_line(str(self._problem or self._inquiry.given_up(left)), _LONGEST_REASON)
            found = self._inquiry.salvaged
            answered = Answered.UNUSABLE if found is None else Answered.PART
        question = Question(
            round=self._number,
            agents=self.seats,
            answered=answered,
            model="" if found is None else found.model,
            prompt=self._prompt.name,
            prompt_hash=self._prompt.hash,
            key="" if found is None else found.key,
            characters=sum(len(message.text) for message in self._prompt.messages),
            replies=self._inquiry.replies,
            reason=reason,
        )
        return question, found


def hear(
    door: Door,
    shown: Sequence[Shown],
    brief: MarketBrief,
    agents: Sequence[str],
    config: CommitteeConfig,
    *,
    horizon_sessions: int,
    level: str,
    calls_made: int = 0,
) -> Heard:
    """Ask the agents' models, in one round or two.

    Every question has its first reply; those that `most_calls` leaves over go to answers with faults, at
    the end of each round: first to those of which nothing can be used, then to those that can be used in
    part, in the order of the agents, and round again. So who is asked again depends on what was said alone,
    and not on who said it first.

    Parameters
    ----------
    door : Door
    shown : sequence of Shown
        The judged alphas.
    brief : MarketBrief
    agents : sequence of str
        The confidence agent first.
    config : CommitteeConfig
    horizon_sessions : int
    level : str
    calls_made : int
        Replies that the refresh has taken before.

    Raises
    ------
    ConfigError
        If so many were taken before that a question would have none.
    LlmError
        If a model cannot be asked and the settings say to stop.
    """
    told = Told.of(brief, images=config.show_charts and door.profile(config.llm_profile)[1].vision)
    names = {one.mark: one.name for one in shown}
    priors = {agent: {one.name: one.priors[agent] for one in shown} for agent in agents}
    marks: dict[str, Mapping[str, Mark]] = {}
    said: dict[str, str] = {}
    questions: list[Question] = []
    refused: list[Refused] = []
    notes: list[str] = []
    troubles: list[str] = []
    rounds = seatings(agents, config)
    spare = config.most_calls - calls_made - sum(map(len, rounds))
    if spare < 0:
        raise ConfigError(
            f"agents.most_calls is {config.most_calls}, and the brief took {calls_made}: too few are left "
            f"for {sum(map(len, rounds))} questions; raise it, or score texts within `calls_for_texts`"
        )
    stop = config.on_model_failure is ModelFailure.STOP
    for number, seating in enumerate(rounds, start=1):
        tables = [
            _table(
                door,
                seats,
                number,
                opinion_prompt(
                    seats,
                    shown,
                    told,
                    config,
                    horizon_sessions=horizon_sessions,
                    level=level,
                    statements=statement_envelopes(said) if number > 1 else [],
                ),
                told,
                config,
            )
            for seats in seating
        ]
        _at_once(tables, stop)
        spare = _send_back(tables, spare, stop)
        silent = number < len(rounds) and not any(table.states_something for table in tables)
        if silent:
            # what was kept for the next round, which nobody has a reason for, is free
            spare = _send_back(tables, spare + sum(map(len, rounds[number:])), stop)
        for table in tables:
            question, found = table.heard(config.most_calls)
            if found is None:
                questions.append(question)
                troubles += [table.trouble] if table.trouble else []
                continue
            counted = moved(found.answer, table.seats, names, priors, told.ids, config.bound, found.spoilt)
            questions.append(_filled(question, found, counted))
            refused += counted.refused
            said |= counted.statements
            # what an agent says in the second round replaces what it said before
            marks |= {agent: counted.marks.get(agent, {}) for agent in _spoke(table.seats, counted)}
        if silent:
            notes.append(_SILENT)
            break
    return Heard(marks, tuple(questions), tuple(refused), tuple(notes), tuple(troubles))


def _table(
    door: Door,
    seats: tuple[str, ...],
    number: int,
    prompt: Rendered,
    told: Told,
    config: CommitteeConfig,
) -> _Table:
    inquiry = door.inquire(prompt, Views, attachments=told.images, profile=config.llm_profile)
    return _Table(seats, number, prompt, inquiry)


def _at_once(tables: Sequence[_Table], stop: bool) -> None:
    """Ask for one reply to each question, at the same time."""
    with ThreadPoolExecutor(max(1, len(tables))) as pool:
        for _ in pool.map(lambda table: table.ask(stop=stop), tables):
            pass  # raises what the first of them raised


def _send_back(tables: Sequence[_Table], spare: int, stop: bool) -> int:
    """Spend what is left on answers with faults, and return what is left then."""
    while again := sorted((one for one in tables if one.open), key=lambda one: one.answered_in_part)[:spare]:
        _at_once(again, stop)
        spare -= len(again)
    return spare


def _spoke(seats: Sequence[str], counted: Moved) -> list[str]:
    """Agents whose say in an answer stands: who was passed over, or of whom all was dropped, has none.

    One that makes a statement and proposes nothing takes back what it proposed before.
    """
    dropped = {one.agent for one in counted.refused}
    return [
        agent
        for agent in seats
        if agent in counted.marks or (agent in counted.statements and agent not in dropped)
    ]


def _filled(question: Question, found: Consultation[Views], counted: Moved) -> Question:
    spoilt = sum(one.field == "proposals" for one in found.spoilt)
    return replace(
        question,
        proposals=len(found.answer.proposals) + spoilt,
        used=counted.used,
        statements=dict(counted.statements),
    )
