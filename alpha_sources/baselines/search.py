"""Genetic programming of formulas, with DEAP: trees of our own operators, typed by what they are measured in.

After Fortin, De Rainville, Gardner, Parizeau & Gagné, "DEAP: Evolutionary Algorithms Made Easy" (JMLR 13,
2012), and strongly typed genetic programming (Montana, Evolutionary Computation 3, 1995).
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
from deap import gp, tools

from alpha_sources.baselines.candidates import Candidate, Proving
from alpha_sources.baselines.grammar import Grammar, Rule, Sort, read, written

#: merit of a tree that says nothing
_WORTHLESS = -1.0
#: deepest operand of a mutation
_GRAFT = 2


class _Kind(type):
    """Class of the types of trees. Hashed by name, so that sets of them have one order in every process."""

    def __hash__(cls) -> int:
        return int(cls.__name__.removeprefix("Sort"))


#: types by `Sort`; DEAP compares types as classes
_TYPES = {sort: _Kind(f"Sort{int(sort)}", (), {}) for sort in Sort}


@dataclass(frozen=True, slots=True)
class Budget:
    """How long, and how, is searched; see `Genetic`."""

    population: int
    generations: int
    depth: int
    tournament: int
    crossover: float
    mutation: float
    parsimony: float
    elite: int


def searched(grammar: Grammar, proving: Proving, budget: Budget, seed: int) -> list[Candidate]:
    """Search for formulas whose mean rank IC is large in size.

    Parameters
    ----------
    grammar : Grammar
    proving : Proving
        Tries formulas, and counts them: each is tried once, however often it comes up.
    budget : Budget
    seed : int

    Returns
    -------
    list of Candidate
        All that said something, the best first: by the size of their IC less the price of their size.

    Notes
    -----
    DEAP draws from Python's own random numbers: these are put back as they were.
    """
    with _borrowed(seed):
        return _Search(grammar, proving, budget, seed).run()


class _Search:
    def __init__(self, grammar: Grammar, proving: Proving, budget: Budget, seed: int) -> None:
        self._grammar, self._proving, self._budget = grammar, proving, budget
        self._random = np.random.default_rng(seed)
        self._set = gp.PrimitiveSetTyped("alpha", [], _TYPES[Sort.RATIO])
        self._rules: dict[str, Rule] = {}
        for rules in grammar.fields.values():
            for rule in rules:
                self._set.addTerminal(None, _TYPES[rule.result], name=rule.name)
                self._rules[rule.name] = rule
        for groups in grammar.operators.values():
            for rule in (rule for rules in groups for rule in rules):
                operands = [_TYPES[sort] for sort in rule.operands]
                self._set.addPrimitive(None, operands, _TYPES[rule.result], name=rule.name)
                self._rules[rule.name] = rule
        #: by the text of the tree
        self._known: dict[str, Candidate | None] = {}
        #: by canonical form: what differs in writing only is tried once
        self._tried: dict[str, Candidate] = {}
        #: nodes of the smallest tree of each
        self._sizes: dict[str, int] = {}

    def run(self) -> list[Candidate]:
        population = [self._tree(depth) for depth in self._depths()]
        self._judge(population)
        for _ in range(self._budget.generations):
            best = sorted(population, key=lambda tree: -tree.merit)[: self._budget.elite]
            chosen = tools.selTournament(
                population, len(population) - len(best), self._budget.tournament, fit_attr="merit"
            )
            population = [*best, *self._varied(chosen)]
            self._judge(population)
        found = [one for one in self._tried.values() if not np.isnan(one.ic)]
        return sorted(found, key=lambda one: (-self._merit(one), one.formula.canonical))

    def _depths(self) -> Iterator[int]:
        """As many trees of each depth from 2 on."""
        for i in range(self._budget.population):
            yield min(2, self._budget.depth) + i % max(self._budget.depth - 1, 1)

    def _tree(self, depth: int) -> Any:
        return gp.PrimitiveTree(self._nodes(Sort.RATIO, depth, whole=True))

    def _nodes(self, sort: Sort, depth: int, *, whole: bool = False) -> list[Any]:
        drawn = self._grammar.drawn(self._random, sort, depth, whole=whole)
        return [self._set.mapping[rule.name] for rule in drawn]

    def _varied(self, chosen: Sequence[Any]) -> list[Any]:
        """Cross and mutate copies."""
        budget = self._budget
        trees = [gp.PrimitiveTree(tree) for tree in chosen]
        for i in range(1, len(trees), 2):
            if random.random() < budget.crossover:
                trees[i - 1], trees[i] = gp.cxOnePoint(trees[i - 1], trees[i])
        for i, tree in enumerate(trees):
            drawn = random.random()
            if drawn < budget.mutation / 2:
                (trees[i],) = gp.mutUniform(tree, expr=self._graft, pset=self._set)
            elif drawn < budget.mutation:
                (trees[i],) = gp.mutNodeReplacement(tree, pset=self._set)
        # what is too deep, or was tried before, makes room for something new
        return [
            tree
            if 1 <= tree.height <= budget.depth and self._text(tree) not in self._known
            else self._tree(depth)
            for tree, depth in zip(trees, self._depths(), strict=False)
        ]

    def _graft(self, pset: Any, type_: type) -> list[Any]:
        sort = next(sort for sort, kind in _TYPES.items() if kind is type_)
        return self._nodes(sort, _GRAFT)

    def _text(self, tree: Any) -> str:
        return written([self._rules[node.name] for node in tree])

    def _judge(self, population: Sequence[Any]) -> None:
        """Give every tree its merit."""
        texts = [self._text(tree) for tree in population]
        fresh = {text: read(text) for text in texts if text not in self._known}
        wanted = {
            formula.canonical: formula
            for formula in fresh.values()
            if formula is not None and formula.canonical not in self._tried
        }
        for candidate in self._proving.tried_on(wanted.values()):
            self._tried[candidate.formula.canonical] = candidate
        for text, formula in fresh.items():
            self._known[text] = None if formula is None else self._tried[formula.canonical]
        for tree, text in zip(population, texts, strict=True):
            known = self._known[text]
            tree.merit = _WORTHLESS
            if known is not None and not np.isnan(known.ic):
                form = known.formula.canonical
                self._sizes[form] = min(len(tree), self._sizes.get(form, len(tree)))
                tree.merit = abs(known.ic) - self._budget.parsimony * len(tree)

    def _merit(self, candidate: Candidate) -> float:
        return abs(candidate.ic) - self._budget.parsimony * self._sizes[candidate.formula.canonical]


@contextmanager
def _borrowed(seed: int) -> Iterator[None]:
    before = random.getstate()
    random.seed(seed)
    try:
        yield
    finally:
        random.setstate(before)
