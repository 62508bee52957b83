"""What a library is worth on market data: values, twins, and what is no opinion on stocks at all."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from alpha_sources.evaluation.duplicates import Candidate, DuplicateOf, KeptSet
from alpha_sources.evaluation.duplicates_ranks import Ranked, correlations, ranked
from alpha_sources.formula import Formula, evaluate
from alpha_sources.formula.fields import CATALOGUE, index_field
from alpha_sources.formula.kinds import Kind
from alpha_sources.libraries.entry import LibraryEntry
from alpha_sources.libraries.library import Library
from alpha_sources.libraries.marks import MarkKind
from engine.market.view import MarketView

#: Two entries are the same if the mean size of their rank correlation of a session is at least this.
SAME = 0.99
#: An entry is a price or a size if that of its rank correlation with one of them is at least this.
LEVEL = 0.7
#: An entry says nothing if the stocks differ on fewer of the sessions on which it has values.
VARIES = 0.5
#: An entry is sparse if fewer of the members' cells have a value.
SPARSE = 0.5

_MIN_NAMES = 10
#: formulas whose values are in memory at the same time
_AT_ONCE = 16


@dataclass(frozen=True, slots=True)
class EntryCheck:
    """What an entry is worth on a view.

    Parameters
    ----------
    entry : LibraryEntry
    lacking : tuple of str
        Fields that the view lacks; all that follows is then 0.
    coverage : float
        Part of the members' cells that have a value, from 0 to 1.
    varies : float
        Part of the sessions with enough values on which these differ between stocks; NaN if there is none.
    price, size : float
        Mean rank correlation of a session with the close as quoted and with the market capitalisation.
    price_abs, size_abs : float
        Mean size of the same.
    twin : DuplicateOf or None
        The earlier entry that it repeats.
    """

    entry: LibraryEntry
    lacking: tuple[str, ...] = ()
    coverage: float = 0.0
    varies: float = 0.0
    price: float = 0.0
    size: float = 0.0
    price_abs: float = 0.0
    size_abs: float = 0.0
    twin: DuplicateOf | None = None

    @property
    def found(self) -> frozenset[MarkKind]:
        """The kinds of marks that the data call for."""
        if not self.entry.computable:
            return frozenset({MarkKind.NOT_COMPUTABLE})
        if self.lacking or not self.coverage:
            return frozenset({MarkKind.NOT_ON_SAMPLE})
        found = {
            MarkKind.SPARSE: self.coverage < SPARSE,
            MarkKind.CONSTANT: self.varies < VARIES,
            MarkKind.LEVEL: max(self.price_abs, self.size_abs) >= LEVEL,
            MarkKind.DUPLICATE_OF: self.twin is not None and self.twin.kept is not None,
        }
        return frozenset(kind for kind, is_so in found.items() if is_so)


def check_library(
    library: Library,
    view: MarketView,
    *,
    threshold: float = SAME,
    sessions: int | None = 250,
    seed: int = 0,
) -> tuple[EntryCheck, ...]:
    """Compute every entry on a view and compare it with those before it, with price and with size.

    Parameters
    ----------
    library : Library
    view : MarketView
        With members on some session.
    threshold : float
        In (0, 1]: the mean size of the rank correlation from which on two entries are the same.
    sessions : int or None
        Of those with members, as many as are compared, chosen at random; None for all.
    seed : int
        Of that choice.

    Returns
    -------
    tuple of EntryCheck
        One for each entry, in their order.

    Raises
    ------
    SignificanceError
        If the view has no session with enough members, or the threshold is none.
    """
    kept = KeptSet(view.universe, threshold=threshold, sessions=sessions, seed=seed, min_names=_MIN_NAMES)
    references = _references(view, kept.rows)
    checks: list[EntryCheck] = []
    for group in _groups(library.entries):
        ready = {e.name: e.parsed for e in group if e.computable and not lacking(e.parsed, view)}
        values = dict(zip(ready, evaluate(list(ready.values()), view), strict=True)) if ready else {}
        candidates = [Candidate(name, values[name], ready[name]) for name in ready]
        twins = dict(zip(ready, kept.sift(candidates), strict=True))
        for entry in group:
            if not entry.computable:
                checks.append(EntryCheck(entry))
            elif entry.name not in ready:
                checks.append(EntryCheck(entry, lacking=lacking(entry.parsed, view)))
            else:
                panel = values[entry.name]
                checks.append(_checked(entry, panel, view.universe, kept.rows, references, twins[entry.name]))
    return tuple(checks)


def lacking(formula: Formula, view: MarketView) -> tuple[str, ...]:
    """Return the fields of a formula that a view cannot give, sorted."""
    return tuple(name for name in formula.fields if not _given(name, view))


def coverage(values: NDArray[np.floating], universe: NDArray[np.bool_]) -> float:
    """Return the part of the members' cells that have a value; values and universe are (T, N)."""
    members = int(universe.sum())
    return float(np.isfinite(values[universe]).sum() / members) if members else 0.0


def _given(name: str, view: MarketView) -> bool:
    names = view.field_names
    if index := index_field(name):
        return index.symbol(view.index_symbols) is not None
    known = CATALOGUE.get(name)
    if known is not None and known.kind is Kind.GROUP:
        return True
    prefix, _, quoted = name.partition("_")
    if known is not None and prefix in ("raw", "adj"):
        return quoted in names
    return name in names or (name == "returns" and "close" in names)


def _references(view: MarketView, rows: NDArray[np.intp]) -> Ranked:
    """Close as quoted and market capitalisation, ranked; a view without the latter has no size."""
    universe = view.universe[rows]
    nothing = np.full(universe.shape, np.nan)
    panels = [view.field(n)[rows] if n in view.field_names else nothing for n in ("close", "market_cap")]
    return ranked(panels, universe, _MIN_NAMES)


def _checked(
    entry: LibraryEntry,
    panel: NDArray[np.floating],
    universe: NDArray[np.bool_],
    rows: NDArray[np.intp],
    references: Ranked,
    twin: DuplicateOf | None,
) -> EntryCheck:
    alone = ranked([panel[rows]], universe[rows], _MIN_NAMES)
    enough = alone.known[:, 0].sum(axis=1) >= _MIN_NAMES
    size, signed = correlations(references, alone, LEVEL, _MIN_NAMES)
    return EntryCheck(
        entry,
        coverage=coverage(panel, universe),
        varies=float(alone.varies[:, 0].sum() / enough.sum()) if enough.any() else float("nan"),
        price=float(signed[0, 0]),
        size=float(signed[1, 0]),
        price_abs=float(size[0, 0]),
        size_abs=float(size[1, 0]),
        twin=twin,
    )


def _groups(entries: Sequence[LibraryEntry]) -> Iterator[Sequence[LibraryEntry]]:
    for start in range(0, len(entries), _AT_ONCE):
        yield entries[start : start + _AT_ONCE]
