"""`RunConfig`: the sections of a run put together. Each package owns the model of its section."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, get_args, get_origin

from pydantic import BaseModel, ConfigDict, Field, PrivateAttr, ValidationError
from pydantic_core import ErrorDetails

from alpha_sources.config import AlphaConfig
from alpha_sources.llm.config import LlmConfig, Mode
from alphaloom.home import home
from alphaloom.layers import DATA_PATHS, Layers, is_path_parameter
from alphaloom.sample import BENCHMARK, sample_paths
from engine.broker.config import BrokerConfig
from engine.errors import ConfigError
from engine.field_errors import what_is_wrong
from engine.hashing import hash_json
from engine.market.config import DataConfig
from engine.plugins import nearest
from engine.span import SpanConfig
from engine.spans import SpansConfig
from live.config import LiveConfig
from live.feeds.config import QuotesConfig
from live.notify import NotifyConfig
from live.protections import ProtectionsConfig
from strategies.config import StrategyConfig


class RunConfig(BaseModel):
    """Everything that determines a back-test.

    Parameters
    ----------
    name : str
        What the run is called.
    seed : int
        Handed to a provider that takes a ``seed``.
    benchmark : str or None
        Index symbol; on the sample it is the SSE 50 unless said otherwise.
    spans : SpansConfig or None
        Spans of research: what is learnt and chosen on, and what is kept sealed for the test.
    llm : LlmConfig
        Handed to a provider that takes an ``llm``; offline unless said otherwise.
    live, quotes, protections, notify
        Of ``alphaloom paper run``; a back-test reads none of them.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str = Field("backtest", coerce_numbers_to_str=True)
    seed: int = 0
    benchmark: str | None = None
    data: DataConfig = DataConfig()
    span: SpanConfig = SpanConfig()
    alpha: AlphaConfig = AlphaConfig()
    strategy: StrategyConfig = StrategyConfig()
    broker: BrokerConfig = BrokerConfig()
    spans: SpansConfig | None = None
    llm: LlmConfig = LlmConfig()
    live: LiveConfig = LiveConfig()
    quotes: QuotesConfig = QuotesConfig()
    protections: ProtectionsConfig = ProtectionsConfig()
    notify: NotifyConfig = NotifyConfig()

    _base: Path = PrivateAttr(default_factory=Path.cwd)

    @property
    def base(self) -> Path:
        """Folder that relative names of provider and strategy files start from."""
        return self._base

    @property
    def index(self) -> str | None:
        """The benchmark in force."""
        if "benchmark" not in self.model_fields_set and self.data.source == "sample":
            return BENCHMARK
        return self.benchmark

    def resolved_data(self) -> DataConfig:
        """The data section with the paths of the sample, or of the store, where it is one of them."""
        if self.data.source == "store" and self.data.path is None:
            return self.data.model_copy(update={"path": home() / "store" / "market"})
        if self.data.source != "sample":
            return self.data
        said = {name: getattr(self.data, name) for name in self.data.model_fields_set}
        paths = sample_paths()
        if said.get("universe") is not None and said["universe"] != paths["universe"]:
            paths["membership"] = None
        return DataConfig(**{**paths, **said, "source": "file"})

    def resolved_llm(self) -> LlmConfig:
        """The ``llm`` section with a cassette in ALPHALOOM_HOME, where one is needed and none is named."""
        if self.llm.cassette is not None or self.llm.mode not in (Mode.RECORD, Mode.REPLAY):
            return self.llm
        name = re.sub(r"[^\w-]+", "-", self.name).strip("-_")[:64] or "run"
        return self.llm.model_copy(update={"cassette": home() / "cassettes" / f"{name}.db"})

    def plain(self) -> dict[str, Any]:
        """The configuration as plain values, defaults filled in; it can be run again."""
        data = {"source": self.data.source, **self.data.model_dump(mode="json", exclude_unset=True)}
        # what is not there changes no hash
        left_out = {"spans"} if self.spans is None else set()
        if self.llm == LlmConfig():
            left_out.add("llm")
        left_out |= {name for name in _LIVE if getattr(self, name) == type(self).model_fields[name].default}
        return self.model_dump(mode="json", exclude=left_out) | {"benchmark": self.index, "data": data}

    def hash(self) -> str:
        """Sha256 of everything but where files lie; what is in them is hashed with the data.

        Of ``llm`` counts what determines the answers, see `LlmConfig.identity`; offline nothing does. How a
        daemon runs, and whom it asks and tells, determines nothing; what protects an account does.
        """
        plain = self.plain()
        for section in ("llm", *_OPERATIONAL):
            plain.pop(section, None)
        if (answers := self.resolved_llm().identity()) is not None:
            plain["llm"] = answers
        for key in DATA_PATHS & plain["data"].keys():
            plain["data"][key] = _names_only(plain["data"][key])
        for section, key in (("alpha", "provider"), ("strategy", "name")):
            plain[section][key] = _names_only(plain[section][key])
        params = plain["alpha"]["params"]
        plain["alpha"]["params"] = {
            k: _names_only(v) if is_path_parameter(k) else v for k, v in params.items()
        }
        return hash_json(plain)


