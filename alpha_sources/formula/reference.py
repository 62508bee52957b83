"""The table of operators and fields as documentation shows it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping

from alpha_sources.formula.dialects import COMMON, DIALECTS, Spelling
from alpha_sources.formula.errors import FormulaError, nearest, shown
from alpha_sources.formula.fields import CATALOGUE, Field
from alpha_sources.formula.kinds import Kind
from alpha_sources.formula.operator import Family, Operator
from alpha_sources.formula.operators import ALL, OPERATORS

_SYMBOLS = {
    "add": "x + y", "sub": "x - y", "mul": "x * y", "div": "x / y", "neg": "-x", "power": "x ** a",
    "gt": "x > y", "ge": "x >= y", "lt": "x < y", "le": "x <= y", "eq": "x == y", "ne": "x != y",
    "logical_and": "x && y", "logical_or": "x || y", "logical_not": "!x", "where": "condition ? x : y",
}  # fmt: skip


def find_operator(name: str) -> Operator:
    """Return the operator of a name in the default dialect, or of a spelling of it in any.

    Raises
    ------
    FormulaError
        If there is none; the nearest known name is given.
    """
    wanted = name.lower()
    if wanted in OPERATORS:
        return OPERATORS[wanted]
    for table in _tables().values():
        spelling = table.get(wanted)
        if spelling is not None:
            return OPERATORS[spelling] if isinstance(spelling, str) else spelling[0]
    hint = nearest(name, {*OPERATORS, *COMMON}) or "formula list names them all"
    raise FormulaError(f"there is no operator {shown(name)}", hint=hint)


def of_family(family: str | None = None) -> list[tuple[Family, list[Operator]]]:
    """Return operators by family, in the order of the table; of one family, or of all.

    Raises
    ------
    FormulaError
        If there is no such family.
    """
    if family is not None and family not in list(Family):
        wanted = nearest(family, list(Family)) or f"there are {', '.join(Family)}"
        raise FormulaError(f"there is no family {shown(family)}", hint=wanted)
    families = [one for one in Family if family is None or one == family]
    return [(one, [operator for operator in ALL if operator.family is one]) for one in families]


def symbol(operator: Operator) -> str:
    """How an operator is written with a sign, or nothing."""
    return _SYMBOLS.get(operator.name, "")


def spellings(operator: Operator) -> dict[str, list[str]]:
    """Return other names of an operator, by dialect; those that every dialect reads under an empty name."""
    found = {
        dialect: sorted(name for name, meant in table.items() if _means(meant, operator))
        for dialect, table in _tables().items()
    }
    # a common spelling is what is asked for, not another one
    found[""] = [name for name in found[""] if name != operator.name]
    return {dialect: names for dialect, names in found.items() if names}


def _tables() -> dict[str, Mapping[str, Spelling]]:
    return {"": COMMON, **{dialect.name: dialect.spellings for dialect in DIALECTS.values()}}


def _means(spelling: Spelling, operator: Operator) -> bool:
    if isinstance(spelling, str):
        return spelling == operator.name
    # an operator of the table that has its own name there is not spelled otherwise
    return operator.name not in OPERATORS and any(meant is operator for meant in spelling)


def fields() -> list[Field]:
    """Return every field known without a panel."""
    return list(CATALOGUE.values())


def unit_name(field: Field) -> str:
    """Return the unit of a field, or what it is instead of a number."""
    if field.kind is Kind.PANEL:
        return str(field.unit)
    return str(field.kind)


def operator_rows(family: str | None = None) -> list[tuple[str, list[tuple[str, str]]]]:
    """Return, for each family, the signature and summary of its operators."""
    return [
        (str(one), [(operator.signature, operator.summary) for operator in operators])
        for one, operators in of_family(family)
    ]


def field_rows() -> list[tuple[str, str, str]]:
    """Return name, unit and summary of every field."""
    return [(field.name, unit_name(field), field.summary) for field in fields()]


def described(operator: Operator) -> list[tuple[str, str]]:
    """Return all there is to say of one operator, as label and text."""
    others = [
        f"{', '.join(names)}{f' ({dialect})' if dialect else ''}"
        for dialect, names in spellings(operator).items()
    ]
    rows = [
        ("operator", operator.signature),
        ("sign", symbol(operator)),
        ("family", str(operator.family)),
        ("computes", operator.summary),
        ("rules", operator.notes),
        ("in full", operator.expansion if operator.expansion != operator.summary else ""),
        ("example", operator.example),
        ("spelled", "; ".join(others)),
    ]
    return [(label, said) for label, said in rows if said]


def markdown() -> Iterator[str]:
    """Yield the lines of the tables of `docs/formulas.md`: operators by family."""
    for family, operators in of_family():
        yield f"### {str(family).capitalize()}"
        yield ""
        shared = _shared([operator.notes for operator in operators])
        if shared:
            yield f"Of most: {_cell(shared)}"
            yield ""
        yield "| operator | what it computes | rules |"
        yield "|---|---|---|"
        for operator in operators:
            notes = operator.notes.removeprefix(shared).strip()
            sign = f", `{_cell(symbol(operator))}`" if symbol(operator) else ""
            yield f"| `{operator.signature}`{sign} | {_cell(operator.summary)} | {_cell(notes)} |"
        yield ""


def markdown_fields() -> Iterator[str]:
    """Yield the lines of the table of fields of `docs/formulas.md`."""
    yield "| field | unit | what it holds |"
    yield "|---|---|---|"
    for field in fields():
        if not field.name.startswith(("raw_", "adj_")) or field.name in ("raw_close", "adj_close"):
            yield f"| `{field.name}` | {unit_name(field)} | {_cell(field.summary)} |"


def _shared(notes: list[str]) -> str:
    """Return the first sentence of notes where most have the same one."""
    first = Counter(f"{note.partition('. ')[0].rstrip('.')}." for note in notes if note)
    sentence, count = first.most_common(1)[0] if first else ("", 0)
    return sentence if 2 * count > len(notes) > 1 else ""


def _cell(text: str) -> str:
    return text.replace("|", "\\|")
