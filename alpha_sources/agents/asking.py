"""Asking the models: all questions of a round at once, and what to do with a model that fails."""

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
from alpha_sources.llm.door import Door
from alpha_sources.llm.errors import AnswerError, LlmError, RefusalError, TruncatedError
from alpha_sources.llm.prompt import Rendered

if TYPE_CHECKING:
    from alpha_sources.agents.brief import MarketBrief
    from alpha_sources.llm.attachment import Attachment

#: a model was asked and answered something that cannot be used: it would do so again
_UNUSABLE = (AnswerError, RefusalError, TruncatedError)


@dataclass(frozen=True, slots=True)
class Heard:
    """What models said, over all rounds.

    Parameters
    ----------
    marks : mapping of agent to mapping of alpha to Mark
        Those that were moved.
    questions : tuple of Question
    refused : tuple of Refused
    troubles : tuple of str
        Why a model could not be asked: for people, not for the record, since a replay has other troubles.
    """

    marks: Mapping[str, Mapping[str, Mark]] = field(default_factory=dict)
    questions: tuple[Question, ...] = ()
    refused: tuple[Refused, ...] = ()
    troubles: tuple[str, ...] = ()


def hear(
    door: Door,
    shown: Sequence[Shown],
    brief: MarketBrief,
    agents: Sequence[str],
    config: CommitteeConfig,
    *,
    horizon_sessions: int,
    level: str,
) -> Heard:
    """Ask the agents' models, in one round or two.

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

    Raises
    ------
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
    troubles: list[str] = []
    for number, tables in enumerate(seatings(agents, config), start=1):
        statements = statement_envelopes(said) if number > 1 else []
        if number > 1 and not statements:
            break  # nobody said anything to be answered
        prompts = [
            opinion_prompt(
                seats,
                shown,
                told,
                config,
                horizon_sessions=horizon_sessions,
                level=level,
                statements=statements,
            )
            for seats in tables
        ]
        for seats, (question, views, trouble) in zip(
            tables, _asked(door, prompts, tables, number, told.images, config), strict=True
        ):
            if views is None:
                questions.append(question)
                troubles += [trouble] if trouble else []
                continue
            found = moved(views, seats, names, priors, told.ids, config.bound)
            questions.append(_filled(question, views, found))
            refused += found.refused
            said |= found.statements
            # what an agent says in the second round replaces what it said before
            marks |= {agent: found.marks.get(agent, {}) for agent in seats}
    return Heard(marks, tuple(questions), tuple(refused), tuple(troubles))


def _filled(question: Question, views: Views, found: Moved) -> Question:
    return replace(
        question, proposals=len(views.proposals), used=found.used, statements=dict(found.statements)
    )


def _asked(
    door: Door,
    prompts: Sequence[Rendered],
    tables: Sequence[tuple[str, ...]],
    number: int,
    images: Sequence[Attachment],
    config: CommitteeConfig,
) -> list[tuple[Question, Views | None, str]]:
    """Ask the questions of a round at once; the order of the answers is that of the questions."""

    def one(prompt: Rendered, seats: tuple[str, ...]) -> tuple[Question, Views | None, str]:
        asked = Question(
            round=number,
            agents=seats,
            answered=Answered.YES,
            prompt=prompt.name,
            prompt_hash=prompt.hash,
            characters=sum(len(message.text) for message in prompt.messages),
        )
        try:
            heard = door.consult(prompt, Views, attachments=images, profile=config.llm_profile)
        except _UNUSABLE as problem:
            return replace(asked, answered=Answered.UNUSABLE), None, str(problem)
        except LlmError as problem:
            if config.on_model_failure is ModelFailure.STOP:
                raise
            return replace(asked, answered=Answered.NO), None, str(problem)
        return replace(asked, model=heard.model, key=heard.key), heard.answer, ""

    with ThreadPoolExecutor(max(1, len(prompts))) as pool:
        return list(pool.map(one, prompts, tables))
