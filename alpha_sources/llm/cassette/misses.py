"""Why a request is not on a cassette: what distinguishes it from the recorded one most like it. Pure."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from itertools import zip_longest
from typing import Any

from alpha_sources.llm.characters import one_line
from alpha_sources.llm.request import Request

_EXCERPT = 30


def what_differs(request: Request, label: str, recorded: str) -> str:
    """Return the differences to a recorded request, on one line.

    Parameters
    ----------
    request : Request
    label : str
        Of the recorded one.
    recorded : str
        Its plain values, as JSON.
    """
    asked, other = request.plain(), json.loads(recorded)
    found = []
    for name in ("task", "model"):
        if asked[name] != other[name]:
            found.append(f"{name}: recorded {_shown(other[name])}, asked {_shown(asked[name])}")
    found += _mapping("parameters", asked["parameters"], other["parameters"])
    found += _messages(asked["messages"], other["messages"])
    if asked["schema"] != other["schema"]:
        found.append("the schema of the answer")
    found += _attachments(asked["attachments"], other["attachments"])
    return f"the nearest recorded request ({label}) differs in {'; '.join(found)}"


def _mapping(name: str, asked: Mapping[str, Any], other: Mapping[str, Any]) -> list[str]:
    return [
        f"{name}.{key}: recorded {_shown(other.get(key))}, asked {_shown(asked.get(key))}"
        for key in sorted(asked.keys() | other.keys())
        if asked.get(key) != other.get(key)
    ]


def _messages(asked: Sequence[Mapping[str, str]], other: Sequence[Mapping[str, str]]) -> list[str]:
    if len(asked) != len(other):
        return [f"messages: {len(other)} recorded, {len(asked)} asked"]
    for number, (new, old) in enumerate(zip(asked, other, strict=True), start=1):
        if new == old:
            continue
        pairs = zip_longest(new["text"], old["text"])
        at = next((i for i, (a, b) in enumerate(pairs) if a != b), 0)
        start = max(0, at - _EXCERPT // 2)
        a, b = (_shown(one["text"][start : start + _EXCERPT]) for one in (new, old))
        return [f"message {number} ({new['role']}) from character {at + 1}: recorded {b}, asked {a}"]
    return []


def _attachments(asked: Sequence[Mapping[str, Any]], other: Sequence[Mapping[str, Any]]) -> list[str]:
    if len(asked) != len(other):
        return [f"attachments: {len(other)} recorded, {len(asked)} asked"]
    return [
        f"attachment {number}: recorded {old['sha256'][:12]} ({old['bytes']} bytes), asked "
        f"{new['sha256'][:12]} ({new['bytes']} bytes)"
        for number, (new, old) in enumerate(zip(asked, other, strict=True), start=1)
        if new != old
    ]


def _shown(value: Any) -> str:
    return "nothing" if value is None else repr(one_line(str(value), 60))
