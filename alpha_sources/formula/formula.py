"""`parse` and what it returns."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

from alpha_sources.formula.canonical import normal_form
from alpha_sources.formula.dialects import dialect_of
from alpha_sources.formula.errors import FormulaError
from alpha_sources.formula.fields import index_field
from alpha_sources.formula.kinds import Kind
from alpha_sources.formula.nodes import FIELD, Node
from alpha_sources.formula.parser import read
from alpha_sources.formula.resolve import Findings, Resolver
from alpha_sources.formula.terms import Term, render
from alpha_sources.formula.units import Unit


@dataclass(frozen=True, eq=False)
class Formula:
    """A formula that can be evaluated. Two are equal when they compute the same operations in the same order.

    Parameters
    ----------
    text : str
        As it was given.
    dialect : str
        The spelling it was read in; `str` writes it in the default one.
    term : Term
        As written, names resolved.
    root : Node
        The graph to evaluate: primitive operators, fields and constants only.
    canonical : str
        The algebraic normal form: equal for formulas that differ only in how they are written.
    warnings : tuple of str
        Doubts about units and scale, and about what the formula measures.
    notes : tuple of str
        What was read otherwise than written.
    """

    text: str
    dialect: str
    term: Term
    root: Node
    canonical: str
    warnings: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    def __str__(self) -> str:
        return render(self.term)

    def __repr__(self) -> str:
        return f"Formula({str(self)!r})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Formula) and self.root == other.root

    def __hash__(self) -> int:
        return hash(self.root)

    @property
    def key(self) -> str:
        """Of the root: equal for formulas that compute the same."""
        return self.root.key

    @property
    def lookback(self) -> int:
        """Earlier sessions needed besides the session itself, the burn-in of recursive operators included."""
        return self.root.lookback + self.root.burn_in

    @property
    def burn_in(self) -> int:
        """The part of `lookback` that lets recursive operators forget where they began."""
        return self.root.burn_in

    @property
    def unbounded(self) -> bool:
        """True if a value depends, however little, on all that went before."""
        return self.root.burn_in > 0

    @property
    def unit(self) -> Unit:
        """Of a value."""
        return self.root.unit

    @property
    def units(self) -> str:
        """Name of the unit of a value: price, share, cny, ratio, none, or a product of these."""
        return str(self.root.unit)

    @cached_property
    def fields(self) -> tuple[str, ...]:
        """Names of the fields that evaluation reads, sorted."""
        return tuple(sorted({n.field_name for n in self.root.walk() if n.op == FIELD}))


def parse(
    text: str,
    dialect: str = "alphaloom",
    fields: Iterable[str] | str | None = None,
    *,
    strict: bool = False,
) -> Formula:
    """Read a formula; nothing is executed, whatever the text.

    Parameters
    ----------
    text : str
        Such as ``rank(close / delay(close, 5) - 1)``. Names are read in any case.
    dialect : str
        ``alphaloom``, ``alpha101``, ``gtja191`` or ``qlib``: spellings of the same operators.
    fields : iterable of str, or one name
        A panel's own fields, known besides the catalogue.
    strict : bool
        Mixed units and scales are errors, not warnings.

    Returns
    -------
    Formula

    Raises
    ------
    FormulaError
        If the text is no formula: the only exception, and one that points at the character.
    """
    if not isinstance(text, str):
        raise FormulaError(f"a formula is a text, not {type(text).__name__}")
    spelled = dialect_of(dialect)
    own = {name.lower(): name for name in _names(fields)}
    findings = Findings(strict=strict)
    try:
        parsed = read(text, spelled.grammar)
        findings.notes.update(dict.fromkeys(parsed.notes))
        term = Resolver(text, spelled, own, findings).resolve(parsed.tree)
        canonical = _normal_form(term, text)
    except RecursionError:
        # the limits keep well below it, unless the caller is already deep in calls
        raise FormulaError("the formula is nested too deep", text, 0, "write it flatter") from None
    warnings = [*findings.warnings, *_what_it_measures(term.node)]
    return Formula(text, spelled.name, term, term.node, canonical, tuple(warnings), tuple(findings.notes))


def _names(fields: Iterable[str] | str | None) -> Iterable[str]:
    given = [fields] if isinstance(fields, str) else fields if fields is not None else ()
    if not isinstance(given, Iterable):
        raise FormulaError(f"fields are names of columns, not {type(given).__name__}")
    names = list(given)
    for name in names:
        if not isinstance(name, str):
            raise FormulaError(f"fields are names of columns, not {type(name).__name__}")
    return names


def _normal_form(term: Term, text: str) -> str:
    """Text of the normal form, which shows what is no alpha at all: a group, a constant, nothing but NaN."""
    if term.kind is Kind.GROUP:
        hint = "use it in a group operator, such as group_rank(close, industry)"
        raise FormulaError("a formula yields numbers, not groups", text, 0, hint)
    if term.is_constant:
        raise FormulaError("the formula does not depend on any field", text, 0, "name a field, such as close")
    form = normal_form(term.node)
    if form.is_nan:
        raise FormulaError("the formula is NaN everywhere", text, 0, "something in it has no value")
    if form.constant is not None:
        reason = f"the formula is {form.constant:g} wherever it has a value"
        raise FormulaError(reason, text, 0, "what it names cancels out")
    return form.text


def _what_it_measures(root: Node) -> list[str]:
    names = {n.field_name for n in root.walk() if n.op == FIELD}
    if all(index_field(name) for name in names):
        return ["the formula is the same for every stock of a session: it ranks nothing"]
    return []
