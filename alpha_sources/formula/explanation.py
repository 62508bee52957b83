"""A formula taken apart, as one would explain it at a whiteboard."""

from __future__ import annotations

import re
from dataclasses import replace
from textwrap import fill

from alpha_sources.formula.fields import find_field
from alpha_sources.formula.formula import Formula, parse
from alpha_sources.formula.kinds import Kind
from alpha_sources.formula.known_names import KnownName, known_name
from alpha_sources.formula.nodes import CONSTANT, FIELD, Node
from alpha_sources.formula.operators import OPERATORS
from alpha_sources.formula.terms import Term, number_text, render

_WIDTH = 100
_EXCERPT = 46
_ORDINALS = ("the first", "the second", "the third", "the fourth")
_WHY_NORMAL = "However a formula is written, this stays the same: it tells copies from new ideas."
#: Operators that have no value for some numbers.
_PARTIAL = {"div": "dividing by 0", "log": "the logarithm of 0", "sqrt": "the root of a negative number"}
#: What the operators that have a symbol do to their operands, in words.
_WORDS = {
    "add": "the two added",
    "sub": "the first less the second",
    "mul": "the two multiplied",
    "div": "the first divided by the second",
    "neg": "the sign turned",
    "power": "the first to the power of the second",
    "gt": "condition: the first is larger",
    "ge": "condition: the first is not smaller",
    "lt": "condition: the first is smaller",
    "le": "condition: the first is not larger",
    "eq": "condition: the two are equal",
    "ne": "condition: the two differ",
    "logical_and": "condition: both hold",
    "logical_or": "condition: at least one holds",
    "logical_not": "condition: it does not hold",
    "where": "where the first holds the second, elsewhere the third",
    "max": "the largest of them, cell by cell",
    "min": "the smallest of them, cell by cell",
}


def explain(formula: Formula | str, dialect: str = "alphaloom") -> str:
    """Explain a formula: how it is built, what it reads, how far it looks back, how else it is called.

    Parameters
    ----------
    formula : Formula or str
        A text is read in `dialect`.
    dialect : str
        See `parse`.

    Returns
    -------
    str
        Plain text of several lines.

    Raises
    ------
    FormulaError
        If the text is no formula.
    """
    if isinstance(formula, str):
        formula = parse(formula, dialect)
    # one call on fields is a name already
    name = known_name(formula) if any(operand.operands for operand in formula.term.operands) else None
    parts = [
        ("Formula", [str(formula)]),
        ("Also known as", _named(name) if name and name.call.term.op != formula.term.op else []),
        ("How it is built", _tree(formula.term)),
        ("Indicators in full", _indicators(formula.term)),
        ("What it reads", _fields(formula)),
        ("What comes out", _outcome(formula)),
        ("Normal form", [*_wrapped(formula.canonical), "", *_wrapped(_WHY_NORMAL)]),
        ("Warnings", [line for w in formula.warnings for line in _wrapped(w)]),
        ("Notes", [line for n in formula.notes for line in _wrapped(n)]),
    ]
    return "\n\n".join(
        "\n".join([title, *(f"  {line}".rstrip() for line in lines)]) for title, lines in parts if lines
    )


def _named(name: KnownName) -> list[str]:
    return _wrapped(f"{name}: {_words(name.call.term)}.")


def _wrapped(text: str) -> list[str]:
    return fill(text, _WIDTH - 2, break_long_words=False, break_on_hyphens=False).split("\n")


# -- the tree ----------------------------------------------------------------------------------------------


def _tree(term: Term) -> list[str]:
    rows: list[tuple[str, str]] = []
    _branch(term, "", "", rows, set())
    width = max(len(left) for left, _ in rows)
    return [f"{left:<{width}}  {right}" for left, right in rows]


def _branch(term: Term, prefix: str, below: str, rows: list[tuple[str, str]], seen: set[str]) -> None:
    text = render(term)
    shown = text if len(text) <= _EXCERPT else _outline(term)
    if text in seen:
        rows.append((prefix + shown, "as above"))
        return
    rows.append((prefix + shown, _said(term)))
    if term.operands:
        seen.add(text)
    for i, operand in enumerate(term.operands):
        last = i == len(term.operands) - 1
        _branch(
            operand, f"{below}{'└─ ' if last else '├─ '}", f"{below}{'   ' if last else '│  '}", rows, seen
        )


def _outline(term: Term) -> str:
    """Text with dots for the operands, which stand on the branches below."""
    parts = tuple(
        replace(part, op=FIELD, name="…", parts=()) if isinstance(part, Term) and part.operands else part
        for part in term.parts
    )
    return render(replace(term, parts=parts))


def _said(term: Term) -> str:
    node = term.node
    if term.op == CONSTANT:
        return "a number"
    parts = [_words(term), _unit(node), _back(term)]
    return "; ".join(part for part in parts if part)


