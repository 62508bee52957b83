"""`GradientBoosting`: LightGBM on Alpha158, as most published comparisons have it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from alpha_sources.baselines.extras import require
from alpha_sources.baselines.features import Features, alpha158, known_features
from alpha_sources.baselines.learned import Array, LearnedProvider, part_of
from alpha_sources.baselines.lessons import Lesson, lesson_of
from alpha_sources.baselines.settings import FeatureSettings, Penalty, Positive
from alpha_sources.honesty import Provenance
from alpha_sources.snapshot import Snapshot
from alpha_sources.treatment import Normalise
from alpha_sources.weights.config import Labels
from engine.errors import ProviderError
from engine.market.calendar import iso
from engine.market.view import MarketView
from engine.metrics import mean_and_ir, rank_ic

if TYPE_CHECKING:
    from lightgbm import Booster

    from engine.report.section import Section

_NAME = "gradient_boosting"
_MOST_LEAVES = 1024


class BoostingSettings(FeatureSettings):
    """The parameters of `GradientBoosting`, where each is explained."""

    trees: Annotated[int, Field(ge=1, le=100_000)] = 500
    patience: Annotated[int, Field(ge=1, le=100_000)] = 50
    learning_rate: Positive = 0.05
    leaves: Annotated[int, Field(ge=2, le=_MOST_LEAVES)] = 31
    min_leaf: Annotated[int, Field(ge=1, le=1_000_000)] = 100
    feature_share: Annotated[float, Field(gt=0, le=1, allow_inf_nan=False)] = 0.8
    row_share: Annotated[float, Field(gt=0, le=1, allow_inf_nan=False)] = 0.8
    l2: Penalty = 10.0


class GradientBoosting(LearnedProvider):
    """Gradient-boosted trees (LightGBM) on Alpha158.

    Each refresh fits trees to the returns that follow, and stops when these no longer come nearer to those
    of the latest sessions, kept aside. Needs ``pip install 'alphaloom[boost]'``.

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
    trees, patience : int
        At most so many trees, and so many without a smaller squared error before it ends.
    learning_rate : float
    leaves, min_leaf : int
        Leaves of a tree, and names on sessions that each needs.
    feature_share, row_share : float
        Share of features and rows that each tree sees.
    l2 : float
        Penalty on the values of leaves.
    seed : int
        Of the shares that are drawn; the run's by default.

    Raises
    ------
    MissingExtraError
        If LightGBM is not installed.
    ConfigError
        If a parameter is not one of those allowed; the key is named.
    """

    _LIBRARIES: ClassVar[tuple[str, ...]] = ("lightgbm",)

    def __init__(
        self,
        horizon_sessions: int = 1,
        start: date | None = None,
        window_sessions: int | None = None,
        min_sessions: int = 250,
        labels: str = Labels.ZSCORE,
        normalise: str = Normalise.RANK,
        validation: float = 0.2,
        trees: int = 500,
        patience: int = 50,
        learning_rate: float = 0.05,
        leaves: int = 31,
        min_leaf: int = 100,
        feature_share: float = 0.8,
        row_share: float = 0.8,
        l2: float = 10.0,
        shuffle_labels: int | None = None,
        seed: int = 0,
    ) -> None:
        self.settings = BoostingSettings.read(locals())
        require(_NAME, "lightgbm", "boost")

    @property
    def history(self) -> int:  # type: ignore[override]
        """Sessions that the features look back."""
        return max(entry.parsed.lookback for entry in alpha158())

    def refresh(self, view: MarketView, previous: Snapshot | None) -> Snapshot:
        """Fit trees.

        Raises
        ------
        ProviderError
            If there is too little to learn from.
        """
        settings = self.settings
        lesson = lesson_of(view, settings)
        texts = known_features(view)
        features = Features(texts, settings.treatment)
        booster, known, validated = _fit(view, features, lesson, settings)
        best = booster.best_iteration or booster.current_iteration()
        gains = booster.feature_importance("gain", iteration=best)
        total = float(gains.sum())
        payload = {
            "features": features.plain(),
            "record": {
                "session": iso(view.session),
                "learned_from": iso(view.dates[lesson.first]),
                "sessions_train": len(lesson.train),
                "sessions_validate": len(lesson.validate),
                "examples": known,
                "trees": int(best),
                "validation_rank_ic": validated,
            },
            "gains": {
                name: float(gain) / total
                for name, gain in zip(texts, gains, strict=True)
                if total > 0 and gain > 0
            },
        }
        text = booster.model_to_string(num_iteration=best)
        return Snapshot(payload=payload, arrays={"trees": np.frombuffer(text.encode(), dtype=np.uint8)})

    def provenance(self) -> Provenance:
        """Alpha158, which appeared in 2020."""
        return Provenance.of(alpha158())

    def sections(self, snapshots: Sequence[Snapshot]) -> list[Section]:
        """Page with the refreshes and what the last trees go by."""
        from alpha_sources.baselines.pages import boosting_section

        return [boosting_section(snapshots)] if snapshots else []

    def _scorer(self, snapshot: Snapshot) -> _Trees:
        import lightgbm

        features = Features.read(part_of(snapshot, _NAME, "features"), self.settings.treatment)
        try:
            text = snapshot.arrays["trees"].tobytes().decode()
            booster = lightgbm.Booster(model_str=text)
        except (KeyError, UnicodeDecodeError, lightgbm.basic.LightGBMError) as problem:
            raise ProviderError(
                f"snapshot {snapshot.hash[:12]} holds no trees that can be read ({problem}); refresh anew"
            ) from None
        return _Trees(features, booster)


@dataclass(frozen=True, eq=False, slots=True)
class _Trees:
    """Trees that are ready to score."""

    features: Features
    booster: Booster

    def last(self, view: MarketView) -> Array:
        """Scores of the members at the view's session, (N,)."""
        members = np.flatnonzero(view.universe[-1])
        out = np.full(len(view.symbols), np.nan)
        out[members] = self._predicted(self.features.last(view)[members])
        return out

    def panel(self, view: MarketView, start: int) -> Array:
        """Scores of the members on the rows `start` .. t, (t + 1 - start, N)."""
        members = view.universe[start:]
        cells = np.argwhere(members)
        out = np.full(members.shape, np.nan)
        out[members] = self._predicted(self.features.gathered(view, start, cells))
        return out

    def _predicted(self, x: NDArray[np.float32]) -> Array:
        """Score rows of features; NaN for names of which nothing is known."""
        if not len(x):
            return np.zeros(0)
        predicted = np.asarray(self.booster.predict(x, num_threads=1), dtype=np.float64)
        return np.where(np.isfinite(x).any(axis=1), predicted, np.nan)


