"""The woven provider on shuffled labels: the same machine, with nothing to learn."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from alpha_sources.woven import WovenProvider
from alpha_sources.woven.learning import Learner
from engine.hashing import hash_json
from engine.market.view import MarketView

Array = NDArray[np.float64]

#: The committee's evidence are labels too: it keeps every seed that repeats no other, whatever its score.
_KEEP_ALL: Mapping[str, Any] = {"threshold": 0.0, "pick": "all_above", "allow_inverted": False}


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


class ShuffledWovenProvider(WovenProvider):
    """Keeps every seed, and learns their weights from labels that were dealt out anew among the names.

    What it earns is what its machine earns without knowing anything; parameters are those of
    `alpha_sources.woven.WovenProvider`.
    """

    def __init__(self, *args: Any, **params: Any) -> None:
        params["agents"] = {**(params.get("agents") or {}), **_KEEP_ALL}
        super().__init__(*args, **params)

    def fingerprint(self) -> str:
        """As of the provider whose labels are shuffled, and that they are."""
        return hash_json({"shuffled": 1, "of": super().fingerprint()})

    def learner(self, view: MarketView) -> Learner:
        """As of the provider whose labels are shuffled, with labels that say nothing of names."""
        made = super().learner(view)
        return _ShuffledLearner(made.settings, made.seeds, made.documents, made.door)


class _ShuffledLearner(Learner):
    def labels(self, view: MarketView) -> Array:
        return shuffled_labels(super().labels(view), view.dates, self.settings.seed)
