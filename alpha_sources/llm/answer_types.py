"""What a model may say: bounded numbers, short lines, formulas. Labels are enums of the caller's own.

Written in an answer's model: ``score: Annotated[float, bounded(-1, 1)]``, ``formula: FormulaText``.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import AfterValidator, Field, GetCoreSchemaHandler
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

from alpha_sources.formula import FormulaError, parse

_LONGEST_FORMULA = 2000


def bounded(low: float, high: float) -> Any:
    """Return the annotation of a number in [low, high]; of type int or float, never NaN."""
    if not low <= high:
        raise ValueError(f"no number lies between {low} and {high}")
    return Field(ge=low, le=high)


def _is_one_line(text: str) -> str:
    if "\n" in text or "\t" in text:
        raise PydanticCustomError("one_line", "Text should be on one line")
    return text.strip()


def _says_something(text: str) -> str:
    if not text.strip():
        raise PydanticCustomError("blank", "Text should not be blank")
    return text.strip()


@dataclass(frozen=True, slots=True)
class FormulaRule:
    """The annotation of a text that our parser reads as a formula.

    Parameters
    ----------
    dialect : str
    fields : tuple of str
        A panel's own fields, known besides the catalogue.
    strict : bool
        Mixed units and scales are errors, not warnings.
    most : int
        Characters.
    """

    dialect: str = "alphaloom"
    fields: tuple[str, ...] = ()
    strict: bool = False
    most: int = _LONGEST_FORMULA

    @classmethod
    def with_fields(cls, fields: Iterable[str]) -> FormulaRule:
        """Return the rule for a panel that has fields of its own."""
        return cls(fields=tuple(fields))

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        text = core_schema.str_schema(strict=True, max_length=self.most, strip_whitespace=True)
        return core_schema.no_info_after_validator_function(self._check, text)

    def _check(self, text: str) -> str:
        try:
            parse(text, self.dialect, self.fields, strict=self.strict)
        except FormulaError as problem:
            # the message goes back to the model: reason, place, hint
            raise PydanticCustomError("formula", "{said}", {"said": str(problem)}) from None
        return text


#: A formula in our own dialect over the fields of the catalogue.
FormulaText = Annotated[str, FormulaRule()]
#: A name.
Label = Annotated[str, Field(min_length=1, max_length=80), AfterValidator(_is_one_line)]
#: A sentence.
Line = Annotated[str, Field(min_length=1, max_length=300), AfterValidator(_is_one_line)]
#: A paragraph.
Paragraph = Annotated[str, Field(min_length=1, max_length=2000), AfterValidator(_says_something)]
#: How sure: 0 not at all, 1 entirely.
UnitInterval = Annotated[float, Field(ge=0, le=1)]
#: An opinion from -1, against, to 1, for.
SignedUnit = Annotated[float, Field(ge=-1, le=1)]
