"""The normal form of a formula: what differs only in how it is written has one.

Sums and products are sorted and collected, quotients are powers of −1, differences sums; lags move down to
the fields; what a factor or a constant passes through lets it out (``ts_mean(2 * x, 5)``), what they do not
change drops them (``rank(2 * x + 1)``). Rewritings hold wherever both sides have a value; where a NaN falls
may differ: the normal form tells twins, and what is evaluated is the formula as written.

A formula with a warning on scale stands on the backward base from the part that is not homogeneous on:
there the normal form is that of the algebra, and may be scaled to its session otherwise than the formula.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from fractions import Fraction

from alpha_sources.formula.algebra import (
    MAX_REPEATED,
    NAN,
    ONE,
    Atom,
    Sum,
    atom,
    exactly,
    number,
    plus,
    raised,
    times,
)
from alpha_sources.formula.nodes import CONSTANT, FIELD, Node
from alpha_sources.formula.operator import Family
from alpha_sources.formula.operators import OPERATORS
from alpha_sources.formula.terms import number_text

HALF = Fraction(1, 2)
MINUS = -ONE

#: f(a x + b) = a f(x) + b
_AFFINE = frozenset({"ts_mean", "ts_median", "ema", "sma", "decay_linear", "decay_power", "winsorize"})
#: the same for a > 0 alone
_INCREASING = frozenset({"ts_quantile"})
#: of these a sum is the sum
_ADDITIVE = frozenset(
    {"ts_mean", "decay_linear", "decay_power", "ts_slope", "ts_resid", "demean", "group_demean"}
)
#: f(a x + b) = a f(x)
_LINEAR = frozenset({"ts_slope", "ts_resid", "demean", "group_demean", "group_neutralize"})
#: f(a x + b) = |a| f(x)
_SPREAD = frozenset({"ts_mad"})
#: f(a x + b) = f(x) for a > 0, sign(a) f(x) where odd
_FREE = frozenset({"rank", "quantile", "bucket", "group_rank", "ts_rank", "ts_scale"})
_FREE_ODD = frozenset({"zscore", "group_zscore", "ts_skew"})
_FREE_EVEN = frozenset({"ts_kurt", "ts_rsquare"})
_MIRRORED = {"ts_max": "ts_min", "ts_min": "ts_max", "ts_argmax": "ts_argmin", "ts_argmin": "ts_argmax"}
#: over one session these are what they are over
_OF_ONE = frozenset({"ts_mean", "ts_median", "ts_min", "ts_max", "ts_product", "ema", "decay_linear",
                     "decay_power", "ts_quantile"})  # fmt: skip
_NO_VARIANCE = frozenset({"zscore", "group_zscore", "ts_skew", "ts_kurt", "ts_rsquare", "ts_scale", "scale"})
_FLIPPED = {"gt": "lt", "lt": "gt", "ge": "le", "le": "ge", "eq": "eq", "ne": "ne"}
_NEGATED = {"gt": "le", "le": "gt", "lt": "ge", "ge": "lt", "eq": "ne", "ne": "eq"}
_SYMBOLS = {"gt": ">", "lt": "<", "ge": ">=", "le": "<=", "eq": "==", "ne": "!="}


def normal_form(root: Node) -> Sum:
    """Return the normal form, whose `text` is what a formula's `canonical` shows."""
    return _Normal().form(root)


