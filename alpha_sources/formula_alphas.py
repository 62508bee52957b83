"""What a configuration says of the formulas of a provider, read and checked before anything runs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import isfinite
from typing import Any

from alpha_sources.formula import Formula, FormulaError, parse
from engine.errors import ConfigError
from engine.plugins import nearest

_KEYS = ("formula", "weight", "name", "dialect")


@dataclass(frozen=True, slots=True)
class Alpha:
    """A formula with a name and a weight, negative where low values are good."""

    name: str
    formula: Formula
    weight: float


@dataclass(frozen=True, slots=True)
class Reading:
    """How texts are to be read; see `alpha_sources.formula.parse`."""

    dialect: str = "alphaloom"
    strict: bool = False
    fields: tuple[str, ...] = ()


def read_alphas(formulas: Any, weights: Any, reading: Reading) -> tuple[Alpha, ...]:
    """Read the parameters `formulas` and `weights` of a `FormulaProvider`.

    Returns
    -------
    tuple of Alpha
        In the order given.

    Raises
    ------
    ConfigError
        In one line: a shape, name or weight that is not allowed.
    FormulaError
        With a caret: a text that is no formula, or one that stands there twice.
    """
    entries = list(_entries(formulas))
    if not entries:
        raise ConfigError("alpha.params.formulas: there is no formula; give at least one")
    names = [name for name, _ in entries]
    for name in names:
        if names.count(name) > 1:
            raise ConfigError(f"alpha.params.formulas: the name {name!r} stands twice")
    inline = {name: entry["weight"] for name, entry in entries if "weight" in entry}
    given = inline | _weights(weights, names, inline)
    alphas = tuple(
        Alpha(name, _formula(name, entry, reading), _weight(name, given.get(name, 1.0)))
        for name, entry in entries
    )
    _refuse_twins(alphas)
    if not any(alpha.weight for alpha in alphas):
        raise ConfigError("alpha.params.weights: all of them are 0")
    return alphas


def _entries(formulas: Any) -> Iterable[tuple[str, Mapping[str, Any]]]:
    if isinstance(formulas, str):
        formulas = [formulas]
    if isinstance(formulas, Mapping):
        for name, item in formulas.items():
            # YAML ends {a: delta(close, 5)} at the comma and takes the rest for a name
            if item is None and ")" in str(name):
                raise ConfigError(
                    f"alpha.params.formulas: {str(name)!r} is the end of a formula cut at its comma; "
                    "put quotes round a formula with a comma"
                )
        # null leaves a formula out that a configuration below names
        named = [(str(name), item) for name, item in formulas.items() if item is not None]
    elif isinstance(formulas, Sequence):
        named = [(f"alpha_{i}", item) for i, item in enumerate(formulas, start=1)]
    else:
        raise ConfigError(
            "alpha.params.formulas: expected a formula, a list of them or a mapping from names, "
            f"not {formulas!r}"
        )
    for name, item in named:
        entry = item if isinstance(item, Mapping) else {"formula": item}
        for key in entry:
            if key not in _KEYS:
                # {formula: delta(close, 5)} in YAML ends at the comma
                cut = "; put quotes round a formula with a comma" if ")" in str(key) else ""
                raise ConfigError(
                    f"alpha.params.formulas, {name}: unknown key {key!r}{nearest(str(key), _KEYS)}{cut}; "
                    f"known: {', '.join(_KEYS)}"
                )
        if "formula" not in entry:
            raise ConfigError(f"alpha.params.formulas, {name}: the key formula is missing")
        yield str(entry.get("name", name)), entry


def _weights(weights: Any, names: list[str], inline: Mapping[str, Any]) -> dict[str, Any]:
    if weights is None:
        return {}
    if isinstance(weights, Mapping):
        given = {str(name): weight for name, weight in weights.items()}
        for name in given:
            if name not in names:
                raise ConfigError(
                    f"alpha.params.weights: no formula is called {name!r}{nearest(name, names)}; "
                    f"there are {', '.join(names)}"
                )
    elif isinstance(weights, Sequence) and not isinstance(weights, str):
        if len(weights) != len(names):
            raise ConfigError(f"alpha.params.weights: {len(weights)} weights for {len(names)} formulas")
        given = dict(zip(names, weights, strict=True))
    else:
        raise ConfigError(
            f"alpha.params.weights: expected a list of numbers or a mapping from names, not {weights!r}"
        )
    for name in names:
        if name in given and name in inline:
            raise ConfigError(f"alpha.params.weights: {name!r} has a weight beside its formula already")
    return given


def _weight(name: str, weight: Any) -> float:
    if isinstance(weight, bool) or not isinstance(weight, int | float) or not isfinite(weight):
        raise ConfigError(f"alpha.params.weights, {name}: {weight!r} is no finite number")
    return float(weight)


def _formula(name: str, entry: Mapping[str, Any], reading: Reading) -> Formula:
    dialect = entry.get("dialect", reading.dialect)
    try:
        return parse(entry["formula"], dialect, reading.fields, strict=reading.strict)
    except FormulaError as wrong:
        hint = wrong.hint
        if wrong.reason.startswith("no field"):
            hint = f"{hint or 'is it a column of the data?'} alpha.params.fields names columns of your own"
        raise FormulaError(
            f"alpha.params.formulas, {name}: {wrong.reason}", wrong.text, wrong.position, hint
        ) from None


def _refuse_twins(alphas: Sequence[Alpha]) -> None:
    """The same opinion twice is a weight in disguise."""
    first: dict[str, str] = {}
    for alpha in alphas:
        twin = first.setdefault(alpha.formula.canonical, alpha.name)
        if twin != alpha.name:
            raise FormulaError(
                f"alpha.params.formulas, {alpha.name}: the same formula as {twin}, written otherwise",
                alpha.formula.text,
                0,
                "leave one out, and give the other the weight of both",
            )
