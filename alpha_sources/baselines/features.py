"""Alpha158 as features: computed, made comparable across the members, and gathered name by name."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, cached_property, lru_cache

import numpy as np
from numpy.typing import NDArray

from alpha_sources.formula import Formula, FormulaError, parse
from alpha_sources.libraries import load_library
from alpha_sources.libraries.checking import lacking
from alpha_sources.libraries.entry import LibraryEntry
from alpha_sources.libraries.marks import MarkKind
from alpha_sources.treatment import Treatment
from alpha_sources.woven.alphas import Loom
from engine.errors import ProviderError
from engine.market.view import MarketView

Array = NDArray[np.float64]
Array32 = NDArray[np.float32]

#: panels that are in memory at the same time
_AT_ONCE = 32
#: sessions before those that formulas look back on: the close before the first makes its return
BEFORE = 1


@cache
def alpha158() -> tuple[LibraryEntry, ...]:
    """Return Alpha158 without what repeats another of its features: 137 of them."""
    library = load_library("alpha158").without(MarkKind.DUPLICATE_OF, MarkKind.CONSTANT)
    return tuple(entry for entry in library if entry.computable)


def known_features(view: MarketView) -> dict[str, str]:
    """Texts of the features that a market can compute, by name.

    Raises
    ------
    ProviderError
        If there is none.
    """
    found = {entry.name: entry.formula for entry in alpha158() if not lacking(entry.parsed, view)}
    if not found:
        raise ProviderError(
            "the market can compute none of Alpha158, which needs open, high, low, close and volume; "
            "load more fields"
        )
    return found


@dataclass(frozen=True, eq=False)
class Features:
    """Features by name, and what is done to them on every session.

    Parameters
    ----------
    texts : mapping of str to str
        Formulas by name.
    treatment : Treatment
    dialect : str
    """

    texts: Mapping[str, str]
    treatment: Treatment
    dialect: str = "qlib"

    @classmethod
    def read(cls, plain: Sequence[Sequence[str]], treatment: Treatment, dialect: str = "qlib") -> Features:
        """From JSON."""
        return cls({pair[0]: pair[1] for pair in plain}, treatment, dialect)

    def plain(self) -> list[list[str]]:
        """As JSON: pairs, in the order of the inputs, which a snapshot would not keep of a mapping."""
        return [[name, text] for name, text in self.texts.items()]

    @cached_property
    def formulas(self) -> tuple[Formula, ...]:
        """The F formulas.

        Raises
        ------
        ProviderError
            If a text is no formula any more: it was learned by another version.
        """
        found = []
        for name, text in self.texts.items():
            try:
                found.append(_parsed(text, self.dialect))
            except FormulaError as problem:
                raise ProviderError(
                    f"feature {name}: {text!r} is no formula of this version ({problem.reason}); refresh anew"
                ) from None
        return tuple(found)

    @property
    def reach(self) -> int:
        """Earlier sessions that a value needs."""
        return max(formula.lookback for formula in self.formulas) + BEFORE

    def panels(self, view: MarketView, start: int) -> Iterator[tuple[slice, Array]]:
        """Yield the features of the rows `start` .. t, some at a time.

        Yields
        ------
        slice and (t + 1 - start, N, f) float array
            Which of the features, and their values; NaN where unknown and for names outside the universe.
        """
        # earlier rows than the first needs would be computed for nothing
        window = view.window(len(view) - start + self.reach)
        for begin in range(0, len(self.formulas), _AT_ONCE):
            part = slice(begin, min(begin + _AT_ONCE, len(self.formulas)))
            loom = Loom(self.treatment, self.formulas[part])
            yield part, loom.panel(window, len(window) - (len(view) - start))

    def gathered(self, view: MarketView, start: int, cells: NDArray[np.int64]) -> Array32:
        """Features of some names on some sessions, (S, F).

        Parameters
        ----------
        start : int
            Row of the view that rows of `cells` count from.
        cells : (S, 2) int array
            Row and column of each.
        """
        out = np.empty((len(cells), len(self.formulas)), dtype=np.float32)
        for part, values in self.panels(view, start):
            out[:, part] = values[cells[:, 0], cells[:, 1]]
        return out

    def last(self, view: MarketView) -> Array32:
        """Features of every name at the view's session, (N, F), from the sessions they look back on alone."""
        row: Array32 = Loom(self.treatment, self.formulas).rows(view, 1)[0].astype(np.float32)
        return row


@lru_cache(maxsize=1024)
def _parsed(text: str, dialect: str) -> Formula:
    """A formula; reading all of Alpha158 takes as long as computing it on a year."""
    return parse(text, dialect)
