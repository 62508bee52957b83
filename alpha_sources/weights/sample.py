"""What a model is fitted to: the names of every session, side by side, on one scale."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from alpha_sources.weights.config import Inputs, Missing, WeightsConfig
from alpha_sources.weights.cross_section import comparable, known_names, target
from alpha_sources.weights.errors import WeightsError
from alpha_sources.weights.market import MarketScale
from alpha_sources.weights.split import Split, split
from alpha_sources.weights.training_set import TrainingSet

Array = NDArray[np.float64]
Array32 = NDArray[np.float32]

#: sessions that a validation says something with
_LEAST_VALIDATION = 10


@dataclass(frozen=True, eq=False, slots=True)
class Sample:
    """Sessions that can be learned from, in the order of `split.rows`.

    Parameters
    ----------
    x : (S, K, D) float32 array
        Inputs of the names of each session, over their scale; 0 where unknown. K is the largest number of
        names of a session; places that a session does not need are 0.
    y : (S, K) float32 array
        Labels in units of their standard deviation over the training sessions; 0 in places without a name.
    counted : (S, K) bool array
        Places with a name.
    state : (S, M) float32 array
        The market's state, scaled; without columns where the model does not see it.
    scale : (D,) float64 array
        Root mean square of each input over the training sessions; infinite for one that says nothing.
    market : MarketScale
        By which the state was scaled.
    split : Split
        Sessions that train and validate.
    """

    x: Array32
    y: Array32
    counted: NDArray[np.bool_]
    state: Array32
    scale: Array
    market: MarketScale
    split: Split

    @property
    def alive(self) -> NDArray[np.bool_]:
        """Inputs that say something, (D,)."""
        return np.isfinite(self.scale)


def gather(data: TrainingSet, config: WeightsConfig, shuffle: np.random.Generator | None) -> Sample:
    """Take from a training set what can be learned from.

    A session counts where at least `min_names` names have a label and an alpha, their labels are not all the
    same and, for models that see it, the market's state is known, but for features that never are. Labels,
    scales and means are taken over those names alone, scales and means over training sessions alone.

    Parameters
    ----------
    data : TrainingSet
    config : WeightsConfig
    shuffle : numpy Generator or None
        Puts the training sessions in another order: batches are neighbours.

    Returns
    -------
    Sample

    Raises
    ------
    WeightsError
        If prices or a state are asked for and absent, no alpha or no label says anything, or sessions are too
        few.
    """
    _refuse_absent(data, config)
    targets = _targets(data, config)
    parts = _enough(data, config, np.array(sorted(targets), dtype=np.int64))
    rows = parts.rows.copy()
    if shuffle is not None:
        rows[: parts.train] = shuffle.permutation(rows[: parts.train])
    parts = Split(rows, parts.train, parts.validate)
    width = input_width(len(data.names), len(data.price_names), config)
    most = max(len(names) for names, _ in targets.values())
    x = np.zeros((len(rows), most, width), dtype=np.float32)
    y = np.zeros((len(rows), most), dtype=np.float32)
    counted = np.zeros(y.shape, dtype=np.bool_)
    for place, row in enumerate(rows):
        names, values = targets[int(row)]
        x[place, : len(names)] = _inputs(data, int(row), names, config)
        y[place, : len(names)] = values
        counted[place, : len(names)] = True
    scale = _root_mean_square(x[: parts.train], counted[: parts.train])
    if not np.isfinite(scale[: len(data.names)]).any():
        raise WeightsError("every alpha is unknown or 0 for every name that has a label; there is no weight")
    for session in x:
        session /= scale
    y /= np.sqrt(np.square(y[: parts.train], dtype=np.float64).sum() / counted[: parts.train].sum())
    seen = data.state[rows] if config.model.sees_state else np.zeros((len(rows), 0))
    market = MarketScale.of(seen[: parts.train], config.state_clip)
    return Sample(x, y, counted, market.scaled(seen).astype(np.float32), scale, market, parts)


def input_width(alphas: int, prices: int, config: WeightsConfig) -> int:
    """Return the number of inputs D: alphas, whether each is unknown, and prices, as far as asked for."""
    masks = alphas if config.missing is Missing.MASK else 0
    return alphas + masks + (prices if config.inputs is Inputs.ALPHAS_AND_PRICES else 0)


def assembled(alphas: NDArray[Any], prices: NDArray[Any] | None, mask: bool) -> Array:
    """Inputs of a session: alphas, whether each is unknown, and comparable prices, (N, D)."""
    known = np.isfinite(alphas)
    blocks = [np.where(known, alphas, 0.0).astype(np.float64)]
    if mask:
        blocks.append((~known).astype(np.float64))
    if prices is not None:
        blocks.append(comparable(prices, known.any(axis=-1)))
    whole: Array = np.ascontiguousarray(np.concatenate(blocks, axis=1))
    return whole


def _inputs(data: TrainingSet, row: int, names: NDArray[Any], config: WeightsConfig) -> Array:
    prices = None
    if config.inputs is Inputs.ALPHAS_AND_PRICES and data.prices is not None:
        prices = data.prices[row]
    chosen: Array = assembled(data.alphas[row], prices, config.missing is Missing.MASK)[names]
    return chosen


def _refuse_absent(data: TrainingSet, config: WeightsConfig) -> None:
    if config.inputs is Inputs.ALPHAS_AND_PRICES and not data.price_names:
        raise WeightsError("weights.inputs: alphas+prices, but the training set has no prices")
    if config.model.sees_state and not np.isfinite(data.state).any():
        raise WeightsError(f"weights.model: {config.model} follows the market state, but none is known")


def _targets(data: TrainingSet, config: WeightsConfig) -> dict[int, tuple[NDArray[Any], Array]]:
    """Names and labels of the sessions that count."""
    found: dict[int, tuple[NDArray[Any], Array]] = {}
    # a feature that is never known says nothing of a session
    features = np.isfinite(data.state).any(axis=0)
    enough = labelled = varying = 0
    for row in range(data.sessions):
        finite = np.isfinite(data.labels[row])
        if np.count_nonzero(finite) < config.min_names:
            continue
        labelled += 1
        names = np.flatnonzero(finite & known_names(data.alphas[row]))
        if len(names) < config.min_names:
            continue
        enough += 1
        values = target(data.labels[row, names].astype(np.float64), config.labels)
        if values is None:
            continue
        varying += 1
        if config.model.sees_state and not np.isfinite(data.state[row, features]).all():
            continue
        found[row] = (names, values)
    if found:
        return found
    of = f"of {data.sessions} sessions"
    if not labelled:
        raise WeightsError(f"none {of} has {config.min_names} names with a label")
    if not enough:
        raise WeightsError(f"none {of} has {config.min_names} names with both a label and a known alpha")
    if not varying:
        raise WeightsError(f"the labels of every one {of} are all the same: there is nothing to learn")
    raise WeightsError(f"the market state is not wholly known on any {of} that could be learned from")


def _enough(data: TrainingSet, config: WeightsConfig, rows: NDArray[np.int64]) -> Split:
    parts = split(rows, config.validation, data.purge)
    for what, has, needs in (
        ("training", parts.train, config.min_sessions),
        ("validation", parts.validation, _LEAST_VALIDATION if config.validation else 0),
    ):
        if has < needs:
            raise WeightsError(
                f"{has} sessions for {what}, at least {needs} are needed: of {data.sessions} sessions "
                f"{len(rows)} can be learned from, {parts.validation} validate, {data.purge} are purged; "
                "begin earlier, or lower weights.min_sessions or weights.validation"
            )
    return parts


def _root_mean_square(x: Array32, counted: NDArray[np.bool_]) -> Array:
    squares = np.zeros(x.shape[2])
    for session in x:
        squares += np.square(session, dtype=np.float64).sum(axis=0)
    scale: Array = np.sqrt(squares / counted.sum())
    scale[scale == 0] = np.inf
    return scale
