"""Formulas that are known already, found by their form."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass

from alpha_sources.formula import Formula
from alpha_sources.formula.canonical import normal_form
from alpha_sources.libraries import LibraryEntry, load_library


@dataclass(frozen=True, slots=True)
class Twin:
    """What a formula repeats by its form.

    Parameters
    ----------
    name : str
        As ``alpha101/alpha012``, or of a seed.
    factor : int
        1 if both order the stocks alike, -1 if in the opposite way.
    same : bool
        Whether it is the very same formula; else it differs by a factor and a constant.
    """

    name: str
    factor: int
    same: bool

    def __str__(self) -> str:
        if self.same:
            return f"the same formula as {self.name}"
        return f"{'' if self.factor > 0 else 'the negative of '}{self.name}, up to a factor and a constant"


@dataclass(frozen=True, slots=True)
class Form:
    """A formula by what orders the stocks: a factor and a constant aside.

    Parameters
    ----------
    formula : Formula
    shape : str
        Of its normal form without offset and factor.
    sign : int
        Of the factor.
    """

    formula: Formula
    shape: str
    sign: int

    @classmethod
    def of(cls, formula: Formula) -> Form:
        """Work it out, once for each formula: it takes as long as parsing."""
        form = normal_form(formula.root).without_offset()
        factor = form.leading
        return cls(formula, form.times(1 / factor).text, 1 if factor > 0 else -1)


class KnownForms:
    """Formulas by their form: a factor and a constant aside, for they change no ranking but its direction."""

    def __init__(self) -> None:
        self._forms: dict[str, tuple[str, str, int]] = {}

    def __len__(self) -> int:
        return len(self._forms)

    def add(self, name: str, form: Form) -> None:
        """Remember a formula; the first of a form gives its name."""
        self._forms.setdefault(form.shape, (name, form.formula.canonical, form.sign))

    def twin(self, form: Form) -> Twin | None:
        """Return what a formula repeats, or None."""
        found = self._forms.get(form.shape)
        if found is None:
            return None
        name, canonical, other = found
        return Twin(name, 1 if form.sign == other else -1, form.formula.canonical == canonical)


def forms_of(names: Iterable[str], *, leave_out: Collection[str] = ()) -> KnownForms:
    """Return the forms of all computable formulas of some libraries.

    Parameters
    ----------
    names : iterable of str
        As `load_library` takes them.
    leave_out : collection of str
        Names of libraries that are not to count.
    """
    known = KnownForms()
    for name in names:
        if name not in leave_out:
            library = load_library(name)
            for entry in library:
                if entry.computable:
                    known.add(f"{library.name}/{entry.name}", Form.of(entry.parsed))
    return known


def bundled_entry(label: str) -> LibraryEntry:
    """Return the entry that `forms_of` called ``library/entry``."""
    library, _, entry = label.partition("/")
    return load_library(library).entry(entry)