@dataclass(slots=True)
class _Normal:
    """Normal forms by node and lag, each made once."""

    known: dict[tuple[str, int], Sum] = field(default_factory=dict)

    def form(self, node: Node, lag: int = 0) -> Sum:
        found = self.known.get((node.key, lag))
        if found is None:
            found = self.known[node.key, lag] = self._made(node, lag)
        return found

    def _made(self, node: Node, lag: int) -> Sum:
        op = node.op
        if op == CONSTANT:
            return number(node.value)
        if op == FIELD:
            name = node.field_name
            return atom(name if not lag else f"delay({name}, {lag})", FIELD)
        if op == "delay":
            return self.form(node.args[0], lag + int(node.params[0]))
        if OPERATORS[op].family.across_names:
            # a past rank is among past members: the lag stays outside
            return _delayed(self._across(node), lag)
        forms = tuple(self.form(arg, lag) for arg in node.args)
        if any(f.is_nan for f in forms) and op != "where":
            return NAN
        arithmetic = _arithmetic(op, forms)
        if arithmetic is not None:
            return arithmetic
        if op in _SYMBOLS:
            return _comparison(op, *forms)
        if op in ("logical_and", "logical_or", "logical_not", "where", "max", "min"):
            return _choice(op, forms)
        past = self._past(node, lag, forms)
        return past if past is not None else _applied(op, forms, node.params)

    def _across(self, node: Node) -> Sum:
        forms = tuple(self.form(arg) for arg in node.args)
        if any(f.is_nan for f in forms):
            return NAN
        if node.op == "rank" and (inner := _only_atom(forms[0])) is not None and inner.op == "rank":
            return forms[0]
        if node.op in ("group_neutralize", "regression_resid"):
            fixed = 2 if node.op == "group_neutralize" else 1
            # the order of the factors changes nothing, nor do their units
            varying = {_free_of_scale(f)[0] for f in forms[fixed:] if f.constant is None}
            factors = sorted(varying, key=lambda f: f.text)
            if not factors:
                return _applied("group_demean" if fixed == 2 else "demean", forms[:fixed], ())
            x, scale = _free_of_scale(forms[0])
            if forms[0].constant is not None:
                return number(0.0)
            return _call(node.op, (x, *forms[1:fixed], *factors), ()).times(scale)
        return _applied(node.op, forms, node.params)

    def _past(self, node: Node, lag: int, forms: tuple[Sum, ...]) -> Sum | None:
        """What is built from simpler ones: changes are differences, sums are means."""
        op, params, x = node.op, node.params, forms[0]
        n = int(params[0]) if params else 0
        if op in ("delta", "pct_change", "ts_zscore") and len(x.text) > MAX_REPEATED // 4:
            return None
        if op == "delta":
            return plus((x, self.form(node.args[0], lag + n).times(MINUS)))
        if op == "pct_change":
            return plus((times(((x, ONE), (self.form(node.args[0], lag + n), MINUS))), number(-1.0)))
        if op == "ts_sum":
            return _applied("ts_mean", forms, params).times(Fraction(n))
        if op == "ts_std":
            return raised(_variance(x, n), HALF)
        if op == "ts_var":
            return _variance(x, n)
        if op == "ts_zscore":
            mean = _applied("ts_mean", forms, params).times(MINUS)
            return times(((plus((x, mean)), ONE), (_variance(x, n), -HALF)))
        if op in ("ts_cov", "ts_corr"):
            return _pair(op, forms, n)
        if op in ("ts_count", "ts_sumif") and (holds := forms[-1].constant) is not None:
            total = n * exactly(holds)
            return number(total) if op == "ts_count" else _applied("ts_mean", (x,), params).times(total)
        if op == "days_since" and x.constant is not None:
            return number(0.0) if x.constant else NAN
        if op == "sma":
            return _recursive(x, int(params[0]), float(params[1]))
        return None


def _arithmetic(op: str, forms: tuple[Sum, ...]) -> Sum | None:
    x = forms[0]
    if op == "add":
        return plus(forms)
    if op == "sub":
        return plus((x, forms[1].times(MINUS)))
    if op == "neg":
        return x.times(MINUS)
    if op == "mul":
        return times(((x, ONE), (forms[1], ONE)))
    if op == "div":
        return times(((x, ONE), (forms[1], MINUS)))
    if op == "sqrt":
        return raised(x, HALF)
    if op == "power" and (exponent := forms[1].constant) is not None:
        return raised(x, exactly(exponent))
    if op in ("abs", "sign"):
        value = x.constant
        if value is not None:
            return number(abs(value) if op == "abs" else float((value > 0) - (value < 0)))
        bare, scale = _without_factor(x)
        return _call(op, (bare,), ()).times(abs(scale) if op == "abs" else scale / abs(scale))
    return None


