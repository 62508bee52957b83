"""One formula of a library."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from functools import cached_property

from alpha_sources.formula import Formula, parse
from alpha_sources.libraries.categories import Category
from alpha_sources.libraries.errors import LibraryError
from alpha_sources.libraries.marks import Mark, MarkKind


@dataclass(frozen=True)
class LibraryEntry:
    """A formula, where it comes from, and what is to be known of it.

    Parameters
    ----------
    name : str
        Within its library.
    formula : str
        In `dialect`; empty if no formula computes it, which a mark then explains.
    dialect : str
        How `formula` is spelled: alphaloom, alpha101, gtja191 or qlib.
    category : Category
    title : str
        What it measures, in a few words.
    source : str
        The publication and the place in it.
    published : int or None
        Year in which the factor itself was first published.
    knows_until : date or None
        Last day of which whoever chose it could know; None where nobody says.
    printed : str
        As the source prints it, where `formula` departs from that.
    needs : tuple of str
        Fields that it names besides those every formula may name.
    marks : tuple of Mark
    ic_mean, icir : float or None
        Mean and information ratio of the information coefficient that the source prints beside it.
    """

    name: str
    formula: str
    dialect: str = "alphaloom"
    category: Category = Category.OTHER
    title: str = ""
    source: str = ""
    published: int | None = None
    knows_until: date | None = None
    printed: str = ""
    needs: tuple[str, ...] = ()
    marks: tuple[Mark, ...] = ()
    ic_mean: float | None = None
    icir: float | None = None

    @property
    def computable(self) -> bool:
        """False if no formula over daily data computes it."""
        return bool(self.formula)

    @cached_property
    def parsed(self) -> Formula:
        """The formula as a graph.

        Raises
        ------
        FormulaError
            If the text is no formula; never for an entry that `load_library` returned.
        LibraryError
            If no formula computes it.
        """
        if not self.formula:
            reason = next((m.reason for m in self.marks if m.kind is MarkKind.NOT_COMPUTABLE), "no formula")
            raise LibraryError(f"{self.name} cannot be computed: {reason}")
        return parse(self.formula, self.dialect, self.needs)

    @property
    def fields(self) -> tuple[str, ...]:
        """Names of the fields that evaluating it reads, sorted; `needs`, if nothing computes it."""
        return self.parsed.fields if self.formula else self.needs

    def mark(self, kind: MarkKind) -> Mark | None:
        """Return its first mark of a kind, or None."""
        return next((each for each in self.marks if each.kind is kind), None)

    def has(self, *kinds: MarkKind) -> bool:
        """Tell whether it bears a mark of any of these kinds."""
        return any(each.kind in kinds for each in self.marks)

    def postdates(self, day: date) -> bool:
        """Tell whether whoever chose it could know the market after a day, or nobody says."""
        return self.knows_until is None or self.knows_until >= day
