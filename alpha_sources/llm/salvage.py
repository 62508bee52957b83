"""What can be used of an answer with faults: the entries of its lists that have none."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from pydantic import BaseModel, ValidationError

from alpha_sources.llm.answer_reading import (
    LONGEST_REPLY,
    all_visible,
    holds_odd_number,
    lenient_object,
    message_on_one_line,
)
from alpha_sources.llm.characters import one_line

T = TypeVar("T", bound=BaseModel)

#: what is taken out may bring out other faults, though seldom
_MOST_ROUNDS = 4


@dataclass(frozen=True, slots=True)
class Spoilt:
    """An entry that was taken out.

    Parameters
    ----------
    field : str
        The list that it stood in.
    number : int
        Its place there, from 1.
    value : object
        What the model wrote, as plain JSON values: text of a stranger.
    why : str
        What is wrong with it, in one line.
    """

    field: str
    number: int
    value: Any
    why: str

    def label(self, key: str) -> str:
        """Return a short text of the entry, such as its name; empty where it has none."""
        found = self.value.get(key) if isinstance(self.value, Mapping) else None
        return one_line(found, 80) if isinstance(found, str) else ""


@dataclass(frozen=True, slots=True)
class Salvage(Generic[T]):
    """What is left of an answer, and what was taken out of it."""

    answer: T
    spoilt: tuple[Spoilt, ...]


def salvaged(content: str, model: type[T]) -> Salvage[T] | None:
    """Read the good entries of a reply that is no answer as a whole.

    Only entries of the lists at the top of the answer are taken out, each whole: one with a number that is
    none (NaN) or out of bounds, a text that is too long, an unknown label. What is left must be an answer
    with at least one entry; where something else is wrong, nothing can be used.

    Parameters
    ----------
    content : str
        The reply.
    model : type
        Of the answer.

    Returns
    -------
    Salvage or None
    """
    try:
        return _salvaged(content, model)
    except RecursionError:
        return None


def _salvaged(content: str, model: type[T]) -> Salvage[T] | None:
    found = lenient_object(content) if len(content) <= LONGEST_REPLY else None
    if found is None:
        return None
    found = all_visible(found)
    lists = {key: list(enumerate(value, 1)) for key, value in found.items() if isinstance(value, list)}
    spoilt: list[Spoilt] = []
    for key, entries in lists.items():
        bad = [
            (number, value, "it holds NaN or Infinity")
            for number, value in entries
            if holds_odd_number(value)
        ]
        _take_out(key, entries, bad, spoilt)
    for _ in range(_MOST_ROUNDS):
        given = {**found, **{key: [value for _, value in entries] for key, entries in lists.items()}}
        try:
            answer = model.model_validate_json(json.dumps(given, allow_nan=False), strict=True)
        except ValidationError as problem:
            if not _without_faults(problem, lists, spoilt):
                return None
        except ValueError:
            return None
        else:
            left = any(lists[key] for key in lists.keys() & model.model_fields.keys())
            return Salvage(answer, tuple(sorted(spoilt, key=_place))) if spoilt and left else None
    return None


def _without_faults(
    problem: ValidationError, lists: dict[str, list[tuple[int, Any]]], spoilt: list[Spoilt]
) -> bool:
    """Take out the entries at fault; False where the fault lies elsewhere."""
    faults: dict[str, dict[int, str]] = {}
    for error in problem.errors(include_url=False, include_context=False):
        loc = error["loc"]
        if len(loc) < 2 or loc[0] not in lists or not isinstance(loc[1], int):
            return False
        inner = ".".join(str(part) for part in loc[2:])
        said = message_on_one_line(error["msg"])
        faults.setdefault(str(loc[0]), {}).setdefault(
            loc[1], f"{one_line(inner, 60)}: {said}" if inner else said
        )
    for key, at in faults.items():
        entries = lists[key]
        _take_out(key, entries, [(*entries[i], why) for i, why in at.items()], spoilt)
    return True


def _take_out(
    key: str, entries: list[tuple[int, Any]], bad: list[tuple[int, Any, str]], spoilt: list[Spoilt]
) -> None:
    numbers = {number for number, _, _ in bad}
    entries[:] = [one for one in entries if one[0] not in numbers]
    spoilt += [Spoilt(key, number, value, why) for number, value, why in bad]


def _place(one: Spoilt) -> tuple[str, int]:
    return one.field, one.number
