"""Where configuration values come from: a file, the environment, the command line; and which won."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from alphaloom.shipped import shipped_config, shipped_names
from alphaloom.yaml_reader import Document, YamlError, read_document
from engine.errors import ConfigError

_PREFIX = "ALPHALOOM__"
#: One layer: what was written where, in order.
Layer = list[tuple[str, dict[str, Any]]]
DATA_PATHS = {
    "path", "membership", "instruments", "actions", "fundamentals", "index",
    "special_sessions", "code_changes", "macro", "texts", "calendar_extra",
}  # fmt: skip


@dataclass
class Layers:
    """Merged values, the folder that names in the file are relative to, and the origin of each key.

    The origin of a key is what a message begins with: ``my.yaml, line 3``, ``--set broker.cash``, or nothing
    where a Python caller wrote it.
    """

    values: dict[str, Any]
    base: Path
    origins: dict[str, str] = field(default_factory=dict)

    @classmethod
    def read(
        cls, source: str | Path | Mapping[str, Any], sets: Sequence[str], environ: Mapping[str, str]
    ) -> Layers:
        """Read all layers; relative paths become absolute here, each by the place it was written in."""
        if isinstance(source, Mapping):
            layers = cls({}, Path.cwd())
            layers._merge(copy.deepcopy(dict(source)), "", Path.cwd())
        else:
            path = find_config(source)
            layers = cls({}, path.parent)
            document = read_yaml(path, str(source))
            layers._merge(document.value, str(source), path.parent)
            for key, line in document.lines.items():
                layers.origins[".".join(key)] = f"{source}, line {line}"
        for layer in (_from_environment(environ), _from_sets(sets)):
            layers._forget_params_of_others(layer)
            for origin, values in layer:
                layers._merge(values, origin, Path.cwd())
        return layers

    def origin(self, path: Sequence[str]) -> str:
        """The layer that wrote a key, or the nearest part of it."""
        for length in range(len(path), 0, -1):
            found = self.origins.get(".".join(path[:length]))
            if found is not None:
                return found
        return ""

    def _forget_params_of_others(self, layer: Layer) -> None:
        """Parameters written for one provider or strategy say nothing to another named by a later layer."""
        for section, key in (("alpha", "provider"), ("strategy", "name")):
            below = self.values.get(section)
            named = [part[section][key] for _, part in layer if key in _mapping(part.get(section))]
            if named and isinstance(below, dict) and named[-1] != below.get(key):
                below.pop("params", None)

    def _merge(self, new: dict[str, Any], origin: str, base: Path) -> None:
        _absolute(new, base)
        self._merge_into(self.values, new, origin, ())

    def _merge_into(
        self, target: dict[str, Any], new: dict[str, Any], origin: str, path: tuple[str, ...]
    ) -> None:
        for key, value in new.items():
            here = (*path, str(key))
            if (
                isinstance(value, dict)
                and isinstance(target.get(key), dict)
                and not _replaces(here, value, target[key])
            ):
                self._merge_into(target[key], value, origin, here)
            else:
                target[key] = value
            self._note(here, value, origin)

    def _note(self, path: tuple[str, ...], value: Any, origin: str) -> None:
        self.origins[".".join(path)] = origin
        if isinstance(value, dict):
            for key, inner in value.items():
                self._note((*path, str(key)), inner, origin)


def _from_environment(environ: Mapping[str, str]) -> Layer:
    layer = []
    for name in sorted(environ):
        if name.startswith(_PREFIX):
            parts = name.removeprefix(_PREFIX).lower().split("__")
            if not all(parts):
                raise ConfigError(
                    f"environment variable {name}: write it like {_PREFIX}BROKER__CASH, or unset it"
                )
            origin = f"environment variable {name}"
            layer.append((origin, _nested(parts, _yaml_value(environ[name], origin))))
    return layer


def _from_sets(sets: Sequence[str]) -> Layer:
    layer = []
    for item in sets:
        key, equals, text = item.partition("=")
        parts = key.strip().split(".")
        if not equals or not all(parts):
            raise ConfigError(f"--set {item!r}: write it as key=value, like broker.cash=1000000")
        origin = f"--set {key.strip()}"
        layer.append((origin, _nested(parts, _yaml_value(text, origin))))
    return layer


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def find_config(source: str | Path) -> Path:
    """Return the file of a configuration given by path or by the name of a shipped one."""
    path = Path(source).expanduser()
    if path.is_file():
        return path.resolve()
    shipped = shipped_config(str(source))
    if shipped is not None:
        return shipped
    raise ConfigError(
        f"there is no configuration {str(source)!r}: neither a file nor a shipped one "
        f"({', '.join(shipped_names())})"
    )


def read_yaml(path: Path, name: str) -> Document:
    """Read a YAML mapping; errors call the file `name` and say the line."""
    try:
        document = read_document(path.read_text(encoding="utf-8-sig"))
    except YamlError as problem:
        line = "" if problem.line is None else f", line {problem.line}"
        raise ConfigError(f"{name}{line}: {problem}") from None
    except UnicodeDecodeError:
        raise ConfigError(f"{name} is no text in UTF-8; save it as such") from None
    except OSError as problem:
        raise ConfigError(f"{name} cannot be read: {problem.strerror}") from None
    if document.value is None:
        return Document({})
    if not isinstance(document.value, dict):
        kind = type(document.value).__name__
        raise ConfigError(f"{name}: a configuration is a mapping of keys, not a {kind}")
    return document


def _yaml_value(text: str, origin: str) -> Any:
    try:
        return read_document(text).value
    except YamlError as problem:
        raise ConfigError(f"{origin}: {text!r} is no YAML value ({problem}); correct or quote it") from None


def _nested(parts: Sequence[str], value: Any) -> dict[str, Any]:
    for part in reversed(parts):
        value = {part: value}
    assert isinstance(value, dict)
    return value


def _replaces(path: tuple[str, ...], value: dict[str, Any], below: dict[str, Any]) -> bool:
    """Flat fees and dated fees have no key in common but the minimum: one kind replaces the other."""
    flat, dated = {"buy", "sell"}, {"commission"}
    other = dated if flat & value.keys() else flat if dated & value.keys() else set()
    return path == ("broker", "fees") and bool(other & below.keys()) and not other & value.keys()


def is_path_parameter(key: str) -> bool:
    """Whether a provider's parameter of this name is read as a path."""
    return key == "path" or key.endswith("_path")


def _absolute(values: dict[str, Any], base: Path) -> None:
    data = values.get("data")
    if isinstance(data, dict):
        for key in DATA_PATHS & data.keys():
            data[key] = _from(base, data[key])
    llm = values.get("llm")
    if isinstance(llm, dict) and "cassette" in llm:
        llm["cassette"] = _from(base, llm["cassette"])
    for section, key in (("alpha", "provider"), ("strategy", "name")):
        part = values.get(section)
        if not isinstance(part, dict):
            continue
        name = part.get(key)
        if isinstance(name, str) and name.rpartition(":")[0].endswith(".py"):
            part[key] = _from(base, name)
        params = part.get("params")
        if isinstance(params, dict):
            for param in params:
                if is_path_parameter(str(param)):
                    params[param] = _from(base, params[param])


def _from(base: Path, value: Any) -> Any:
    if isinstance(value, list):
        return [_from(base, item) for item in value]
    return str(base / Path(value).expanduser()) if isinstance(value, str | Path) else value
