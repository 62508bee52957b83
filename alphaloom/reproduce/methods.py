"""What is run beside what: every method is a row of data, made a configuration of when its turn comes."""

from __future__ import annotations

import inspect
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from alpha_sources.config import AlphaConfig
from alpha_sources.loading import ALPHA_SOURCES
from alphaloom.config import RunConfig
from engine.errors import ConfigError
from engine.plugins import load_object, nearest
from engine.span import SpanConfig
from engine.spans import SpansConfig
from strategies.config import StrategyConfig


class Group(StrEnum):
    """Why a method is there."""

    WOVEN = "woven"  # the paper's method, and ours
    ABLATION = "ablation"  # the paper's without a part of it
    BASELINE = "baseline"  # learns from the same data
    REFERENCE = "reference"  # learns nothing
    NULL = "null"  # knows nothing


@dataclass(frozen=True, slots=True)
class Placebo:
    """The same method on labels that say nothing of names.

    Parameters
    ----------
    provider : str
    params : mapping
        Put over those of the method.
    dealt_by : str
        The parameter that is told the number of the deal, from 1 on; empty where the seed deals.
    """

    provider: str
    params: Mapping[str, Any] = field(default_factory=dict, hash=False)
    dealt_by: str = ""


@dataclass(frozen=True, slots=True)
class Method:
    """One method of the experiment.

    Parameters
    ----------
    key : str
        What ``--methods`` calls it.
    title : str
    group : Group
    provider : str
        Empty for a strategy that reads no scores.
    params : mapping
        Put over those of the configuration, where that has the same provider.
    strategy : str
        Empty for the configuration's.
    draws : bool
        Whether a random seed changes it; else it is run once.
    placebo : Placebo or None
        None of what learns nothing, and of an ablation whose placebo would be that of the whole.
    claim : str
        Key of the paper's figure, in `claims.RETURNS`.
    late : bool
        Whether it was thought of after the bundled test span had been seen: it explains, and tests nothing.
    """

    key: str
    title: str
    group: Group
    provider: str = ""
    params: Mapping[str, Any] = field(default_factory=dict, hash=False)
    strategy: str = ""
    draws: bool = True
    placebo: Placebo | None = None
    claim: str = ""
    late: bool = False


_WOVEN = "woven"
_SHUFFLED = "alphaloom.reproduce.shuffled:ShuffledWovenProvider"
_BASELINES = "alpha_sources.baselines"
_GATED: Mapping[str, Any] = {"model": "gated"}


def _baseline(key: str, title: str, name: str, claim: str = "") -> Method:
    provider = f"{_BASELINES}:{name}"
    placebo = Placebo(provider, dealt_by="shuffle_labels")
    return Method(key, title, Group.BASELINE, provider, placebo=placebo, claim=claim)


#: The paper's method first: it is the one that the verdict is about.
METHODS: tuple[Method, ...] = (
    Method("woven_mlp", "Woven, one MLP (the paper's)", Group.WOVEN, _WOVEN,
           placebo=Placebo(_SHUFFLED), claim="woven"),
    Method("woven_gated", "Woven, gated weights (ours)", Group.WOVEN, _WOVEN, {"weights": _GATED},
           placebo=Placebo(_SHUFFLED)),
    Method("woven_released", "Woven on the 37 released seeds", Group.WOVEN, _WOVEN,
           {"seeds": "paper_released"}, placebo=Placebo(_SHUFFLED)),
    Method("without_confidence", "Without the confidence agent", Group.ABLATION, _WOVEN,
           {"agents": {"confidence_weight": 0.0}}),
    Method("without_risk", "Without the risk agents", Group.ABLATION, _WOVEN,
           {"agents": {"confidence_weight": 1.0}}),
    Method("without_weights", "Without learned weights †", Group.ABLATION, _WOVEN,
           {"weights": {"model": "equal"}}, draws=False, placebo=Placebo(_SHUFFLED), late=True),
    _baseline("gradient_boosting", "Boosted trees on Alpha158", "GradientBoosting", "lightgbm"),
    _baseline("mlp_features", "MLP on Alpha158", "MlpFeatures", "mlp"),
    _baseline("lstm", "LSTM", "LstmSequences"),
    _baseline("genetic", "Genetic programming", "Genetic"),
    Method("momentum", "Momentum", Group.REFERENCE, f"{_BASELINES}:Momentum", draws=False),
    Method("equal_weight", "All members, equal weights", Group.REFERENCE, strategy="equal_weight",
           draws=False),
)  # fmt: skip

