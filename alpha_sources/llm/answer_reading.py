"""From what a model wrote to an answer, or to what is wrong with it."""

from __future__ import annotations

import json
import math
import re
from dataclasses import dataclass
from typing import Any, NoReturn, TypeVar

from pydantic import BaseModel, ValidationError

from alpha_sources.llm.characters import one_line, visible

T = TypeVar("T", bound=BaseModel)

LONGEST_REPLY = 400_000
_MOST_STARTS = 200
_MOST_FAULTS = 8
_LONGEST_FAULT = 400
_NO_NUMBER = "is no number in JSON"
_THOUGHTS = re.compile(r"^\s*<think>.*?</think>", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Faults:
    """Why a reply is no answer, one line each: short enough to be sent back."""

    lines: tuple[str, ...]

    def __str__(self) -> str:
        return "; ".join(self.lines)


def read_answer(content: str, model: type[T]) -> T | Faults:
    """Read a reply into a pydantic model.

    JSON may stand in a code fence or between sentences, as models without a JSON mode write it; of several
    objects the last one counts. Numbers written as texts, NaN and whatever breaks a bound are faults. Every
    string is rid of characters that cannot be seen before it is checked.
    """
    if not content.strip():
        return Faults(("the reply is empty",))
    if len(content) > LONGEST_REPLY:
        return Faults((f"the reply has {len(content)} characters; at most {LONGEST_REPLY} are read",))
    found = _json_object(_THOUGHTS.sub("", content))
    if isinstance(found, Faults):
        return found
    try:
        # by way of JSON, in which strict means: enums by value, dates as text, numbers as numbers
        return model.model_validate_json(json.dumps(all_visible(found), allow_nan=False), strict=True)
    except ValidationError as problem:
        return _faults(problem)
    except (RecursionError, ValueError):
        return Faults(("the JSON is nested too deep, or holds a number that is none",))


def safe_json(text: str) -> Any:
    """Read JSON from a stranger.

    Raises
    ------
    ValueError
        If it is none, holds NaN or Infinity, a number of thousands of digits, or is nested too deep.
    """
    try:
        return json.loads(text, parse_constant=_refuse)
    except RecursionError:
        raise ValueError("nested too deep") from None


def lenient_object(content: str) -> dict[str, Any] | None:
    """Return the JSON object of a reply with NaN and Infinity where it has them; None if there is none.

    For who takes such numbers out again; see `salvage.salvaged`.
    """
    text = _THOUGHTS.sub("", content)
    try:
        whole = json.loads(text)
    except (ValueError, RecursionError):
        objects = _objects_in(text, json.JSONDecoder())
        return objects[-1] if objects else None
    return whole if isinstance(whole, dict) else None


def holds_odd_number(value: Any) -> bool:
    """Tell whether NaN or an infinity stands in plain JSON values."""
    if isinstance(value, float):
        return not math.isfinite(value)
    if isinstance(value, list):
        return any(map(holds_odd_number, value))
    return isinstance(value, dict) and any(map(holds_odd_number, value.values()))


def _json_object(text: str) -> dict[str, Any] | Faults:
    try:
        whole = safe_json(text)
    except ValueError as problem:
        reason = one_line(str(problem), 120)
    else:
        if isinstance(whole, dict):
            return whole
        return Faults((f"the reply is JSON but no object: it is a {type(whole).__name__}",))
    try:
        odd = holds_odd_number(lenient_object(text))
    except RecursionError:
        odd = False
    if odd:  # what is wrong is that number, and not that some part of the reply is no answer
        return Faults((reason if reason.endswith(_NO_NUMBER) else f"NaN {_NO_NUMBER}",))
    objects = _objects_in(text, json.JSONDecoder(parse_constant=_refuse))
    return objects[-1] if objects else Faults((f"the reply holds no complete JSON object ({reason})",))


def _objects_in(text: str, decoder: json.JSONDecoder) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    at = text.find("{")
    # a bound on starts bounds the time: each may be read to the end in vain
    for _ in range(_MOST_STARTS):
        if at < 0:
            break
        try:
            value, end = decoder.raw_decode(text, at)
        except (ValueError, RecursionError):
            end = at + 1
        else:
            found.append(value)
        at = text.find("{", end)
    return found


def _refuse(word: str) -> NoReturn:
    raise ValueError(f"{word} {_NO_NUMBER}")


def all_visible(value: Any) -> Any:
    """Return plain JSON values without characters that cannot be seen."""
    if isinstance(value, str):
        return visible(value)
    if isinstance(value, list):
        return [all_visible(one) for one in value]
    if isinstance(value, dict):
        return {visible(key): all_visible(one) for key, one in value.items()}
    return value


def _faults(problem: ValidationError) -> Faults:
    lines = []
    errors = problem.errors(include_url=False, include_context=False)
    for error in errors[:_MOST_FAULTS]:
        place = ".".join(str(part) for part in error["loc"]) or "the object"
        lines.append(f"{one_line(place, 100)}: {message_on_one_line(error['msg'])}")
    if len(errors) > _MOST_FAULTS:
        lines.append(f"and {len(errors) - _MOST_FAULTS} more")
    return Faults(tuple(lines))


def message_on_one_line(message: str) -> str:
    """Return what is wrong with a value on one line."""
    # a formula's message has a line with a caret: on one line it would point nowhere
    said = [line for line in visible(message).split("\n") if line.strip() != "^"]
    return one_line(" ".join(said), _LONGEST_FAULT)
