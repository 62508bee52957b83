"""Rules for the unit and the degree of a result, from those of its operands."""

from __future__ import annotations

from fractions import Fraction

from alpha_sources.formula.nodes import FLAT, Degree, Node
from alpha_sources.formula.operator import Literal, Warn
from alpha_sources.formula.units import NONE, RATIO, Unit

Args = tuple[Node, ...]
Params = tuple[Literal, ...]
Scale = tuple[Unit, Degree]

#: A number this small, added, is a guard against division by zero, in the unit of what it is added to.
GUARD = 1e-3


def keep(args: Args, params: Params, warn: Warn) -> Scale:
    """As the first operand: means, extremes, lags and whatever else is homogeneous of degree 1."""
    return args[0].unit, args[0].degree


def keep_value(args: Args, params: Params, warn: Warn) -> Scale:
    """As the last operand, the first one being a condition."""
    return args[-1].unit, args[-1].degree


def ratio(args: Args, params: Params, warn: Warn) -> Scale:
    """Free of unit and scale: ranks, counts, correlations, conditions."""
    return RATIO, FLAT


def of_the_session(args: Args, params: Params, warn: Warn) -> Scale:
    """In the unit of the first operand, on the session's own scale: what compares the names of a session."""
    return args[0].unit, FLAT


def product(args: Args, params: Params, warn: Warn) -> Scale:
    """Units multiply, degrees add: products and covariances."""
    return args[0].unit.times(args[1].unit), args[0].degree.plus(args[1].degree)


def square(args: Args, params: Params, warn: Warn) -> Scale:
    """Of a variance."""
    return product((args[0], args[0]), params, warn)


def root(args: Args, params: Params, warn: Warn) -> Scale:
    """Of a square root."""
    half = Fraction(1, 2)
    return args[0].unit.power(half), args[0].degree.times(half)


def product_over_window(args: Args, params: Params, warn: Warn) -> Scale:
    """Of the product of a window."""
    n = Fraction(int(params[0]))
    return args[0].unit.power(n), args[0].degree.times(n)


def quotient(args: Args, params: Params, warn: Warn) -> Scale:
    """Units divide, degrees subtract; a quotient nobody has a name for draws a warning."""
    over, under = args
    unit = over.unit.over(under.unit)
    named = unit.is_plain or over.unit.is_ratio or under.unit.is_ratio
    if not named and over.unit.is_plain and under.unit.is_plain:
        warn(f"divides {_article(over.unit)} by {_article(under.unit)}: the quotient is in {unit}")
    return unit, over.degree.plus(under.degree.times(Fraction(-1)))


def raised(args: Args, params: Params, warn: Warn) -> Scale:
    """Of a power: a literal exponent multiplies unit and degree, any other needs plain numbers."""
    base, exponent = args
    if exponent.is_constant:
        by = Fraction(exponent.value).limit_denominator(1000)
        return base.unit.power(by), base.degree.times(by)
    _needs_flat(args, "puts into a power", _ON_THE_BASE, warn)
    return RATIO, FLAT


def logarithm(args: Args, params: Params, warn: Warn) -> Scale:
    """Of log, which turns a change of scale into a shift."""
    doubt = "its level depends on where adjustment began, its changes do not"
    _needs_flat(args, "takes the logarithm of", doubt, warn)
    return RATIO, FLAT


def exponential(args: Args, params: Params, warn: Warn) -> Scale:
    """Of exp, which no change of scale passes through."""
    _needs_flat(args, "takes the exponential of", _ON_THE_BASE, warn)
    return RATIO, FLAT


def sum_of(args: Args, params: Params, warn: Warn) -> Scale:
    """Of sums and differences: like with like."""
    return _alike(args, "adds", warn, added=True)


def one_of(args: Args, params: Params, warn: Warn) -> Scale:
    """Of the larger or smaller of several, like with like."""
    return _alike(args, "chooses between", warn)


def chosen(args: Args, params: Params, warn: Warn) -> Scale:
    """Of `where`: the two branches are alike."""
    return _alike(args[1:], "chooses between", warn)


def compared(args: Args, params: Params, warn: Warn) -> Scale:
    """Of a comparison, like with like."""
    _alike(args, "compares", warn)
    return RATIO, FLAT


def bounded(args: Args, params: Params, warn: Warn) -> Scale:
    """Of `clip` to literal bounds."""
    x = args[0]
    if x.degree and any(params):
        warn(f"clips {_article(x.unit)} to a fixed number: {_ON_THE_BASE}")
        return x.unit, FLAT
    return x.unit, x.degree


_ON_THE_BASE = "computed on backward-adjusted values, whose level depends on where adjustment began"


def _alike(args: Args, verb: str, warn: Warn, added: bool = False) -> Scale:
    panels = [a for a in args if not a.is_constant]
    if not panels:
        return RATIO, FLAT
    unit, degree = panels[0].unit, panels[0].degree
    for other in panels[1:]:
        if not unit.agrees(other.unit):
            warn(f"{verb} {_article(unit)} and {_article(other.unit)}")
            return NONE, FLAT
        if degree != other.degree:
            scales = f"{_scale(degree)} and {_scale(other.degree)}"
            warn(f"{verb} values of different scale, {scales}: {_ON_THE_BASE}")
            return unit, FLAT
        unit = other.unit if not unit.known else unit if other.unit.known else NONE
    numbers = [abs(a.value) for a in args if a.is_constant and a.value != 0.0]
    if added:
        numbers = [n for n in numbers if n > GUARD]
    if numbers and degree:
        warn(f"{verb} {_article(unit)} and a plain number: {_ON_THE_BASE}")
        return unit, FLAT
    if numbers and added and unit.known and not unit.is_ratio:
        warn(f"{verb} {_article(unit)} and a plain number")
    return unit, degree


def _needs_flat(args: Args, verb: str, doubt: str, warn: Warn) -> None:
    for arg in args:
        if arg.degree:
            warn(f"{verb} {_article(arg.unit)}: {doubt}")
            return


def _article(unit: Unit) -> str:
    if not unit.known:
        return "a number of unknown unit"
    names = {"price": "a price", "share": "a number of shares", "cny": "an amount in CNY", "ratio": "a ratio"}
    return names.get(str(unit), f"a value in {unit}")


def _scale(degree: Degree) -> str:
    if not degree:
        return "raw"
    parts = [(degree.price, "adjusted prices"), (degree.share, "adjusted shares")]
    return " × ".join(name if power == 1 else f"{name}^{power}" for power, name in parts if power)
