"""`NetworkProvider`: what baselines that are networks have in common."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from alpha_sources.baselines.features import Features
from alpha_sources.baselines.learned import LearnedProvider, part_of
from alpha_sources.baselines.lessons import Lesson, lesson_of
from alpha_sources.baselines.settings import FittedSettings, Penalty, Positive
from alpha_sources.snapshot import Snapshot
from engine.errors import ProviderError
from engine.market.calendar import iso
from engine.market.view import MarketView

if TYPE_CHECKING:
    from alpha_sources.baselines.training import Schooling, Trained
    from engine.report.section import Section

Array32 = NDArray[np.float32]


class NetworkSettings(FittedSettings):
    """How a network of the baselines is trained.

    Parameters
    ----------
    hidden : int
        Units of the (first) hidden layer.
    epochs, patience : int
        At most so many passes, and so many without a better validation rank IC before training ends.
    batch : int
        Names on sessions in a batch.
    learning_rate : float
        Of Adam.
    l2 : float
        Added to the gradient of every parameter, times that parameter.
    ensemble : int
        Networks that differ in where they begin; scores are their means.
    threads : int
        Threads of the processor that training uses; results depend on their number in the last digits.
    """

    hidden: Annotated[int, Field(ge=1, le=4096)]
    epochs: Annotated[int, Field(ge=1, le=100_000)]
    patience: Annotated[int, Field(ge=1, le=100_000)]
    batch: Annotated[int, Field(ge=1, le=1_000_000)]
    learning_rate: Positive
    l2: Penalty
    ensemble: Annotated[int, Field(ge=1, le=100)]
    threads: Annotated[int, Field(ge=1, le=256)]

    @property
    def schooling(self) -> Schooling:
        """The same for the training."""
        from alpha_sources.baselines.training import Schooling

        return Schooling(
            self.epochs,
            self.patience,
            self.batch,
            self.learning_rate,
            self.l2,
            self.ensemble,
            self.threads,
            self.seed,
        )


class NetworkProvider(LearnedProvider):
    """What the two have in common: training an ensemble, and its record."""

    _LIBRARIES: ClassVar[tuple[str, ...]] = ("torch",)
    _NAME: ClassVar[str]
    settings: NetworkSettings

    def refresh(self, view: MarketView, previous: Snapshot | None) -> Snapshot:
        """Train networks.

        Raises
        ------
        ProviderError
            If there is too little to learn from.
        """
        lesson = lesson_of(view, self.settings)
        features, members = self._learned(view, lesson)
        known = [m.validation[m.best_epoch - 1] for m in members]
        ics = [ic for ic in known if ic is not None]
        payload = {
            "network": self._NAME,
            "features": features.plain(),
            "members": len(members),
            "record": {
                "session": iso(view.session),
                "learned_from": iso(view.dates[lesson.first]),
                "sessions_train": len(lesson.train),
                "sessions_validate": len(lesson.validate),
                "examples": len(lesson.cells(lesson.train)),
                "best_epochs": [m.best_epoch for m in members],
                "validation_rank_ic": float(np.mean(ics)) if ics else None,
                "losses": list(members[0].losses),
                "validation": list(members[0].validation),
            },
        }
        arrays = {
            f"{number}/{name}": values
            for number, member in enumerate(members)
            for name, values in self._as_scored(member.arrays).items()
        }
        return Snapshot(payload=payload, arrays=arrays)

    def sections(self, snapshots: Sequence[Snapshot]) -> list[Section]:
        """Page with the refreshes and how the last training went."""
        from alpha_sources.baselines.pages import network_section

        return [network_section(self._NAME, snapshots)] if snapshots else []

    @abstractmethod
    def _learned(self, view: MarketView, lesson: Lesson) -> tuple[Features, list[Trained]]:
        """Train on a lesson."""

    @abstractmethod
    def _as_scored(self, arrays: Mapping[str, Array32]) -> dict[str, NDArray[Any]]:
        """Arrays of torch as `networks` wants them."""

    def _members_of(self, snapshot: Snapshot) -> list[dict[str, NDArray[Any]]]:
        """Read the ensemble of a snapshot.

        Raises
        ------
        ProviderError
            If the snapshot is not one of this provider.
        """
        if part_of(snapshot, self._NAME, "network") != self._NAME:
            raise ProviderError(
                f"snapshot {snapshot.hash[:12]} is of {snapshot.payload['network']}, not of {self._NAME}; "
                "refresh anew"
            )
        found: list[dict[str, NDArray[Any]]] = [{} for _ in range(snapshot.payload["members"])]
        for name, values in snapshot.arrays.items():
            number, _, own = name.partition("/")
            found[int(number)][own] = values
        return found
