"""`LstmSequences`: a recurrent network on what the last sessions of every stock were like."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from alpha_sources.baselines.features import BEFORE, Features
from alpha_sources.baselines.learned import Array, Scorer
from alpha_sources.baselines.lessons import Lesson
from alpha_sources.baselines.networks import lstm_scores
from alpha_sources.baselines.neural import Array32, NetworkProvider, NetworkSettings
from alpha_sources.formula import parse
from alpha_sources.libraries.checking import lacking
from alpha_sources.snapshot import Snapshot
from alpha_sources.treatment import Clip, Normalise, Treatment
from alpha_sources.weights.config import Labels
from engine.errors import ProviderError
from engine.market.view import MarketView

if TYPE_CHECKING:
    from torch import Tensor

    from alpha_sources.baselines.training import Trained

#: what an LSTM sees of a day, as formulas of the language
DAYS: Mapping[str, str] = {
    "return": "returns",
    "overnight": "open / delay(close, 1) - 1",
    "intraday": "close / open - 1",
    "range": "high / low - 1",
    "place": "(close - low) / (high - low)",
    "vwap": "close / vwap - 1",
    "volume": "volume / ts_mean(volume, 20)",
    "turnover": "turnover",
}
#: in standard deviations from the mean of the session, clipped there before they are taken
_COMPARED = Treatment(Normalise.ZSCORE, Clip(std=3.0))


class LstmSettings(NetworkSettings):
    """The parameters of `LstmSequences`, where each is explained."""

    sessions: Annotated[int, Field(ge=2, le=250)]


class LstmSequences(NetworkProvider):
    """An LSTM on what the last sessions of every stock were like, next to the other members' sessions.

    It sees the return, its overnight and intraday parts, the range, where in it the close stands, the close
    against the vwap, volume against its mean, and turnover; each in standard deviations from the mean of the
    session's members, 0 where unknown or before the stock was a member.

    Parameters
    ----------
    horizon_sessions, start, window_sessions, min_sessions, shuffle_labels
        What is learned from; see `LearningSettings`.
    labels : {"zscore", "demeaned", "rank"}
        What becomes of the returns of a session before they are learned.
    validation : float
        Share of the sessions, the latest, on which it is decided when to stop.
    sessions : int
        Length of a sequence.
    hidden : int
        Units of the state.
    epochs, patience, batch, learning_rate, l2, ensemble, threads
        How it is trained; see `NetworkSettings`.
    seed : int
        Of where networks begin and the order of batches; the run's by default.

    Raises
    ------
    ConfigError
        If a parameter is not one of those allowed; the key is named.
    """

    _NAME = "lstm"

    def __init__(
        self,
        horizon_sessions: int = 1,
        start: date | None = None,
        window_sessions: int | None = None,
        min_sessions: int = 250,
        labels: str = Labels.ZSCORE,
        validation: float = 0.2,
        sessions: int = 20,
        hidden: int = 24,
        epochs: int = 10,
        patience: int = 3,
        batch: int = 1024,
        learning_rate: float = 3e-3,
        l2: float = 1e-4,
        ensemble: int = 1,
        threads: int = 1,
        shuffle_labels: int | None = None,
        seed: int = 0,
    ) -> None:
        self.settings: LstmSettings = LstmSettings.read(locals())

    @property
    def history(self) -> int:  # type: ignore[override]
        """Sessions of a sequence, and those that its first looks back."""
        return self.settings.sessions - 1 + max(parse(text).lookback for text in DAYS.values()) + BEFORE

    def _learned(self, view: MarketView, lesson: Lesson) -> tuple[Features, list[Trained]]:
        from alpha_sources.baselines.training import Examples, LastState, trained

        settings = self.settings
        features = Features(_known_days(view), _COMPARED, "alphaloom")
        cells = np.concatenate([lesson.cells(lesson.train), lesson.cells(lesson.validate)])
        days = _Days(features, settings.sessions).before(view, lesson.first)
        train = len(lesson.cells(lesson.train))
        examples = Examples(_sequences(days, cells, settings.sessions), cells, lesson.targets, train)
        return features, trained(
            lambda: LastState(days.shape[2], settings.hidden), examples, settings.schooling
        )

    def _as_scored(self, arrays: Mapping[str, Array32]) -> dict[str, NDArray[Any]]:
        return {
            "in": arrays["lstm.weight_ih_l0"],
            "state": arrays["lstm.weight_hh_l0"],
            "bias": arrays["lstm.bias_ih_l0"] + arrays["lstm.bias_hh_l0"],
            "out": arrays["out.weight"][0],
            "out_bias": arrays["out.bias"],
        }

    def _scorer(self, snapshot: Snapshot) -> Scorer:
        members = self._members_of(snapshot)
        features = Features.read(snapshot.payload["features"], _COMPARED, "alphaloom")
        return _Sequences(_Days(features, self.settings.sessions), members)


@dataclass(frozen=True, eq=False, slots=True)
class _Days:
    """What every session of every name was like.

    Parameters
    ----------
    features : Features
    length : int
        L, of a sequence.
    """

    features: Features
    length: int

    def before(self, view: MarketView, start: int) -> Array:
        """Return the sessions that sequences which end on the rows `start` .. t are made of.

        Returns
        -------
        (N, L - 1 + t + 1 - start, F) float array
            A sequence that ends `i` rows after `start` is the columns i .. i + L - 1; NaN where unknown, and
            before the data begin.
        """
        wanted = start - (self.length - 1)
        first = max(wanted, 0)
        shape = (len(view.symbols), len(view) - wanted, len(self.features.formulas))
        out = np.full(shape, np.nan)
        for part, values in self.features.panels(view, first):
            out[:, first - wanted :, part] = values.transpose(1, 0, 2)
        return out


@dataclass(frozen=True, eq=False, slots=True)
class _Sequences:
    """An ensemble that is ready to score."""

    days: _Days
    members: Sequence[Mapping[str, NDArray[Any]]]

    def last(self, view: MarketView) -> Array:
        """Scores of the members at the view's session, (N,)."""
        row: Array = self.panel(view, view.t)[0]
        return row

    def panel(self, view: MarketView, start: int) -> Array:
        """Scores of the members on the rows `start` .. t, (t + 1 - start, N)."""
        days = self.days.before(view, start)
        known: NDArray[np.bool_] = np.asarray(np.isfinite(days).any(axis=2))
        seen = np.nan_to_num(days)
        out = np.full((len(view) - start, len(view.symbols)), np.nan)
        # one session at a time: the names of a session are the same however many sessions are asked for
        for row in range(len(out)):
            stretch = slice(row, row + self.days.length)
            inside = np.flatnonzero(view.universe[start + row] & known[:, stretch].any(axis=1))
            if len(inside):
                said = [lstm_scores(seen[inside, stretch], arrays) for arrays in self.members]
                out[row, inside] = np.sum(said, axis=0) / len(said)
        return out


def _known_days(view: MarketView) -> dict[str, str]:
    found = {name: text for name, text in DAYS.items() if not lacking(parse(text), view)}
    if not found:
        raise ProviderError("the market has nothing that an LSTM could see; load open, high, low and volume")
    return found


def _sequences(days: Array, cells: NDArray[np.int64], length: int) -> Callable[[Tensor], Tensor]:
    """What leads up to some of the cells, (B, L, F) of (B,) places."""
    import torch

    table = torch.from_numpy(np.nan_to_num(days).astype(np.float32))
    rows, columns = (torch.from_numpy(np.ascontiguousarray(each)) for each in cells.T)
    steps = torch.arange(length)

    def inputs(places: Tensor) -> Tensor:
        return table[columns[places][:, None], rows[places][:, None] + steps]

    return inputs
