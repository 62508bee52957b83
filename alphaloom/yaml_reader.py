"""YAML as people write it, with the line of every key.

PyYAML speaks YAML 1.1, in which ``1e6`` is text, ``000001`` is one and ``2023-02-30`` breaks the file. Here
``1e6`` is a number, a figure with leading zeros is text (a stock's code), and a day that does not exist is
text too, for whoever expects a date to refuse with the key's name.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

import yaml

_INT, _FLOAT = "tag:yaml.org,2002:int", "tag:yaml.org,2002:float"
_TIMESTAMP = "tag:yaml.org,2002:timestamp"
_WHOLE = re.compile(r"[-+]?(?:0|[1-9][0-9_]*)$|0x[0-9a-fA-F]+$")
_DECIMAL = re.compile(
    r"[-+]?(?:[0-9][0-9_]*\.[0-9_]*(?:[eE][-+]?[0-9]+)?|\.[0-9][0-9_]*(?:[eE][-+]?[0-9]+)?"
    r"|[0-9][0-9_]*[eE][-+]?[0-9]+|\.(?:inf|Inf|INF))$|\.(?:nan|NaN|NAN)$"
)


class YamlError(ValueError):
    """A text is no YAML, or writes a key twice; `line` is where, counted from 1."""

    def __init__(self, problem: str, line: int | None = None) -> None:
        super().__init__(problem)
        self.line = line


@dataclass(frozen=True)
class Document:
    """A value, and the line on which each key of its nested mappings stands."""

    value: Any
    lines: dict[tuple[str, ...], int] = field(default_factory=dict)


def read_document(text: str) -> Document:
    """Read one YAML document.

    Raises
    ------
    YamlError
        If the text is no YAML, or a mapping has a key twice.
    """
    try:
        loader = _Loader(text)
        node = loader.get_single_node()
        lines: dict[tuple[str, ...], int] = {}
        _note_lines(node, (), lines)
        return Document(None if node is None else loader.construct_document(node), lines)
    except yaml.MarkedYAMLError as problem:
        mark = problem.problem_mark or problem.context_mark
        raise YamlError(str(problem.problem), mark.line + 1 if mark else None) from None
    except (yaml.YAMLError, RecursionError) as problem:
        raise YamlError(" ".join(str(problem).split())) from None


class _Loader(yaml.SafeLoader):
    yaml_implicit_resolvers = {  # noqa: RUF012 - PyYAML's way
        first: [pair for pair in pairs if pair[0] not in (_INT, _FLOAT)]
        for first, pairs in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }

    def timestamp(self, node: yaml.ScalarNode) -> Any:
        try:
            return self.construct_yaml_timestamp(node)
        except ValueError:
            return node.value


_Loader.add_implicit_resolver(_INT, _WHOLE, list("-+0123456789"))
_Loader.add_implicit_resolver(_FLOAT, _DECIMAL, list("-+.0123456789"))
_Loader.add_constructor(_TIMESTAMP, _Loader.timestamp)


def _note_lines(node: yaml.Node | None, path: tuple[str, ...], lines: dict[tuple[str, ...], int]) -> None:
    if not isinstance(node, yaml.MappingNode):
        return
    for key, value in node.value:
        here = (*path, str(key.value))
        line = key.start_mark.line + 1
        if here in lines:
            raise YamlError(f"the key {'.'.join(here)} was written on line {lines[here]} already", line)
        lines[here] = line
        _note_lines(value, here, lines)
