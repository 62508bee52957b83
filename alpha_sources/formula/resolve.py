"""From what is written to a typed graph: names looked up, kinds checked, indicators expanded."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache

from alpha_sources.formula.dialects import DEFAULT, Dialect
from alpha_sources.formula.errors import FormulaError, nearest, shown
from alpha_sources.formula.fields import CATALOGUE, FIELD_ALIASES, UNAVAILABLE, find_field
from alpha_sources.formula.kinds import Kind
from alpha_sources.formula.limits import (
    MAX_CONSTANT,
    MAX_DEPTH,
    MAX_EXPANDED,
    MAX_LOOKBACK,
    MAX_POWER,
    MAX_WINDOW,
)
from alpha_sources.formula.nodes import CONSTANT, FIELD, Node, constant
from alpha_sources.formula.operator import Family, Literal, Operator, Parameter
from alpha_sources.formula.operators import OPERATORS
from alpha_sources.formula.parser import Grammar, read
from alpha_sources.formula.syntax import Call, Expression, Name, Number
from alpha_sources.formula.terms import Term, number_text, render

_ADV = re.compile(r"adv(\d{1,5})")
_FUTURE = "the future cannot be read"
#: Families whose operators may be given a number where a panel is due.
_TAKE_NUMBERS = (Family.ARITHMETIC, Family.LOGIC)
_SNIPPET = 60


@dataclass(slots=True)
class Findings:
    """What is to be said of a formula besides its meaning."""

    strict: bool
    warnings: dict[str, None] = field(default_factory=dict)
    notes: dict[str, None] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Resolver:
    """Looks up the names of one text.

    Parameters
    ----------
    text : str
        As written, for messages.
    dialect : Dialect
        How it is spelled.
    own : mapping of str to str
        The panel's own fields: lower case to as they are.
    findings : Findings
        Where warnings and notes go.
    bound : mapping of str to Term or number
        Inside an expansion, what its parameters stand for.
    at : int or None
        Inside an expansion, the place of the call in the text.
    """

    text: str
    dialect: Dialect
    own: Mapping[str, str]
    findings: Findings
    bound: Mapping[str, Term | Literal] = field(default_factory=dict)
    at: int | None = None

    def resolve(self, tree: Expression) -> Term:
        """Return the typed term of a tree, operands first."""
        if isinstance(tree, Number):
            return _constant(tree.value)
        if isinstance(tree, Name):
            return self._name(tree)
        return self._call(tree)

    # -- names ---------------------------------------------------------------------------------------------

    def _name(self, name: Name) -> Term:
        if name.name in self.bound:
            value = self.bound[name.name]
            return value if isinstance(value, Term) else _constant(value)
        if name.name in self.dialect.fields:
            return self._expanded(self.dialect.fields[name.name], {}, name.position)
        found = find_field(name.name, self.own)
        if found is not None:
            if not found.expansion:
                return Term(FIELD, found.name, (), found.node())
            return Term(FIELD, found.name, (), self._expanded(found.expansion, {}, name.position).node)
        if self.dialect.adv and (match := _ADV.fullmatch(name.name)):
            window = Number(float(match[1]), True, name.position)
            return self._call(
                Call("ts_mean", (Name("amount", "amount", name.position), window), name.position)
            )
        operator = self.dialect.find(name.name, 0)
        if operator is not None and all(not p.is_required for p in operator.parameters):
            self.findings.notes[f"{name.written} alone is read as {operator.name} with its defaults"] = None
            return self._apply(operator, (), name.position, name.written)
        if operator is not None:
            hint = f"write {operator.signature}"
            raise self._error(
                f"{shown(name.written)} is an operator and lacks its values", name.position, hint
            )
        raise self._unknown(name)

    def _unknown(self, name: Name) -> FormulaError:
        if name.name in UNAVAILABLE:
            return self._error(f"no field {shown(name.written)}", name.position, UNAVAILABLE[name.name])
        known = {*CATALOGUE, *FIELD_ALIASES, *self.own, *self.dialect.fields}
        return self._error(f"no field {shown(name.written)}", name.position, nearest(name.name, known))

    # -- calls ---------------------------------------------------------------------------------------------

    def _call(self, call: Call) -> Term:
        call = _over_time(self._extreme(call))
        operator = self.dialect.find(call.name, len(call.args))
        if operator is None:
            hint = nearest(call.name, self.dialect.names())
            if find_field(call.name, self.own):
                hint = f"{call.name} is a field and takes no values"
            raise self._error(f"no operator {shown(call.name)}", call.position, hint)
        return self._apply(operator, call.args, call.position, call.symbol or call.name)

    def _extreme(self, call: Call) -> Call:
        """``max(x, 14)`` over a window, as the papers write it."""
        if not (self.dialect.window_extremes and call.name in ("max", "min") and len(call.args) == 2):
            return call
        window = call.args[1]
        if not isinstance(window, Number) or window.value < 2 or self.at is not None:
            return call
        if not (window.is_whole or self.dialect.fractional_windows):
            return call
        name, n = call.name, number_text(window.value)
        self.findings.notes[
            f"{name}(x, {n}) is read as ts_{name} over {n} sessions; write {n}.0 to compare with the number"
        ] = None
        return Call(f"ts_{name}", call.args, call.position)

    def _apply(self, operator: Operator, args: tuple[Expression, ...], position: int, written: str) -> Term:
        parts = self._parts(operator, args, position, written)
        operands = tuple(p for p in parts if isinstance(p, Term))
        literals = tuple(p for p in parts if not isinstance(p, Term))
        if operator.check and (wrong := operator.check(literals)):
            raise self._error(f"{written}: {wrong}", position, f"it is {operator.signature}")
        if operator.expansion:
            names = {p.name: part for p, part in zip(operator.parameters, parts, strict=True)}
            whole = self._expanded(operator.expansion, names, position)
            # a rewriting stands for its expansion; an indicator keeps its name
            if OPERATORS.get(operator.name) is not operator:
                return whole
            return Term(operator.name, operator.name, parts, whole.node)
        if operands and all(o.is_constant for o in operands):
            return self._folded(operator, parts, position, written)
        if operator.name in ("power", "signedpower") and operands[1].is_constant:
            self._check_power(operands[1].node.value, position)
        return self._made(operator, parts, operands, literals, position)

    def _made(
        self, operator: Operator, parts: tuple[Term | Literal, ...], operands: tuple[Term, ...],
        literals: tuple[Literal, ...], position: int,
    ) -> Term:  # fmt: skip
        doubts: list[str] = []
        nodes = tuple(o.node for o in operands)
        assert operator.scale is not None
        unit, degree = operator.scale(nodes, literals, doubts.append)
        node = Node(
            operator.name,
            nodes,
            literals,
            # a condition of the past is a condition
            nodes[0].kind if operator.name == "delay" else operator.result,
            unit,
            degree,
            lookback=operator.lookback(literals) + max(n.lookback for n in nodes),
            burn_in=operator.burn_in(literals) + max(n.burn_in for n in nodes),
        )
        self._check_size(node, position)
        term = Term(operator.name, operator.name, parts, node)
        for doubt in doubts:
            self._warn(term, doubt, position)
        return term

    def _warn(self, term: Term, doubt: str, position: int) -> None:
        if self.findings.strict:
            raise self._error(f"this {doubt}", position)
        text = render(term)
        snippet = text if len(text) <= _SNIPPET else f"{text[: _SNIPPET - 3]}..."
        self.findings.warnings[f"{snippet} {doubt}"] = None

    def _check_size(self, node: Node, position: int) -> None:
        if node.size > MAX_EXPANDED or node.depth > MAX_DEPTH:
            reason = (
                f"the formula has more than {MAX_EXPANDED:,} operations, or {MAX_DEPTH} inside one another"
            )
            raise self._error(reason, position, "indicators count with all they are built from")
        if node.lookback + node.burn_in > MAX_LOOKBACK:
            sessions = node.lookback + node.burn_in
            reason = f"the formula looks back {sessions:,} sessions, more than {MAX_LOOKBACK:,}"
            raise self._error(reason, position, "shorten its windows")

    def _expanded(self, expansion: str, names: Mapping[str, Term | Literal], position: int) -> Term:
        inner = Resolver(self.text, DEFAULT, {}, self.findings, names, self._place(position))
        return inner.resolve(_read_once(expansion))

    # -- values of a call ----------------------------------------------------------------------------------

    def _parts(
        self, operator: Operator, args: tuple[Expression, ...], position: int, written: str
    ) -> tuple[Term | Literal, ...]:
        parameters = operator.parameters
        given = list(args)
        parts: list[Term | Literal] = []
        for i, parameter in enumerate(parameters):
            if parameter.repeats:
                if not given and parameter.is_required:
                    raise self._arity(operator, len(args), position, written)
                parts.extend(self._operand(operator, parameter, arg) for arg in given)
                given = []
            elif given and not (i == 0 and _is_left_out(parameter, given[0])):
                parts.append(self._part(operator, parameter, given.pop(0)))
            elif parameter.is_required:
                raise self._arity(operator, len(args), position, written)
            else:
                parts.append(self._default(operator, parameter, position))
        if given:
            raise self._arity(operator, len(args), position, written)
        return tuple(parts)

    def _default(self, operator: Operator, parameter: Parameter, position: int) -> Term | Literal:
        if isinstance(parameter.default, str):
            return self._expanded(parameter.default, {}, position)
        assert isinstance(parameter.default, int | float)
        return parameter.default

    def _part(self, operator: Operator, parameter: Parameter, arg: Expression) -> Term | Literal:
        if parameter.kind.is_operand:
            return self._operand(operator, parameter, arg)
        if parameter.kind is Kind.NUMBER:
            return self._number(operator, parameter, arg)
        return self._sessions(operator, parameter, arg)

    def _operand(self, operator: Operator, parameter: Parameter, arg: Expression) -> Term:
        term = self.resolve(arg)
        wanted, position = parameter.kind, arg.position
        if wanted is Kind.GROUP and term.kind is not Kind.GROUP:
            hint = "write industry, board or bucket(x, n)"
            raise self._error(f"{operator.name} groups by a group, not by a {term.kind}", position, hint)
        if wanted is not Kind.GROUP and term.kind is Kind.GROUP:
            hint = "groups stand only in group operators, such as group_demean(x, industry)"
            raise self._error(f"{operator.name} works on numbers, not on a group", position, hint)
        if wanted is Kind.BOOLEAN and term.kind is not Kind.BOOLEAN:
            hint = "compare it, as in close > open"
            raise self._error(f"{operator.name} needs a condition, not a number", position, hint)
        if term.is_constant and operator.family not in _TAKE_NUMBERS and not operator.expansion:
            reason = f"{operator.name} of a number that never varies does not depend on any field"
            raise self._error(reason, position, f"it is {operator.signature}")
        return term

    def _number(self, operator: Operator, parameter: Parameter, arg: Expression) -> float:
        term = self.resolve(arg)
        if not term.is_constant:
            reason = f"{parameter.name} of {operator.name} is a number, written out, not a {term.kind}"
            raise self._error(reason, arg.position, f"it is {operator.signature}")
        value = term.node.value
        low, high = parameter.minimum, parameter.maximum
        if (low is not None and value < low) or (high is not None and value > high):
            bounds = f"at least {low:g}" if high is None else f"from {low or 0:g} to {high:g}"
            raise self._error(f"{parameter.name} of {operator.name} is {bounds}", arg.position)
        return value

    def _sessions(self, operator: Operator, parameter: Parameter, arg: Expression) -> int:
        value = self._whole(arg)
        is_lag = parameter.kind is Kind.LAG
        looks_ahead = is_lag or operator.name in ("delta", "pct_change")
        what = f"the {'lag' if looks_ahead else 'window'} of {operator.name}"
        if value is None:
            hint = f"it is {operator.signature}, with a literal such as 20"
            raise self._error(f"{what} is a whole number written in the formula", arg.position, hint)
        least = int(parameter.minimum) if parameter.minimum is not None else 0 if is_lag else 1
        if value < least:
            future = value < 0 and looks_ahead
            reason = f"{_FUTURE}: {what}" if future else what
            hint = f"write a lag of {least} or more" if future else f"it is {operator.signature}"
            raise self._error(f"{reason} is {least} or more, not {value}", arg.position, hint)
        if value > MAX_WINDOW:
            raise self._error(f"{what} is at most {MAX_WINDOW:,} sessions", arg.position)
        return value

    def _whole(self, arg: Expression) -> int | None:
        """Return the whole number that is written, a sign included, or None."""
        if isinstance(arg, Name):
            bound = self.bound.get(arg.name)
            return bound if isinstance(bound, int) else None
        if isinstance(arg, Number):
            if arg.is_whole or (self.dialect.fractional_windows and self.at is None):
                return math.floor(arg.value)
            return None
        if arg.name == "neg" and arg.symbol and isinstance(arg.args[0], Number):
            inner = self._whole(arg.args[0])
            return None if inner is None else -inner
        return None

    # -- constants -----------------------------------------------------------------------------------------

    def _folded(
        self, operator: Operator, parts: tuple[Term | Literal, ...], position: int, written: str
    ) -> Term:
        if operator.fold is None:
            raise self._error(f"{shown(written)} of numbers alone does not depend on any field", position)
        values = [p.node.value if isinstance(p, Term) else p for p in parts]
        if operator.name in ("power", "signedpower"):
            self._check_power(values[1], position)
        try:
            value = operator.fold(*values)
        except (ArithmeticError, ValueError):
            value = math.nan
        if isinstance(value, complex) or not math.isfinite(value):
            raise self._error(f"{shown(written)} of these numbers is not a finite number", position)
        if abs(value) > MAX_CONSTANT:
            raise self._error(f"a constant above {MAX_CONSTANT:g}", position, "rescale")
        return _constant(float(value))

    def _check_power(self, exponent: float, position: int) -> None:
        if abs(exponent) > MAX_POWER:
            raise self._error(f"a power beyond {MAX_POWER:g}", position, "use a smaller exponent")

    # -- errors --------------------------------------------------------------------------------------------

    def _arity(self, operator: Operator, given: int, position: int, written: str) -> FormulaError:
        parameters = operator.parameters
        least = sum(p.is_required for p in parameters)
        most = len(parameters)
        if any(p.repeats for p in parameters):
            count = f"{least} or more"
        else:
            count = str(most) if least == most else f"{least} to {most}"
        plural = "" if count == "1" else "s"
        signature = f"it is {operator.signature}"
        if operator.name == "rank" and given == 2:
            signature = "rank(x) compares names; ts_rank(x, n) compares sessions"
        return self._error(
            f"{shown(written)} takes {count} value{plural}, {given} given", position, signature
        )

    def _place(self, position: int) -> int:
        return position if self.at is None else self.at

    def _error(self, reason: str, position: int, hint: str = "") -> FormulaError:
        return FormulaError(reason, self.text, self._place(position), hint)


def _constant(value: float) -> Term:
    return Term(CONSTANT, "", (), constant(value))


def _is_left_out(parameter: Parameter, arg: Expression) -> bool:
    """Tell whether ``rsi(14)`` leaves out what ``rsi(close, 14)`` names: a number is no series."""
    return parameter.kind is Kind.PANEL and not parameter.is_required and isinstance(arg, Number)


def _over_time(call: Call) -> Call:
    """``regbeta(y, sequence(n), n)`` is a line through time, and so it is without the first n."""
    names = {"regbeta": "ts_slope", "regresi": "ts_resid"}
    if call.name not in names or len(call.args) not in (2, 3):
        return call
    sequence = call.args[1]
    if isinstance(sequence, Name) and sequence.name == "sequence" and len(call.args) == 3:
        return Call(names[call.name], (call.args[0], call.args[2]), call.position)
    if not (isinstance(sequence, Call) and sequence.name == "sequence" and len(sequence.args) == 1):
        return call
    length = sequence.args[0]
    window = call.args[2] if len(call.args) == 3 else length
    if isinstance(window, Number) and isinstance(length, Number) and window.value != length.value:
        return call
    return Call(names[call.name], (call.args[0], window), call.position)


@lru_cache(maxsize=512)
def _read_once(expansion: str) -> Expression:
    """Trees of the expansions, which are our own text: read once, when first used."""
    return read(expansion, Grammar()).tree
