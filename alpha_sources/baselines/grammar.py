"""Random formulas that make sense: no price is added to a volume, and windows stay within bounds.

What may stand where is not written down a second time: every operator is tried on every sort of operand, and
the formula language itself says whether it takes them, and what comes out.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum
from itertools import chain, product

import numpy as np

from alpha_sources.formula import Formula, FormulaError, parse
from alpha_sources.libraries.checking import lacking
from engine.errors import ProviderError
from engine.market.view import MarketView

#: Sessions of windows and lags.
WINDOWS = (5, 10, 20, 40, 60)
#: Earlier sessions that a formula may look back in all.
MOST_LOOKBACK = 120

_FIELDS = ("open", "high", "low", "close", "vwap", "volume", "amount", "returns", "turnover")
#: operators by the way they are called: on cells, with a window, across the names of a session
_OF_CELLS = ("add", "sub", "mul", "div", "max", "min", "abs", "sign", "log")
_OF_WINDOWS = (
    "delay", "delta", "pct_change", "ts_mean", "ts_std", "ts_min", "ts_max", "ts_rank", "ts_argmin",
    "ts_argmax", "ts_skew", "ts_zscore", "ts_slope", "decay_linear", "ts_corr", "ts_cov",
)  # fmt: skip
_OF_SESSIONS = ("rank", "zscore")
_OF_TWO = frozenset(("add", "sub", "mul", "div", "max", "min", "ts_corr", "ts_cov"))

#: chance that an operand is a field, where it need not be
_FIELD_CHANCE = 0.3
#: drawings after which a market is taken to have no more formulas
_PATIENCE = 10_000
#: and after which two operands may be the same
_RETRIES = 5


class Sort(IntEnum):
    """What a value is measured in; formulas that score are ratios."""

    RATIO = 0
    PRICE = 1
    SHARES = 2
    CNY = 3


_UNITS: Mapping[str, Sort] = {
    "ratio": Sort.RATIO,
    "price": Sort.PRICE,
    "share": Sort.SHARES,
    "cny": Sort.CNY,
}


@dataclass(frozen=True, slots=True)
class Rule:
    """One way to make a value of some sort.

    Parameters
    ----------
    name : str
        Operator and window, unique in a grammar.
    template : str
        A formula with ``{0}`` and ``{1}`` for the operands; of a field, its name.
    operands : tuple of Sort
        Empty for a field.
    result : Sort
    """

    name: str
    template: str
    operands: tuple[Sort, ...]
    result: Sort


@dataclass(frozen=True, eq=False, slots=True)
class Grammar:
    """What formulas are made of on some market.

    Parameters
    ----------
    fields : mapping of Sort to tuple of Rule
    operators : mapping of Sort to tuple of tuples of Rule
        By what comes out, and by operator: an operator with many windows is drawn no more often than one
        without.
    """

    fields: Mapping[Sort, tuple[Rule, ...]]
    operators: Mapping[Sort, tuple[tuple[Rule, ...], ...]]

    @classmethod
    def of(cls, view: MarketView) -> Grammar:
        """Return what the fields of a market can be made into.

        Raises
        ------
        ProviderError
            If it has none of the fields.
        """
        fields: dict[Sort, tuple[Rule, ...]] = dict.fromkeys(Sort, ())
        for name in _FIELDS:
            formula = parse(name)
            if not lacking(formula, view):
                sort = _UNITS[formula.units]
                fields[sort] += (Rule(name, name, (), sort),)
        samples = {sort: rules[0].template for sort, rules in fields.items() if rules}
        if not samples:
            raise ProviderError(f"the market has none of {', '.join(_FIELDS)}: no formula can be drawn")
        operators: dict[Sort, list[tuple[Rule, ...]]] = {sort: [] for sort in Sort}
        for name in (*_OF_CELLS, *_OF_WINDOWS, *_OF_SESSIONS):
            by_result: dict[Sort, list[Rule]] = {sort: [] for sort in Sort}
            for operands in product(samples, repeat=2 if name in _OF_TWO else 1):
                for rule in _rules(name, operands, samples):
                    by_result[rule.result].append(rule)
            for sort, rules in by_result.items():
                if rules:
                    operators[sort].append(tuple(rules))
        return cls(fields, {sort: tuple(groups) for sort, groups in operators.items()})

    def drawn(
        self, random: np.random.Generator, sort: Sort, depth: int, *, whole: bool = False
    ) -> list[Rule]:
        """Draw a tree, in the order in which it is written: an operator before its operands.

        Parameters
        ----------
        random : numpy Generator
        sort : Sort
            Of the value.
        depth : int
            Operators above one another at most, 0 for a field. A sort without fields takes one more.
        whole : bool
            Whether the root must be an operator.
        """
        fields = self.fields[sort]
        if fields and not whole and (depth <= 0 or random.random() < _FIELD_CHANCE):
            return [fields[random.integers(len(fields))]]
        groups = self.operators[sort]
        if depth <= 1:  # operands of the last operator must be fields
            groups = tuple(kept for rules in groups if (kept := self._of_fields(rules)))
        rules = groups[random.integers(len(groups))]
        rule = rules[random.integers(len(rules))]
        parts = [self.drawn(random, operand, depth - 1) for operand in rule.operands]
        for _ in range(_RETRIES):  # x against itself says little
            if len(parts) < 2 or parts[0] != parts[1]:
                break
            parts[1] = self.drawn(random, rule.operands[1], depth - 1)
        return [rule, *chain.from_iterable(parts)]

    def formulas(self, random: np.random.Generator, count: int, depth: int) -> list[Formula]:
        """Draw formulas that differ in more than how they are written.

        Raises
        ------
        ProviderError
            If there are not so many.
        """
        found: dict[str, Formula] = {}
        for _ in range(_PATIENCE + 10 * count):
            if len(found) == count:
                break
            formula = read(written(self.drawn(random, Sort.RATIO, depth, whole=True)))
            if formula is not None:
                found.setdefault(formula.canonical, formula)
        if len(found) < count:
            raise ProviderError(
                f"no {count} different formulas of depth {depth} can be drawn from the market's fields; ask "
                "for fewer, or for deeper ones"
            )
        return list(found.values())

    def _of_fields(self, rules: Sequence[Rule]) -> tuple[Rule, ...]:
        """Those whose operands may be fields, and different ones."""
        return tuple(
            rule
            for rule in rules
            if all(len(self.fields[sort]) >= rule.operands.count(sort) for sort in rule.operands)
        )


def written(tree: Sequence[Rule]) -> str:
    """Return the formula of a tree."""

    def text(place: int) -> tuple[str, int]:
        rule = tree[place]
        place += 1
        parts = []
        for _ in rule.operands:
            part, place = text(place)
            parts.append(part)
        return rule.template.format(*parts), place

    return text(0)[0]


def read(text: str) -> Formula | None:
    """Read a drawn formula; None if it says nothing (a constant), is too large, or looks back too far."""
    try:
        formula = parse(text)
    except FormulaError:
        return None
    return formula if formula.lookback <= MOST_LOOKBACK and not formula.warnings else None


def _rules(name: str, operands: tuple[Sort, ...], samples: Mapping[Sort, str]) -> list[Rule]:
    """What an operator makes of operands, for each of its windows; nothing where the language objects."""
    places = ", ".join(("{0}", "{1}")[: len(operands)])
    windows: tuple[int | None, ...] = WINDOWS if name in _OF_WINDOWS else (None,)
    calls = [f"{name}({places})" if w is None else f"{name}({places}, {w})" for w in windows]
    # a value that has moved is not the other's equal: x / x would be refused as a constant
    stand_ins = [f"delay({samples[sort]}, {i})" if i else samples[sort] for i, sort in enumerate(operands)]
    try:
        unit = parse(calls[0].format(*stand_ins), strict=True).units
    except FormulaError:
        return []
    if unit not in _UNITS:
        return []
    kinds = "".join(str(int(sort)) for sort in operands)
    return [
        Rule(f"{name}{'' if w is None else f'_{w}'}:{kinds}", call, operands, _UNITS[unit])
        for w, call in zip(windows, calls, strict=True)
    ]
