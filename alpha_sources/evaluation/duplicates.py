"""The same alpha under another name: found by its form, then by its values.

A library of a hundred formulas that are thirty alphas is thirty alphas. The canonical form finds what differs
in writing, and what is a multiple of another or its negative; ranks find what is no such thing on paper and
still orders the names alike, and what is nothing but a price or a size.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from itertools import islice

import numpy as np
from numpy.typing import NDArray

from alpha_sources.evaluation.duplicates_ranks import Ranked, correlations, ranked, together
from alpha_sources.evaluation.significance_errors import SignificanceError
from alpha_sources.formula.canonical import normal_form
from alpha_sources.formula.formula import Formula
from engine.errors import ShapeError

Panel = NDArray[np.floating]

#: alphas that are compared in one product, and kept in one array
_AT_ONCE = 64
#: what single precision leaves of a correlation of 1
_ROUNDING = 1e-5


class How(StrEnum):
    """In what way an alpha adds nothing to those kept."""

    #: the same canonical form
    SAME_FORMULA = "same_formula"
    #: by its form a multiple of another, plus a constant
    AFFINE = "affine"
    #: the same with a negative factor
    NEGATED = "negated"
    #: the names are ordered as by another
    SAME_RANKS = "same_ranks"
    #: in the opposite order
    OPPOSITE_RANKS = "opposite_ranks"
    #: the names are ordered as by a reference, such as price or size, either way
    REFERENCE = "reference"
    #: on every session the same for all names
    CONSTANT = "constant"
    #: no session has enough values
    EMPTY = "empty"


@dataclass(frozen=True, eq=False, slots=True)
class Candidate:
    """An alpha to be compared.

    Parameters
    ----------
    name : str
    values : (T, N) float array
        NaN where there is no opinion.
    formula : Formula, optional
        Where it is one, its form is compared first.
    """

    name: str
    values: Panel
    formula: Formula | None = None


@dataclass(frozen=True, slots=True)
class DuplicateOf:
    """What an alpha repeats.

    Parameters
    ----------
    name : str
    kept : str or None
        The alpha or reference that it repeats; None where it orders nothing.
    how : How
    correlation : float
        Mean size of the rank correlation of a session with `kept`; 1 where the forms say so, NaN where
        nothing is ordered.
    signed : float
        Its mean with its sign. Far from `correlation` in size, the two agree on some sessions and are
        opposite on others, as if the market had turned one of them.
    """

    name: str
    kept: str | None
    how: How
    correlation: float
    signed: float

    def __str__(self) -> str:
        if self.how is How.EMPTY:
            return f"{self.name} has too few values on every session"
        if self.how is How.CONSTANT:
            return f"{self.name} is the same for all names on every session"
        return f"{self.name} repeats {self.kept} ({self.how.value.replace('_', ' ')}, {self.signed:+.3f})"


class KeptSet:
    """Alphas of which none repeats another.

    Parameters
    ----------
    universe : (T, N) bool array
        Values outside it do not count.
    threshold : float
        In (0, 1]: an alpha is a duplicate if the mean size of its rank correlation with one that is kept is
        at least this. Of two alphas that have nothing to do with each other it is about 0.8 / √N, not 0.
    sessions : int, optional
        Compare on so many sessions, chosen at random, instead of all.
    seed : int
        Of that choice.
    min_names : int
        A session with fewer common values says nothing.
    references : mapping of str to (T, N) float array
        What is no alpha to begin with: price, market capitalisation.

    Raises
    ------
    SignificanceError
        If the threshold is none, or the universe has no session with enough names.
    """

    def __init__(
        self,
        universe: NDArray[np.bool_],
        *,
        threshold: float = 0.9,
        sessions: int | None = None,
        seed: int = 0,
        min_names: int = 10,
        references: Mapping[str, Panel] | None = None,
    ) -> None:
        if not 0.0 < threshold <= 1.0:
            raise SignificanceError(
                f"the threshold of duplicates lies above 0 and is at most 1, not {threshold:g}"
            )
        usable = np.flatnonzero(universe.sum(axis=1) >= max(min_names, 2))
        if not len(usable):
            raise SignificanceError(f"no session has {min_names} names to be compared on; lower min_names")
        if sessions is not None and sessions < 1:
            raise SignificanceError(f"duplicates are looked for on at least 1 session, not {sessions}")
        if sessions is not None and sessions < len(usable):
            usable = np.sort(np.random.default_rng(seed).choice(usable, sessions, replace=False))
        self.threshold, self.min_names = threshold, min_names
        #: (S,) rows that are compared
        self.rows = usable
        self._shape = universe.shape
        self._universe = np.asarray(universe[usable], dtype=bool)
        self._forms: dict[str, tuple[str, str, int]] = {}
        self._names: list[list[str]] = []
        self._chunks: list[Ranked] = []
        self._references = 0
        for name, values in (references or {}).items():
            self._keep([name], self._ranked([Candidate(name, values)]))
            self._references += 1

    def __len__(self) -> int:
        return sum(map(len, self._names)) - self._references

    @property
    def names(self) -> list[str]:
        """Names of the alphas that are kept, in the order in which they came."""
        return [name for names in self._names for name in names][self._references :]

    def twin_by_form(self, name: str, formula: Formula) -> DuplicateOf | None:
        """Look for a formula among those kept, before it is evaluated."""
        shape, sign = _shape_of(formula)
        found = self._forms.get(shape)
        if found is None:
            return None
        kept, canonical, other = found
        if formula.canonical == canonical:
            return DuplicateOf(name, kept, How.SAME_FORMULA, 1.0, 1.0)
        if sign == other:
            return DuplicateOf(name, kept, How.AFFINE, 1.0, 1.0)
        return DuplicateOf(name, kept, How.NEGATED, 1.0, -1.0)

    def add(self, candidate: Candidate) -> DuplicateOf | None:
        """Keep an alpha, or say what it repeats."""
        return next(self.sift([candidate]))

    def sift(self, candidates: Iterable[Candidate]) -> Iterator[DuplicateOf | None]:
        """Keep those of a stream that repeat nothing before them; yield what each of the others repeats.

        Parameters
        ----------
        candidates : iterable of Candidate
            Read 64 at a time: no more are held in memory.

        Yields
        ------
        DuplicateOf or None
            One for each candidate, in order; None for those that are kept.

        Raises
        ------
        ShapeError
            If values are not (T, N).
        """
        stream = iter(candidates)
        while batch := list(islice(stream, _AT_ONCE)):
            yield from self._sifted(batch)

    def _sifted(self, batch: list[Candidate]) -> list[DuplicateOf | None]:
        found: list[DuplicateOf | None] = [
            None if each.formula is None else self.twin_by_form(each.name, each.formula) for each in batch
        ]
        open_ = [i for i, twin in enumerate(found) if twin is None]
        if not open_:
            return found
        new = self._ranked([batch[i] for i in open_])
        compared = [
            correlations(chunk, new, self.threshold, self.min_names) for chunk in (*self._chunks, new)
        ]
        size = np.concatenate([each[0] for each in compared])
        signed = np.concatenate([each[1] for each in compared])
        names = [name for part in self._names for name in part]
        before = len(names)
        names += [batch[i].name for i in open_]
        # one of the batch can be repeated once it is kept
        allowed = np.zeros(len(names), dtype=bool)
        allowed[:before] = True
        accepted = []
        for b, i in enumerate(open_):
            each = batch[i]
            # a twin by form may have come earlier in this very batch
            twin = None if each.formula is None else self.twin_by_form(each.name, each.formula)
            twin = twin or self._nothing(each.name, new, b)
            if twin is None:
                nearest = int(np.where(allowed, size[:, b], -1.0).argmax()) if allowed.any() else -1
                if nearest >= 0 and size[nearest, b] >= self.threshold - _ROUNDING:
                    how = How.SAME_RANKS if signed[nearest, b] >= 0.0 else How.OPPOSITE_RANKS
                    how = How.REFERENCE if nearest < self._references else how
                    correlation = min(float(size[nearest, b]), 1.0)
                    sign = float(np.clip(signed[nearest, b], -1.0, 1.0))
                    twin = DuplicateOf(each.name, names[nearest], how, correlation, sign)
            if twin is None:
                allowed[before + b] = True
                accepted.append(b)
                if each.formula is not None:
                    shape, sign_of_form = _shape_of(each.formula)
                    self._forms[shape] = (each.name, each.formula.canonical, sign_of_form)
            found[i] = twin
        if accepted:
            self._keep([names[before + b] for b in accepted], new.take(accepted))
        return found

    def _nothing(self, name: str, new: Ranked, b: int) -> DuplicateOf | None:
        if new.varies[:, b].any():
            return None
        how = How.CONSTANT if new.known[:, b].any() else How.EMPTY
        return DuplicateOf(name, None, how, float("nan"), float("nan"))

    def _ranked(self, candidates: list[Candidate]) -> Ranked:
        for each in candidates:
            if each.values.shape != self._shape:
                raise ShapeError(
                    f"values of {each.name} are {each.values.shape}, the universe is {self._shape}"
                )
        return ranked([each.values[self.rows] for each in candidates], self._universe, self.min_names)

    def _keep(self, names: list[str], alphas: Ranked) -> None:
        if self._chunks and self._chunks[-1].count + alphas.count <= _AT_ONCE:
            self._chunks[-1] = together([self._chunks[-1], alphas])
            self._names[-1] += names
        else:
            self._chunks.append(alphas)
            self._names.append(names)


def find_duplicates(candidates: Iterable[Candidate], kept: KeptSet) -> list[DuplicateOf]:
    """Return which alphas repeat one that is kept, or an earlier one of their own; the others are kept.

    Parameters
    ----------
    candidates : iterable of Candidate
        Read as a stream.
    kept : KeptSet
        Grows by those that are new.
    """
    return [twin for twin in kept.sift(candidates) if twin is not None]


def _shape_of(formula: Formula) -> tuple[str, int]:
    """Text of the normal form freed of offset and factor, and the sign of the factor."""
    form = normal_form(formula.root).without_offset()
    factor = form.leading
    return form.times(1 / factor).text, 1 if factor > 0 else -1
