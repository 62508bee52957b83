"""`FormulaBaseline`: what baselines that score by a blend of formulas have in common."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar

from alpha_sources.baselines.blend import Blend, Signed
from alpha_sources.baselines.candidates import Candidate, Proving
from alpha_sources.baselines.learned import LearnedProvider, part_of
from alpha_sources.snapshot import Snapshot
from engine.market.calendar import iso
from engine.market.view import MarketView

if TYPE_CHECKING:
    from engine.report.section import Section


class FormulaBaseline(LearnedProvider):
    """A baseline whose snapshot holds signed formulas, and the record of how many were tried for them."""

    #: as the provider is called in configurations
    _NAME: ClassVar[str]

    def trials(self, snapshot: Snapshot) -> int:
        """Formulas tried up to a snapshot, the refreshes before it included.

        Raises
        ------
        ProviderError
            If the snapshot is not one of this provider.
        """
        return int(part_of(snapshot, self._NAME, "record")["tried_in_all"])

    def sections(self, snapshots: Sequence[Snapshot]) -> list[Section]:
        """Page with the refreshes and the last formulas."""
        from alpha_sources.baselines.pages import formulas_section

        return [formulas_section(self._NAME, snapshots)] if snapshots else []

    def _scorer(self, snapshot: Snapshot) -> Blend:
        return Blend([Signed.read(plain) for plain in part_of(snapshot, self._NAME, "formulas")])

    def _snapshot(
        self,
        view: MarketView,
        proving: Proving,
        kept: Sequence[Candidate],
        signs: Sequence[int],
        previous: Snapshot | None,
    ) -> Snapshot:
        """Record the formulas that are kept, each with its sign, and what they were chosen from."""
        parts = [Signed(str(one.formula), sign, one.ic) for one, sign in zip(kept, signs, strict=True)]
        before = 0 if previous is None else self.trials(previous)
        payload = {
            "formulas": [part.plain() for part in parts],
            "record": {
                "session": iso(view.session),
                "learned_from": iso(view.dates[proving.first]),
                "tried": proving.tried,
                "tried_in_all": before + proving.tried,
                "best_ic": max(abs(one.ic) for one in kept),
            },
        }
        return Snapshot(payload=payload)
