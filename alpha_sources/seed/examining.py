"""`Examiner`: what a proposal must pass to become a seed. No return is looked at."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from alpha_sources.evaluation.duplicates_ranks import Ranked
from alpha_sources.evaluation.trials.records import formula_hash
from alpha_sources.formula import Formula, FormulaError, evaluate, parse
from alpha_sources.formula.fields import CATALOGUE, index_field
from alpha_sources.libraries.categories import Category
from alpha_sources.libraries.checking import SPARSE, coverage, lacking
from alpha_sources.libraries.marks import Mark, MarkKind
from alpha_sources.seed.independence import KeptRanks, Likeness
from alpha_sources.seed.known import Form, KnownForms, forms_of
from alpha_sources.seed.labels import mislabelled
from alpha_sources.seed.proposal import (
    Checks,
    Origin,
    Proposal,
    Reason,
    Rejected,
    Seed,
    Sign,
    slug,
)
from alpha_sources.seed.settings import FactorySettings
from engine.market.view import MarketView

#: formulas whose values are in memory at the same time
_AT_ONCE = 16
_PRICE, _SIZE, _TREND = range(3)
_FACTORS = frozenset({"adj_factor", "share_factor"})


class Examiner:
    """Examines proposals one after the other; what is kept counts against those that follow.

    Parameters
    ----------
    view : MarketView
        What formulas are tried on.
    settings : FactorySettings
    known : KnownForms or None
        Formulas that are no news; None takes those of ``settings.against``.
    tried : collection of str
        Hashes of normal forms that the project has tried, as the trial ledger writes them.

    Raises
    ------
    SeedError
        If the view has too few members to compare anything.
    """

    def __init__(
        self,
        view: MarketView,
        settings: FactorySettings,
        *,
        known: KnownForms | None = None,
        tried: Collection[str] = (),
    ) -> None:
        self.view, self.settings = view, settings
        self.own_fields = own_fields_of(view)
        self._known = forms_of(settings.against) if known is None else known
        self._tried = frozenset(tried)
        self._forms = KnownForms()
        self._ranks = KeptRanks(view, settings.sessions, settings.seed)
        self._names: set[str] = set()
        self.counts: Counter[Category] = Counter()

    def examine(self, proposals: Iterable[Proposal], *, spare: bool = False) -> list[Seed | Rejected]:
        """Return what became of each proposal, in their order.

        Parameters
        ----------
        proposals : iterable of Proposal
        spare : bool
            Keep whatever the data can compute and is new by its form: for libraries that were chosen before.
        """
        given = list(proposals)
        out: list[Seed | Rejected] = []
        for start in range(0, len(given), _AT_ONCE):
            out += self._batch(given[start : start + _AT_ONCE], spare)
        return out

    def _batch(self, proposals: Sequence[Proposal], spare: bool) -> list[Seed | Rejected]:
        read = [self._read(proposal, spare) for proposal in proposals]
        fit = [(i, each) for i, each in enumerate(read) if isinstance(each, Form)]
        found: list[Seed | Rejected | Form] = list(read)
        if fit:
            values = list(evaluate([form.formula for _, form in fit], self.view))
            ranks, likeness = self._ranks.compare(values, self.settings.inside)
            accepted: list[tuple[int, Seed]] = []
            for b, (i, form) in enumerate(fit):
                judged = self._judge(proposals[i], form, values[b], likeness, b, accepted, spare)
                if isinstance(judged, Seed):
                    accepted.append((b, judged))
                found[i] = judged
            self._remember(ranks, accepted)
        return [each for each in found if not isinstance(each, Form)]

    def _read(self, proposal: Proposal, spare: bool) -> Form | Rejected:
        strict = self.settings.strict and proposal.origin is Origin.MODEL
        try:
            formula = self._parsed(proposal, strict=False)
        except FormulaError as error:
            return Rejected(proposal, Reason.FORMULA, str(error))
        if strict:
            try:
                self._parsed(proposal, strict=True)
            except FormulaError as error:
                return Rejected(proposal, Reason.UNITS, str(error), canonical=formula.canonical)
        form = Form.of(formula)
        return self._refused(proposal, form, spare) or form

    def _parsed(self, proposal: Proposal, *, strict: bool) -> Formula:
        own = (*self.own_fields, *proposal.needs)
        formula = parse(proposal.formula, proposal.dialect, own, strict=strict)
        turned = proposal.sign is Sign.LOW
        # in one dialect from here on; what it cannot say again stays as it was written
        text = f"-({formula})" if turned else str(formula)
        again = parse(text, "alphaloom", own, strict=strict)
        return again if turned else replace(again, warnings=formula.warnings, notes=formula.notes)

    def _refused(self, proposal: Proposal, form: Form, spare: bool) -> Rejected | None:
        """Say what is wrong with a formula before it is computed."""
        formula = form.formula

        def no(reason: Reason, why: str, of: str = "") -> Rejected:
            return Rejected(proposal, reason, why, of, formula.canonical)

        # the burn-in of a recursion is no window: an RSI of 14 sessions says little of what was 400 ago
        windows = formula.lookback - formula.burn_in
        if windows > self.settings.lookback and not spare:
            return no(
                Reason.LOOKBACK,
                f"it looks back {windows} sessions; at most {self.settings.lookback} are allowed: "
                "use shorter windows",
            )
        if missing := lacking(formula, self.view):
            return no(Reason.FIELDS, f"the data have no {', '.join(missing)}: use other fields")
        if twin := self._forms.twin(form):
            return no(Reason.REPEATED, f"it is {twin}", twin.name)
        if not spare and (twin := self._known.twin(form)):
            return no(Reason.KNOWN, f"it is {twin}", twin.name)
        if not spare and formula_hash(formula.canonical) in self._tried:
            return no(Reason.TRIED, "the project has tried it already")
        return None

    def _judge(
        self,
        proposal: Proposal,
        form: Form,
        values: NDArray[np.floating],
        likeness: Likeness,
        b: int,
        accepted: Sequence[tuple[int, Seed]],
        spare: bool,
    ) -> Seed | Rejected:
        """Decide on what was computed; those accepted of the same batch count as kept."""
        formula = form.formula
        twin = self._forms.twin(form)
        if twin is not None:  # an earlier one of this batch
            return Rejected(proposal, Reason.REPEATED, f"it is {twin}", twin.name, formula.canonical)
        near, limit, nearest, category = self._nearest(proposal.category, likeness, b, accepted)
        checks = Checks(
            lookback=formula.lookback,
            unit=formula.units,
            coverage=coverage(values, self.view.universe),
            varies=float(likeness.varies[b]),
            price=float(likeness.references[_PRICE, b]),
            size=float(likeness.references[_SIZE, b]),
            trend=float(likeness.references[_TREND, b]),
            nearest=nearest,
            nearest_correlation=near[1],
            warnings=formula.warnings,
        )
        if not spare:
            level = likeness.references_abs[:, b]
            refused = self._weak(checks, float(level[_PRICE]), float(level[_SIZE]))
            if refused is None and near[0] >= limit:
                refused = (
                    Reason.ALIKE,
                    f"it orders the stocks as {nearest} ({category}) does: mean rank correlation "
                    f"{near[1]:+.2f}, allowed is less than {limit:g}; propose another idea",
                )
            if refused is None and self.counts[proposal.category] >= self.settings.most:
                refused = (Reason.FULL, f"{proposal.category} has {self.settings.most} seeds already")
            if refused is not None:
                of = nearest if refused[0] is Reason.ALIKE else ""
                return Rejected(proposal, refused[0], refused[1], of, formula.canonical)
        seed = Seed(
            self._name(proposal),
            proposal,
            formula,
            checks,
            (*proposal.marks, *_marks(proposal, formula, checks, spare)),
            tuple(name for name in formula.fields if name in self.own_fields),
        )
        self._forms.add(seed.name, form)
        self.counts[proposal.category] += 1
        return seed

    def _weak(self, checks: Checks, price: float, size: float) -> tuple[Reason, str] | None:
        settings = self.settings
        if not checks.coverage or checks.coverage < settings.coverage or np.isnan(checks.varies):
            return (
                Reason.EMPTY,
                f"it has a value for {checks.coverage:.1%} of the members, or for too few on any session; at "
                f"least {settings.coverage:.0%} are needed",
            )
        if checks.varies < settings.varies:
            return (
                Reason.CONSTANT,
                f"it is the same for all stocks on {1 - checks.varies:.0%} of the sessions",
            )
        for what, number, remedy in (
            ("price", price, "divide by a price, or use relative changes"),
            ("market capitalisation", size, "divide by the market capitalisation, or use ratios"),
        ):
            if number >= settings.level:
                return (
                    Reason.LEVEL,
                    f"it orders the stocks as their {what} does: mean size of the rank correlation "
                    f"{number:.2f}, allowed is less than {settings.level:g}; {remedy}",
                )
        return None

    def _nearest(
        self, category: Category, likeness: Likeness, b: int, accepted: Sequence[tuple[int, Seed]]
    ) -> tuple[tuple[float, float], float, str, str]:
        """Return (size, signed) correlation with the seed nearest to its limit, the limit, name, category."""
        kept = len(self._ranks.names)
        others = [
            *zip(range(kept), self._ranks.names, self._ranks.categories, strict=True),
            *((kept + at, seed.name, seed.proposal.category) for at, seed in accepted),
        ]
        best: tuple[tuple[float, float], float, str, str] = (0.0, float("nan")), 1.0, "", ""
        excess = -np.inf
        for row, name, other in others:
            limit = self.settings.inside if other is category else self.settings.across
            size = float(likeness.size[row, b])
            if size - limit > excess:
                excess = size - limit
                best = (size, float(likeness.signed[row, b])), limit, name, str(other)
        return best

    def _name(self, proposal: Proposal) -> str:
        plain = proposal.name if proposal.origin is Origin.LIBRARY else slug(proposal.name)
        name, n = plain, 1
        while name.lower() in self._names:
            n += 1
            name = f"{plain}_{n}"
        self._names.add(name.lower())
        return name

    def _remember(self, ranks: Ranked, accepted: Sequence[tuple[int, Seed]]) -> None:
        self._ranks.keep(
            ranks,
            [b for b, _ in accepted],
            [seed.name for _, seed in accepted],
            [seed.proposal.category for _, seed in accepted],
        )


def own_fields_of(view: MarketView) -> tuple[str, ...]:
    """Return the names of a view's fields that are not in the catalogue, sorted.

    Factors of adjustment are none: prices and volumes are adjusted already.
    """
    names = sorted(view.field_names)
    return tuple(n for n in names if n not in CATALOGUE and not index_field(n) and n not in _FACTORS)


def _marks(proposal: Proposal, formula: Formula, checks: Checks, spare: bool) -> tuple[Mark, ...]:
    if spare:  # a library says itself what is to be known
        return ()
    marks = []
    named = proposal.title or proposal.name
    if why := mislabelled(formula, proposal.category, named, checks.trend):
        marks.append(Mark(MarkKind.MISLABELLED, why))
    if checks.coverage < SPARSE:
        marks.append(Mark(MarkKind.SPARSE, f"{checks.coverage:.1%} of the members' cells had a value"))
    return tuple(mark for mark in marks if mark.kind not in {known.kind for known in proposal.marks})
