"""What a model must know to write a formula: operators, fields, examples; all of it words of ours."""

from __future__ import annotations

from collections.abc import Sequence

from alpha_sources.formula.fields import CATALOGUE, INDEX_ORDER
from alpha_sources.formula.kinds import Kind
from alpha_sources.formula.operator import Family
from alpha_sources.formula.operators import OPERATORS
from alpha_sources.formula.terms import INFIX
from alpha_sources.libraries import Library, MarkKind
from alpha_sources.seed.themes import MEANINGS, Theme
from engine.market.view import MarketView

_EXAMPLES = 3
_SIGNS = frozenset({*INFIX, "neg", "logical_not"})


def operators_text() -> str:
    """Return every operator with its signature and what it computes, by family."""
    lines = []
    for family in Family:
        named = [
            f"- {operator.signature}: {operator.summary}"
            for name, operator in OPERATORS.items()
            if operator.family is family and name not in _SIGNS
        ]
        lines += [f"{family}:", *named] if named else []
    return "\n".join(lines)


def fields_text(view: MarketView, own: Sequence[str] = ()) -> str:
    """Return the fields that a view can give, with what they hold.

    Parameters
    ----------
    view : MarketView
    own : sequence of str
        Fields of the data that are not in the catalogue.
    """
    lines = []
    for name, field in CATALOGUE.items():
        if name.startswith(("raw_", "adj_")) or not _given(name, view):
            continue
        use = {Kind.GROUP: " (a group, for the group operators)", Kind.BOOLEAN: " (a condition)"}
        lines.append(f"- {name}: {field.summary}{use.get(field.kind, '')}")
    codes = [symbol.partition(".")[0] for symbol in sorted(view.index_symbols, key=_by_rank)]
    if codes:
        lines.append(f"- index_return_CODE, index_close_CODE, of the indices {', '.join(codes)}")
    lines += [f"- {name}: a column of the user's own data" for name in own]
    return "\n".join(lines)


def categories_text() -> str:
    """Return the nine categories with what belongs to each."""
    return "\n".join(f"- {theme}: {meaning}" for theme, meaning in MEANINGS.items())


def examples_text(theme: Theme, library: Library, view: MarketView) -> str:
    """Return a few formulas of a category that the view can compute."""
    from alpha_sources.libraries.checking import lacking

    good = [
        entry
        for entry in library.of(theme.category)
        if entry.computable
        and not entry.has(MarkKind.LEVEL, MarkKind.NOT_ON_SAMPLE, MarkKind.CONSTANT)
        and not lacking(entry.parsed, view)
    ]
    lines = [f"- {entry.formula} ({entry.title})" for entry in good[:_EXAMPLES]]
    return "\n".join(lines) or "- none"


def _given(name: str, view: MarketView) -> bool:
    from alpha_sources.formula import FormulaError, parse
    from alpha_sources.libraries.checking import lacking

    if CATALOGUE[name].kind is Kind.GROUP:
        return True
    try:
        return not lacking(parse(name), view)
    except FormulaError:
        return False


def _by_rank(symbol: str) -> tuple[int, str]:
    return (INDEX_ORDER.index(symbol) if symbol in INDEX_ORDER else len(INDEX_ORDER), symbol)
