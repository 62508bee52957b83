"""`MlpFeatures`: a multi-layer perceptron on Alpha158."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from alpha_sources.baselines.features import Features, alpha158, known_features
from alpha_sources.baselines.learned import Array, Scorer
from alpha_sources.baselines.lessons import Lesson
from alpha_sources.baselines.networks import mlp_scores
from alpha_sources.baselines.neural import Array32, NetworkProvider, NetworkSettings
from alpha_sources.baselines.settings import FeatureSettings
from alpha_sources.honesty import Provenance
from alpha_sources.snapshot import Snapshot
from alpha_sources.treatment import Normalise
from alpha_sources.weights.config import Labels
from engine.market.view import MarketView

if TYPE_CHECKING:
    from alpha_sources.baselines.training import Trained


class MlpSettings(NetworkSettings, FeatureSettings):
    """The parameters of `MlpFeatures`, where each is explained."""

    hidden_2: Annotated[int, Field(ge=1, le=4096)]


class MlpFeatures(NetworkProvider):
    """A multi-layer perceptron with two hidden layers on Alpha158.

    Parameters
    ----------
    horizon_sessions, start, window_sessions, min_sessions, shuffle_labels
        What is learned from; see `LearningSettings`.
    labels : {"zscore", "demeaned", "rank"}
        What becomes of the returns of a session before they are learned.
    normalise : {"rank", "zscore"}
        How features are made comparable across the members of a session.
    validation : float
        Share of the sessions, the latest, on which it is decided when to stop.
    hidden, hidden_2 : int
        Units of the hidden layers.
    epochs, patience, batch, learning_rate, l2, ensemble, threads
        How it is trained; see `NetworkSettings`.
    seed : int
        Of where networks begin and the order of batches; the run's by default.

    Raises
    ------
    ConfigError
        If a parameter is not one of those allowed; the key is named.
    """

    _NAME = "mlp_features"

    def __init__(
        self,
        horizon_sessions: int = 1,
        start: date | None = None,
        window_sessions: int | None = None,
        min_sessions: int = 250,
        labels: str = Labels.ZSCORE,
        normalise: str = Normalise.RANK,
        validation: float = 0.2,
        hidden: int = 64,
        hidden_2: int = 32,
        epochs: int = 50,
        patience: int = 8,
        batch: int = 1024,
        learning_rate: float = 1e-3,
        l2: float = 1e-3,
        ensemble: int = 3,
        threads: int = 1,
        shuffle_labels: int | None = None,
        seed: int = 0,
    ) -> None:
        self.settings: MlpSettings = MlpSettings.read(locals())

    @property
    def history(self) -> int:  # type: ignore[override]
        """Sessions that the features look back."""
        return max(entry.parsed.lookback for entry in alpha158())

    def provenance(self) -> Provenance:
        """Alpha158, which appeared in 2020."""
        return Provenance.of(alpha158())

    def _learned(self, view: MarketView, lesson: Lesson) -> tuple[Features, list[Trained]]:
        import torch
        from torch import nn

        from alpha_sources.baselines.training import Examples, trained

        features = Features(known_features(view), self.settings.treatment)
        cells = np.concatenate([lesson.cells(lesson.train), lesson.cells(lesson.validate)])
        x = torch.from_numpy(np.nan_to_num(features.gathered(view, lesson.first, cells)))

        def make() -> nn.Module:
            return nn.Sequential(
                nn.Linear(x.shape[1], self.settings.hidden),
                nn.ReLU(),
                nn.Linear(self.settings.hidden, self.settings.hidden_2),
                nn.ReLU(),
                nn.Linear(self.settings.hidden_2, 1),
                nn.Flatten(0),
            )

        train = len(lesson.cells(lesson.train))
        examples = Examples(lambda places: x[places], cells, lesson.targets, train)
        return features, trained(make, examples, self.settings.schooling)

    def _as_scored(self, arrays: Mapping[str, Array32]) -> dict[str, NDArray[Any]]:
        # torch counts the layers between as well
        return {f"{int(name[0]) // 2}{name[1:]}": values for name, values in arrays.items()}

    def _scorer(self, snapshot: Snapshot) -> Scorer:
        members = self._members_of(snapshot)
        return _Perceptrons(Features.read(snapshot.payload["features"], self.settings.treatment), members)


@dataclass(frozen=True, eq=False, slots=True)
class _Perceptrons:
    """An ensemble that is ready to score."""

    features: Features
    members: Sequence[Mapping[str, NDArray[Any]]]

    def last(self, view: MarketView) -> Array:
        """Scores of the members at the view's session, (N,)."""
        inside = np.flatnonzero(view.universe[-1])
        out = np.full(len(view.symbols), np.nan)
        out[inside] = self._said(self.features.last(view)[inside])
        return out

    def panel(self, view: MarketView, start: int) -> Array:
        """Scores of the members on the rows `start` .. t, (t + 1 - start, N)."""
        inside = view.universe[start:]
        out = np.full(inside.shape, np.nan)
        out[inside] = self._said(self.features.gathered(view, start, np.argwhere(inside)))
        return out

    def _said(self, x: Array32) -> Array:
        """Mean of the ensemble for rows of features; NaN for names of which nothing is known."""
        known = np.isfinite(x).any(axis=1)
        seen = np.nan_to_num(x)
        total = np.zeros(len(x))
        for arrays in self.members:
            total += mlp_scores(seen, arrays)
        return np.where(known, total / len(self.members), np.nan)
