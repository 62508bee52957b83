"""Lists of formulas as people keep them: a table with names and formulas in columns of their own."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from alpha_sources.formula import Formula, FormulaError, parse
from alpha_sources.formula.dialects import dialect_of
from alpha_sources.formula.nodes import FIELD
from alpha_sources.libraries.categories import Category
from alpha_sources.seed.documents import DocumentError, read_document
from alpha_sources.seed.errors import SeedError
from engine.plugins import nearest

#: What columns are called, in small letters and without spaces.
_COLUMNS: Mapping[str, tuple[str, ...]] = {
    "number": ("no", "no.", "number", "id", "row", "序号", "编号"),
    "name": ("name", "alpha", "factor", "title", "名称", "因子", "因子名称"),
    "formula": ("formula", "expression", "expr", "公式", "表达式", "因子公式"),
    "category": ("category", "class", "type", "group", "类别", "分类", "类型"),
    "ic_mean": ("ic_mean", "icmean", "ic", "rank_ic", "ic均值"),
    "icir": ("icir", "ic_ir", "ir"),
}
_ORDER = ("alphaloom", "alpha101", "gtja191", "qlib")
#: Between a name and the formula it was written with, in lists that have both in one cell.
_DASH = " - "


@dataclass(frozen=True)
class ListRow:
    """One row.

    Parameters
    ----------
    number : str
        As the list numbers it, else its place.
    name : str
        Without the formula that may stand behind it.
    title : str
        As it stands in the list.
    printed : str
        The cell of the formula.
    text, dialect : str
        What is read, and how it is spelled.
    formula : Formula or None
    problem : FormulaError or None
        Why there is none.
    category : Category
        `Category.OTHER` where the list says none of ours.
    said : str
        The category as it stands there.
    ic_mean, icir : float or None
    """

    number: str
    name: str
    title: str
    printed: str
    text: str
    dialect: str
    formula: Formula | None
    problem: FormulaError | None
    category: Category
    said: str
    ic_mean: float | None
    icir: float | None


def read_list(path: Path, fields: Sequence[str] = ()) -> tuple[ListRow, ...]:
    """Read a list, a .csv or .xlsx file.

    Where the cell of the formula is a mere name and the formula stands behind the title, as in
    ``Price Momentum - (CLOSE - DELAY(CLOSE, 14))``, it is read there. Every dialect is tried.

    Parameters
    ----------
    path : Path
    fields : sequence of str
        Fields of the data that are not in the catalogue.

    Returns
    -------
    tuple of ListRow

    Raises
    ------
    SeedError
        If it cannot be read, or no table of it has columns for name and formula.
    """
    try:
        tables = read_document(path).tables
    except DocumentError as error:
        raise SeedError(str(error)) from None
    for table in tables:
        columns = _columns(table.header)
        if {"name", "formula"} <= columns.keys():
            rows = [_row(cells, columns, place, fields) for place, cells in enumerate(table.rows, 1)]
            found = tuple(row for row in rows if row is not None)
            if found:
                return found
    said = ", ".join(tables[0].header) if tables else "no table at all"
    raise SeedError(
        f"{path}: a list has a column called name and one called formula; found {said}: rename them"
    )


def _columns(header: Sequence[str]) -> dict[str, int]:
    plain = ["".join(cell.lower().split()) for cell in header]
    return {
        key: next(plain.index(name) for name in names if name in plain)
        for key, names in _COLUMNS.items()
        if any(name in plain for name in names)
    }


def _row(
    cells: Sequence[str], columns: Mapping[str, int], place: int, fields: Sequence[str]
) -> ListRow | None:
    def cell(key: str) -> str:
        return cells[columns[key]].strip() if key in columns else ""

    title, printed = cell("name"), cell("formula")
    if not title and not printed:
        return None
    name, _, behind = title.partition(_DASH)
    texts = [printed, behind.strip()]
    if behind and printed.replace("_", "").isalnum():
        texts.reverse()  # the cell repeats the name
    text, dialect, formula, problem = _read([text for text in texts if text], fields)
    return ListRow(
        number=cell("number").removesuffix(".0") or str(place),
        name=name.strip() or printed,
        title=title,
        printed=printed,
        text=text,
        dialect=dialect,
        formula=formula,
        problem=problem,
        category=_category(cell("category")),
        said=cell("category"),
        ic_mean=_number(cell("ic_mean")),
        icir=_number(cell("icir")),
    )


def _read(
    texts: Sequence[str], fields: Sequence[str]
) -> tuple[str, str, Formula | None, FormulaError | None]:
    problem: FormulaError | None = None
    for text in texts:
        for dialect in ("qlib",) if "$" in text else _ORDER:
            try:
                formula = parse(text, dialect_of(dialect).name, fields)
            except FormulaError as error:
                problem = problem or error
                continue
            return text, dialect, formula, None
    if not texts:
        problem = FormulaError("there is no formula")
    return (texts[0] if texts else ""), "alphaloom", None, problem


def is_mere_field(formula: Formula) -> bool:
    """Tell whether a formula is a field and nothing else."""
    return formula.root.op == FIELD


def _category(text: str) -> Category:
    plain = "_".join(text.lower().replace("-", " ").split())
    return Category(plain) if plain in list(Category) else Category.OTHER


def unknown_category(row: ListRow) -> str:
    """Say that a category is none of ours, with the nearest; an empty text where it is, or none is said."""
    if not row.said or row.category is not Category.OTHER or row.said.lower() == "other":
        return ""
    hint = nearest(row.said.lower().replace(" ", "_"), [str(each) for each in Category])
    return f"category {row.said!r} is none of ours{hint}"


def _number(text: str) -> float | None:
    try:
        value = float(text)
    except ValueError:
        return None
    return value if math.isfinite(value) else None
