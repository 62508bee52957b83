"""The JSON schema of an answer: closed, flat, and bounded everywhere."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel

from alpha_sources.llm.errors import AnswerModelError

#: What servers that enforce a schema take; the description says the rest, and pydantic checks it afterwards.
_ENFORCED = ("type", "enum", "const", "minimum", "maximum", "minItems", "maxItems")
_BOUNDED_FORMATS = frozenset({"date", "date-time", "time", "duration", "uuid"})
_DEEPEST = 8
_MOST_CHARACTERS = 20_000
_MOST_ITEMS = 1000


def answer_schema(model: type[BaseModel]) -> dict[str, Any]:
    """Return the schema that servers are given for a pydantic model.

    Parameters
    ----------
    model : type
        Numbers have a lower and an upper bound, texts and lists a greatest length, labels are enums.

    Returns
    -------
    dict
        Without references; every property is required and none may be added, as servers that enforce schemas
        want it.

    Raises
    ------
    AnswerModelError
        If something in the model has no bounds, is open (a dict, ``Any``, extra fields), recursive or more
        than 8 levels deep.
    """
    whole = model.model_json_schema()
    definitions = whole.pop("$defs", {})
    return _closed(whole, definitions, model.__name__, ())


def _closed(
    schema: Mapping[str, Any], definitions: Mapping[str, Any], place: str, inside: tuple[str, ...]
) -> dict[str, Any]:
    if len(place.split(".")) > _DEEPEST:
        raise AnswerModelError(f"{place} lies more than {_DEEPEST} levels deep; make the answer flatter")
    if "$ref" in schema:
        name = schema["$ref"].rsplit("/", 1)[-1]
        if name in inside:
            raise AnswerModelError(f"{place} holds itself; an answer has an end")
        inner = _closed(definitions[name], definitions, place, (*inside, name))
        # what stands at the field says more than what stands at its type
        if "description" in schema:
            inner = {**inner, "description": schema["description"]}
        return inner
    if "anyOf" in schema:
        members = [_closed(one, definitions, place, inside) for one in schema["anyOf"]]
        return _described({"anyOf": members}, schema)
    if "enum" in schema or "const" in schema:
        return _described({key: schema[key] for key in _ENFORCED if key in schema}, schema)
    return _by_type(schema, definitions, place, inside)


def _by_type(
    schema: Mapping[str, Any], definitions: Mapping[str, Any], place: str, inside: tuple[str, ...]
) -> dict[str, Any]:
    kind = schema.get("type")
    if kind in ("boolean", "null"):
        return _described({"type": kind}, schema)
    if kind in ("number", "integer"):
        return _described(_number(schema, place), schema)
    if kind == "string":
        if schema.get("format") not in _BOUNDED_FORMATS:
            _bound(schema, "maxLength", _MOST_CHARACTERS, place, "text without max_length")
        return _described({"type": "string"}, schema)
    if kind == "array":
        _bound(schema, "maxItems", _MOST_ITEMS, place, "a list without max_length")
        if "items" not in schema or "prefixItems" in schema:
            raise AnswerModelError(f"{place} is a tuple, or a list of anything; make it a list of one type")
        items = _closed(schema["items"], definitions, f"{place}[]", inside)
        sizes = {key: schema[key] for key in ("minItems", "maxItems") if key in schema}
        return _described({"type": "array", "items": items, **sizes}, schema)
    if kind == "object" and "properties" in schema and not schema.get("additionalProperties"):
        properties = {
            name: _closed(one, definitions, f"{place}.{name}", inside)
            for name, one in schema["properties"].items()
        }
        closed = {
            "type": "object",
            "properties": properties,
            "required": list(properties),
            "additionalProperties": False,
        }
        return _described(closed, schema)
    raise AnswerModelError(
        f"{place} may hold anything; use a number with bounds, a text or list with max_length, an enum, or "
        "another model"
    )


def _number(schema: Mapping[str, Any], place: str) -> dict[str, Any]:
    low = schema.get("minimum", schema.get("exclusiveMinimum"))
    high = schema.get("maximum", schema.get("exclusiveMaximum"))
    if low is None or high is None:
        raise AnswerModelError(f"{place} is a number without bounds; annotate it with bounded(low, high)")
    return {"type": schema["type"], "minimum": low, "maximum": high}


def _bound(schema: Mapping[str, Any], key: str, most: int, place: str, what: str) -> None:
    if key not in schema:
        raise AnswerModelError(f"{place} is {what}; give it one")
    if schema[key] > most:
        raise AnswerModelError(f"{place} may have {schema[key]} parts; at most {most} are allowed")


def _described(closed: dict[str, Any], schema: Mapping[str, Any]) -> dict[str, Any]:
    # a model's docstring is for programmers: only what Field(description=...) says is for the language model
    words = [] if schema.get("type") == "object" else [schema.get("description", "")]
    if "maxLength" in schema:
        words.append(f"At most {schema['maxLength']} characters.")
    if "exclusiveMinimum" in schema:
        words.append(f"Greater than {schema['exclusiveMinimum']}.")
    if "exclusiveMaximum" in schema:
        words.append(f"Less than {schema['exclusiveMaximum']}.")
    said = " ".join(word for word in words if word)
    return {**closed, "description": said} if said else closed
