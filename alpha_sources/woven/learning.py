"""One refresh: which alphas, and what each weighs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from alpha_sources.agents import Decision, decide
from alpha_sources.agents.brief import Archive, MarketBrief, make_brief
from alpha_sources.agents.config import Experts, ModelFailure
from alpha_sources.agents.decision import Answered
from alpha_sources.agents.questions import calls_for_texts
from alpha_sources.evaluation.labels import forward_returns
from alpha_sources.formula import parse
from alpha_sources.libraries.entry import LibraryEntry
from alpha_sources.llm import Allowance, Door
from alpha_sources.llm.errors import LlmError
from alpha_sources.market_state import FEATURES, market_features
from alpha_sources.masking import Mask
from alpha_sources.teaching import first_row
from alpha_sources.weights import Fitted, TrainingSet, fit
from alpha_sources.weights.config import Inputs
from alpha_sources.woven.alphas import PRICES, Loom, WovenAlpha
from alpha_sources.woven.fabric import Fabric, Strand, in_short
from alpha_sources.woven.rhythm import alphas_are_due
from alpha_sources.woven.scoring import index_of, signs
from alpha_sources.woven.settings import WovenSettings
from engine.market.calendar import iso
from engine.market.view import MarketView

_UNASKED = "a language model could not be asked: rules scored the texts, and recordings were not heard"


@dataclass(frozen=True)
class Learner:
    """Makes a fabric of a view and the fabric before it.

    Parameters
    ----------
    settings : WovenSettings
    seeds : sequence of LibraryEntry
        Those that the market can compute.
    documents : Archive
        Of all time.
    door : Door or None
        None goes by rules.
    names : mapping of str to names
        By symbol, that the mask hides besides those the market knows.
    """

    settings: WovenSettings
    seeds: Sequence[LibraryEntry]
    documents: Archive
    door: Door | None
    names: Mapping[str, Sequence[str]] = field(default_factory=dict)

    def choose(self, view: MarketView, first: int, before: Fabric | None) -> Decision:
        """Ask the committee, which keeps at least one alpha."""
        settings = self.settings
        earlier = [] if before is None else [*before.earlier, before.decision]
        allowance = Allowance(calls_for_texts(settings.committee))
        brief = self._brief(view, allowance)
        return decide(
            view,
            self.seeds,
            settings.committee,
            horizon_sessions=settings.horizon_sessions,
            previous=[Decision.from_payload(payload) for payload in earlier],
            brief=brief,
            door=self.door,
            seed=settings.seed,
            start=view.dates[first].astype(object),
            calls_made=allowance.used,
        )

    def _brief(self, view: MarketView, allowance: Allowance) -> MarketBrief:
        settings = self.settings
        mask = Mask.of_view(view, f"alphaloom {settings.seed}", further=self.names) if settings.mask else None

        def made(door: Door | None) -> MarketBrief:
            return make_brief(
                view,
                index_symbol=index_of(view, settings),
                # a file that cannot be read has no date: it must not change what was known of any day
                documents=replace(self.documents, skipped=()),
                door=door,
                charts=settings.charts,
                config=settings.brief,
                mask=mask,
            )

        try:
            return made(None if self.door is None else self.door.within(allowance))
        except LlmError:
            if settings.agents.on_model_failure is ModelFailure.STOP:
                raise
            brief = made(None)
            return replace(brief, notes=(*brief.notes, _UNASKED))

    def _remembered(self, before: Fabric) -> tuple[Mapping[str, Any], ...]:
        """Past decisions, for a committee whose agents are weighed by them."""
        if self.settings.agents.experts is not Experts.LEARNED:
            return ()
        return (*before.earlier, in_short(before.decision))

    def alphas(self, decision: Decision) -> tuple[WovenAlpha, ...]:
        """The alphas that were kept, in the committee's order."""
        by_name = {seed.name: seed for seed in self.seeds}
        return tuple(
            WovenAlpha(
                name,
                by_name[name].formula,
                by_name[name].dialect,
                str(by_name[name].category),
                by_name[name].needs,
                decision[name].sign < 0,
            )
            for name in decision.kept
        )

    def labels(self, view: MarketView) -> NDArray[np.float64]:
        """What weights are learned to foresee, (t+1, N); see `forward_returns`."""
        return forward_returns(view, self.settings.horizon_sessions)

    def weigh(
        self, view: MarketView, first: int, alphas: tuple[WovenAlpha, ...], before: Fabric | None
    ) -> Strand:
        """Learn weights from the rows `first` .. t."""
        settings = self.settings
        formulas = [alpha.parsed for alpha in alphas]
        with_prices = settings.weights.inputs is Inputs.ALPHAS_AND_PRICES
        if with_prices:
            formulas += [parse(text) for _, text in PRICES]
        made = Loom(settings.treatment, formulas).panel(view, first)
        state = market_features(view, index_of(view, settings))
        data = TrainingSet(
            alphas=made[:, :, : len(alphas)] * signs(alphas),
            labels=self.labels(view)[first:],
            state=state[first:],
            prices=made[:, :, len(alphas) :] if with_prices else None,
            names=tuple(alpha.name for alpha in alphas),
            horizon_sessions=settings.horizon_sessions,
            state_names=FEATURES,
            price_names=tuple(name for name, _ in PRICES) if with_prices else (),
        )
        last = None if before is None else _comparable(before.strands[0], alphas)
        return Strand(
            iso(view.session), alphas, fit(data, settings.weights, seed=settings.seed, previous=last)
        )

    def weave(self, view: MarketView, before: Fabric | None) -> Fabric:
        """Learn everything that is due at the view's session.

        Parameters
        ----------
        before : Fabric or None
            What the last refresh gave.

        Returns
        -------
        Fabric

        Raises
        ------
        AlphaloomError
            If there is too little to learn from, no alpha is kept, or a model cannot be asked.
        """
        first = first_row(view, self.settings)
        if before is None or alphas_are_due(self.settings.rule, before.alphas_as_of, view):
            decision = self.choose(view, first, before)
            alphas, as_of = self.alphas(decision), iso(view.session)
            payload: Mapping[str, Any] = decision.to_payload()
            chosen, unasked = True, _unasked(decision)
            earlier = () if before is None else self._remembered(before)
        else:
            alphas, as_of = before.strands[0].alphas, before.alphas_as_of
            # the refresh that chose them has it whole
            payload, chosen, earlier = in_short(before.decision), False, before.earlier
            unasked = False
        strand = self.weigh(view, first, alphas, before)
        older = () if before is None else before.strands[: self.settings.smooth_refreshes - 1]
        record = {
            "session": iso(view.session),
            "learned_from": iso(view.dates[first]),
            "alphas_chosen": chosen,
            "trouble": None,
            "unasked": unasked,
            "fit": strand.fitted.report,
        }
        return Fabric((strand, *older), as_of, payload, earlier, record)


def _unasked(decision: Decision) -> bool:
    """Whether a model that was to be asked could not be, and rules decided in its place."""
    notes = () if decision.brief is None else decision.brief["notes"]
    return _UNASKED in notes or any(one.answered is Answered.NO for one in decision.questions)


def _comparable(strand: Strand, alphas: tuple[WovenAlpha, ...]) -> Fitted | None:
    """Weights to begin from: none where an alpha's sign was turned, which its weight does not know."""
    turned = {alpha.name: alpha.inverted for alpha in strand.alphas}
    return None if any(turned.get(a.name, a.inverted) != a.inverted for a in alphas) else strand.fitted