#: One portfolio for each seed: what it takes to be told from chance.
NULL = Method("random_alphas", "Random alphas", Group.NULL, f"{_BASELINES}:RandomAlphas", {"sign": "random"})


def chosen(keys: Sequence[str] | None) -> tuple[Method, ...]:
    """Return the methods of these names in their usual order; all of them for None.

    Raises
    ------
    ConfigError
        If one is unknown or stands twice, or there is none.
    """
    if keys is None:
        return METHODS
    known = [method.key for method in METHODS]
    for position, key in enumerate(keys):
        if key not in known:
            hint = nearest(key, known) or f"; known: {', '.join(known)}"
            raise ConfigError(f"--methods: there is no method {key!r}{hint}")
        if key in keys[:position]:
            raise ConfigError(f"--methods: {key!r} stands twice")
    if not keys:
        raise ConfigError("--methods: name at least one, separated by commas")
    return tuple(method for method in METHODS if method.key in keys)


def spans_of(base: RunConfig) -> SpansConfig:
    """Return the spans of an experiment.

    Raises
    ------
    ConfigError
        If the configuration has none.
    """
    if base.spans is None:
        raise ConfigError(
            f"{base.name} names no spans, so that nobody knows what is learned on and what is tested on; "
            "add spans: {train: {start, end}, test: {start, end}}"
        )
    return base.spans


def settings_of(method: Method, base: RunConfig, seed: int, *, shuffled: bool = False) -> RunConfig:
    """Return the configuration that runs a method on the test span.

    Parameters
    ----------
    method : Method
    base : RunConfig
        Of the experiment: its data, spans, strategy, broker and rhythm of learning.
    seed : int
        With shuffled labels, the number of the deal less one: another deal has another seed.
    shuffled : bool
        Whether labels are shuffled.

    Raises
    ------
    ConfigError
        If the method has no labels to shuffle, or the configuration names no spans.
    ProviderError
        If there is no such provider.
    """
    spans = spans_of(base)
    update: dict[str, Any] = {
        "seed": seed,
        "name": f"{base.name} {method.key}{' shuffled' if shuffled else ''}",
        "span": SpanConfig(start=spans.test.start, end=spans.test.end),
    }
    if method.strategy:
        update["strategy"] = StrategyConfig(name=method.strategy)
    if method.provider:
        update["alpha"] = _alpha(method, base, spans, seed + 1 if shuffled else None)
    return base.model_copy(update=update)


def _alpha(method: Method, base: RunConfig, spans: SpansConfig, deal: int | None) -> AlphaConfig:
    provider, over = method.provider, dict(method.params)
    if deal is not None:
        if method.placebo is None:
            raise ConfigError(f"{method.key} has no labels of its own: there is nothing to shuffle")
        provider = method.placebo.provider
        over |= method.placebo.params
        if method.placebo.dealt_by:
            over[method.placebo.dealt_by] = deal
    params = dict(base.alpha.params) if base.alpha.provider == method.provider else {}
    # a model's settings replace another's; the committee's are turned one by one
    if "agents" in over and "agents" in params:
        over["agents"] = {**params["agents"], **over["agents"]}
    params |= over
    taken = inspect.signature(load_object(provider, ALPHA_SOURCES, base.base)).parameters
    if "start" in taken:
        params.setdefault("start", spans.train.start)
    return AlphaConfig(provider=provider, params=params, refresh=base.alpha.refresh)