#: sections of `alphaloom paper run`, and those of them that no result depends on
_OPERATIONAL = ("live", "quotes", "notify")
_LIVE = (*_OPERATIONAL, "protections")


def _names_only(value: Any) -> Any:
    if isinstance(value, str):
        return value.replace("\\", "/").rsplit("/", 1)[-1]
    if isinstance(value, list):
        return [_names_only(item) for item in value]
    return value


def load_config(
    source: str | Path | Mapping[str, Any] | None = None,
    *,
    sets: list[str] | tuple[str, ...] = (),
    environ: Mapping[str, str] | None = None,
) -> RunConfig:
    """Compose a configuration: defaults < file < environment (``ALPHALOOM__A__B``) < ``--set``.

    Parameters
    ----------
    source : str, Path, mapping or None
        A YAML file, the name of a shipped configuration (``quickstart``, the default), or a mapping.
    sets : sequence of ``key.path=value``
        Values are YAML.

    Raises
    ------
    ConfigError
        If a file or value cannot be read, or a key is unknown; where it was written is named.
    """
    layers = Layers.read("quickstart" if source is None else source, sets, environ or {})
    try:
        config = RunConfig.model_validate(layers.values)
    except ValidationError as problem:
        raise ConfigError(_explain(problem.errors(), layers)) from None
    for path, value in _numbers(config.model_dump()):
        if not math.isfinite(value):
            raise ConfigError(_at(_written(path, layers), "must be a finite number", layers))
    config._base = layers.base
    return config


def _explain(errors: Sequence[ErrorDetails], layers: Layers) -> str:
    """Say the first error in one line: where it was written, which key, what is wrong."""
    # a misspelt key is missed under its right name as well, which is not what is to be said
    errors = sorted(errors, key=lambda error: error["type"] == "missing")
    places = [_written(error["loc"], layers, missing=error["type"] == "missing") for error in errors]
    # a union complains once for each of its members, and those that got furthest understood most
    here = [error for error, place in zip(errors, places, strict=True) if place == places[0]]
    depth = max(len(error["loc"]) for error in here)
    deepest = [error for error in here if len(error["loc"]) == depth]
    if deepest[0]["type"] in ("extra_forbidden", "invalid_key"):
        text = _unknown(places[0], layers)
    else:
        # what stands there by mistake may be a key
        secret = places[0][:1] in (("llm",), ("notify",))
        text = _at(places[0], what_is_wrong(*deepest, hide=secret), layers)
    more = len(set(places)) - 1
    return f"{text} (and {more} more)" if more else text


def _written(loc: Sequence[int | str], layers: Layers, *, missing: bool = False) -> tuple[str, ...]:
    """The part of an error's place that is a key somebody wrote, without the names of union members."""
    path: list[str] = []
    value: Any = layers.values
    for part in loc:
        if not isinstance(value, Mapping) or (part not in value and not missing):
            break
        path.append(str(part))
        value = value.get(part)
    return tuple(path)


def _at(path: Sequence[str], what: str, layers: Layers) -> str:
    origin, key = layers.origin(path), ".".join(path)
    if origin == f"--set {key}":
        return f"{origin}: {what}"
    sentence = f"{key} {what}" if what.startswith(("must ", "is ")) else f"{key}: {what}"
    return f"{origin}: {sentence}" if origin else sentence


def _unknown(path: Sequence[str], layers: Layers) -> str:
    origin, key, known = layers.origin(path), ".".join(path), _keys_beside(path)
    what = "unknown key" if origin == f"--set {key}" else f"unknown key {key!r}"
    hint = _elsewhere(path[-1]) or nearest(path[-1], known)
    hint = hint or (f"; known here: {', '.join(known)}" if known else "")
    return f"{origin}: {what}{hint}" if origin else f"{what}{hint}"


def _elsewhere(word: str) -> str:
    """``; did you mean X.word?`` where a key of that very name lies in another section."""
    from strategies.topk_dropn import TopkDropnSettings

    sections = [(name, field.annotation) for name, field in RunConfig.model_fields.items()]
    sections.append(("strategy.params", TopkDropnSettings))
    found = [name for name, model in sections if word in getattr(model, "model_fields", ())]
    return f"; did you mean {found[0]}.{word}?" if len(found) == 1 else ""


def _keys_beside(path: Sequence[str]) -> list[str]:
    models: list[Any] = [RunConfig]
    named = False
    for part in path[:-1]:
        if named:  # a name of the user's own, such as that of a profile
            named = False
            continue
        fields = [model.model_fields[part] for model in models if part in model.model_fields]
        named = any(get_origin(f.annotation) is dict for f in fields)
        inner = [member for f in fields for member in (get_args(f.annotation) or (f.annotation,))]
        models = [member for member in inner if hasattr(member, "model_fields")]
    return list(dict.fromkeys(key for model in models for key in model.model_fields))


def _numbers(value: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], float]]:
    if isinstance(value, float):
        yield path, value
    elif isinstance(value, Mapping):
        for key, inner in value.items():
            yield from _numbers(inner, (*path, str(key)))
    elif isinstance(value, list | tuple):
        for inner in value:
            yield from _numbers(inner, path)