def _comparison(op: str, x: Sum, y: Sum) -> Sum:
    gap = plus((x, y.times(MINUS)))
    value = gap.constant
    if value is not None:
        holds = {"gt": value > 0, "lt": value < 0, "ge": value >= 0, "le": value <= 0}
        return number(float(holds.get(op, (value == 0) == (op == "eq"))))
    scale = gap.leading
    op = op if scale > 0 else _FLIPPED[op]
    gap = gap.times(1 / scale)
    limit = number(-gap.offset)
    text = f"({gap.without_offset().text} {_SYMBOLS[op]} {limit.text})"
    return atom(text, op, (gap.without_offset(), limit))


def _choice(op: str, forms: tuple[Sum, ...]) -> Sum:
    if op == "where":
        condition, x, y = forms
        if condition.constant is not None:
            return NAN if math.isnan(condition.constant) else x if condition.constant else y
        if x == y:
            return x
        inner = _only_atom(condition)
        if inner is not None and inner.op == "logical_not":
            return _call("where", (inner.parts[0], y, x), ())
        return _call("where", forms, ())
    if op == "logical_not":
        inner = _only_atom(forms[0])
        if inner is not None and inner.op in _NEGATED:
            return _comparison(_NEGATED[inner.op], *inner.parts)
        if inner is not None and inner.op == "logical_not":
            return inner.parts[0]
        return (
            atom(f"!{forms[0].text}", op, forms)
            if forms[0].constant is None
            else number(1.0 - _value(forms[0]))
        )
    merged: dict[Sum, None] = {}
    for form in forms:
        nested = _only_atom(form)
        merged.update(dict.fromkeys(nested.parts if nested is not None and nested.op == op else (form,)))
    if op in ("logical_and", "logical_or"):
        # what always holds decides an or, and changes nothing in an and
        decides = float(op == "logical_or")
        known = {_value(f) for f in merged if f.constant is not None}
        merged = {f: None for f in merged if f.constant is None}
        if decides in known or not merged:
            return number(decides if decides in known else 1.0 - decides)
    parts = tuple(sorted(merged, key=lambda f: (f.constant is not None, f.text)))
    if len(parts) == 1:
        return parts[0]
    if op in ("max", "min"):
        values = [_value(p) for p in parts if p.constant is not None]
        if len(values) > 1:
            kept = number(max(values) if op == "max" else min(values))
            parts = (*(p for p in parts if p.constant is None), kept)
        return parts[0] if len(parts) == 1 else _extreme(op, parts)
    symbol = " && " if op == "logical_and" else " || "
    return atom(f"({symbol.join(p.text for p in parts)})", op, parts)


def _extreme(op: str, parts: tuple[Sum, ...]) -> Sum:
    last = parts[-1]
    # a whole number of 2 or more would be read as a window
    texts = [p.text for p in parts]
    if len(parts) == 2 and last.constant is not None and last.text.isdigit():
        texts[-1] += ".0"
    return atom(f"{op}({', '.join(texts)})", op, parts)


def _applied(op: str, forms: tuple[Sum, ...], params: tuple[float | int | str, ...]) -> Sum:
    """An operator over one varying operand: constants and factors let out or dropped."""
    x, rest = forms[0], forms[1:]
    n = params[0] if params else None
    if n == 1 and op in _OF_ONE:
        return x
    grouped = OPERATORS[op].family is Family.GROUP
    if x.constant is not None and (grouped or all(f.constant is not None for f in rest)):
        return _of_constant(op, x.constant)
    if op in _ADDITIVE and len(x.terms) > 1 and len(x.text) < MAX_REPEATED:
        parts = (Sum((term,)) for term in x.terms if term[0] or op not in _LINEAR)
        return plus(_applied(op, (part, *rest), params) for part in parts)
    free, scale = _free_of_scale(x)
    offset = number(x.offset)
    if op in _AFFINE or (op in _INCREASING and scale > 0):
        return plus((_call(op, (free, *rest), params).times(scale), offset))
    if op in _LINEAR:
        return _call(op, (free, *rest), params).times(scale)
    if op in _SPREAD:
        return _call(op, (free, *rest), params).times(abs(scale))
    if op in _FREE_ODD:
        return _call(op, (free, *rest), params).times(scale / abs(scale))
    if op in _FREE_EVEN:
        return _call(op, (free, *rest), params)
    if op in _FREE:
        return _call(op, (free.times(scale / abs(scale)), *rest), params)
    if op in _MIRRORED:
        name = op if scale > 0 else _MIRRORED[op]
        found = _call(name, (free, *rest), params)
        return found if "arg" in op else plus((found.times(scale), offset))
    if op == "scale":
        bare, factor = _without_factor(x)
        return _call(op, (bare,), (1.0,)).times(factor / abs(factor) * exactly(float(params[0])))
    return _call(op, forms, params)


