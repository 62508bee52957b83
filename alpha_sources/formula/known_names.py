"""Finding the indicator that a formula is, whatever it is written like."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice, product

from alpha_sources.formula.algebra import Sum
from alpha_sources.formula.canonical import normal_form
from alpha_sources.formula.errors import FormulaError
from alpha_sources.formula.formula import Formula, parse
from alpha_sources.formula.kinds import Kind
from alpha_sources.formula.nodes import CONSTANT, FIELD
from alpha_sources.formula.operator import Operator
from alpha_sources.formula.operators import technical

#: Calls of one indicator that are tried: all windows of the formula in all its places, up to this many.
_TRIED = 60


@dataclass(frozen=True, slots=True)
class KnownName:
    """``call = factor * formula + offset``."""

    call: Formula
    factor: float
    offset: float

    def __str__(self) -> str:
        times = {1.0: "This", -1.0: "Minus this"}.get(self.factor, f"{self.factor:.10g} times this")
        sign = "plus" if self.offset > 0 else "minus"
        shift = f" {sign} {abs(self.offset):.10g}" if self.offset else ""
        return f"{times}{shift} is {self.call}"


def known_name(formula: Formula) -> KnownName | None:
    """Return the indicator of which a formula is the twin, up to a factor and a constant; or None."""
    mine = normal_form(formula.root)
    bare = mine.without_offset().times(1 / mine.leading)
    for operator in technical.OPERATORS:
        if not _could_be(operator, formula):
            continue
        for call in islice(_calls(operator, formula), _TRIED):
            try:
                known = parse(call)
            except FormulaError:
                continue
            theirs = normal_form(known.root)
            if theirs.without_offset().times(1 / theirs.leading) == bare:
                return _related(known, mine, theirs)
    return None


def _could_be(operator: Operator, formula: Formula) -> bool:
    """Tell whether an indicator reads the same fields: what spares nearly all of the trying."""
    fields = set(parse(f"{operator.name}()").fields)
    if any(p.kind is Kind.PANEL for p in operator.parameters):
        return len(fields) == len(formula.fields)
    return fields == set(formula.fields)


def _related(known: Formula, mine: Sum, theirs: Sum) -> KnownName:
    factor = theirs.leading / mine.leading
    return KnownName(known, float(factor), float(theirs.offset - factor * mine.offset))


def _calls(operator: Operator, formula: Formula) -> Iterator[str]:
    nodes = [n for n in formula.root.walk() if n.op != FIELD]
    # an ema(x, 27) may be an sma(x, 14, 1)
    windows = {int(p) for n in nodes if n.op != CONSTANT for p in n.params if isinstance(p, int)}
    spans = {(n.params[0] + 1) // 2 for n in nodes if n.op == "ema" and isinstance(n.params[0], int)}
    choices: list[list[str]] = []
    for parameter in operator.parameters:
        if parameter.kind is Kind.PANEL:
            choices.append([str(parameter.default), *(f for f in formula.fields if f != parameter.default)])
        elif parameter.kind is Kind.WINDOW:
            choices.append([str(n) for n in sorted(windows | spans)] or [str(parameter.default)])
        else:
            choices.append([str(parameter.default)])
    return (f"{operator.name}({', '.join(values)})" for values in product(*choices))
