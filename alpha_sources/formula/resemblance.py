"""How much of two formulas is the same."""

from __future__ import annotations

import re
from collections import Counter

from alpha_sources.formula.algebra import Atom, Sum
from alpha_sources.formula.canonical import normal_form
from alpha_sources.formula.formula import Formula, parse

_FIELD = re.compile(r"[A-Za-z_]\w*(?![\w(])")
_NUMBER = re.compile(r"(?<![A-Za-z_0-9.])\d+(?:\.\d+)?(?:e[+-]?\d+)?")


def similarity(f: Formula | str, g: Formula | str) -> float:
    """Structural similarity of two formulas, from 0 to 1; 1 if and only if their canonical forms are equal.

    Parameters
    ----------
    f, g : Formula or str
        A text is read in the default dialect.

    Returns
    -------
    float

    Notes
    -----
    The parts of the two canonical forms (fields, operators over their operands, products, the whole) are
    compared as multisets: the size of the intersection over that of the union, averaged over three readings,
    as they are, with numbers left out, and with the names of fields left out too. ``ts_mean(close, 20)`` is
    most like ``ts_mean(close, 21)``, less like ``ts_mean(volume, 20)`` and not at all like ``rank(close)``.
    """
    first, second = (parse(x) if isinstance(x, str) else x for x in (f, g))
    if first.canonical == second.canonical:
        return 1.0
    a, b = _parts(first), _parts(second)
    readings = [(a, b)]
    readings.append((_reread(a, _NUMBER), _reread(b, _NUMBER)))
    readings.append((_reread(readings[1][0], _FIELD), _reread(readings[1][1], _FIELD)))
    # two that differ do so in one part at least, the whole: the first overlap is below 1
    return sum(_overlap(x, y) for x, y in readings) / len(readings)


def _overlap(a: Counter[str], b: Counter[str]) -> float:
    return (a & b).total() / (a | b).total()


def _reread(parts: Counter[str], left_out: re.Pattern[str]) -> Counter[str]:
    out: Counter[str] = Counter()
    for text, count in parts.items():
        out[left_out.sub("#", text)] += count
    return out


def _parts(formula: Formula) -> Counter[str]:
    out: Counter[str] = Counter()
    stack: list[Sum | Atom] = [normal_form(formula.root)]
    while stack:
        part = stack.pop()
        out[part.text] += 1
        if isinstance(part, Atom):
            stack.extend(part.parts)
            continue
        for product, _ in part.terms:
            stack.extend(each for each, _ in product)
    return out
