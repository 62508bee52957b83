"""Sums of products of powers: the arithmetic of the normal form."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, field
from fractions import Fraction

from alpha_sources.formula.terms import number_text

#: A rewriting that repeats a part is made only while the text stays below this many characters: nested ones
#: would otherwise double it at every level.
MAX_REPEATED = 2_000
_MAX_TERMS = 32
#: Significant digits that are kept, and those to which numbers are told apart.
_KEPT, _TOLD = 15, 10
#: What is left of a sum that cancels but for rounding, relative to what was added.
_ROUNDING = Fraction(1, 10**12)

ONE = Fraction(1)
#: atoms with their exponents, sorted; the empty product is 1
Product = tuple[tuple["Atom", Fraction], ...]


@dataclass(frozen=True, slots=True, eq=False)
class Atom:
    """What the arithmetic does not look into: a field, or an operator over sums. Equal if its text is."""

    text: str
    op: str = ""
    parts: tuple[Sum, ...] = ()

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Atom) and self.text == other.text

    def __hash__(self) -> int:
        return hash(self.text)


@dataclass(frozen=True, slots=True, eq=False)
class Sum:
    """Products with their coefficients, in a fixed order. NaN is what has no value anywhere."""

    terms: tuple[tuple[Product, Fraction], ...] = ()
    is_nan: bool = False
    text: str = field(init=False, default="")

    def __post_init__(self) -> None:
        object.__setattr__(self, "text", "nan" if self.is_nan else _sum_text(self.terms))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Sum) and self.text == other.text

    def __hash__(self) -> int:
        return hash(self.text)

    @property
    def constant(self) -> float | None:
        """The number it is, NaN included, or None if it varies."""
        if self.is_nan:
            return math.nan
        if not self.terms:
            return 0.0
        return float(self.terms[0][1]) if len(self.terms) == 1 and not self.terms[0][0] else None

    @property
    def offset(self) -> Fraction:
        """Its constant term."""
        return next((c for product, c in self.terms if not product), Fraction(0))

    @property
    def leading(self) -> Fraction:
        """The coefficient of its first varying product."""
        return next((c for product, c in self.terms if product), ONE)

    @property
    def single(self) -> tuple[Product, Fraction] | None:
        """Its only product and coefficient, if it has one only."""
        return self.terms[0] if len(self.terms) == 1 and not self.is_nan else None

    def without_offset(self) -> Sum:
        """Less its constant term."""
        return self if self.is_nan else Sum(tuple(t for t in self.terms if t[0]))

    def times(self, factor: Fraction) -> Sum:
        """Times a number."""
        if self.is_nan or factor == ONE:
            return self
        return Sum(tuple((p, _near(c * factor)) for p, c in self.terms)) if factor else ZERO


def number(value: float | Fraction) -> Sum:
    """Return a number as a sum."""
    exact = value if isinstance(value, Fraction) else exactly(value)
    return Sum((((), exact),)) if exact else ZERO


def exactly(value: float) -> Fraction:
    """Return a decimal as it is written: 0.1 is a tenth."""
    return Fraction(f"{value:.{_KEPT}g}")


def atom(text: str, op: str = "", parts: tuple[Sum, ...] = ()) -> Sum:
    """Return a single atom as a sum."""
    return Sum(((((Atom(text, op, parts), ONE),), ONE),))


def plus(sums: Iterable[Sum]) -> Sum:
    """Add, collecting like products."""
    total: dict[Product, Fraction] = {}
    added: dict[Product, Fraction] = {}
    for each in sums:
        if each.is_nan:
            return NAN
        for product, coefficient in each.terms:
            total[product] = total.get(product, Fraction(0)) + coefficient
            added[product] = added.get(product, Fraction(0)) + abs(coefficient)
    total = {p: c for p, c in total.items() if abs(c) > _ROUNDING * added[p]}
    return _sorted(_reduced(total))


def _reduced(total: dict[Product, Fraction]) -> dict[Product, Fraction]:
    """Divide by denominators, a / (a + b) is 1 - b / (a + b), and multiply out sums that are factors."""
    for _ in range(_MAX_TERMS):
        found = next(((p, parts) for p in total if (parts := _rewritten(p))), None)
        if found is None:
            break
        product, parts = found
        coefficient = total.pop(product)
        for part, c in parts:
            total[part] = total.get(part, Fraction(0)) + coefficient * c
            if abs(total[part]) <= _ROUNDING * abs(coefficient * c):
                del total[part]
    return total


def _rewritten(product: Product) -> list[tuple[Product, Fraction]]:
    """The sum that a product is, if a sum among its factors makes it one; else nothing."""
    divided = _divisible(product)
    if divided is not None:
        rest, denominator = divided
        factors = [(((denominator, ONE),), ONE), *((p, -c) for p, c in denominator.parts[0].terms[1:])]
        return [t for factor in factors for t in _joined((rest, ONE), factor).terms]
    for each, exponent in product:
        if _is_sum(each) and exponent >= 1 and exponent.denominator == 1:
            terms = each.parts[0].terms
            if len(terms) * len(product_text(product)) > MAX_REPEATED:
                continue
            rest = _joined((product, ONE), (((each, -ONE),), ONE)).terms[0][0]
            return [t for term in terms for t in _joined((rest, ONE), term).terms]
    return []


def _divisible(product: Product) -> tuple[Product, Atom] | None:
    """What is left of a product beside the first term of a sum that it is divided by, and that sum."""
    exponents = dict(product)
    for each, exponent in product:
        if exponent >= 0 or exponent.denominator != 1 or not _is_sum(each):
            continue
        first, *others = (p for p, _ in each.parts[0].terms)
        if len(others) > 8 or len(each.text) > MAX_REPEATED // 4:
            continue
        # were the first term in the others too, dividing would never end
        if not any(_contains(dict(p), first) for p in others) and _contains(exponents, first):
            left = _joined((product, ONE), (tuple((a, -e) for a, e in first), ONE))
            return left.terms[0][0], each
    return None


def _contains(exponents: dict[Atom, Fraction], factors: Product) -> bool:
    return bool(factors) and all(exponents.get(a, Fraction(0)) >= e for a, e in factors)


def times(factors: Iterable[tuple[Sum, Fraction]]) -> Sum:
    """Multiply powers of sums: equal sums cancel first, small ones are then multiplied out."""
    exponents: dict[Sum, Fraction] = {}
    for each, exponent in factors:
        if each.is_nan:
            return NAN
        # sums that differ by a factor alone are one: (2 x + 2) / (x + 1) is 2
        base, scale = (each, ONE) if each.single else _primitive(each)
        exponents[base] = exponents.get(base, Fraction(0)) + exponent
        if scale != ONE:
            constant = number(scale)
            exponents[constant] = exponents.get(constant, Fraction(0)) + exponent
    out = number(1.0)
    for base, exponent in exponents.items():
        if exponent:
            out = _multiplied(out, raised(base, exponent))
    return out


def raised(base: Sum, exponent: Fraction) -> Sum:
    """Raise to a power."""
    if base.is_nan or exponent == ONE:
        return base
    if not exponent:
        return number(1.0)
    value = base.constant
    if value is not None:
        return _number_raised(value, exponent)
    whole = exponent.denominator == 1
    if base.single:
        product, coefficient = base.single
        simple = whole or (len(product) == 1 and product[0][1] == ONE)
        if simple and (whole or coefficient > 0):
            factor = _number_raised(float(coefficient), exponent)
            powers = [(a, e * exponent) for a, e in product]
            # a sum that was a denominator and no longer is one is multiplied out like any other
            sums = [(a.parts[0], e) for a, e in powers if _is_sum(a) and e > 0]
            rest = tuple((a, e) for a, e in powers if not (_is_sum(a) and e > 0))
            out = _multiplied(factor, Sum(((rest, ONE),)))
            for each, power in sums:
                out = _multiplied(out, raised(each, power))
            return out
    if whole and 2 <= exponent <= 4:
        out = base
        for _ in range(int(exponent) - 1):
            expanded = _expanded(out, base)
            if expanded is None:
                break
            out = expanded
        else:
            return out
    primitive, scale = _primitive(base)
    if scale < 0 and not whole:
        primitive, scale = primitive.times(-ONE), -scale
    wrapped = ((Atom(f"({primitive.text})", "", (primitive,)), exponent),)
    return _multiplied(_number_raised(float(scale), exponent), Sum(((wrapped, ONE),)))


def _is_sum(each: Atom) -> bool:
    return not each.op and bool(each.parts)


def _number_raised(value: float, exponent: Fraction) -> Sum:
    try:
        power = value ** (int(exponent) if exponent.denominator == 1 else float(exponent))
    except ArithmeticError:
        return NAN
    if isinstance(power, complex) or not math.isfinite(power):
        return NAN
    return number(power)


def _primitive(each: Sum) -> tuple[Sum, Fraction]:
    """A sum over the coefficient of its first product, and that coefficient."""
    scale = each.leading
    return each.times(1 / scale), scale


def _multiplied(a: Sum, b: Sum) -> Sum:
    if a.is_nan or b.is_nan:
        return NAN
    expanded = _expanded(a, b)
    if expanded is not None:
        return expanded
    return _joined(_as_factor(a), _as_factor(b))


def _as_factor(each: Sum) -> tuple[Product, Fraction]:
    if each.single:
        return each.single
    primitive, scale = _primitive(each)
    return ((Atom(f"({primitive.text})", "", (primitive,)), ONE),), scale


def _joined(a: tuple[Product, Fraction], b: tuple[Product, Fraction]) -> Sum:
    exponents: dict[Atom, Fraction] = {}
    for each, exponent in (*a[0], *b[0]):
        exponents[each] = exponents.get(each, Fraction(0)) + exponent
    product = tuple(sorted(((x, e) for x, e in exponents.items() if e), key=lambda pair: pair[0].text))
    coefficient = _near(a[1] * b[1])
    return Sum(((product, coefficient),)) if coefficient else ZERO


def _expanded(a: Sum, b: Sum) -> Sum | None:
    """The product multiplied out, or None if that would be large."""
    if len(a.terms) * len(b.terms) > _MAX_TERMS:
        return None
    repeats = max(len(a.terms), len(b.terms)) > 1
    if repeats and len(a.text) * len(b.terms) + len(b.text) * len(a.terms) > MAX_REPEATED:
        return None
    return plus(_joined(x, y) for x in a.terms for y in b.terms)


def _sorted(total: dict[Product, Fraction]) -> Sum:
    kept = [(p, _near(c)) for p, c in total.items()]
    # what varies comes first, the constant last
    kept.sort(key=lambda term: (not term[0], product_text(term[0])))
    return Sum(tuple(kept))


def _near(value: Fraction) -> Fraction:
    """Round to the digits that are told apart, once a fraction has grown long."""
    return value if value.denominator < 10**18 and abs(value.numerator) < 10**36 else exactly(float(value))


def product_text(product: Product) -> str:
    """Text of a product of powers."""
    return " * ".join(a.text if e == ONE else f"{a.text} ** {_told(e)}" for a, e in product)


def _told(value: Fraction) -> str:
    return number_text(float(f"{float(value):.{_TOLD}g}"))


def _sum_text(terms: tuple[tuple[Product, Fraction], ...]) -> str:
    if not terms:
        return "0"
    text = ""
    for i, (product, coefficient) in enumerate(terms):
        size = _told(abs(coefficient))
        factors = product_text(product)
        term = size if not product else factors if size == "1" else f"{size} * {factors}"
        sign = ("-" if coefficient < 0 else "") if i == 0 else (" - " if coefficient < 0 else " + ")
        text += sign + term
    return text


NAN = Sum(is_nan=True)
ZERO = Sum()