def _fit(
    view: MarketView, features: Features, lesson: Lesson, settings: BoostingSettings
) -> tuple[Booster, int, float | None]:
    """Trees, the examples they saw, and the mean rank IC on the validation sessions."""
    import lightgbm

    cells = lesson.cells(lesson.train), lesson.cells(lesson.validate)
    gathered = features.gathered(view, lesson.first, np.concatenate(cells))
    x = gathered[: len(cells[0])], gathered[len(cells[0]) :]
    y = [lesson.targets[each[:, 0], each[:, 1]] for each in cells]
    names = list(features.texts)
    options = _options(settings)
    train = lightgbm.Dataset(x[0], y[0], feature_name=names, params=options, free_raw_data=True)
    valid = lightgbm.Dataset(x[1], y[1], reference=train, params=options, free_raw_data=True)
    booster = lightgbm.train(
        options,
        train,
        num_boost_round=settings.trees,
        valid_sets=[valid],
        callbacks=[lightgbm.early_stopping(settings.patience, verbose=False)],
    )
    scores = np.full(lesson.targets.shape, np.nan)
    scores[cells[1][:, 0], cells[1][:, 1]] = booster.predict(x[1], num_threads=1)
    rows = lesson.validate
    mean, _ = mean_and_ir(rank_ic(scores[rows], lesson.targets[rows]))
    return booster, len(cells[0]), None if np.isnan(mean) else mean


def _options(settings: BoostingSettings) -> dict[str, Any]:
    return {
        "objective": "regression",
        "metric": "l2",
        "learning_rate": settings.learning_rate,
        "num_leaves": settings.leaves,
        "min_data_in_leaf": settings.min_leaf,
        "feature_fraction": settings.feature_share,
        "bagging_fraction": settings.row_share,
        "bagging_freq": 1,
        "lambda_l2": settings.l2,
        "max_bin": 63,  # ranks of some tens of names have no more to tell
        "seed": settings.seed,
        # the same data must give the same trees
        "deterministic": True,
        "force_row_wise": True,
        "num_threads": 1,
        "verbosity": -1,
    }
