"""The woven provider on shuffled labels: the same machine, with nothing to learn."""

from __future__ import annotations

from dataclasses import fields, replace

import numpy as np
from numpy.typing import NDArray

from alpha_sources.agents import Decision
from alpha_sources.agents.decision import Verdict
from alpha_sources.woven import WovenProvider
from alpha_sources.woven.alphas import WovenAlpha
from alpha_sources.woven.learning import Learner
from engine.hashing import hash_json
from engine.market.view import MarketView

Array = NDArray[np.float64]

#: apart from the deals of labels, which have a seed and a day of their own
_OF_SEEDS = 1
#: raised when the same deal comes to deal something else
_VERSION = 2


def shuffled_labels(labels: Array, days: NDArray[np.datetime64], seed: int) -> Array:
    """Deal each session's labels out anew among the names that have one.

    Parameters
    ----------
    labels : (T, N) float array
    days : (T,) datetime64[D] array
        Sessions; a session's deal depends on its day and the seed alone, so that it is the same at every
        refresh.
    seed : int

    Returns
    -------
    (T, N) float array
        On each session the same labels on the same names, in another order.
    """
    out = labels.copy()
    for row, day in enumerate(days.astype("datetime64[D]").astype(np.int64)):
        known = np.flatnonzero(np.isfinite(labels[row]))
        order = np.random.default_rng([seed, int(day)]).permutation(known)
        out[row, known] = labels[row, order]
    return out


def dealt_seeds(decision: Decision, seed: int) -> dict[str, str]:
    """Deal what a committee kept out anew among all seeds that it judged.

    A committee's evidence are labels too. Dealing the labels would leave it with noise for evidence, and its
    choice with a draw: this is that draw, as many seeds as it kept, whatever their category.

    Parameters
    ----------
    decision : Decision
    seed : int

    Returns
    -------
    dict of str to str
        By seed that was kept the one that is used in its place, in the committee's order; none twice.
    """
    unfit = (Verdict.NOT_JUDGED, Verdict.DUPLICATE)
    judged = sorted(one.name for one in decision.opinions if one.verdict not in unfit)
    day = int(np.datetime64(decision.as_of, "D").astype(np.int64))
    drawn = np.random.default_rng([seed, day, _OF_SEEDS]).permutation(np.array(judged))
    return dict(zip(decision.kept, drawn[: len(decision.kept)].tolist(), strict=True))


class ShuffledWovenProvider(WovenProvider):
    """Uses seeds that were drawn, and learns their weights from labels that were dealt out among the names.

    What it earns is what its machine earns without knowing anything but what the seeds' authors knew, who
    wrote down which sign each has. Parameters are those of `alpha_sources.woven.WovenProvider`; another
    `seed` is another deal.
    """

    def fingerprint(self) -> str:
        """As of the provider whose labels are shuffled, and that they are."""
        return hash_json({"shuffled": _VERSION, "of": super().fingerprint()})

    def learner(self, view: MarketView) -> Learner:
        """As of the provider whose labels are shuffled, with labels that say nothing of names."""
        made = super().learner(view)
        return _ShuffledLearner(**{part.name: getattr(made, part.name) for part in fields(made)})


class _ShuffledLearner(Learner):
    def alphas(self, decision: Decision) -> tuple[WovenAlpha, ...]:
        dealt = dealt_seeds(decision, self.settings.seed)
        opinions = tuple(replace(decision[drawn], sign=decision[kept].sign) for kept, drawn in dealt.items())
        return super().alphas(replace(decision, opinions=opinions, kept=tuple(dealt.values())))

    def labels(self, view: MarketView) -> Array:
        return shuffled_labels(super().labels(view), view.dates, self.settings.seed)
