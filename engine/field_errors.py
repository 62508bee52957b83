"""What pydantic found wrong with a value, in words a person would use."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

_LONGEST = 60
_EXPECTED = {
    "bool": "must be true or false",
    "date": "must be a date like 2023-01-03",
    "float": "must be a number",
    "int": "must be a whole number",
    "dict": "must be a mapping of keys",
    "model": "must be a mapping of keys",
    "list": "must be a list",
    "path": "must be a path",
    "string": "must be text",
}
_BOUNDS = {
    "greater_than": "must be greater than {gt:g}",
    "greater_than_equal": "must be at least {ge:g}",
    "less_than": "must be less than {lt:g}",
    "less_than_equal": "must be at most {le:g}",
    "literal_error": "must be {expected}",
    "enum": "must be {expected}",
}


def what_is_wrong(error: Mapping[str, Any], *others: Mapping[str, Any], hide: bool = False) -> str:
    """Say one error of a ``ValidationError`` after the name of its key: ``must be a number, not 'abc'``.

    `others` are what further members of a union said of the same value. With `hide` a text is not shown:
    it may be a secret that was written in the wrong place.
    """
    if error["type"] == "missing":
        return "is missing"
    if error["type"] == "value_error":
        # raised by a validator of ours, which names the value itself
        return str(error["msg"]).removeprefix("Value error, ")
    wishes = [_wish(e) for e in (error, *others) if e["type"] not in ("missing", "value_error")]
    words = " or ".join(dict.fromkeys(wish.removeprefix("must be ") for wish in wishes))
    value = error["input"]
    remedy = "; quote it" if words == "text" and isinstance(value, int | float | date) else ""
    if hide and not isinstance(value, bool | int | float | date | None):
        return f"must be {words} (what was written is not shown: it may be a key)"
    return f"must be {words}, not {_shown(value)}{remedy}"


def _wish(error: Mapping[str, Any]) -> str:
    kind = error["type"]
    if kind in _BOUNDS:
        return _BOUNDS[kind].format(**error["ctx"])
    return _EXPECTED.get(kind.split("_")[0]) or str(error["msg"]).replace("Input should be", "must be")


def _shown(value: Any) -> str:
    if value is None:
        return "empty"
    if isinstance(value, bool):
        return str(value).lower()
    text = str(value) if isinstance(value, date) else repr(value)
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 3]}..."
