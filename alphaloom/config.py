"""`RunConfig`: the sections of a run put together. Each package owns the model of its section."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, PrivateAttr, ValidationError

from alpha_sources.config import AlphaConfig
from alphaloom.layers import Layers
from alphaloom.sample import BENCHMARK, sample_paths
from engine.broker.config import BrokerConfig
from engine.errors import ConfigError
from engine.hashing import hash_json
from engine.market.config import DataConfig
from engine.plugins import nearest
from engine.span import SpanConfig
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
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str = "backtest"
    seed: int = 0
    benchmark: str | None = None
    data: DataConfig = DataConfig()
    span: SpanConfig = SpanConfig()
    alpha: AlphaConfig = AlphaConfig()
    strategy: StrategyConfig = StrategyConfig()
    broker: BrokerConfig = BrokerConfig()

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
        """The data section with the sample's paths filled in, where it is the source."""
        if self.data.source != "sample":
            return self.data
        said = {name: getattr(self.data, name) for name in self.data.model_fields_set}
        paths = sample_paths()
        if said.get("universe") is not None and said["universe"] != paths["universe"]:
            paths["membership"] = None
        return DataConfig(**{**paths, **said, "source": "file"})

    def plain(self) -> dict[str, Any]:
        """The configuration as plain values, defaults filled in; it can be run again."""
        data = {"source": self.data.source, **self.data.model_dump(mode="json", exclude_unset=True)}
        return self.model_dump(mode="json") | {"benchmark": self.index, "data": data}

    def hash(self) -> str:
        """Sha256 of everything but where files lie; what is in them is hashed with the data."""
        plain = self.plain()
        plain["data"] = {key: _names_only(value) for key, value in plain["data"].items()}
        for section, key in (("alpha", "provider"), ("strategy", "name")):
            plain[section][key] = _names_only(plain[section][key])
        plain["alpha"]["params"] = {k: _names_only(v) for k, v in plain["alpha"]["params"].items()}
        return hash_json(plain)


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
        config = RunConfig(**layers.values)
    except ValidationError as problem:
        raise ConfigError(_explain(problem, layers)) from None
    config._base = layers.base
    return config


def _explain(problem: ValidationError, layers: Layers) -> str:
    """Say the first error in one line: where it was written, which key, what is wrong."""
    errors = problem.errors()
    error = errors[0]
    path = [str(part) for part in error["loc"] if part not in ("AShareFeesConfig", "PlainFeesConfig")]
    key = ".".join(path)
    if error["type"] == "extra_forbidden":
        known = _keys_beside(path)
        what = f"unknown key {key!r}{nearest(path[-1], known)}; known here: {', '.join(known)}"
    else:
        got = "" if error["type"] == "missing" else f" (got {error['input']!r})"
        what = f"{key}: {error['msg'].removeprefix('Value error, ')}{got}"
    more = f" (and {len(errors) - 1} more)" if len(errors) > 1 else ""
    return f"{layers.origin(path)}: {what}{more}"


def _keys_beside(path: list[str]) -> list[str]:
    model: Any = RunConfig
    for part in path[:-1]:
        model = model.model_fields[part].annotation
        if not hasattr(model, "model_fields"):
            return []
    return list(model.model_fields)