def _words(term: Term) -> str:
    if term.op == FIELD:
        found = find_field(term.name.lower(), {term.name.lower(): term.name})
        return found.summary.partition(",")[0] if found else "a field"
    if term.op in _WORDS:
        return _WORDS[term.op]
    return _filled(OPERATORS[term.op].summary, term)


def _filled(text: str, term: Term, long: str = "") -> str:
    """Put the values of a call in the place of the parameters' names; `long` is what is too long for it."""
    parameters = OPERATORS[term.op].parameters
    ordinals = iter(_ORDINALS if len(term.operands) > 1 else ("what is below",))
    values = {}
    for parameter, part in zip(parameters, term.parts, strict=False):
        place = next(ordinals, "another") if isinstance(part, Term) else ""
        if not parameter.repeats:
            values[parameter.name] = _short(part, long or place)
    if not values:
        return text
    filled = re.sub(rf"\b(?:{'|'.join(values)})\b(?!['(])", lambda m: values[m[0]], text)
    return filled.replace("the the ", "the ")


def _indicators(term: Term) -> list[str]:
    found: dict[str, None] = {}
    stack = [term]
    while stack:
        part = stack.pop()
        stack.extend(reversed(part.operands))
        if part.op in OPERATORS and OPERATORS[part.op].expansion:
            full = _filled(OPERATORS[part.op].expansion, part, "x")
            line = f"{render(part)} = {full}"
            if line not in found and not any(operand.operands for operand in part.operands):
                stack.append(parse(full).term)
            found[line] = None
    return [line for text in found for line in _wrapped(text)]


def _short(part: Term | int | float, long: str) -> str:
    if not isinstance(part, Term):
        return number_text(part)
    return long if part.operands else render(part)


def _unit(node: Node) -> str:
    if node.kind is Kind.BOOLEAN:
        return "yes or no"
    if node.kind is Kind.GROUP:
        return "a group"
    unit = str(node.unit)
    names = {"ratio": "a ratio", "price": "a price", "share": "shares", "cny": "CNY", "none": "no known unit"}
    return names.get(unit, f"in {unit}")


def _back(term: Term) -> str:
    """How far a term looks back, said where it is farther than what it is made of."""
    lookback, burn_in = term.node.lookback, term.node.burn_in
    below = [operand.node for operand in term.operands]
    back = f"{_sessions(lookback)} back" if lookback > max((n.lookback for n in below), default=0) else ""
    fades = burn_in > max((n.burn_in for n in below), default=0)
    return ", ".join(part for part in (back, f"{_sessions(burn_in)} to settle" if fades else "") if part)


# -- the rest ----------------------------------------------------------------------------------------------


def _fields(formula: Formula) -> list[str]:
    width = max(map(len, formula.fields))
    lines = []
    for name in formula.fields:
        found = find_field(name.lower(), {name.lower(): name})
        lines.append(f"{name:<{width}}  {found.summary if found else ''}".rstrip())
    return lines


def _outcome(formula: Formula) -> list[str]:
    root = formula.root
    lines = [f"One value for every stock and session: {_outcome_unit(root)}."]
    if root.degree:
        lines.append(
            "It stands on the scale of its own session, as a screen of that day would have shown it."
        )
    elif not formula.warnings and root.unit.is_ratio and root.kind is Kind.PANEL:
        lines.append("No unit is left, so that stocks of any price can be compared.")
    if not formula.lookback:
        lines.append("It looks at the session alone.")
    elif root.lookback:
        lines.append(f"It needs {_sessions(root.lookback)} before the session itself.")
    if root.burn_in:
        lines.append(
            f"Recursive averages forget where they began within {_sessions(root.burn_in)}"
            f"{' more' if root.lookback else ''}: look-back {formula.lookback}."
        )
    gaps = [said for op, said in _PARTIAL.items() if any(n.op == op and _can_fail(n) for n in root.walk())]
    if gaps:
        lines.append(f"NaN, not infinity, is what {' or '.join(gaps)} gives.")
    across = any(n.op not in (FIELD, CONSTANT) and OPERATORS[n.op].family.across_names for n in root.walk())
    lines.append(
        "It compares the members of the universe: other stocks are NaN there."
        if across
        else "Each stock is computed by itself; NaN where it has no price, or no full window of them."
    )
    return lines


def _can_fail(node: Node) -> bool:
    """Tell whether an operator may be handed a number for which it has no value."""
    return not (node.op == "div" and node.args[1].is_constant)


def _outcome_unit(root: Node) -> str:
    return {"yes or no": "1 where the condition holds, 0 where not"}.get(_unit(root), _unit(root))


def _sessions(count: int) -> str:
    return f"{count} session" if count == 1 else f"{count} sessions"