def _of_constant(op: str, value: float) -> Sum:
    if op in _NO_VARIANCE:
        return NAN
    if op in _LINEAR or op in _SPREAD or op.startswith("ts_arg"):
        return number(0.0)
    if op in _AFFINE or op in _INCREASING or op in _MIRRORED:
        return number(value)
    if op in ("log", "exp"):
        try:
            return number(math.log(value) if op == "log" else math.exp(value))
        except (ArithmeticError, ValueError):
            return NAN
    # ranks, counts and the like: some number, the same everywhere
    return number(0.5)


def _variance(x: Sum, n: int) -> Sum:
    if x.constant is not None:
        return number(0.0)
    free, scale = _free_of_scale(x)
    return _call("ts_var", (free,), (n,)).times(scale * scale)


def _pair(op: str, forms: tuple[Sum, ...], n: int) -> Sum:
    x, y = forms
    if x.constant is not None or y.constant is not None:
        return NAN if op == "ts_corr" else number(0.0)
    (free_x, scale_x), (free_y, scale_y) = _free_of_scale(x), _free_of_scale(y)
    scale = scale_x * scale_y
    if free_x == free_y:
        return number(float(scale / abs(scale))) if op == "ts_corr" else _variance(free_x, n).times(scale)
    pair = tuple(sorted((free_x, free_y), key=lambda f: f.text))
    return _call(op, pair, (n,)).times(scale if op == "ts_cov" else scale / abs(scale))


def _recursive(x: Sum, n: int, m: float) -> Sum:
    """``sma(x, n, m)`` is an ``ema`` if 2 n / m - 1 is whole."""
    span = 2 * n / exactly(m) - 1
    if span.denominator == 1 and span >= 1:
        return _applied("ema", (x,), (int(span),))
    return _applied("sma", (x,), (n, m))


def _free_of_scale(x: Sum) -> tuple[Sum, Fraction]:
    """A sum without its constant and with a first coefficient of 1, and that coefficient."""
    bare = x.without_offset()
    return _without_factor(bare)


def _without_factor(x: Sum) -> tuple[Sum, Fraction]:
    scale = x.leading
    return x.times(1 / scale), scale


def _only_atom(x: Sum) -> Atom | None:
    if x.single and x.single[1] == ONE and len(x.single[0]) == 1 and x.single[0][0][1] == ONE:
        return x.single[0][0][0]
    return None


def _delayed(x: Sum, lag: int) -> Sum:
    if not lag or x.is_nan:
        return x

    def later(each: Atom) -> Atom:
        return Atom(f"delay({each.text}, {lag})", "delay", (atom(each.text, each.op, each.parts),))

    return plus(Sum(((tuple((later(a), e) for a, e in product), c),)) for product, c in x.terms)


def _call(op: str, forms: tuple[Sum, ...], params: tuple[float | int | str, ...]) -> Sum:
    texts = OPERATORS[op].written_order(
        tuple(f.text for f in forms), tuple(p if isinstance(p, str) else number_text(p) for p in params)
    )
    return atom(f"{op}({', '.join(texts)})", op, forms)


def _value(x: Sum) -> float:
    return x.constant if x.constant is not None else math.nan
